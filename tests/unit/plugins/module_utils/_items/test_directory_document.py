# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._items.directory_document import (
    ObjectDocument,
    as_text,
    digest,
)

GUID = "54d66d2b-f474-4588-b63b-8f42d42688b3"

attributes = st.dictionaries(
    st.text("abcXYZ-1", min_size=1, max_size=5), st.lists(st.binary(max_size=20), min_size=1, max_size=4), max_size=4
)


def document(held, dn="CN=Müller,DC=x"):
    return ObjectDocument(GUID, dn, "müller", "user", held)


@given(attributes)
def test_every_byte_survives(held):
    back = ObjectDocument.from_bytes(document(held).to_bytes())
    assert (back.guid, back.dn, back.name, back.kind) == (GUID, "CN=Müller,DC=x", "müller", "user")
    assert {name: list(values) for name, values in back.attributes.items()} == {n: sorted(v) for n, v in held.items()}


@given(attributes, st.data())
def test_order_makes_no_other_document_and_no_other_digest(held, data):
    mixed = {name: data.draw(st.permutations(held[name])) for name in data.draw(st.permutations(list(held)))}
    assert document(mixed).to_bytes() == document(held).to_bytes()
    assert digest(mixed) == digest(held)


@given(attributes, attributes)
def test_other_values_have_another_digest(one, other):
    same = {n: sorted(v) for n, v in one.items()} == {n: sorted(v) for n, v in other.items()}
    assert (digest(one) == digest(other)) is same


def test_a_person_can_read_it():
    text = document({"extensionName": [b"<2,b>", "<1,ü>".encode()], "raw": [b"\xff\0"], "none": []}).to_bytes().decode()
    data = json.loads(text)
    assert data["readable"] == {"extensionName": ["<1,ü>", "<2,b>"], "raw": ["0xff00"]}
    assert data["sAMAccountName"] == "müller" and "ü" in text
    assert as_text(b"\xff") == "0xff"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({"objectGUID": GUID, "dn": "", "sAMAccountName": "", "objectClass": ""}).encode(),
        json.dumps(
            {"objectGUID": GUID.upper(), "dn": "", "sAMAccountName": "", "objectClass": "", "attributes": {}}
        ).encode(),
        json.dumps({"objectGUID": "x", "dn": "", "sAMAccountName": "", "objectClass": "", "attributes": {}}).encode(),
        json.dumps({"objectGUID": GUID, "dn": 1, "sAMAccountName": "", "objectClass": "", "attributes": {}}).encode(),
        json.dumps(
            {"objectGUID": GUID, "dn": "", "sAMAccountName": "", "objectClass": "", "attributes": {"a": ["!"]}}
        ).encode(),
        json.dumps(
            {"objectGUID": GUID, "dn": "", "sAMAccountName": "", "objectClass": "", "attributes": {"a": [1]}}
        ).encode(),
        json.dumps(
            {"objectGUID": GUID, "dn": "", "sAMAccountName": "", "objectClass": "", "attributes": {"a": 1}}
        ).encode(),
    ],
)
def test_what_is_no_document_is_a_value_error(content):
    with pytest.raises(ValueError):
        ObjectDocument.from_bytes(content)
