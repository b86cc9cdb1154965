# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a ZIP archive is whole, told while it flows by: every member unpacked and held against its CRC.

Source of the format: PKWARE APPNOTE 6.3.9. Members that are encrypted or packed in another way than deflate are only
measured.
"""

from __future__ import annotations

import struct
import zlib

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64_LENGTH = 56
_LOCATOR64_LENGTH = 20
_ENCRYPTED, _DESCRIPTOR = 0x1, 0x8
_STORED, _DEFLATED = 0, 8
_DESCRIPTOR_MARK = b"PK\x07\x08"
_NARROW, _WIDE = struct.Struct("<III"), struct.Struct("<IQQ")
_LONGEST_DESCRIPTOR = len(_DESCRIPTOR_MARK) + _WIDE.size
_ALL_ONES = 0xFFFFFFFF
_STEP = 2**20
_HIGHEST_RATIO = 1100
"""Deflate cannot pack more than 1032 to 1, and no member needs more."""


class _NotWhole(Exception):
    """What is wrong; the message ends a sentence that begins with the archive."""


class ZipTest:
    """Feed it the archive, then ask :meth:`finish`. Memory stays bounded."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._member: _Member | None = None
        self._skip = 0
        self._members = 0
        self._listed = 0
        self._ended = False
        self._wrong: str | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._wrong is not None:
            return
        self._buffer += data
        try:
            while self._advance():
                pass
        except _NotWhole as error:
            self._wrong = str(error)
            self._buffer.clear()

    def finish(self) -> str | None:
        """What is wrong with the archive, None when it is whole."""
        if self._wrong is not None:
            return self._wrong
        if not self._ended or self._skip or self._buffer:
            return "ends before its end" if not self._ended or self._skip else "has something behind its end"
        if self._listed != self._members:
            return f"lists {self._listed} members and holds {self._members}"
        return None if self._members else "holds nothing"

    def _advance(self) -> bool:
        """Take one step; False when more bytes are needed."""
        buffer = self._buffer
        if self._skip:
            taken = min(self._skip, len(buffer))
            del buffer[:taken]
            self._skip -= taken
            return bool(taken)
        if self._member is not None:
            if not self._member.take(buffer):
                return False
            self._member = None
            return True
        if len(buffer) < 4:
            return False
        if self._ended:
            raise _NotWhole("has something behind its end")
        return self._record(bytes(buffer[:4]))

    def _record(self, mark: bytes) -> bool:
        buffer = self._buffer
        lengths = {
            b"PK\x03\x04": _LOCAL.size,
            b"PK\x01\x02": _CENTRAL.size,
            b"PK\x05\x06": _END.size,
            b"PK\x06\x06": _END64_LENGTH,
            b"PK\x06\x07": _LOCATOR64_LENGTH,
        }
        length = lengths.get(mark)
        if length is None:
            raise _NotWhole("is no ZIP archive" if not self._members else "is damaged between its members")
        if len(buffer) < length:
            return False
        if mark == b"PK\x03\x04":
            return self._local()
        if mark == b"PK\x01\x02":
            fields = _CENTRAL.unpack_from(buffer)
            self._skip = fields[10] + fields[11] + fields[12]
            self._listed += 1
        elif mark == b"PK\x05\x06":
            self._skip = _END.unpack_from(buffer)[7]
            self._ended = True
        elif mark == b"PK\x06\x06":
            self._skip = max(0, int.from_bytes(buffer[4:12], "little") + 12 - length)
        del buffer[:length]
        return True

    def _local(self) -> bool:
        buffer = self._buffer
        _mark, _version, flags, method, _time, _date, crc, packed, size, name, extra = _LOCAL.unpack_from(buffer)
        whole = _LOCAL.size + name + extra
        if len(buffer) < whole:
            return False
        size, packed = _sizes64(bytes(buffer[_LOCAL.size + name : whole]), size, packed)
        del buffer[:whole]
        self._members += 1
        self._member = _Member(flags, method, crc, packed, size)
        return True


class _Member:
    """The content of one member, and the data descriptor behind it."""

    def __init__(self, flags: int, method: int, crc: int, packed: int, size: int) -> None:
        self._described = bool(flags & _DESCRIPTOR)
        self._readable = method in (_STORED, _DEFLATED) and not flags & _ENCRYPTED
        if self._described and not (self._readable and method == _DEFLATED):
            raise _NotWhole("is packed in a way that cannot be followed")
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if self._readable and method == _DEFLATED else None
        self._expected = (crc, packed, size)
        self._crc = 0
        self._packed = 0
        self._size = 0
        self._content_done = False

    def take(self, buffer: bytearray) -> bool:
        """Take from the buffer; True when the member is at its end."""
        if not self._content_done:
            self._content_done = self._take_content(buffer)
        if not self._content_done:
            return False
        if self._described:
            return self._take_descriptor(buffer)
        if self._readable and (self._crc, self._packed, self._size) != self._expected:
            raise _NotWhole("holds a member that does not fit its CRC")
        return True

    def _take_content(self, buffer: bytearray) -> bool:
        if self._inflate is not None:
            return self._take_deflated(buffer, self._inflate)
        piece = bytes(buffer[: self._expected[1] - self._packed])
        del buffer[: len(piece)]
        self._count(len(piece), piece)
        return self._packed == self._expected[1]

    def _take_deflated(self, buffer: bytearray, inflate: zlib._Decompress) -> bool:
        data = bytes(buffer)
        buffer.clear()
        try:
            while not inflate.eof:
                out = inflate.decompress(data, _STEP)
                left = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
                self._count(len(data) - len(left), out)
                data = inflate.unconsumed_tail
                if not data and len(out) < _STEP:
                    break
        except zlib.error:
            raise _NotWhole("holds a member that cannot be unpacked") from None
        if inflate.eof:
            buffer[:0] = inflate.unused_data
        return bool(inflate.eof)

    def _count(self, packed: int, content: bytes) -> None:
        self._packed += packed
        self._size += len(content)
        self._crc = zlib.crc32(content, self._crc)
        if self._size > _HIGHEST_RATIO * self._packed + _STEP:
            raise _NotWhole("holds a member that grows without measure")

    def _take_descriptor(self, buffer: bytearray) -> bool:
        """CRC and sizes behind the content, with a mark or without, the sizes of 64 bits or of 32.

        The header does not tell which: who writes to a stream knows no size yet, and Java then says nothing of 64 bits
        before a member that needs them. As more than the longest descriptor always follows the content, it is waited
        for, and the longer one is tried first: of an empty member the shorter one is its beginning.
        """
        if len(buffer) < _LONGEST_DESCRIPTOR:
            return False
        facts = (self._crc, self._packed, self._size)
        widths = [_WIDE, _NARROW] if max(facts) <= _ALL_ONES else [_WIDE]
        for told in (width.pack(*facts) for width in widths):
            for one in (_DESCRIPTOR_MARK + told, told):
                if buffer.startswith(one):
                    del buffer[: len(one)]
                    return True
        raise _NotWhole("holds a member that does not fit its CRC")


def _sizes64(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """The sizes, of which the extra field 1 has those of more than 32 bits."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            field = extra[at + 4 : at + 4 + length]
            if size == _ALL_ONES and len(field) >= 8:
                size, field = int.from_bytes(field[:8], "little"), field[8:]
            if packed == _ALL_ONES and len(field) >= 8:
                packed = int.from_bytes(field[:8], "little")
        at += 4 + length
    return size, packed
