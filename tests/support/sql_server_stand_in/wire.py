# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TDS 7.4 as bytes, the server's side: packets, the login, tokens, typed columns (MS-TDS 2.2)."""

from __future__ import annotations

import datetime
import decimal
import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

BATCH, RPC, REPLY, ATTENTION, TRANSACTION, LOGIN, SSPI, PRELOGIN = 0x01, 0x03, 0x04, 0x06, 0x0E, 0x10, 0x11, 0x12
LAST = 0x01
HEADER = struct.Struct(">BBHHBx")
PACKET = 4096

ENCRYPT_OFF, ENCRYPT_ON, ENCRYPT_NOT, ENCRYPT_REQUIRED = 0, 1, 2, 3
VERSION_TOKEN, ENCRYPTION_TOKEN, INSTANCE_TOKEN, THREAD_TOKEN, MARS_TOKEN, END_TOKEN = 0, 1, 2, 3, 4, 0xFF

DONE_MORE, DONE_ERROR, DONE_COUNT = 0x1, 0x2, 0x10
COLLATION = bytes.fromhex("0904d00034")
"""SQL_Latin1_General_CP1_CI_AS."""


def packets(kind: int, content: bytes, spid: int = 0) -> bytes:
    """A message as packets."""
    room = PACKET - HEADER.size
    parts = [content[at : at + room] for at in range(0, len(content), room)] or [b""]
    out = []
    for number, part in enumerate(parts, 1):
        out.append(HEADER.pack(kind, LAST if number == len(parts) else 0, len(part) + 8, spid, number % 256) + part)
    return b"".join(out)


def read_message(receive: Callable[[int], bytes]) -> tuple[int, bytes] | None:
    """The next message; None at the end of the connection."""
    content = b""
    while True:
        head = _exactly(receive, HEADER.size)
        if head is None:
            return None
        kind, status, length, _spid, _number = HEADER.unpack(head)
        if length < HEADER.size:
            raise ValueError("a packet that is shorter than its header")
        part = _exactly(receive, length - HEADER.size)
        if part is None:
            return None
        content += part
        if status & LAST:
            return kind, content


