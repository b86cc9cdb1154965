# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""A folder for files in passing on a Windows host, which only administrators may enter.

It is made over SMB, has its permissions from its first moment on, and a random name below ``C:\Windows\Temp``. Leaving
its context removes it. What a killed run left behind is removed by the next one, after a day.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import struct
import time
from collections.abc import Iterable, Iterator
from types import TracebackType

from .._errors import CommandFailed, ConnectionFailed, RecoveryError
from .._transport.windows_files import WindowsFile, WindowsFiles

FOLDER = r"C:\Windows\Temp"
LEFTOVER_AFTER = 24 * 3600 * 10_000_000
"""Age of a folder that nobody can be using any more, in 100 ns. No task of ours takes a day."""

_PREFIX = "ucops-recovery-"
_NAME = re.compile(re.escape(_PREFIX) + r"[0-9a-f]{16}\Z")
_TRIES = 5
_PAUSE = 1.0


def only_administrators() -> bytes:
    """A self-relative security descriptor (MS-DTYP 2.4.6): Administrators and SYSTEM may do everything, in folders and
    files below it too, and nothing is inherited from above."""
    present, protected, self_relative = 0x0004, 0x1000, 0x8000
    inherited_by_files_and_folders, all_access = 0x03, 0x001F01FF
    entries = b""
    for sid in (_sid(32, 544), _sid(18)):
        entries += struct.pack("<BBHI", 0, inherited_by_files_and_folders, 8 + len(sid), all_access) + sid
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(entries), 2, 0) + entries
    return struct.pack("<BBHIIII", 1, 0, present | protected | self_relative, 0, 0, 0, 20) + acl


def _sid(*authorities: int) -> bytes:
    """``S-1-5-...``"""
    return struct.pack(f"<BB6s{len(authorities)}I", 1, len(authorities), (5).to_bytes(6, "big"), *authorities)


class Scratch:
    """The folder. A context manager: it is there between entering and leaving.

    :param folder: the existing folder that it is made in
    """

    def __init__(self, files: WindowsFiles, folder: str = FOLDER) -> None:
        self._files = files
        self._folder = folder
        self._names: list[str] = []
        self.path = f"{folder}\\{_PREFIX}{secrets.token_hex(8)}"

    def __enter__(self) -> Scratch:
        """Make it. Raises CommandFailed, and ConnectionFailed for the host."""
        with self._told("A folder for passing files cannot be made"):
            self._files.make_folder(self.path, only_administrators())
        with contextlib.suppress(OSError, RecoveryError):
            self._remove_leftovers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it, with everything in it. Raises CommandFailed when that fails and nothing else went wrong before."""
        try:
            self._remove()
        except (OSError, RecoveryError) as failure:
            if error is None:
                raise CommandFailed(
                    f"A folder for passing files cannot be removed: {_reason(failure)}",
                    host=self._files.host,
                    item=self.path,
                    hint="It may hold secrets of this host: remove it by hand.",
                ) from failure

    def new(self) -> str:
        """The path of a file that is not there yet."""
        name = f"{len(self._names) + 1:04d}.reg"
        self._names.append(name)
        return f"{self.path}\\{name}"

    def write(self, content: Iterable[bytes]) -> str:
        """A new file with this content; gives its path. Raises CommandFailed."""
        path = self.new()
        with self._told("A file cannot be passed to the host"):
            self._files.write(path, content)
        return path

    def read(self, path: str, largest: int) -> bytes:
        """What a file holds. Raises CommandFailed, also when it is larger than ``largest`` bytes."""
        with self._told("A file of the host cannot be read"):
            size = self._files.stat(path).size
            if size > largest:
                raise CommandFailed(
                    f"It takes {size} bytes, more than the {largest} that are taken", host=self._files.host
                )
            content = b"".join(self._files.read(path))
        if len(content) != size:
            raise CommandFailed(f"A file of {size} bytes was read, and only {len(content)} came", host=self._files.host)
        return content

    def remove(self, path: str) -> None:
        """Remove a file, if it is there. Raises CommandFailed."""
        with self._told("A passing file cannot be removed"), contextlib.suppress(FileNotFoundError):
            self._files.remove(path)

    def _remove(self) -> None:
        for attempt in range(_TRIES):
            try:
                with contextlib.suppress(FileNotFoundError):
                    self._empty(self.path)
                return
            except ConnectionFailed:
                raise
            except OSError:
                # a program that was cut off may hold its file for a moment longer
                if attempt == _TRIES - 1:
                    raise
                time.sleep(_PAUSE)

    def _empty(self, path: str) -> None:
        for one in self._files.list_folder(path):
            self._files.remove(f"{path}\\{one.name}")
        self._files.remove(path)

    def _remove_leftovers(self) -> None:
        now = self._files.stat(self.path).created
        for one in self._files.list_folder(self._folder):
            if self._is_leftover(one, now):
                with contextlib.suppress(OSError):
                    self._empty(f"{self._folder}\\{one.name}")

    @staticmethod
    def _is_leftover(one: WindowsFile, now: int) -> bool:
        """Whether it is old by the host's own clock."""
        return one.kind == "directory" and bool(_NAME.match(one.name)) and now - one.created > LEFTOVER_AFTER

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CommandFailed(
                f"{what}: {_reason(error)}",
                host=self._files.host,
                item=self.path,
                hint="The account must be an administrator of the host, and its drive must have room.",
            ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, RecoveryError):
        return error.message
    return (error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__).rstrip(".")
