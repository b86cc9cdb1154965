# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Windows host that is only looked at: every call that would leave a trace on its disk is refused here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .._errors import CommandFailed
from .base import Transport
from .windows import WindowsTransport
from .windows_files import Taken, WindowsFile, WindowsFiles


def looking(transport: Transport) -> Transport:
    """The same way to a host that can write no file there. Other hosts than Windows ones are returned as they are: what
    we do on them writes nothing by itself."""
    if not isinstance(transport, WindowsTransport):
        return transport
    only = WindowsTransport(transport.commands, LookingFiles(transport.files))
    only.only_looks = True
    return only


class LookingFiles(WindowsFiles):
    """The files of a host, for listing and reading. No content is taken: each file is opened and its first piece read,
    which tells that it may be."""

    def __init__(self, files: WindowsFiles) -> None:
        self.host = files.host
        self._files = files

    def stat(self, path: str) -> WindowsFile:
        return self._files.stat(path)

    def list_folder(self, path: str) -> list[WindowsFile]:
        return self._files.list_folder(path)

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        return self._files.read(path, start)

    def take(self, folder: str, files: Sequence[WindowsFile]) -> Iterator[Taken]:
        for one in files:
            taken = Taken(one.name, file=one)
            path = folder.rstrip("\\") + "\\" + one.name
            try:
                if one.kind == "link":
                    taken.link = self.read_link(path)
                elif one.kind == "file":
                    next(self.read(path), b"")
            except OSError as error:
                taken = Taken(one.name, error=error)
            yield taken

    def read_security(self, path: str) -> bytes:
        return self._files.read_security(path)

    def read_link(self, path: str) -> bytes:
        return self._files.read_link(path)

    def free_space(self, path: str) -> int:
        return self._files.free_space(path)

    def snapshots(self, path: str) -> list[str]:
        return self._files.snapshots(path)

    def at(self, snapshot: str) -> WindowsFiles:
        return LookingFiles(self._files.at(snapshot))

    def close(self) -> None:
        self._files.close()

    # --- refused ------------------------------------------------------------------------------------------------------
    def write(self, path: str, content: Iterable[bytes], security: bytes | None = None) -> None:
        raise self._refusal(path)

    def make_folder(self, path: str, security: bytes | None = None) -> None:
        raise self._refusal(path)

    def remove(self, path: str) -> None:
        raise self._refusal(path)

    def set_facts(self, path: str, attributes: int, created: int, written: int) -> None:
        raise self._refusal(path)

    def write_security(self, path: str, security: bytes) -> None:
        raise self._refusal(path)

    def make_link(self, path: str, link: bytes, folder: bool) -> None:
        raise self._refusal(path)

    def _refusal(self, path: str) -> CommandFailed:
        return CommandFailed("This host is only looked at, nothing is written there", host=self.host, item=path)
