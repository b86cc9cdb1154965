# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of container a file is, by its first bytes, and whether it is whole, told while it flows by.

Sources of the formats: PKWARE APPNOTE (zip), RFC 1952 (gzip), POSIX.1 pax and the GNU tar manual (tar), 7zFormat.txt of
the LZMA SDK (7z); bzip2 and xz are read by Python's own libraries. What is none of these is opaque: its kind is
recorded, and nothing is claimed of its content.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..zip_test import ZipTest

HEAD = 512
"""So many first bytes tell the kind."""
UNKNOWN = "unknown"
_MAGIC: Mapping[bytes, str] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"age-encryption.org/v1": "age",
    b"Salted__": "openssl",
    b"-----BEGIN PGP MESSAGE": "pgp",
    b"SQLite format 3\x00": "sqlite",
    b"<?xml": "xml",
    b"\xef\xbb\xbf<?xml": "xml",
}
_TAR_MARK_AT = 257
_BLOCK = 512
_STEP = 2**20


class ContentTest(Protocol):
    """Fed with a content, tells at its end what is wrong with it."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""

    def finish(self) -> str | None:
        """Words that end a sentence beginning with the archive; None when it is whole."""


def kind_of(head: bytes) -> str:
    """The kind of container, by its first :data:`HEAD` bytes; ``unknown`` for what has no mark."""
    if head[_TAR_MARK_AT : _TAR_MARK_AT + 5] == b"ustar":
        return "tar"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), UNKNOWN)


def checker_of(kind: str) -> ContentTest | None:
    """The test of a kind; None for one that nobody can look into."""
    make = _TESTS.get(kind)
    return make() if make is not None else None


class PackedTest:
    """A stream that a decompressor unpacks, one or many of them in a row; a tar in it is tested too."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._unpack: Any = None
        self._wrong: str | None = None
        self._inner = _Inner()
        self._streams = 0
        self._padding = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes. What is unpacked is dropped piece by piece."""
        if self._wrong is None:
            try:
                self._take(data)
            except (zlib.error, OSError, EOFError, lzma.LZMAError):
                self._wrong = "cannot be unpacked" if self._streams or self._unpack else "is none of its kind"

    def finish(self) -> str | None:
        if self._wrong is not None:
            return self._wrong
        if self._unpack is not None or not self._streams:
            return "ends before its end"
        inner = self._inner.finish()
        return f"holds a tar that {inner}" if inner else None

    def _take(self, data: bytes) -> None:
        while data:
            if self._unpack is None:
                if self._streams and not data.strip(b"\0"):
                    return  # some fill their last block with zeros
                self._unpack = self._make()
            out, left = self._unpack(data)
            while out:
                self._inner.feed(out)
                out, left = self._unpack(left) if not self._unpack.eof else (b"", left)
            data = left
            if self._unpack.eof:
                self._streams += 1
                self._unpack = None
            else:
                return


class _Inner:
    """What comes out of a packed stream: a tar is tested, anything else is not."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._test: TarTest | None = None
        self._decided = False

    def feed(self, data: bytes) -> None:
        if self._decided:
            if self._test is not None:
                self._test.feed(data)
            return
        self._head += data
        if len(self._head) >= HEAD:
            self._decided = True
            self._test = TarTest() if kind_of(bytes(self._head[:HEAD])) == "tar" else None
            if self._test is not None:
                self._test.feed(bytes(self._head))
            self._head.clear()

    def finish(self) -> str | None:
        return self._test.finish() if self._test is not None else None


class _Gzip:
    def __init__(self) -> None:
        self._one = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._one.eof

    def __call__(self, data: bytes) -> tuple[bytes, bytes]:
        out = self._one.decompress(data, _STEP)
        return out, self._one.unused_data if self._one.eof else self._one.unconsumed_tail


class _Bounded:
    """bz2 and lzma keep what they have not unpacked yet, so nothing is ever left over before the end."""

    def __init__(self, one: Any) -> None:
        self._one = one

    @property
    def eof(self) -> bool:
        return bool(self._one.eof)

    def __call__(self, data: bytes) -> tuple[bytes, bytes]:
        out = self._one.decompress(data, _STEP)
        return out, self._one.unused_data if self._one.eof else b""


