# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles: new pieces as members of a tar archive, compressed with zstd, sealed with age.

The members are called ``000000``, ``000001`` and so on. The archive is compressed in frames that hold whole members and
at most 4 MiB, and ends with a seek table (zstd's seekable format), so that single members can be read; ``zstd -d``
skips the table.
"""

from __future__ import annotations

import struct
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import SEEK_END
from typing import Any, BinaryIO, cast

from .._errors import KeyRequired, RepositoryDamaged
from . import age
from .backends.base import Staged
from .cutter import MAX_PIECE
from .sealing import SealedObject, SealedWriter

with suppress(ImportError):  # _libraries.require tells the user
    import zstandard

BUNDLE_LIMIT = 64 * 1024 * 1024
"""No bundle is larger, in stored bytes."""

FRAME_SIZE = 4 * 1024 * 1024
MEMBER_LIMIT = 1_000_000
RAW_LIMIT = FRAME_SIZE + MAX_PIECE
"""No frame of a bundle that is read is larger in clear,"""
STORED_LIMIT = RAW_LIMIT + RAW_LIMIT // 128
"""nor compressed: zstd adds less than that to what does not shrink."""

LEVEL = 3
LEVEL_POOR = 1
"""For what hardly shrinks anyway, such as audio."""

_ROOM_FROM = 1024 * 1024
_PROBE_SIZE = 64 * 1024
_PROBE_FROM = 256 * 1024
_POOR_RATIO = 0.6
_NO_GAIN = 0.99

_BLOCK = 512
_TAR_END = bytes(2 * _BLOCK)
_PADDING = bytes(_BLOCK)

_SKIPPABLE_MAGIC = 0x184D2A5E
_SEEKABLE_MAGIC = 0x8F92EAB1
_TABLE_FOOTER = struct.Struct("<IBI")
_TABLE_ENTRY = struct.Struct("<II")
_TABLE_HEADER = struct.Struct("<II")
# age adds 16 bytes to 64 KiB; header, seek table and the archive's end fit in this as well
_SEALING_SLACK = 256 * 1024


# --- tar -------------------------------------------------------------------------------------------------------------
def _header_template() -> bytes:
    field = {0: b"000000", 100: b"0000600\0", 108: b"0000000\0", 116: b"0000000\0", 136: b"00000000000\0"}
    field.update({148: b" " * 8, 156: b"0", 257: b"ustar\00000", 329: b"0000000\0", 337: b"0000000\0"})
    block = bytearray(_BLOCK)
    for offset, value in field.items():
        block[offset : offset + len(value)] = value
    return bytes(block)


_TEMPLATE = _header_template()
_HEAD, _OWNER, _TIME, _TAIL = _TEMPLATE[6:100], _TEMPLATE[100:124], _TEMPLATE[136:148], _TEMPLATE[156:]
_TEMPLATE_SUM = sum(_TEMPLATE) - sum(b"000000")


def tar_header(member: int, size: int) -> bytes:
    """The ustar header of a member, as ``tar`` reads it: a regular file of mode 0600, of nobody, of 1970."""
    name = b"%06d" % member
    length = b"%011o" % size
    checksum = b"%06o\0 " % (_TEMPLATE_SUM + sum(name) + sum(length))
    return b"".join((name, _HEAD, _OWNER, length, b"\0", _TIME, checksum, _TAIL))


def _parse_header(block: bytes) -> tuple[int, int]:
    """Member and size. Raises RepositoryDamaged on a header that :func:`tar_header` would not have made."""
    try:
        member, size = int(block[:6]), int(block[124:135], 8)
    except ValueError:
        raise RepositoryDamaged("The bundle holds something that is no member") from None
    if member < 0 or not 0 < size <= MAX_PIECE or tar_header(member, size) != block:
        raise RepositoryDamaged("The bundle holds something that is no member")
    return member, size


def _members(frame: bytes | memoryview) -> Iterator[tuple[int, int, int]]:
    """Member, offset and size of every member in a frame of the archive, whose numbers follow each other."""
    position = 0
    expected: int | None = None
    while position < len(frame):
        block = bytes(frame[position : position + _BLOCK])
        if not block[0] and frame[position:] == _TAR_END:
            return
        member, size = _parse_header(block)
        position += _BLOCK
        if position + size > len(frame):
            raise RepositoryDamaged("The bundle ends within a member")
        if member != (member if expected is None else expected):
            raise RepositoryDamaged("The bundle's members are not in order")
        expected = member + 1
        yield member, position, size
        position += size + -size % _BLOCK


# --- zstd ------------------------------------------------------------------------------------------------------------
class Compressor:
    """Compresses frames, large ones in two threads; a third one seals and writes them in their order."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, "compress")
        self.sealer = ThreadPoolExecutor(1, "seal")
        self._local = threading.local()
        self._buffers: list[bytearray] = []

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown()
        self.sealer.shutdown()

    def compress(self, data: bytes | memoryview) -> bytes:
        """One frame of zstd."""
        level = LEVEL
        if len(data) >= _PROBE_FROM:
            middle = len(data) // 2
            probe = memoryview(data)[middle : middle + _PROBE_SIZE]
            least = len(self._at(LEVEL_POOR).compress(probe))
            if least > _POOR_RATIO * len(probe) or len(self._at(LEVEL).compress(probe)) > _NO_GAIN * least:
                level = LEVEL_POOR
        result: bytes = self._at(level).compress(data)
        return result

    def submit(self, data: bytes | memoryview) -> Future[bytes]:
        """One frame of zstd, later."""
        return self._pool.submit(self.compress, data)

    def lend_buffer(self) -> bytearray:
        """Room for a frame; whatever stands in it."""
        try:
            return self._buffers.pop()
        except IndexError:
            return bytearray(FRAME_SIZE)

    def take_buffer(self, buffer: bytearray) -> None:
        """Room that is not needed any more."""
        self._buffers.append(buffer)

    def _at(self, level: int) -> Any:
        # a context is expensive to make and belongs to one thread at a time
        contexts: dict[Any, Any] = self._local.__dict__
        if level not in contexts:
            contexts[level] = zstandard.ZstdCompressor(level=level, write_content_size=True)
        return contexts[level]


def _seek_table(frames: Sequence[tuple[int, int]]) -> bytes:
    body = b"".join(_TABLE_ENTRY.pack(stored, raw) for stored, raw in frames)
    footer = _TABLE_FOOTER.pack(len(frames), 0, _SEEKABLE_MAGIC)
    return _TABLE_HEADER.pack(_SKIPPABLE_MAGIC, len(body) + len(footer)) + body + footer


# --- writing ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class WrittenBundle:
    """A finished bundle and how many members it has."""

    sealed: SealedObject
    members: int


class BundleWriter:
    """Writes one bundle. Memory: one frame that fills, and three on their way into the file.

    :param stage: gives a staged file for a hint, :meth:`Backend.stage`
    """

    def __init__(self, stage: Callable[[str], Staged], recipients: Sequence[str], compressor: Compressor) -> None:
        self._sealed = SealedWriter(stage, "bundle", recipients)
        self._compressor = compressor
        self._buffer = compressor.lend_buffer()
        self._filled = 0
        self._pending: deque[tuple[int, Future[None]]] = deque()
        self._pending_size = 0
        self._frames: list[tuple[int, int]] = []
        self._stored = 0
        self.members = 0

    def add(self, piece: bytes | memoryview) -> int | None:
        """Put a piece (1 byte to 1 MiB) in; its member number, or None when the bundle is full."""
        size = len(piece)
        padding = -size % _BLOCK
        if self._filled + _BLOCK + size + padding > FRAME_SIZE - len(_TAR_END):
            self._next_frame()
        if not self._filled and not self._has_room():
            return None
        member = self.members
        self._fill(tar_header(member, size))
        self._fill(piece)
        if padding:
            self._fill(_PADDING[:padding])
        self.members += 1
        return member

    def close(self) -> WrittenBundle:
        """Finish it: staged, not yet published."""
        self._fill(_TAR_END)
        self._next_frame()
        self.drain()
        self._compressor.take_buffer(self._buffer)
        self._sealed.write(_seek_table(self._frames))
        return WrittenBundle(self._sealed.close(), self.members)

    def drain(self) -> None:
        """Wait for the frames that are on their way."""
        while self._pending:
            self._take()

    def abort(self) -> None:
        """Leave nothing behind."""
        for _size, written in self._pending:
            written.cancel()
        for _size, written in self._pending:
            with suppress(BaseException):
                written.result()
        self._pending.clear()
        self._sealed.abort()

    def _has_room(self) -> bool:
        limit = BUNDLE_LIMIT - _SEALING_SLACK - FRAME_SIZE
        if self._stored + self._pending_size > limit:
            # what is pending may turn out small
            self.drain()
        return self._stored <= limit and self.members < MEMBER_LIMIT - FRAME_SIZE // _BLOCK

    def _fill(self, data: bytes | memoryview) -> None:
        end = self._filled + len(data)
        self._buffer[self._filled : end] = data
        self._filled = end

    def _next_frame(self) -> None:
        size, self._filled = self._filled, 0
        frame = memoryview(self._buffer)[:size]
        if size < _PROBE_FROM:
            self.drain()
            self._write(size, self._compressor.compress(frame))
            return
        while len(self._pending) > 2:
            self._take()
        written = self._compressor.sealer.submit(self._write_later, size, self._buffer, self._compressor.submit(frame))
        self._pending.append((size, written))
        self._pending_size += size
        self._buffer = self._compressor.lend_buffer()

    def _take(self) -> None:
        size, written = self._pending.popleft()
        self._pending_size -= size
        written.result()

    def _write_later(self, size: int, buffer: bytearray, frame: Future[bytes]) -> None:
        compressed = frame.result()
        self._compressor.take_buffer(buffer)
        self._write(size, compressed)

    def _write(self, size: int, frame: bytes) -> None:
        self._frames.append((len(frame), size))
        self._stored += len(frame)
        self._sealed.write(frame)


# --- reading ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Frame:
    """A frame in clear: where each of its members begins and how long it is. The last one of a bundle may have none."""

    data: bytes | memoryview
    places: dict[int, tuple[int, int]]

    def read(self, member: int) -> memoryview:
        """The bytes of a member. Raises KeyError when it is in another frame."""
        offset, size = self.places[member]
        return memoryview(self.data)[offset : offset + size]


class FrameCache:
    """The frames that were read last, of all bundles together, and room for more.

    Large frames have the same room in turns, since to be given memory anew takes the kernel much of the time that it
    takes to open what goes into it. So what stands in a frame is good until the next one is read.
    """

    def __init__(self, limit: int = 6) -> None:
        self._limit = limit
        self._frames: OrderedDict[tuple[str, int], Frame] = OrderedDict()
        self._rooms: list[bytearray] = []

    def lend_room(self, size: int) -> memoryview:
        """Room for so many bytes, at most STORED_LIMIT; whatever stands in it."""
        try:
            room = self._rooms.pop()
        except IndexError:
            room = bytearray(STORED_LIMIT)
        return memoryview(room)[:size]

    def take_room(self, room: bytes | memoryview) -> None:
        """Room that is not needed any more."""
        if isinstance(room, memoryview):
            self._rooms.append(cast(bytearray, room.obj))

    def get(self, key: tuple[str, int]) -> Frame | None:
        """A frame, if it is still here."""
        frame = self._frames.get(key)
        if frame is not None:
            self._frames.move_to_end(key)
        return frame

    def put(self, key: tuple[str, int], frame: Frame) -> None:
        """Keep a frame and forget the oldest."""
        self._frames[key] = frame
        if len(self._frames) > self._limit:
            self.take_room(self._frames.popitem(last=False)[1].data)


class BundleReader:
    """Reads members of a bundle, fast in ascending order, possible in any.

    Anybody can seal a bundle for the recipients. So nothing in it is believed: what is read at a time has limits, and
    what is no member where one belongs is refused. Whether a member is the right one only its digest tells.

    :param stream: the object, seekable
    :param sha: its SHA-256, for messages and the cache; whether the bytes fit it is the caller's business
    :param size: how many bytes it must have
    :param pool: where the next frame is opened in advance, None: nowhere
    :raises RepositoryDamaged: it is no bundle, or not of this size
    """

    def __init__(
        self,
        stream: BinaryIO,
        sha: str,
        size: int,
        file_key: bytes | None,
        cache: FrameCache,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        if file_key is None:
            raise KeyRequired("The key of this bundle is not at hand", item=sha)
        self.sha = sha
        self._stream = stream
        self._cache = cache
        self._pool = pool
        self._ahead: tuple[int, Future[Frame]] | None = None
        self._decompressor = zstandard.ZstdDecompressor()
        self._numbers: list[int] = []
        self._first_members: list[int] = []
        self._last = -1
        with _named(sha):
            found = stream.seek(0, SEEK_END)
            if found != size:
                raise RepositoryDamaged(f"The object has {found} bytes instead of {size}")
            stream.seek(0)
            header = age.parse_header(stream)
            age.check_mac(header, file_key)
            self._payload = age.PayloadReader(file_key, stream, header.length, size - header.length)
            self._table, self._offsets = self._read_seek_table()

    @property
    def frame_count(self) -> int:
        """How many frames there are."""
        return len(self._offsets)

    def close(self) -> None:
        """Close the stream."""
        if self._ahead is not None:
            self._ahead[1].cancel()
            with suppress(Exception):
                self._ahead[1].result()
        self._stream.close()

    def read(self, member: int) -> memoryview:
        """The bytes of a member, good until the next is read. Raises RepositoryDamaged when there is none."""
        low, high = self._floor(member), self.frame_count - 1
        number, steps = low, 0
        while low <= high:
            frame = self.frame(number)
            if member in frame.places:
                return frame.read(member)
            if not frame.places or member < next(iter(frame.places)):
                high = number - 1
            else:
                low = number + 1
            # mostly it is in the frame that follows, otherwise anywhere
            number, steps = low if not steps else (low + high) // 2, steps + 1
        raise RepositoryDamaged(f"The bundle has no member {member}", item=self.sha)

    def frame(self, number: int) -> Frame:
        """A frame by its number."""
        key = (self.sha, number)
        frame = self._cache.get(key)
        if frame is None:
            if self._ahead is not None and self._ahead[0] == number:
                future, self._ahead = self._ahead[1], None
                frame = future.result()
            else:
                self._settle()
                frame = self._open_frame(number)
            self._cache.put(key, frame)
            if frame.places:
                self._learn(number, next(iter(frame.places)))
            if number == self._last + 1:
                self._look_ahead(number + 1)
        self._last = number
        return frame

    def _floor(self, member: int) -> int:
        """The last frame that is known to begin at or before a member, or the first one."""
        place = bisect_right(self._first_members, member)
        return self._numbers[place - 1] if place else 0

    def _learn(self, number: int, first: int) -> None:
        place = bisect_left(self._numbers, number)
        if place < len(self._numbers) and self._numbers[place] == number:
            return
        if bisect_left(self._first_members, first) != place or first in self._first_members[place : place + 1]:
            raise RepositoryDamaged("The bundle's members are not in order", item=self.sha)
        self._numbers.insert(place, number)
        self._first_members.insert(place, first)

    def _look_ahead(self, number: int) -> None:
        if self._pool is not None and number < self.frame_count and self._cache.get((self.sha, number)) is None:
            self._ahead = (number, self._pool.submit(self._open_frame, number))

    def _settle(self) -> None:
        # two threads must not move the one stream
        if self._ahead is not None:
            with suppress(Exception):
                self._ahead[1].result()
            self._ahead = None

    def _open_frame(self, number: int) -> Frame:
        stored, raw = _TABLE_ENTRY.unpack_from(self._table, number * _TABLE_ENTRY.size)
        with _named(self.sha):
            if raw < _ROOM_FROM:
                data: bytes | memoryview = self._decompress(self._payload.read_at(self._offsets[number], stored), raw)
            else:
                compressed = self._cache.lend_room(stored)
                self._payload.read_into(self._offsets[number], compressed)
                data = self._decompress(compressed, raw)
                self._cache.take_room(compressed)
            return Frame(data, {member: (offset, size) for member, offset, size in _members(data)})

    def _decompress(self, compressed: bytes | memoryview, raw: int) -> bytes | memoryview:
        try:
            if zstandard.frame_content_size(compressed) != raw:
                raise RepositoryDamaged("The bundle's frames do not fit its seek table")
            if raw < _ROOM_FROM:
                data: bytes | memoryview = self._decompressor.decompress(compressed, max_output_size=raw)
                size = len(data)
            else:
                data = self._cache.lend_room(raw)
                size = self._decompressor.stream_reader(compressed).readinto(data)
        except zstandard.ZstdError as error:
            raise RepositoryDamaged(f"The bundle cannot be decompressed: {error}") from None
        if size != raw:
            raise RepositoryDamaged("The bundle's frames do not fit its seek table")
        return data

    def _read_seek_table(self) -> tuple[bytes, array[int]]:
        """The table's rows, and where each frame begins."""
        size = self._payload.size
        footer = self._payload.read_at(size - _TABLE_FOOTER.size, _TABLE_FOOTER.size) if size >= 9 else b""
        if len(footer) != _TABLE_FOOTER.size:
            raise RepositoryDamaged("The bundle has no seek table")
        count, descriptor, magic = _TABLE_FOOTER.unpack(footer)
        length = _TABLE_HEADER.size + count * _TABLE_ENTRY.size + _TABLE_FOOTER.size
        if magic != _SEEKABLE_MAGIC or descriptor or length > size:
            raise RepositoryDamaged("The bundle has no seek table")
        if count > MEMBER_LIMIT + 1:
            # all but the last one hold a member
            raise RepositoryDamaged("The bundle has too many frames")
        table = self._payload.read_at(size - length, length)
        rows = table[_TABLE_HEADER.size : length - _TABLE_FOOTER.size]
        offsets = array("Q")
        offset = 0
        for stored, raw in _TABLE_ENTRY.iter_unpack(rows):
            if raw > RAW_LIMIT or stored > STORED_LIMIT:
                raise RepositoryDamaged("The bundle has a frame that is too large")
            offsets.append(offset)
            offset += stored
        if (
            _TABLE_HEADER.unpack_from(table) != (_SKIPPABLE_MAGIC, length - _TABLE_HEADER.size)
            or offset + length != size
        ):
            raise RepositoryDamaged("The bundle's seek table does not fit it")
        return rows, offsets


class _named:
    """Adds the object's name to what is raised inside."""

    def __init__(self, sha: str) -> None:
        self._sha = sha

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, RepositoryDamaged) and error.item is None:
            error.item = self._sha
