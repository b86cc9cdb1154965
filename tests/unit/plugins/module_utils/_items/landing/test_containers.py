# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real containers of the standard library, whole and cut at every place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples, thorough

from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.containers import (
    HEAD,
    TESTED_KINDS,
    checker_of,
    kind_of,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.content import ContentCheck, Demands

NOISE = os.urandom(3000)


def tar(form=tarfile.PAX_FORMAT, content=NOISE, long="a/" + "x" * 150):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in ((long, content), ("empty", b""), ("ümlaut", b"text")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "empty"
        archive.addfile(link)
    return out.getvalue()


def archive_zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", NOISE)
    return out.getvalue()


def seven_zip():
    packed, end = NOISE, b"end header"
    start = struct.pack("<QQI", len(packed), len(end), zlib.crc32(end))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + end


WHOLE = {
    "tar": tar(),
    "tar of GNU": tar(tarfile.GNU_FORMAT),
    "tar of old": tar(tarfile.USTAR_FORMAT, b"x" * 512, "a"),
    "gzip": gzip.compress(NOISE),
    "gzip of two": gzip.compress(NOISE) + gzip.compress(b"more"),
    "gzip of tar": gzip.compress(tar()),
    "bzip2": bz2.compress(NOISE),
    "xz": lzma.compress(NOISE),
    "xz of tar": lzma.compress(tar()),
    "zip": archive_zip(),
    "7z": seven_zip(),
}


def verdict(data, step=700):
    check = ContentCheck(b"x", Demands())
    for at in range(0, len(data), step):
        check.feed(data[at : at + step])
    return check.finish()


@pytest.mark.parametrize("name", sorted(WHOLE))
@pytest.mark.parametrize("step", [1, 511, 4096, 10**6])
def test_whole_ones_pass(name, step):
    found = verdict(WHOLE[name], step)
    assert (found.container, found.verdict, found.verified) == (name.split()[0], "ok", "tested")


@pytest.mark.parametrize("name", sorted(WHOLE))
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_cut_ones_are_truncated(name, part):
    data = WHOLE[name]
    data = data.rstrip(b"\0") if "tar" in name.split()[0] else data
    found = verdict(data[: int(len(data) * part)])
    assert found.verdict in ("truncated", "damaged"), found
    assert found.verified == "opaque" and found.level == "stable"


@given(st.sampled_from(["gzip", "bzip2", "xz", "zip", "7z"]), st.data())
@settings(max_examples=examples(60))
def test_no_place_to_cut_goes_unnoticed(name, data):
    at = data.draw(st.integers(300, len(WHOLE[name]) - 1))
    assert verdict(WHOLE[name][:at]).verdict != "ok"


UNPACK = {"gzip": gzip.decompress, "bzip2": bz2.decompress, "xz": lzma.decompress, "gzip of tar": gzip.decompress}


@given(st.sampled_from(sorted(UNPACK)), st.data())
@settings(max_examples=examples(60))
def test_no_changed_byte_behind_the_head_goes_unnoticed(name, data):
    """But for bits that fill the last byte or block of a stream: they stand for nothing, no library looks at them."""
    whole = bytearray(WHOLE[name])
    at = data.draw(st.integers(20, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    found = verdict(bytes(whole))
    assert found.verdict != "ok" or UNPACK[name](bytes(whole)) == UNPACK[name](WHOLE[name])


def test_something_behind_the_end_is_damage():
    assert verdict(WHOLE["tar"] + b"x" * 600).verdict != "ok"
    assert verdict(WHOLE["7z"] + b"x").verdict == "damaged"
    assert verdict(WHOLE["gzip"] + b"\0" * 5000).verdict == "ok"  # tapes fill their blocks


def test_a_tar_without_its_end_is_truncated():
    data = tar()
    end = len(data.rstrip(b"\0"))
    assert verdict(data[: -(-end // 512) * 512]).verdict == "truncated"
    assert verdict(gzip.compress(data[: -(-end // 512) * 512])).verdict == "truncated"


@thorough
def test_a_bomb_is_read_in_little_memory():
    import tracemalloc

    bomb = gzip.compress(b"\0" * 300_000_000, 9)
    tracemalloc.start()
    assert verdict(bomb, 65536).verdict == "ok"
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "head, kind",
    [
        (b"PK\x03\x04rest", "zip"),
        (b"age-encryption.org/v1\n", "age"),
        (b"Salted__12345678", "openssl"),
        (b"<?xml version='1.0'?>", "xml"),
        (b"", "unknown"),
        (b"SAR?", "unknown"),
    ],
)
def test_kinds_are_told_by_their_first_bytes(head, kind):
    assert kind_of(head) == kind
    assert (checker_of(kind) is not None) == (kind in TESTED_KINDS)


def test_zeros_at_the_end_of_an_opaque_file_are_told():
    found = verdict(NOISE + b"\0" * 70_000, 4096)
    assert found.verdict == "ok" and found.verified == "opaque" and "70000 bytes are zeros" in found.warnings[0]
    assert verdict(NOISE + b"\0" * 100).warnings == []


@given(st.lists(st.binary(max_size=9), max_size=9))
def test_the_verdict_does_not_depend_on_how_a_content_is_cut(parts):
    whole = b"".join(parts)
    check = ContentCheck(b"x", Demands(ends_with=b"END", min_size=4))
    for part in parts:
        check.feed(part)
    other = ContentCheck(b"x", Demands(ends_with=b"END", min_size=4))
    other.feed(whole)
    one, two = check.finish(), other.finish()
    assert (one.verdict, one.sha256, one.size, one.container) == (two.verdict, two.sha256, two.size, two.container)
    assert HEAD == 512
