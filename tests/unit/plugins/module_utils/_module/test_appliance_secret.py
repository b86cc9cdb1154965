# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fingerprints of a passphrase that is held nowhere."""

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, WeakSecret
from ansible_collections.ucops.recovery.plugins.module_utils._module import appliance_secret
from ansible_collections.ucops.recovery.plugins.module_utils._module.appliance_secret import Fingerprint, fingerprint

SECRET = "appliance secret ü"


@pytest.fixture(scope="module")
def made():
    return fingerprint(SECRET, log_n=15)


def test_the_same_secret_is_known_again_and_another_is_not(made):
    text = str(made)
    assert Fingerprint.parse(text) == made and SECRET not in text
    assert fingerprint(SECRET, Fingerprint.parse(text)).same_as(made)
    assert not fingerprint(SECRET + "x", made).same_as(made)


def test_each_has_a_salt_of_its_own(made):
    other = fingerprint(SECRET, log_n=15)
    assert other.salt != made.salt and not other.same_as(made)


def test_it_is_slow_by_default():
    assert appliance_secret.LOG_N == 17


@pytest.mark.parametrize("secret", ["", "7 chars"])
def test_a_secret_that_no_appliance_takes(secret):
    with pytest.raises(WeakSecret) as caught:
        fingerprint(secret)
    assert not secret or secret not in str(caught.value)


def test_eight_characters_are_enough():
    assert fingerprint("8 chars!", log_n=15)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "planted secret",
        lambda text: text + "x",
        lambda text: text.replace("scrypt$15", "scrypt$30"),
        lambda text: text.replace("scrypt$15", "scrypt$02"),
        lambda text: text.replace("$8$1$", "$9$1$"),
        lambda text: text[:-10],
        lambda text: text + "\n",
    ],
)
def test_what_is_no_fingerprint(made, change):
    with pytest.raises(OptionInvalid) as caught:
        Fingerprint.parse(change(str(made)))
    assert "planted" not in str(caught.value)
