# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup files of the stand-in: begin as SQL Server's do, and notice when a byte of them is missing or another."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from typing import Any

TAPE = b"TAPE\0\0\x03\0"
COMPRESSED = b"MSSQLBAK"
_PAGE = 8192


class NoBackup(Exception):
    """The file is none."""


class Damaged(Exception):
    """The file is one, but not whole."""


def write(header: dict[str, Any], content: dict[str, Any], *, compressed: bool) -> bytes:
    """A file. Its size and the sizes in its header fit each other."""
    data = json.dumps(content, sort_keys=True).encode()
    data += b" " * (-len(data) % _PAGE)
    header = {**header, "size": len(data)}
    if compressed:
        data = zlib.compress(data)
    header["stored_size"] = len(data)
    told = json.dumps(header, sort_keys=True).encode()
    body = (COMPRESSED if compressed else TAPE) + struct.pack("<I", len(told)) + told + data
    return body + hashlib.sha256(body).digest()


def read_header(raw: bytes) -> dict[str, Any]:
    """What the file says of itself. Raises NoBackup, Damaged."""
    if raw[:8] not in (TAPE, COMPRESSED):
        raise NoBackup
    try:
        (size,) = struct.unpack_from("<I", raw, 8)
        told: dict[str, Any] = json.loads(raw[12 : 12 + size])
    except (struct.error, ValueError):
        raise Damaged from None
    return told


def read(raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and content. Raises NoBackup, Damaged."""
    header = read_header(raw)
    if hashlib.sha256(raw[:-32]).digest() != raw[-32:]:
        raise Damaged
    (size,) = struct.unpack_from("<I", raw, 8)
    data = raw[12 + size : -32]
    content: dict[str, Any] = json.loads(zlib.decompress(data) if raw.startswith(COMPRESSED) else data)
    return header, content
