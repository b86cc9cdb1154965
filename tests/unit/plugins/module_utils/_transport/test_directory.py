# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_directory import FakeDirectory

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionFailed, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._transport.directory import (
    DirectoryObject,
    Range,
    directory,
    escaped,
    guid_bytes,
    guid_text,
    sid_text,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


@pytest.mark.parametrize(
    ("description", "expected", "rest"),
    [
        ("member;range=0-1499", Range("member", 0, 1499), "member;range=1500-*"),
        ("extensionName;Range=1500-*", Range("extensionName", 1500, None), "extensionName;range=0-*"),
    ],
)
def test_ranges(description, expected, rest):
    assert Range.of(description) == expected
    assert expected.rest == rest


@pytest.mark.parametrize("description", ["member", "userCertificate;binary", "member;range=x-1", "m;range=0-1;binary"])
def test_what_is_no_range(description):
    assert Range.of(description) is None


@given(st.uuids())
def test_a_guid_survives_both_ways(guid):
    assert guid_text(guid_bytes(str(guid))) == str(guid)
    assert guid_text(guid.bytes_le) == str(guid)


@pytest.mark.parametrize("value", [b"", b"short", bytes(17)])
def test_what_is_no_guid(value):
    with pytest.raises(ValueError):
        guid_text(value)
    with pytest.raises(ValueError):
        assert DirectoryObject("CN=x", {"objectGUID": [value]}).guid


def test_an_object_tells_its_guid_and_text():
    guid = uuid.uuid4()
    found = DirectoryObject("CN=x", {"objectGUID": [guid.bytes_le], "cn": ["Büro".encode(), b"2"], "raw": [b"\xff"]})
    assert found.guid == str(guid)
    assert (found.first_text("cn"), found.first_text("none"), found.first_text("raw")) == ("Büro", "", "\ufffd")


def test_a_security_identifier():
    raw = bytes.fromhex("010500000000000515000000ddb6788d5b9a6f38b1e12dd654040000")
    assert sid_text(raw) == "S-1-5-21-2373498589-946838107-3593331121-1108"
    for broken in (b"", raw[:-1], raw + b"\0"):
        with pytest.raises(ValueError):
            sid_text(broken)


def test_a_filter_value_cannot_leave_its_place():
    assert escaped(b"*)(a") == r"\2a\29\28\61"


def test_only_directories_are_directories():
    with LocalTransport() as local, pytest.raises(OptionInvalid, match="only known of directories"):
        directory(local)
    fake = FakeDirectory()
    assert directory(fake) is fake
    assert fake.free_space("/") is None
    with pytest.raises(ConnectionFailed, match="neither commands nor files"):
        fake.run(["true"])
