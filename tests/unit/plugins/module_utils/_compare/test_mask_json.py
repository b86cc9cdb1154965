# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in JSON are found by the names in front of them, and nothing of them is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_json import is_secret_name, json_values
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_rules import JSON, rules_for

MASKER = Masker(b"k" * 32)


def masked(text):
    return MASKER.mask_text(text, JSON)[0]


@pytest.mark.parametrize(
    "name",
    ["password", "Auth Code", "authenticationCode", "pin", "userPin", "PIN", "client-secret", "API key", "privateKey"]
    + ["raNameGenerationPassword", "accessToken", "HMAC", "hmac key", "Shared Secret", "credentials", "keystoreData"],
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["Crypto Token", "certSignKey", "Key Aliases", "publicKey", "opinion", "spin", "Pinned", "bypass", "Subject DN"],
)
def test_names_of_others(name):
    assert not is_secret_name(name)


def test_texts_and_numbers_behind_such_a_name_are_hidden_as_deep_as_it_goes():
    text = json.dumps({"password": "one-1", "auth code": {"value": ["two-2", {"x": 33333}]}, "name": "shown"})
    shown = masked(text)
    assert "shown" in shown and '"value"' in shown and '"x"' in shown
    assert not any(secret in shown for secret in ("one-1", "two-2", "33333"))
    assert shown.count("<secret:") == 3


def test_an_escaped_name_is_still_a_name():
    assert "planted" not in masked('{"p\\u0061ssword" : "planted"}')


@pytest.mark.parametrize("text", ['{"password": "planted"', "planted", '{"a": "planted"} trailing'])
def test_what_is_no_json_is_hidden_as_a_whole(text):
    assert list(json_values(text)) == [(0, len(text))]
    assert "planted" not in masked(text)


def test_deep_nesting_is_hidden_as_a_whole():
    text = "[" * 200_000 + "]" * 200_000
    assert list(json_values(text)) == [(0, len(text))]


@given(st.text(min_size=1), st.dictionaries(st.text(), st.text(), max_size=3))
def test_no_secret_is_ever_shown_and_the_rest_stays(secret, others):
    secret = f"S3-{secret}-3S"
    text = json.dumps({**others, "password": secret})
    shown = masked(text)
    assert json.dumps(secret)[1:-1] not in shown
    assert "<secret:" in shown


def test_the_rule_of_ejbca():
    assert rules_for(b"/@ejbca/configdump.json") == JSON
