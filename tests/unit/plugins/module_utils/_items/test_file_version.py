# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.windows_files import MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._items.file_version import file_version

PATH = r"C:\Program Files\estos\UCServer\bin\EUCSrv.exe"
FIXED = struct.pack("<IIHHHH", 0xFEEF04BD, 0x00010000, 6, 8, 4711, 2)


def program(resources: bytes, code: bytes = b"\xbd\x04\xef\xfe\0\0\1\0" + bytes(8)) -> bytes:
    """A program with a code section, which has a false mark in it, and one of resources."""
    optional = bytes(240)
    sections = [(b".text", code), (b".rsrc", resources)]
    start = 0x80 + 24 + len(optional) + 40 * len(sections)
    headers = b""
    for name, data in sections:
        headers += struct.pack("<8sIIII16x", name, len(data), 0x1000, len(data), start)
        start += len(data)
    coff = struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, len(optional), 0x22)
    dos = b"MZ" + bytes(58) + (0x80).to_bytes(4, "little") + bytes(64)
    return dos + b"PE\0\0" + coff + optional + headers + code + resources


def version(content: bytes) -> str | None:
    files = MemoryWindowsFiles()
    files.add(PATH, content)
    return file_version(files, PATH)


@pytest.mark.parametrize("before", [0, 1, 100_000])
def test_the_version_in_the_resources(before: int) -> None:
    assert version(program(b"r" * before + FIXED + bytes(40))) == "8.6.2.4711"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ",
        b"#!/bin/sh\n",
        b"MZ" + bytes(58) + b"\xff\xff\xff\xff",
        program(b"no version here"),
        program(FIXED[:-1]),
        program(FIXED)[: 0x80 + 24 + 240 + 45],
        program(FIXED)[:300],
    ],
)
def test_no_version(content: bytes) -> None:
    assert version(content) is None


@given(st.binary(max_size=600))
def test_anything_is_read_without_harm(content: bytes) -> None:
    version(b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + content)


def test_a_mark_between_two_pieces() -> None:
    class InPieces(MemoryWindowsFiles):
        def read(self, path: str, start: int = 0) -> Iterator[bytes]:
            content = self.content(path)
            for at in range(start, len(content), 7):
                yield content[at : min(at + 7, len(content))]

    files = InPieces()
    files.add(PATH, program(b"abc" + FIXED))
    assert file_version(files, PATH) == "8.6.2.4711"


def test_nothing_but_headers_and_resources_is_read() -> None:
    taken = []

    class Counted(MemoryWindowsFiles):
        def read(self, path: str, start: int = 0) -> Iterator[bytes]:
            for at in range(start, len(self.content(path)), 4096):
                taken.append(at)
                yield self.content(path)[at : at + 4096]

    files = Counted()
    files.add(PATH, program(b"x" + FIXED, code=bytes(10_000_000)))
    assert file_version(files, PATH) == "8.6.2.4711" and len(taken) < 8


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        file_version(MemoryWindowsFiles(), PATH)
