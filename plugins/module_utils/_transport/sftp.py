# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small reader of files and folders over SFTP version 3, with names as raw bytes.

Only for hosts whose account has no shell. It reads ahead, so a large file does not cost one round trip per block.
"""

from __future__ import annotations

import collections
import errno
import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator

from .._errors import ConnectionLost
from .base import FileStatus
from .local import kind_of

_INIT, _OPEN, _CLOSE, _READ, _LSTAT, _OPENDIR, _READDIR, _READLINK = 1, 3, 4, 5, 7, 11, 12, 19
_VERSION, _STATUS, _HANDLE, _NAME, _ATTRIBUTES = 2, 101, 102, 104, 105
_END, _NO_SUCH_FILE, _PERMISSION_DENIED = 1, 2, 3

BLOCK = 32 * 1024
READ_AHEAD = 16
LARGEST_PACKET = 1024 * 1024


class Duplex(ABC):
    """Bytes both ways."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Write all of it. Raises ConnectionLost or DeadlineExceeded."""

    @abstractmethod
    def receive(self, size: int) -> bytes:
        """At least one byte. Raises ConnectionLost or DeadlineExceeded."""


class _Packet:
    """One answer; its fields are taken from the front."""

    def __init__(self, body: bytes, host: str) -> None:
        self._body = body
        self._host = host
        self.kind = self.number(1)

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self._take(size), "big")

    def text(self) -> bytes:
        return self._take(self.number())

    def _take(self, size: int) -> bytes:
        if size > len(self._body):
            raise _broken(self._host)
        head, self._body = self._body[:size], self._body[size:]
        return head


class Sftp:
    """One SFTP session."""

    def __init__(self, duplex: Duplex, host: str) -> None:
        self._duplex = duplex
        self._host = host
        self._buffer = bytearray()
        self._last_id = 0
        self._early: dict[int, _Packet] = {}
        self._send(struct.pack(">BI", _INIT, 3))
        if self._receive().kind != _VERSION:
            raise _broken(host)

    def read_file(self, path: bytes) -> Iterator[bytes]:
        """The content of a file. Raises FileNotFoundError, PermissionError or OSError."""
        handle = self._ask(_HANDLE, path, _OPEN, path, struct.pack(">II", 1, 0)).text()
        ahead: collections.deque[int] = collections.deque()
        position = asked = 0
        try:
            while True:
                while len(ahead) < READ_AHEAD:
                    ahead.append(self._request(_READ, handle, struct.pack(">QI", asked, BLOCK)))
                    asked += BLOCK
                packet = self._answer(ahead.popleft())
                if packet.kind == _STATUS:
                    self._raise_unless_end(packet, path)
                    return
                data = packet.text()
                yield data
                position += len(data)
                if len(data) < BLOCK:
                    # What was asked for behind a short block does not fit any more.
                    self._drop(ahead)
                    asked = position
        finally:
            self._drop(ahead)
            self._answer(self._request(_CLOSE, handle))

    def list_dir(self, path: bytes) -> list[FileStatus]:
        """The names in a folder, sorted. Raises like :meth:`read_file`."""
        handle = self._ask(_HANDLE, path, _OPENDIR, path).text()
        found = []
        while True:
            packet = self._answer(self._request(_READDIR, handle))
            if packet.kind != _NAME:
                self._raise_unless_end(packet, path)
                break
            for _index in range(packet.number()):
                name = packet.text()
                packet.text()  # the same as a line of ls -l
                found.append(_attributes(name, packet))
        self._answer(self._request(_CLOSE, handle))
        return sorted((one for one in found if one.name not in (b".", b"..")), key=lambda one: one.name)

    def file_status(self, path: bytes) -> FileStatus:
        """What is told of one name; symlinks are not followed. Raises like :meth:`read_file`."""
        packet = self._ask(_ATTRIBUTES, path, _LSTAT, path)
        return _attributes(path.rpartition(b"/")[2], packet)

    def read_link(self, path: bytes) -> bytes:
        """Where a symlink points to. Raises like :meth:`read_file`."""
        packet = self._ask(_NAME, path, _READLINK, path)
        packet.number()
        return packet.text()

    def _ask(self, wanted: int, path: bytes, kind: int, text: bytes, rest: bytes = b"") -> _Packet:
        packet = self._answer(self._request(kind, text, rest))
        if packet.kind != wanted:
            self._raise_unless_end(packet, path)
            raise _broken(self._host)
        return packet

    def _raise_unless_end(self, packet: _Packet, path: bytes) -> None:
        if packet.kind != _STATUS:
            raise _broken(self._host)
        code = packet.number()
        if code != _END:
            raise _os_error(code, path)

    def _drop(self, ids: collections.deque[int]) -> None:
        while ids:
            self._answer(ids.popleft())

    def _request(self, kind: int, text: bytes, rest: bytes = b"") -> int:
        self._last_id += 1
        self._send(struct.pack(">BII", kind, self._last_id, len(text)) + text + rest)
        return self._last_id

    def _answer(self, wanted: int) -> _Packet:
        while wanted not in self._early:
            packet = self._receive()
            self._early[packet.number()] = packet
            if len(self._early) > 2 * READ_AHEAD:
                raise _broken(self._host)
        return self._early.pop(wanted)

    def _send(self, body: bytes) -> None:
        self._duplex.send(struct.pack(">I", len(body)) + body)

    def _receive(self) -> _Packet:
        length = int.from_bytes(self._bytes(4), "big")
        if not 0 < length <= LARGEST_PACKET:
            raise _broken(self._host)
        return _Packet(self._bytes(length), self._host)

    def _bytes(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += self._duplex.receive(BLOCK)
        head = bytes(self._buffer[:count])
        del self._buffer[:count]
        return head


def _attributes(name: bytes, packet: _Packet) -> FileStatus:
    flags = packet.number()
    size = packet.number(8) if flags & 1 else 0
    uid, gid = (packet.number(), packet.number()) if flags & 2 else (0, 0)
    mode = packet.number() if flags & 4 else 0
    mtime = (packet.number(), packet.number())[1] if flags & 8 else 0
    if flags & 0x80000000:
        for _index in range(2 * packet.number()):
            packet.text()
    return FileStatus(name, kind_of(mode), size, mode & 0o7777, uid, gid, mtime)


def _os_error(code: int, path: bytes) -> OSError:
    number = {_NO_SUCH_FILE: errno.ENOENT, _PERMISSION_DENIED: errno.EACCES}.get(code, errno.EIO)
    return OSError(number, os.strerror(number), path)


def _broken(host: str) -> ConnectionLost:
    return ConnectionLost("The host does not speak SFTP as it should", host=host)
