# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is declared of an appliance: what is refused, what is advised."""

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_advice import HIGH, advice
from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_options import (
    KeyfactorApplianceOptions,
    Storage,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.options import parse_options

NOW = 1_700_000_000.0
ATTESTED = {"by": "anna", "at": "2023-01-15"}
GOOD = {
    "schedule": "scheduled",
    "filename_prefix": "ca1-",
    "storage": {"type": "nfs", "nfs_url": "backup1", "path": "/ca1", "nfs_version": "4.1"},
    "oauth_attested": ATTESTED,
    "appliance_secret_fingerprint": "known",
    "escrow": [{"where": "safe", **ATTESTED}, {"where": "bank", **ATTESTED}],
    "release": "3.4.1",
    "appliance_size": "4 CPU",
}
LANDING = {"expected_every": "24h", "quiet_period": 120, "after": "keep"}


def told(landing=None, **options):
    found = advice(parse_options(KeyfactorApplianceOptions, {**GOOD, **options}), landing or LANDING, NOW)
    return {one.field: one.grade for one in found}


def without(*names):
    return advice(
        parse_options(KeyfactorApplianceOptions, {name: value for name, value in GOOD.items() if name not in names}),
        LANDING,
        NOW,
    )


def test_a_good_configuration_needs_no_advice():
    assert told() == {}


@pytest.mark.parametrize(
    ("missing", "grade"),
    [
        ("storage", HIGH),
        ("oauth_attested", HIGH),
        ("appliance_secret_fingerprint", HIGH),
        ("escrow", HIGH),
        ("filename_prefix", "normal"),
        ("release", "normal"),
        ("appliance_size", "normal"),
        ("schedule", "normal"),
    ],
)
def test_what_is_missing_is_told(missing, grade):
    assert [(one.field, one.grade) for one in without(missing)] == [(missing, grade)]


@pytest.mark.parametrize(
    ("options", "landing", "expected"),
    [
        ({}, {**LANDING, "expected_every": None}, {"expected_every": HIGH}),
        ({"schedule": "disabled"}, {**LANDING, "expected_every": None}, {"schedule": HIGH}),
        ({"schedule": "disabled"}, LANDING, {"schedule": "normal"}),
        ({"storage": {"type": "none"}}, LANDING, {"storage": HIGH}),
        (
            {"storage": {"type": "nfs"}},
            LANDING,
            {"storage.nfs_url": HIGH, "storage.path": HIGH, "storage.nfs_version": "normal"},
        ),
        ({}, {**LANDING, "quiet_period": 20}, {"quiet_period": "normal"}),
        ({}, {**LANDING, "after": "remove"}, {"after": "normal"}),
        ({"escrow": [{"where": "Safe", **ATTESTED}, {"where": "safe", **ATTESTED}]}, LANDING, {"escrow": "normal"}),
        ({"oauth_attested": {"by": "anna", "at": "2050-01-01"}}, LANDING, {"oauth_attested": HIGH}),
    ],
)
def test_what_will_not_do(options, landing, expected):
    assert told(landing, **options) == expected


def test_what_matters_most_comes_first():
    grades = [one.grade for one in without("storage", "filename_prefix", "escrow")]
    assert grades == sorted(grades, key=lambda grade: grade != HIGH)


@pytest.mark.parametrize(
    "options",
    [
        {"filename_prefix": "../x"},
        {"filename_prefix": ".x"},
        {"filename_prefix": "a*"},
        {"filename_prefix": "a b"},
        {"schedule": "daily"},
        {"storage": {"type": "smb"}},
        {"storage": {"type": "nfs", "nfs_version": "3"}},
        {"storage": {"type": "nfs", "path": "relative"}},
        {"storage": {"kind": "nfs"}},
        {"oauth_attested": {"by": "anna"}},
        {"oauth_attested": {"by": "anna", "at": "last week"}},
        {"oauth_attested": {"by": "anna", "at": "2026-01-31T22:00:00"}},
        {"escrow": [{"where": "safe", "by": "anna", "at": ""}]},
        {"escrow": ["safe"]},
        {"hsm_backup": {"product": "pushed"}},
        {"storage_warn_percent": 0},
        {"backup_details": "rows"},
        {"backup_details": {str(number): 1 for number in range(101)}},
    ],
)
def test_what_cannot_be(options):
    with pytest.raises(OptionInvalid):
        parse_options(KeyfactorApplianceOptions, options)


def test_defaults_are_those_of_the_appliance():
    options = KeyfactorApplianceOptions()
    assert options.storage == Storage("none") and options.schedule == "disabled"
    assert "known" not in repr(parse_options(KeyfactorApplianceOptions, GOOD))
