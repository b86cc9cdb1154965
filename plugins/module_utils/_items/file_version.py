# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version that is built into a Windows program: VS_FIXEDFILEINFO in its resources (PE format 5, verrsrc.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .._transport.windows_files import WindowsFiles

HEADERS = 16 * 1024
"""Bytes in which all headers of a program stand."""
LARGEST_RESOURCES = 32 * 2**20
"""Bytes of resources that are looked through."""
_MARK = struct.pack("<II", 0xFEEF04BD, 0x00010000)
_KEPT = len(_MARK) + 8
_SECTION = struct.Struct("<8sIIII16x")


def file_version(files: WindowsFiles, path: str) -> str | None:
    """The version like ``8.6.2.4711``; None where the file is no program or tells none.

    Reads the headers and the resources, nothing else.

    :raises FileNotFoundError, PermissionError, OSError: the file cannot be read
    """
    headers = b"".join(_bounded(files.read(path), HEADERS))
    place = _resources(headers)
    if place is None:
        return None
    start, length = place
    held = b""
    for data in _bounded(files.read(path, start), min(length, LARGEST_RESOURCES)):
        held += data
        found = _version(held)
        if found is not None:
            return found
        held = held[-_KEPT:]
    return None


def _resources(headers: bytes) -> tuple[int, int] | None:
    """Where the resources lie in the file, and how long they are."""
    if headers[:2] != b"MZ" or len(headers) < 64:
        return None
    at = int.from_bytes(headers[60:64], "little")
    if headers[at : at + 4] != b"PE\0\0" or len(headers) < at + 24:
        return None
    count, optional = struct.unpack_from("<H12xH", headers, at + 6)
    first = at + 24 + optional
    for number in range(count):
        place = first + number * _SECTION.size
        if place + _SECTION.size > len(headers):
            return None
        name, _virtual, _address, length, start = _SECTION.unpack_from(headers, place)
        if name.rstrip(b"\0") == b".rsrc":
            return start, length
    return None


def _version(data: bytes) -> str | None:
    at = data.find(_MARK)
    if at < 0 or len(data) < at + _KEPT:
        return None
    minor, major, revision, build = struct.unpack_from("<HHHH", data, at + len(_MARK))
    return f"{major}.{minor}.{build}.{revision}"


def _bounded(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    left = length
    for data in pieces:
        yield data[:left]
        left -= len(data)
        if left <= 0:
            return
