# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import lzma
import os
import pathlib
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._items.zip_test import ZipTest

GOLDEN = pathlib.Path(__file__).parent / "golden"
MEMBERS = {"config/ucserver.xml": b"<config/>" * 50, "random": os.urandom(3000), "empty": b"", "users/ä.xml": b"x"}


class Pipe(io.BytesIO):
    """Cannot seek, so that zipfile writes data descriptors."""

    def seekable(self):
        return False

    def tell(self):
        raise OSError


def archive(members=None, method=zipfile.ZIP_DEFLATED, target=None, comment=b"", force_zip64=False):
    raw = target or io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as made:
        made.comment = comment
        for name, content in (MEMBERS if members is None else members).items():
            with made.open(name, "w", force_zip64=force_zip64) as one:
                one.write(content)
    return raw.getvalue()


def verdict(content, step=700):
    test = ZipTest()
    for at in range(0, len(content), step):
        test.feed(content[at : at + step])
    return test.finish()


WHOLE = {
    "deflated": archive(),
    "stored": archive(method=zipfile.ZIP_STORED),
    "with descriptors": archive(target=Pipe()),
    "with a comment": archive(comment=b"Datenexport"),
    "64 bits": archive(force_zip64=True),
    "64 bits with descriptors": archive(target=Pipe(), force_zip64=True),
    "other packing": archive(method=zipfile.ZIP_BZIP2),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("step", [1, 700, 10**6])
def test_whole(name, step):
    assert verdict(WHOLE[name], step) is None


@pytest.mark.parametrize("name", WHOLE)
def test_cut_anywhere(name):
    content = WHOLE[name]
    for end in range(0, len(content), 37):
        assert verdict(content[:end]) is not None, end


@pytest.mark.parametrize("name", ["deflated", "stored", "with descriptors"])
def test_a_changed_byte_of_a_member(name):
    content = bytearray(WHOLE[name])
    content[len(content) // 2] ^= 0xFF
    assert verdict(bytes(content)) is not None


def described(members, widths, mark, extra):
    """An archive whose members are followed by descriptors of these widths, in turn, whatever their headers say."""
    out, central = bytearray(), bytearray()
    for number, content in enumerate(members):
        pack = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = pack.compress(content) + pack.flush()
        told = struct.pack(widths[number % len(widths)], zlib.crc32(content), len(packed), len(content))
        begin = len(out)
        out += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 8, 8, 0, 0, 0, 0, 0, 1, len(extra)) + b"x" + extra
        out += packed + mark + told
        facts = (zlib.crc32(content), len(packed), len(content), 1, 0, 0, 0, 0, 0, begin)
        central += struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 8, 8, 0, 0, *facts) + b"x"
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(members), len(members), len(central), len(out), 0)
    return bytes(out + central) + end


WIDE, NARROW = "<IQQ", "<III"


@pytest.mark.parametrize("extra", [b"", struct.pack("<HHQQ", 1, 16, 0, 0)], ids=["without_extra", "with_extra"])
@pytest.mark.parametrize("mark", [b"", b"PK\7\x08"], ids=["without_mark", "with_mark"])
@pytest.mark.parametrize("widths", [[WIDE], [NARROW], [WIDE, NARROW], [NARROW, WIDE]], ids=str)
def test_a_descriptor_may_have_either_width_whatever_the_header_says(widths, mark, extra):
    members = [b"", b"text", os.urandom(3000), b"", b"y" * 5000, b""]
    content = described(members, widths, mark, extra)
    for step in (1, 13, 10**6):
        assert verdict(content, step) is None
    for end in range(0, len(content), 7):
        assert verdict(content[:end]) is not None, end


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("place", range(12))
def test_a_descriptor_that_does_not_fit_is_found_out(width, place):
    content = bytearray(described([b"text" * 9], [width], b"PK\7\x08", b""))
    begin = content.index(b"PK\7\x08") + 4
    content[begin + place] ^= 1
    assert verdict(bytes(content)) == "holds a member that does not fit its CRC"


@thorough
def test_a_member_of_more_than_4_gib_as_java_writes_it():
    """By ZipOutputStream of OpenJDK 17, to a stream: 4097 MiB of zeros, with two small members before. It knows no size
    when it writes a local header, which says nothing of 64 bits, and has 64 bits in the descriptor."""
    assert verdict(lzma.decompress((GOLDEN / "java_over_4_gib.zip.xz").read_bytes()), 2**20) is None


@pytest.mark.parametrize(
    ("content", "story"),
    [
        (b"", "ends before its end"),
        (b"<html>not found</html>", "is no ZIP archive"),
        (archive() + b"more", "has something behind its end"),
        (archive({}), "holds nothing"),
        (archive() + b"m", "has something behind its end"),
    ],
)
def test_what_is_said(content, story):
    assert verdict(content) == story


def test_a_member_that_is_not_listed():
    content = archive({"a": b"1", "b": b"2"})
    begin = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", begin + 4)
    assert verdict(content[:begin] + content[second:]) == "lists 1 members and holds 2"


def test_much_in_little_is_unpacked_in_pieces():
    assert verdict(archive({"zeros": bytes(50 * 2**20)}), 2**16) is None


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_beginning(noise):
    assert verdict(archive({"a": b"x" * 500})[:60] + noise)


@given(
    st.dictionaries(st.text("abc/", min_size=1, max_size=8), st.binary(max_size=2000), max_size=5), st.integers(1, 999)
)
def test_what_zipfile_writes_is_whole(members, step):
    assert verdict(archive(members), step) == (None if members else "holds nothing")
