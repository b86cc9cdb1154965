# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a Windows host, in memory: names without case, links, files in use, a disk that is full."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import (
    FileInUse,
    WindowsFile,
    WindowsFiles,
    filetime,
)

READ_ONLY, DIRECTORY, ARCHIVE, REPARSE = 0x1, 0x10, 0x20, 0x400
DEFAULT_SECURITY = bytes.fromhex("010004800000000000000000000000000000000014000000")[:20]
"""A descriptor that says nothing; real ones are tested where Samba keeps them."""
LONG_AGO = filetime(1_700_000_000 * 10**9)


@dataclass
class Node:
    """One thing on the disk."""

    file: WindowsFile
    content: bytes = b""
    security: bytes = DEFAULT_SECURITY
    link: bytes = b""


@dataclass
class MemoryWindowsFiles(WindowsFiles):
    r"""A disk C:. ``in_use`` and ``denied`` hold paths (in any case) that refuse to be read or written.

    ``room``: bytes that may still be written. ``calls`` lists what was changed, as C(write C:\x). ``during_reading``:
    path -> what happens to the disk after the first piece of that file was read.
    """

    host: str = "windows.example"
    room: int = 2**40
    in_use: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    shadow_copies: dict[str, dict[str, Node]] = field(default_factory=dict)
    clock: int = LONG_AGO
    read_only: bool = False

    def __post_init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.during_reading: dict[str, object] = {}
        self.closed = False
        self._put("C:", WindowsFile("C:", "directory", 0, DIRECTORY, LONG_AGO, LONG_AGO))

    # --- for tests: what the disk holds -----------------------------------------------------------------------------
    def add(
        self,
        path: str,
        content: bytes | None = b"",
        *,
        attributes: int | None = None,
        created: int = LONG_AGO,
        written: int = LONG_AGO,
        security: bytes = DEFAULT_SECURITY,
    ) -> None:
        """A file, or with content None a folder; folders above it are made."""
        parent = _parent(path)
        if parent and _key(parent) not in self.nodes:
            self.add(parent, None)
        kind = "directory" if content is None else "file"
        bits = attributes if attributes is not None else (DIRECTORY if content is None else ARCHIVE)
        self._put(
            path, WindowsFile(_name(path), kind, len(content or b""), bits, created, written), content or b"", security
        )

    def add_link(self, path: str, link: bytes, *, folder: bool = True) -> None:
        """A junction or symlink with this reparse data."""
        bits = REPARSE | (DIRECTORY if folder else 0)
        self.add(_parent(path), None) if _key(_parent(path)) not in self.nodes else None
        self._put(path, WindowsFile(_name(path), "link", 0, bits, LONG_AGO, LONG_AGO), link=link)

    def content(self, path: str) -> bytes:
        """What a file holds."""
        return self._node(path).content

    def paths(self) -> list[str]:
        """Everything that is there, but the drive itself."""
        return sorted(path for key, path in self._spelled.items() if key in self.nodes and _parent(path))

    def snapshot(self, token: str) -> None:
        """Keep a shadow copy of what is there now."""
        self.shadow_copies[token] = {key: replace(node) for key, node in self.nodes.items()}

    # --- WindowsFiles -----------------------------------------------------------------------------------------------
    def stat(self, path: str) -> WindowsFile:
        self._above(path)
        return self._node(path).file

    def list_folder(self, path: str) -> list[WindowsFile]:
        self._above(path)
        node = self._node(path)
        self._allowed(path)
        if node.file.kind != "directory":
            raise NotADirectoryError(errno.ENOTDIR, "is no folder", path)
        below = _key(path) + "\\"
        names = [one.file for key, one in self.nodes.items() if key.startswith(below) and "\\" not in key[len(below) :]]
        return sorted(names, key=lambda one: one.name)

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        self._above(path)
        node = self._node(path)
        if node.file.kind != "file":
            raise PermissionError(errno.EACCES, "is no file", path)
        self._allowed(path)
        content, cut = node.content, start + 3
        yield content[start:cut]
        happens = self.during_reading.pop(_key(path), None)
        if callable(happens):
            happens()
            content = self.nodes[_key(path)].content if _key(path) in self.nodes else content
        yield content[cut:]

    def write(self, path: str, content: Iterable[bytes], security: bytes | None = None) -> None:
        self._writing(path)
        if _key(_parent(path)) not in self.nodes:
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", path)
        data = b"".join(content)
        old = self.nodes.get(_key(path))
        if old is not None and old.file.kind != "file":
            raise IsADirectoryError(errno.EISDIR, "is no file", path)
        if len(data) > self.room:
            raise OSError(errno.ENOSPC, "the disk is full", path)
        self.room -= len(data) - (len(old.content) if old is not None else 0)
        self.clock += 1
        file = WindowsFile(_name(path), "file", len(data), ARCHIVE, self.clock, self.clock)
        self._put(path, file, data, security or DEFAULT_SECURITY)
        self._touch(_parent(path))

    def make_folder(self, path: str, security: bytes | None = None) -> None:
        self._writing(path)
        if _key(path) in self.nodes:
            raise FileExistsError(errno.EEXIST, "is there already", path)
        if _key(_parent(path)) not in self.nodes:
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", path)
        self.clock += 1
        file = WindowsFile(_name(path), "directory", 0, DIRECTORY, self.clock, self.clock)
        self._put(path, file, security=security or DEFAULT_SECURITY)
        self._touch(_parent(path))

    def make_link(self, path: str, link: bytes, folder: bool) -> None:
        self._writing(path)
        if _key(path) in self.nodes:
            raise FileExistsError(errno.EEXIST, "is there already", path)
        self.add_link(path, link, folder=folder)
        self._touch(_parent(path))

    def remove(self, path: str) -> None:
        self._writing(path)
        node = self._node(path)
        if node.file.kind == "directory" and self.list_folder(path):
            raise OSError(errno.ENOTEMPTY, "the folder is not empty", path)
        self.room += len(node.content)
        del self.nodes[_key(path)]
        self._touch(_parent(path))

    def set_facts(self, path: str, attributes: int, created: int, written: int) -> None:
        self._writing(path, "facts")
        node = self._node(path)
        kept = DIRECTORY | REPARSE
        bits = (attributes & ~kept) | (node.file.attributes & kept)
        node.file = replace(node.file, attributes=bits, created=created, written=written)

    def read_security(self, path: str) -> bytes:
        self._above(path)
        self._allowed(path)
        return self._node(path).security

    def write_security(self, path: str, security: bytes) -> None:
        self._writing(path, "security")
        self._node(path).security = security

    def read_link(self, path: str) -> bytes:
        self._above(path)
        return self._node(path).link

    def free_space(self, path: str) -> int:
        return self.room

    def snapshots(self, path: str) -> list[str]:
        return sorted(self.shadow_copies)

    def at(self, snapshot: str) -> MemoryWindowsFiles:
        if snapshot not in self.shadow_copies:
            raise FileNotFoundError(errno.ENOENT, "there is no such shadow copy", snapshot)
        other = MemoryWindowsFiles(self.host, read_only=True)
        other.nodes = {key: replace(node) for key, node in self.shadow_copies[snapshot].items()}
        other._spelled = dict(self._spelled)
        return other

    def close(self) -> None:
        self.closed = True

    # ----------------------------------------------------------------------------------------------------------------
    def _put(
        self, path: str, file: WindowsFile, content: bytes = b"", security: bytes = DEFAULT_SECURITY, link: bytes = b""
    ) -> None:
        if not hasattr(self, "_spelled"):
            self._spelled: dict[str, str] = {}
        self._spelled[_key(path)] = path
        self.nodes[_key(path)] = Node(file, content, security, link)

    def _touch(self, path: str) -> None:
        node = self._node(path)
        node.file = replace(node.file, written=self.clock)

    def _node(self, path: str) -> Node:
        node = self.nodes.get(_key(path))
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "is not there", path)
        return node

    def _above(self, path: str) -> None:
        above = _parent(path)
        while above:
            node = self.nodes.get(_key(above))
            if node is not None and node.file.kind == "link":
                raise PermissionError(errno.EACCES, "a link stands above it", path)
            above = _parent(above)

    def _allowed(self, path: str) -> None:
        if _key(path) in {_key(one) for one in self.in_use}:
            raise FileInUse(errno.EACCES, "is in use by another program", path)
        if _key(path) in {_key(one) for one in self.denied}:
            raise PermissionError(errno.EACCES, "access is denied", path)

    def _writing(self, path: str, what: str = "") -> None:
        if self.read_only:
            raise PermissionError(errno.EROFS, "a shadow copy is only read", path)
        self._above(path)
        self._allowed(path)
        self.calls.append(f"{what or _caller()} {path}")


def _caller() -> str:
    import inspect

    return inspect.stack()[2].function


def _key(path: str) -> str:
    return path.rstrip("\\").upper()


def _parent(path: str) -> str:
    return path.rstrip("\\").rpartition("\\")[0]


def _name(path: str) -> str:
    return path.rstrip("\\").rpartition("\\")[2]