def _exactly(receive: Callable[[int], bytes], size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        more = receive(size - len(data))
        if not more:
            return None
        data += more
    return data


# --- before and at the login ------------------------------------------------------------------------------------------
def prelogin(options: dict[int, bytes]) -> bytes:
    """Options of a PRELOGIN message."""
    place = 5 * len(options) + 1
    index = b""
    for token, value in options.items():
        index += struct.pack(">BHH", token, place, len(value))
        place += len(value)
    return index + bytes([END_TOKEN]) + b"".join(options.values())


def parse_prelogin(message: bytes) -> dict[int, bytes]:
    """What the client said. Raises ValueError for anything that is not exactly such a message."""
    found, at = {}, 0
    while True:
        token = message[at]
        if token == END_TOKEN:
            return found
        place, size = struct.unpack_from(">HH", message, at + 1)
        if place + size > len(message):
            raise ValueError("an option outside of its message")
        found[token] = message[place : place + size]
        at += 5


@dataclass(frozen=True)
class Login:
    """A LOGIN7 message."""

    version: int
    host: str
    user: str
    password: str
    program: str
    server: str
    database: str
    sspi: bytes
    integrated: bool


def parse_login(message: bytes) -> Login:
    """Raises ValueError for what is no LOGIN7."""
    length, version = struct.unpack_from("<II", message)
    if length != len(message):
        raise ValueError(f"a login of {len(message)} bytes says that it has {length}")
    flags2 = message[25]

    def text(at: int) -> str:
        place, size = struct.unpack_from("<HH", message, at)
        return message[place : place + 2 * size].decode("utf-16-le")

    place, size = struct.unpack_from("<HH", message, 44)
    hidden = message[place : place + 2 * size]
    plain = bytes(((byte ^ 0xA5) << 4 & 0xF0) | ((byte ^ 0xA5) >> 4) for byte in hidden)
    sspi_at, sspi_size = struct.unpack_from("<HH", message, 78)
    return Login(
        version=version,
        host=text(36),
        user=text(40),
        password=plain.decode("utf-16-le"),
        program=text(48),
        server=text(52),
        database=text(68),
        sspi=message[sspi_at : sspi_at + sspi_size],
        integrated=bool(flags2 & 0x80),
    )


def batch_text(message: bytes) -> str:
    """The statements of a SQLBatch message, which begins with ALL_HEADERS since TDS 7.2."""
    (total,) = struct.unpack_from("<I", message)
    return message[total:].decode("utf-16-le")


# --- tokens -----------------------------------------------------------------------------------------------------------
def _b(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _us(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def login_ack(version: int, product: str, build: tuple[int, int, int]) -> bytes:
    """LOGINACK. The version of TDS is big endian here, unlike in the login."""
    body = b"\x01" + struct.pack(">I", version) + _b(product) + struct.pack(">BBH", *build)
    return b"\xad" + struct.pack("<H", len(body)) + body


def changed(kind: int, new: str, old: str = "") -> bytes:
    """ENVCHANGE of a text: 1 the database, 4 the size of packets."""
    body = bytes([kind]) + _b(new) + _b(old)
    return b"\xe3" + struct.pack("<H", len(body)) + body


def changed_collation() -> bytes:
    """ENVCHANGE of the collation."""
    body = b"\x07" + bytes([len(COLLATION)]) + COLLATION + b"\0"
    return b"\xe3" + struct.pack("<H", len(body)) + body


def routed(host: str, port: int) -> bytes:
    """ENVCHANGE that sends the client to another server."""
    place = b"\0" + struct.pack("<H", port) + _us(host)
    body = b"\x14" + struct.pack("<H", len(place)) + place + b"\0\0"
    return b"\xe3" + struct.pack("<H", len(body)) + body


def sspi(token: bytes) -> bytes:
    """An answer within a Windows login."""
    return b"\xed" + struct.pack("<H", len(token)) + token


def message(number: int, severity: int, text: str, server: str, state: int = 1, line: int = 1) -> bytes:
    """ERROR, or INFO up to severity 10."""
    body = struct.pack("<iBB", number, state, severity) + _us(text) + _b(server) + _b("") + struct.pack("<i", line)
    return (b"\xaa" if severity > 10 else b"\xab") + struct.pack("<H", len(body)) + body


def done(status: int = 0, rows: int = 0, command: int = 0) -> bytes:
    """DONE."""
    return b"\xfd" + struct.pack("<HHQ", status, command, rows)


# --- result sets ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Column:
    """A column with the type that SQL Server gives it: nvarchar, varbinary, int, bigint, smallint, tinyint, bit,
    numeric, uniqueidentifier, datetime, char."""

    name: str
    kind: str = "nvarchar"


_INTEGERS = {"tinyint": (1, "<B"), "smallint": (2, "<h"), "int": (4, "<i"), "bigint": (8, "<q")}
_NUMERIC_BYTES = 13


def result(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> bytes:
    """COLMETADATA and ROWs."""
    out = [b"\x81" + struct.pack("<H", len(columns))]
    for column in columns:
        out.append(struct.pack("<IH", 0, 0x09) + _type(column.kind) + _b(column.name))
    for row in rows:
        if len(row) != len(columns):
            raise ValueError("a row that does not fit its columns")
        out.append(b"\xd1" + b"".join(_value(column.kind, value) for column, value in zip(columns, row)))
    return b"".join(out)


def _type(kind: str) -> bytes:
    if kind in _INTEGERS:
        return b"\x26" + bytes([_INTEGERS[kind][0]])
    return {
        "nvarchar": b"\xe7" + struct.pack("<H", 8000) + COLLATION,
        "char": b"\xaf" + struct.pack("<H", 1) + COLLATION,
        "varbinary": b"\xa5" + struct.pack("<H", 8000),
        "bit": b"\x68\x01",
        "numeric": b"\x6c" + bytes([_NUMERIC_BYTES, 25, 0]),
        "uniqueidentifier": b"\x24\x10",
        "datetime": b"\x6f\x08",
    }[kind]


def _value(kind: str, value: Any) -> bytes:
    if kind in ("nvarchar", "varbinary", "char"):
        if value is None:
            return b"\xff\xff"
        if kind == "nvarchar":
            raw = str(value).encode("utf-16-le")
        else:
            raw = value.encode("cp1252") if isinstance(value, str) else bytes(value)
        return struct.pack("<H", len(raw)) + raw
    if value is None:
        return b"\0"
    if kind in _INTEGERS:
        size, code = _INTEGERS[kind]
        return bytes([size]) + struct.pack(code, value)
    if kind == "bit":
        return bytes([1, bool(value)])
    if kind == "uniqueidentifier":
        return b"\x10" + uuid.UUID(str(value)).bytes_le
    if kind == "numeric":
        number = int(decimal.Decimal(value))
        return bytes([_NUMERIC_BYTES, number >= 0]) + abs(number).to_bytes(_NUMERIC_BYTES - 1, "little")
    if kind == "datetime":
        since = value - datetime.datetime(1900, 1, 1)
        ticks = round((since.seconds + since.microseconds / 1e6) * 300)
        return b"\x08" + struct.pack("<ii", since.days, ticks)
    raise ValueError(f"no such type {kind}")
