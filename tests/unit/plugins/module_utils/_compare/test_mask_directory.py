# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_directory import documents, secret_part
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_rules import rules_for
from ansible_collections.ucops.recovery.plugins.module_utils._items.directory_document import ObjectDocument

GUID = "54d66d2b-f474-4588-b63b-8f42d42688b3"
PATH = f"/@directory/{GUID}.json".encode()


def shown(content):
    return Masker(b"k" * 32).mask_text(content.decode(), rules_for(PATH))[0]


def document(attributes):
    return ObjectDocument(GUID, "CN=x,DC=y", "x", "user", attributes).to_bytes()


@pytest.mark.parametrize(
    ("attribute", "value", "hidden"),
    [
        ("ectisrv3CTIEnabled", "1", None),
        ("ectisrv3CTIPhonePrimary", "+49", None),
        ("ectisrv3VoicemailPIN", "4711", "4711"),
        ("ectisrv3CtiPassword", "x", "x"),
        ("ectisrv3LoginHash2", "abc", "abc"),
        ("extensionName", "<12,secret>", "secret"),
        ("extensionName", "12,a,b", "a,b"),
        ("extensionName", "<12,two\nlines>", "two\nlines"),
        ("EXTENSIONNAME", "queue of the fax", "queue of the fax"),
        ("proxyAddresses", "sip:a@b", None),
    ],
)
def test_what_is_secret_of_a_value(attribute, value, hidden):
    span = secret_part(attribute, value)
    assert (value[slice(*span)] if span else None) == hidden


def test_names_numbers_and_plain_values_stay_readable():
    text = shown(
        document({"ectisrv3CTIEnabled": [b"1"], "extensionName": [b"<12,planted>"], "xPassword": [b"planted"]})
    )
    assert '   "1"\n' in text and '"<12,<secret:' in text and "CN=x,DC=y" in text
    assert "planted" not in text and base64.b64encode(b"planted").decode() not in text


@given(st.text(min_size=4), st.sampled_from(["extensionName", "ectisrv3Password"]))
def test_no_secret_is_shown_in_any_writing(secret, attribute):
    secret = f"\u16b7{secret}\u16b7"
    content = document(
        {attribute: [f"<1,{secret}>".encode("utf-8", "surrogatepass"), secret.encode("utf-8", "replace")]}
    )
    text = shown(content)
    assert "\u16b7" not in text


@pytest.mark.parametrize("text", ["", "planted", '{"attributes": {"xPassword": ["cGxhbnRlZA=="]}}'])
def test_what_is_written_in_another_way_is_hidden_as_a_whole(text):
    assert [span for span in documents(text) if span[1]] == ([(0, len(text))] if text else [])