class TarTest:
    """Every header's checksum, every member's length, and the two empty blocks at the end."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0
        self._zeros = 0
        self._members = 0
        self._extended = False
        self._wrong: str | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._wrong is not None:
            return
        view = memoryview(data)
        while view and self._wrong is None:
            if self._skip and not self._buffer:
                taken = min(self._skip, len(view))
                self._skip -= taken
                view = view[taken:]
                continue
            need = _BLOCK - len(self._buffer)
            self._buffer += view[:need]
            view = view[need:]
            if len(self._buffer) == _BLOCK:
                block = bytes(self._buffer)
                self._buffer.clear()
                self._block(block)

    def finish(self) -> str | None:
        if self._wrong is not None:
            return self._wrong
        if self._skip or self._buffer or self._extended or self._zeros < 2:
            return "ends before its end"
        return None if self._members else "holds nothing"

    def _block(self, block: bytes) -> None:
        if self._extended:  # more of the map of an old GNU sparse file
            self._extended = bool(block[504])
            return
        if not block.strip(b"\0"):
            self._zeros += 1
            return
        if self._zeros >= 2:
            self._wrong = "has something behind its end"
            return
        self._zeros = 0
        try:
            size, checksum = _number(block[124:136]), _number(block[148:156])
        except ValueError:
            self._wrong = "is damaged between its members"
            return
        # the field of the checksum itself counts as blanks; very old programs added signed bytes
        unsigned = sum(block) - sum(block[148:156]) + 8 * 32
        signed = unsigned - 256 * sum(1 for at, one in enumerate(block) if one > 127 and not 148 <= at < 156)
        if checksum not in (unsigned, signed):
            self._wrong = "is damaged between its members"
            return
        self._members += 1
        kind = block[156:157]
        self._extended = kind == b"S" and bool(block[482])
        # links, devices and folders have no content, whatever their header says of a size
        if kind not in (b"1", b"2", b"3", b"4", b"5", b"6"):
            self._skip = -(-size // _BLOCK) * _BLOCK


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0")
    return int(text, 8) if text else 0


class SevenZipTest:
    """The start header's CRC, the length that it tells, and the CRC of the end header."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._size = 0
        self._end: tuple[int, int, int] | None = None
        self._crc = 0
        self._wrong: str | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        before = self._size
        self._size += len(data)
        if len(self._head) < 32:
            self._head += data[: 32 - len(self._head)]
            if len(self._head) == 32:
                self._read_head()
        if self._end is not None:
            start = max(self._end[0] - before, 0)
            if start < len(data):
                self._crc = zlib.crc32(data[start:], self._crc)

    def _read_head(self) -> None:
        crc, offset, length, end_crc = struct.unpack_from("<IQQI", self._head, 8)
        if zlib.crc32(bytes(self._head[12:32])) != crc:
            self._wrong = "has a damaged start header"
        else:
            self._end = (32 + offset, length, end_crc)

    def finish(self) -> str | None:
        if self._wrong is not None:
            return self._wrong
        if self._end is None or self._size < self._end[0] + self._end[1]:
            return "ends before its end"
        if self._size > self._end[0] + self._end[1]:
            return "has something behind its end"
        return None if self._crc == self._end[2] else "has a damaged end header"


_TESTS: Mapping[str, Callable[[], ContentTest]] = {
    "zip": ZipTest,
    "gzip": lambda: PackedTest(_Gzip),
    "bzip2": lambda: PackedTest(lambda: _Bounded(bz2.BZ2Decompressor())),
    "xz": lambda: PackedTest(lambda: _Bounded(lzma.LZMADecompressor())),
    "tar": TarTest,
    "7z": SevenZipTest,
}
TESTED_KINDS = tuple(sorted(_TESTS))
"""Kinds that are tested to their end; all others are opaque."""
