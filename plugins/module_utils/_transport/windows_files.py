# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be done to the files of a Windows host, whatever carries it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .base import Closing

EPOCH = 11_644_473_600
"""Seconds between 1601, where Windows begins to count, and 1970."""

SETTABLE = 0x3127
"""Attributes that can be set: read-only, hidden, system, archive, temporary, offline, not indexed. Compressed, sparse
and encrypted are how the disk keeps a content, not what it is."""


@dataclass(frozen=True)
class WindowsFile:
    """One name in a folder. ``kind`` is one of file, directory, link (any reparse point: junction, symlink, mount).

    ``attributes`` are Windows' FILE_ATTRIBUTE bits. ``created`` and ``written`` count 100 ns since 1601, UTC.
    """

    name: str
    kind: str
    size: int
    attributes: int
    created: int
    written: int

    @property
    def written_ns(self) -> int:
        """When it was last written, in ns since 1970."""
        return (self.written - EPOCH * 10_000_000) * 100


def filetime(ns: int) -> int:
    """ns since 1970 as Windows counts: 100 ns since 1601."""
    return ns // 100 + EPOCH * 10_000_000


@dataclass
class Taken:
    """What one file, folder or link was when it was read.

    ``file`` is as it was opened, ``after`` as it was closed, known when the content was read to its end; None where it
    could not be. ``link`` is a link's raw reparse data. ``streams`` are the names of streams beside the content, where
    they are told. ``error``: it could not be taken, the rest is empty.
    """

    name: str
    file: WindowsFile | None = None
    after: WindowsFile | None = None
    security: bytes = b""
    link: bytes = b""
    streams: Sequence[str] = ()
    content: Iterable[bytes] = field(default_factory=tuple)
    error: OSError | None = None


class WindowsFiles(Closing):
    r"""The files of one host. Paths are absolute, like ``C:\Program Files\estos``; links are never followed, neither at
    the end of a path nor on the way to it.

    All calls raise FileNotFoundError (also for a missing folder on the way), PermissionError, :class:`FileInUse` or
    OSError for the path, RepositoryFull's like for the target (OSError with ENOSPC), and ConnectionLost,
    DeadlineExceeded, AuthenticationFailed, ConnectionFailed for the host.
    """

    host: str

    @abstractmethod
    def stat(self, path: str) -> WindowsFile:
        """What stands at a path."""

    @abstractmethod
    def list_folder(self, path: str) -> list[WindowsFile]:
        """The names in a folder, sorted."""

    @abstractmethod
    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from a byte on, piece by piece, in bounded memory. It hinders no other program: the
        file may be written, renamed and removed meanwhile."""

    def take(self, folder: str, files: Sequence[WindowsFile]) -> Iterator[Taken]:
        """Everything about some of the names in a folder, in their order: facts, security, content. A content must be
        read before the next one is asked for. What goes wrong with one of them stands in ``error``, or comes out of
        reading its content."""
        for one in files:
            yield self._take(folder.rstrip("\\") + "\\" + one.name, one.name)

    def _take(self, path: str, name: str) -> Taken:
        taken = Taken(name)
        try:
            taken.file = self.stat(path)
            taken.security = self.read_security(path)
            if taken.file.kind == "link":
                taken.link = self.read_link(path)
        except OSError as error:
            return Taken(name, error=error)
        if taken.file.kind == "file":
            taken.content = self._content(path, taken)
        return taken

    def _content(self, path: str, taken: Taken) -> Iterator[bytes]:
        yield from self.read(path)
        taken.after = self.stat(path)

    @abstractmethod
    def write(self, path: str, content: Iterable[bytes], security: bytes | None = None) -> None:
        """A file with this content, in place of whatever file is there: written beside it under another name, with a
        security descriptor from its first moment on, flushed, then renamed. Nothing is left of it when it fails."""

    @abstractmethod
    def make_folder(self, path: str, security: bytes | None = None) -> None:
        """A new folder, with a security descriptor from its first moment on. Raises FileExistsError."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file, a link, or an empty folder; a read-only one as well."""

    @abstractmethod
    def set_facts(self, path: str, attributes: int, created: int, written: int) -> None:
        """Set attributes and times."""

    @abstractmethod
    def read_security(self, path: str) -> bytes:
        """Owner, group and DACL as a self-relative security descriptor (MS-DTYP 2.4.6)."""

    @abstractmethod
    def write_security(self, path: str, security: bytes) -> None:
        """Set owner, group and DACL."""

    @abstractmethod
    def read_link(self, path: str) -> bytes:
        """The raw reparse data of a link (MS-FSCC 2.1.2)."""

    @abstractmethod
    def make_link(self, path: str, link: bytes, folder: bool) -> None:
        """A new link with this raw reparse data, one that leads to a folder or to a file. Raises FileExistsError."""

    @abstractmethod
    def free_space(self, path: str) -> int:
        """Bytes that may still be written below a path."""

    @abstractmethod
    def snapshots(self, path: str) -> list[str]:
        """Shadow copies of the volume that a path lies on, as C(@GMT-2026.01.31-12.00.00), oldest first."""

    @abstractmethod
    def at(self, snapshot: str) -> WindowsFiles:
        """The same files as they were in a shadow copy, for reading only. Closing it leaves this one open."""


class FileInUse(PermissionError):
    """Another program has the file open and shares it with nobody."""
