# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages of SMB 3 that files need, as bytes (MS-SMB2 2.2). Pure: nothing here talks to anybody.

smbprotocol has them as well, as objects of fields; one folder of small files takes forty thousand of them, and there
they cost more than the network and the disk together.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Union

from .._errors import ConnectionFailed

Buffer = Union[bytes, memoryview]

LOGOFF, TREE_CONNECT, CREATE, CLOSE, FLUSH, READ, WRITE = 2, 3, 5, 6, 7, 8, 9
IOCTL, QUERY_DIRECTORY, QUERY_INFO, SET_INFO = 11, 14, 16, 17

RESPONSE, ASYNC, RELATED = 0x1, 0x2, 0x4

READ_DATA, WRITE_DATA, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x1, 0x2, 0x80, 0x100
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER, SYNCHRONIZE = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
SHARE_READ, SHARE_WRITE, SHARE_DELETE = 1, 2, 4
SHARE_ALL = 7
OPEN, NEW = 1, 2
DIRECTORY_FILE, SEQUENTIAL, NON_DIRECTORY_FILE = 0x1, 0x4, 0x40
BACKUP_INTENT, OPEN_REPARSE_POINT = 0x4000, 0x200000

FILE, FILE_SYSTEM, SECURITY = 1, 2, 3
BASIC, RENAME, DISPOSITION, STREAMS = 4, 10, 13, 22
FULL_SIZE = 7
OWNER_GROUP_DACL = 0x7

GET_REPARSE_POINT, SET_REPARSE_POINT = 0x000900A8, 0x000900A4
ENUMERATE_SNAPSHOTS, VALIDATE_NEGOTIATE = 0x00144064, 0x00140204

UNIT = 65536
"""Bytes of payload that one credit pays for."""
PREVIOUS = b"\xff" * 16
"""The handle that the message before, in the same compound, opened."""

HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
_CREATE = struct.Struct("<HBBIQQIIIIIHHII")
_CREATED = struct.Struct("<HBBIQQQQQQII16s")
_CLOSED = struct.Struct("<HHIQQQQQQI")
_LISTED = struct.Struct("<IIQQQQQQIII")


@dataclass(frozen=True)
class Message:
    """One request. ``charge``: credits that it costs."""

    command: int
    body: bytes
    charge: int = 1


@dataclass(frozen=True)
class Facts:
    """What the server tells of an open file."""

    created: int
    written: int
    size: int
    attributes: int


def create(
    name: str,
    access: int,
    *,
    share: int = SHARE_ALL,
    disposition: int = OPEN,
    options: int = 0,
    attributes: int = 0,
    moment: int | None = None,
    security: bytes | None = None,
) -> Message:
    """Open or make a file.

    :param moment: FILETIME of the shadow copy that is meant
    :param security: the descriptor of a new file
    """
    raw = name.encode("utf-16-le", "surrogatepass")
    contexts = []
    if moment is not None:
        contexts.append((b"TWrp", struct.pack("<Q", moment)))
    if security is not None:
        contexts.append((b"SecD", security))
    buffer = raw + bytes(-len(raw) % 8)
    at = len(buffer)
    for number, (tag, data) in enumerate(contexts, 1):
        length = 24 + len(data)
        following = length + -length % 8 if number < len(contexts) else 0
        buffer += struct.pack("<IHHHHI4s4x", following, 16, 4, 0, 24, len(data), tag) + data + bytes(-length % 8)
    offset = 120 + at if contexts else 0
    fixed = _CREATE.pack(
        57, 0, 0, 2, 0, 0, access, attributes, share, disposition, options, 120, len(raw), offset, len(buffer) - at
    )
    return Message(CREATE, fixed + (buffer or bytes(8)))


def created(body: Buffer) -> tuple[bytes, Facts]:
    """The handle and what it was opened on."""
    _s, _o, _f, _a, made, _x, written, _c, _alloc, size, attributes, _r, handle = _unpack(_CREATED, body)
    return handle, Facts(made, written, size, attributes)


def close(handle: bytes = PREVIOUS) -> Message:
    """Close a handle, and tell what the file is then."""
    return Message(CLOSE, struct.pack("<HHI16s", 24, 1, 0, handle))


def closed(body: Buffer) -> Facts | None:
    """What the file was when it was closed; None when the server does not say."""
    _s, flags, _r, made, _x, written, _c, _alloc, size, attributes = _unpack(_CLOSED, body)
    return Facts(made, written, size, attributes) if flags & 1 else None


def read(length: int, offset: int, handle: bytes = PREVIOUS) -> Message:
    """Read a part of a file."""
    body = struct.pack("<HBBIQ16sIIIHHx", 49, 0x50, 0, length, offset, handle, 0, 0, 0, 0, 0)
    return Message(READ, body, charge(length))


def data_of(message: memoryview) -> memoryview:
    """What a READ brought, of the whole message."""
    _size, offset, _r, length = _part(message, "<HBBI")
    return _slice(message, offset, length)


def write(data: bytes, offset: int, handle: bytes = PREVIOUS) -> Message:
    """Write a part of a file."""
    fixed = struct.pack("<HHIQ16sIIHHI", 49, 112, len(data), offset, handle, 0, 0, 0, 0, 0)
    return Message(WRITE, fixed + data, charge(len(data)))


def written(body: Buffer) -> int:
    """How many bytes a WRITE wrote."""
    return int(struct.unpack_from("<HHI", _long_enough(body, 8))[2])


def flush(handle: bytes = PREVIOUS) -> Message:
    """Bring to the disk what was written."""
    return Message(FLUSH, struct.pack("<HHI16s", 24, 0, 0, handle))


