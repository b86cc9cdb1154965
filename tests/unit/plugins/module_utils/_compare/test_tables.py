# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.tables import Row, is_secret_name, secret_values


def row(**values):
    return Row("t", tuple(values), tuple(values.values()), tuple((0, 0) for _value in values))


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "auth_password",
        "ha1",
        "ha1b",
        "auth_ha1",
        "secret",
        "api_key",
        "apikey",
        "token",
        "passwd",
        "ha1_sha256",
        "private_key",
        "psk",
        "userpwd",
        "voicemail_pin",
        "pass_word",
    ],
)
def test_secret_columns(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["username", "domain", "key_name", "attribute", "path", "email_address", "tokens_used", "compass", "spin", "hash"],
)
def test_other_columns(name):
    assert not is_secret_name(name)


def test_a_value_is_secret_when_its_attribute_is():
    assert secret_values(row(id="1", attribute="voicemail_pin", value="4711")) == [2]
    assert secret_values(row(key_name="api_token", key_value="x")) == [1]
    assert secret_values(row(id="1", attribute="language", value="de")) == []
    assert secret_values(row(id="1", attribute=None, value="de")) == []


def test_all_is_secret_when_nobody_knows_the_columns():
    unknown = Row("t", (), ("a", "b"), ((0, 1), (2, 3)))
    assert not unknown.fits
    assert secret_values(unknown) == [0, 1]
    assert unknown.get("a") is None
