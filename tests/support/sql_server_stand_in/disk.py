# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk of the host that the stand-in runs on: the one in memory, or a folder that Samba serves."""

from __future__ import annotations

import pathlib
from typing import Protocol

from support.windows_files import MemoryWindowsFiles


class Disk(Protocol):
    """What the engine does with files. Raises OSError as the disk would."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file."""

    def read(self, path: str) -> bytes:
        """Read one."""


class MemoryDisk:
    """The disk that the client's in-memory files are on as well."""

    def __init__(self, files: MemoryWindowsFiles) -> None:
        self._files = files

    def write(self, path: str, content: bytes) -> None:
        before = list(self._files.calls)
        try:
            self._files.write(path, [content])
        finally:
            self._files.calls[:] = before

    def read(self, path: str) -> bytes:
        return self._files.content(path)


class FolderDisk:
    r"""A folder as drive C:, the same that a file server shows as ``C$``."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def write(self, path: str, content: bytes) -> None:
        self._place(path).write_bytes(content)

    def read(self, path: str) -> bytes:
        return self._place(path).read_bytes()

    def _place(self, path: str) -> pathlib.Path:
        drive, _colon, rest = path.partition(":\\")
        if drive.upper() != "C":
            raise FileNotFoundError(2, "there is no such drive", path)
        return self._folder.joinpath(*rest.split("\\"))
