# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SMB messages as bytes. smbprotocol, which packs and unpacks them by its own tables of fields, is the oracle."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.ucops.recovery.plugins.module_utils._transport import smb_messages as smb

protocol = pytest.importorskip("smbprotocol.open")
ioctl = pytest.importorskip("smbprotocol.ioctl")
tree = pytest.importorskip("smbprotocol.tree")

HANDLE = bytes(range(16))
NAMES = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=40)


def understood(structure: object, body: bytes) -> object:
    """The message as smbprotocol reads it; it must read all of it."""
    structure.unpack(body)  # type: ignore[attr-defined]
    return structure


def value(structure: object, field: str) -> object:
    return structure[field].get_value()  # type: ignore[index]


@given(NAMES, st.one_of(st.none(), st.integers(0, 2**63 - 1)), st.one_of(st.none(), st.binary(min_size=1, max_size=99)))
def test_create(name: str, moment: int | None, security: bytes | None) -> None:
    message = smb.create(name, 0x120089, share=5, disposition=2, options=0x204000, moment=moment, security=security)
    length = len(name.encode("utf-16-le"))
    fields = struct.unpack_from("<HBBIQQIIIIIHHII", message.body)
    assert fields[6:11] == (0x120089, 0, 5, 2, 0x204000) and fields[11:13] == (120, length)
    assert message.body[56 : 56 + length].decode("utf-16-le") == name
    offset, size = fields[13], fields[14]
    contexts = {}
    at = offset - 64
    while size:
        following, name_at, name_length, _r, data_at, data_length = struct.unpack_from("<IHHHHI", message.body, at)
        tag = message.body[at + name_at : at + name_at + name_length]
        contexts[tag] = message.body[at + data_at : at + data_at + data_length]
        assert at % 8 == 0 and data_at % 8 == 0
        if not following:
            break
        at += following
    expected = {b"TWrp": struct.pack("<Q", moment or 0), b"SecD": security}
    wanted = {tag for tag, given_ in ((b"TWrp", moment), (b"SecD", security)) if given_ is not None}
    assert contexts == {tag: expected[tag] for tag in wanted}


def test_a_root_has_an_empty_name() -> None:
    fields = struct.unpack_from("<HBBIQQIIIIIHHII", smb.create("", 1).body)
    assert fields[12] == 0 and len(smb.create("", 1).body) > 56


@given(st.integers(0, 2**23), st.integers(0, 2**62))
def test_read_and_write(length: int, offset: int) -> None:
    message = smb.read(length, offset, HANDLE)
    found = understood(protocol.SMB2ReadRequest(), message.body)
    assert (value(found, "length"), value(found, "offset"), value(found, "file_id")) == (length, offset, HANDLE)
    assert message.charge == max(1, -(-length // 65536))
    data = b"d" * min(length, 70_000)
    message = smb.write(data, offset, HANDLE)
    found = understood(protocol.SMB2WriteRequest(), message.body)
    assert (value(found, "offset"), value(found, "file_id"), value(found, "buffer")) == (offset, HANDLE, data)


@given(NAMES)
def test_rename_has_windows_least_length(name: str) -> None:
    found = understood(protocol.SMB2SetInfoRequest(), smb.rename(name, HANDLE).body)
    data = value(found, "buffer")
    assert isinstance(data, bytes) and len(data) >= 24 and value(found, "file_info_class") == 10
    length = int.from_bytes(data[16:20], "little")
    assert data[0] == 1 and data[20 : 20 + length].decode("utf-16-le") == name


def test_questions_and_settings() -> None:
    found = understood(protocol.SMB2QueryInfoRequest(), smb.query_security(HANDLE).body[:40])
    assert (value(found, "info_type"), value(found, "additional_information"), value(found, "file_id")) == (
        3,
        7,
        HANDLE,
    )
    found = understood(protocol.SMB2SetInfoRequest(), smb.change_security(b"sd", HANDLE).body)
    assert (value(found, "info_type"), value(found, "additional_information"), value(found, "buffer")) == (3, 7, b"sd")
    found = understood(protocol.SMB2SetInfoRequest(), smb.change_facts(0x21, 5, 7, HANDLE).body)
    assert struct.unpack("<QQQQII", value(found, "buffer")) == (5, 0, 7, 0, 0x21, 0)  # type: ignore[arg-type]
    found = understood(protocol.SMB2SetInfoRequest(), smb.remove_on_close(True, HANDLE).body)
    assert (value(found, "file_info_class"), value(found, "buffer")) == (13, b"\1")
    found = understood(protocol.SMB2QueryDirectoryRequest(), smb.query_directory(4096, HANDLE).body)
    assert (value(found, "output_buffer_length"), value(found, "buffer")) == (4096, "*".encode("utf-16-le"))
    found = understood(protocol.SMB2CloseRequest(), smb.close(HANDLE).body)
    assert (value(found, "flags"), value(found, "file_id")) == (1, HANDLE)
    found = understood(protocol.SMB2FlushRequest(), smb.flush(HANDLE).body)
    assert value(found, "file_id") == HANDLE
    found = understood(tree.SMB2TreeConnectRequest(), smb.connect_tree(r"\\h\C$").body)
    assert value(found, "buffer") == r"\\h\C$".encode("utf-16-le")
    body = smb.control(smb.SET_REPARSE_POINT, b"link", 0, HANDLE).body
    fields = struct.unpack_from("<HHI16sIIIIIIII", body)
    assert fields[2:6] == (0x900A4, HANDLE, 120, 4) and fields[10] == 1 and body[56:] == b"link"


@given(st.lists(st.tuples(NAMES, st.integers(0, 2**62), st.integers(0, 2**32 - 1)), max_size=6))
def test_a_listing(names: list[tuple[str, int, int]]) -> None:
    data = b""
    for number, (name, size, attributes) in enumerate(names, 1):
        raw = name.encode("utf-16-le")
        following = 68 + len(raw) + -(68 + len(raw)) % 8 if number < len(names) else 0
        numbers = (following, 0, 1, 2, 3, 4, size, 6, attributes, len(raw), 0xA0000003)
        data += (struct.pack("<IIQQQQQQIII", *numbers) + raw).ljust(following, b"\0")
    assert list(smb.listed(data)) == [(name, smb.Facts(1, 3, size, bits), 0xA0000003) for name, size, bits in names]


@given(st.binary(max_size=200))
def test_answers_of_any_bytes_are_understood_or_refused(data: bytes) -> None:
    message = memoryview(bytes(64) + data)
    for action in (smb.data_of, smb.answer_of, smb.output_of):
        with contextlib.suppress(ConnectionFailed):
            action(message)
    for action in (smb.created, smb.closed, smb.written):
        with contextlib.suppress(ConnectionFailed):
            action(data)


@given(st.binary(max_size=400))
def test_a_listing_of_any_bytes_ends(data: bytes) -> None:
    with contextlib.suppress(ConnectionFailed):
        assert len(list(smb.listed(data))) <= len(data)


def test_an_answer_that_points_beyond_itself() -> None:
    for body in (struct.pack("<HHI", 9, 72, 100), struct.pack("<HHI", 9, 8, 4) + bytes(40)):
        with pytest.raises(ConnectionFailed):
            smb.answer_of(memoryview(bytes(64) + body))