def query(kind: int, info: int, room: int, handle: bytes = PREVIOUS, additional: int = 0) -> Message:
    """Ask for facts about a file, its disk or its security."""
    body = struct.pack("<HBBIHHIII16sx", 41, kind, info, room, 0, 0, 0, additional, 0, handle)
    return Message(QUERY_INFO, body, charge(room))


def query_security(handle: bytes = PREVIOUS) -> Message:
    """Ask for owner, group and DACL."""
    return query(SECURITY, 0, UNIT, handle, OWNER_GROUP_DACL)


def query_streams(handle: bytes = PREVIOUS) -> Message:
    """Ask for the streams beside the content."""
    return query(FILE, STREAMS, 8192, handle)


def streams_of(data: bytes) -> list[str]:
    """The names of the streams beside the content, of what QUERY_INFO brought (FileStreamInformation)."""
    names, at = [], 0
    while at + 24 <= len(data):
        following, length = struct.unpack_from("<II", data, at)
        name = data[at + 24 : at + 24 + length].decode("utf-16-le", "replace")
        if name != "::$DATA":
            names.append(name.strip(":").rpartition(":")[0] or name)
        if not following:
            break
        at += following
    return names


def answer_of(message: memoryview) -> bytes:
    """What a QUERY_INFO or QUERY_DIRECTORY brought, of the whole message."""
    _size, offset, length = _part(message, "<HHI")
    return bytes(_slice(message, offset, length))


def change(kind: int, info: int, data: bytes, handle: bytes = PREVIOUS, additional: int = 0) -> Message:
    """Set facts of a file or its security."""
    return Message(SET_INFO, struct.pack("<HBBIHHI16s", 33, kind, info, len(data), 96, 0, additional, handle) + data)


def change_facts(attributes: int, made: int, last_written: int, handle: bytes = PREVIOUS) -> Message:
    """Set attributes and times; 0 leaves what is there."""
    return change(FILE, BASIC, struct.pack("<QQQQII", made, 0, last_written, 0, attributes, 0), handle)


def change_security(security: bytes, handle: bytes = PREVIOUS) -> Message:
    """Set owner, group and DACL."""
    return change(SECURITY, 0, security, handle, OWNER_GROUP_DACL)


def remove_on_close(yes: bool, handle: bytes = PREVIOUS) -> Message:
    """Let the file go when it is closed, or keep it after all."""
    return change(FILE, DISPOSITION, b"\1" if yes else b"\0", handle)


def rename(name: str, handle: bytes = PREVIOUS) -> Message:
    """Give the file another path on its share, in place of a file that is there."""
    raw = name.encode("utf-16-le", "surrogatepass")
    data = struct.pack("<B7xQI", 1, 0, len(raw)) + raw
    return change(FILE, RENAME, data.ljust(24, b"\0"), handle)  # Windows wants its whole structure


def query_directory(room: int, handle: bytes = PREVIOUS) -> Message:
    """Ask for the next names in a folder (FileFullDirectoryInformation)."""
    pattern = "*".encode("utf-16-le")
    body = struct.pack("<HBBI16sHHI", 33, 2, 0, 0, handle, 96, len(pattern), room) + pattern
    return Message(QUERY_DIRECTORY, body, charge(room))


def listed(data: bytes) -> Iterator[tuple[str, Facts, int]]:
    """The names of an answer, each with its facts and, for a reparse point, its tag."""
    at = 0
    while at + _LISTED.size <= len(data):
        following, _i, made, _x, last, _c, size, _alloc, attributes, length, tag = _LISTED.unpack_from(data, at)
        raw = data[at + _LISTED.size : at + _LISTED.size + length]
        if len(raw) != length:
            raise _not_smb()
        yield raw.decode("utf-16-le", "surrogatepass"), Facts(made, last, size, attributes), tag
        if not following:
            return
        at += following


def control(code: int, data: bytes, room: int, handle: bytes = PREVIOUS) -> Message:
    """A request to the file system."""
    body = struct.pack("<HHI16sIIIIIIII", 57, 0, code, handle, 120, len(data), 0, 0, 0, room, 1, 0) + (data or b"\0")
    return Message(IOCTL, body, charge(max(room, len(data))))


def output_of(message: memoryview) -> bytes:
    """What an IOCTL brought, of the whole message."""
    _s, _r, _code, _h, _io, _ic, offset, length, _f, _r2 = _part(message, "<HHI16sIIIIII")
    return bytes(_slice(message, offset, length)) if length else b""


def connect_tree(share: str) -> Message:
    r"""Open a share, C(\\host\share)."""
    raw = share.encode("utf-16-le")
    return Message(TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(raw)) + raw)


def tree_of(message: memoryview) -> int:
    """The number of a share, of the whole answer to its opening."""
    return int(HEADER.unpack_from(message)[10])


def log_off() -> Message:
    """End the session."""
    return Message(LOGOFF, struct.pack("<HH", 4, 0))


def charge(length: int) -> int:
    """Credits for a payload of so many bytes."""
    return max(1, -(-length // UNIT))


def _part(message: memoryview, layout: str) -> tuple[Any, ...]:
    if len(message) < HEADER.size + struct.calcsize(layout):
        raise _not_smb()
    return struct.unpack_from(layout, message, HEADER.size)


def _slice(message: memoryview, offset: int, length: int) -> memoryview:
    if offset + length > len(message) or (length and offset < HEADER.size):
        raise _not_smb()
    return message[offset : offset + length]


def _unpack(layout: struct.Struct, body: Buffer) -> tuple[Any, ...]:
    return layout.unpack_from(_long_enough(body, layout.size))


def _long_enough(body: Buffer, size: int) -> Buffer:
    if len(body) < size:
        raise _not_smb()
    return body


def _not_smb() -> ConnectionFailed:
    return ConnectionFailed("The host answers with something that is no SMB")
