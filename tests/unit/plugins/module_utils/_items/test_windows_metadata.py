# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.smb_peer import junction, symlink

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_metadata import (
    link_target,
    metadata_of,
    what_is_wrong_with,
    xattrs_of,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import (
    SETTABLE,
    Taken,
    WindowsFile,
    filetime,
)

TIMES = st.integers(116_444_736_000_000_000, 2**62)
SECURITY = bytes(range(20))


@given(st.integers(0, 2**32 - 1), TIMES, TIMES)
def test_what_windows_knows_comes_back(attributes: int, created: int, written: int) -> None:
    file = WindowsFile("x", "file", 0, attributes, created, written)
    xattrs = xattrs_of(Taken("x", file, security=SECURITY), file)
    entry = Entry(item="i", data_class="logs", kind="file", path=b"/C:/x", mtime_ns=file.written_ns, xattrs=xattrs)
    assert what_is_wrong_with("file", xattrs) == ""
    found = metadata_of(entry)
    assert (found.security, found.attributes) == (SECURITY, attributes & SETTABLE)
    assert (found.created, found.written) == (created, written) == (created, filetime(file.written_ns))


def test_how_the_disk_keeps_a_content_is_no_part_of_it() -> None:
    plain, packed = (WindowsFile("x", "file", 0, bits, 1, 1) for bits in (0x20, 0x20 | 0x80 | 0x200 | 0x800 | 0x4000))
    assert xattrs_of(Taken("x"), plain) == xattrs_of(Taken("x"), packed)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        (junction(r"D:\Größe"), r"\??\D:\Größe"),
        (symlink(r"..\data"), r"..\data"),
        ((0xA0000019).to_bytes(4, "little") + bytes(8), "reparse point 0xA0000019"),
        (junction("D:")[:10], "reparse point 0xA0000003"),
    ],
)
def test_where_a_link_leads(link: bytes, target: str) -> None:
    assert link_target(link) == target


@given(st.binary(max_size=64))
def test_any_bytes_are_a_link_to_somewhere(link: bytes) -> None:
    assert isinstance(link_target(link), str)
