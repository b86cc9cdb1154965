# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_config import FINISHES, parse_config
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_targets import (
    FIELDS_OF,
    LABELS,
    SECURITY_MODES,
)

SECRET = "pl4nted,Secret"
SFTP = {"kind": "sftp", "username": "pbx", "password": SECRET, "server": "192.0.2.9", "path": "/incoming"}
SHARE = {
    "kind": "windows_share",
    "username": "LAB\\pbx",
    "password": SECRET,
    "server": "192.0.2.8",
    "share": "backup/pbx",
    "security": "ntlmsspi",
}
EVERYTHING = {
    "name": "pbx-berlin",
    "error_report_to": "ops@example.org",
    "interval": "daily",
    "start": "2026-11-30 02:00",
    "contents": {"master_data": True, "cdr_and_voicemail": False, "announcements": True},
    "targets": [
        SFTP,
        SHARE,
        {"kind": "local_disk"},
        {"kind": "usb"},
        {"kind": "dropbox", "kept_at": "vault"},
        {"kind": "mail", "addresses": ["archive@example.org"]},
    ],
    "finish": "run_and_save",
    "applied_at": "2026-11-29 10:00",
    "applied_by": "M. Muster",
}


def test_every_field_of_the_wizard_is_taken_and_shown():
    config = parse_config(EVERYTHING)
    assert config.to_result() == {
        "name": "pbx-berlin",
        "error_report_to": "ops@example.org",
        "interval_hours": 24,
        "start": "2026-11-30 02:00",
        "contents": {"master_data": True, "cdr_and_voicemail": False, "announcements": True},
        "targets": [
            {
                "kind": "sftp",
                "username": "pbx",
                "password_given": True,
                "kept_at": "",
                "server": "192.0.2.9",
                "path": "/incoming",
            },
            {
                "kind": "windows_share",
                "username": "LAB\\pbx",
                "password_given": True,
                "kept_at": "",
                "server": "192.0.2.8",
                "share": "backup/pbx",
                "security": "ntlmsspi",
            },
            {"kind": "local_disk"},
            {"kind": "usb"},
            {"kind": "dropbox", "kept_at": "vault"},
            {"kind": "mail", "addresses": ["archive@example.org"]},
        ],
        "finish": "run_and_save",
        "applied_at": "2026-11-29 10:00",
        "applied_by": "M. Muster",
    }
    assert config.start == datetime.datetime(2026, 11, 30, 2, 0)


def test_a_password_is_nowhere():
    config = parse_config(EVERYTHING)
    assert SECRET not in repr(config) and SECRET not in str(config.to_result())


def test_the_lists_of_the_wizard_are_whole():
    assert len(SECURITY_MODES) == 9 and len(LABELS) == 6 and len(FINISHES) == 3
    assert set(FIELDS_OF) == set(LABELS)


@pytest.mark.parametrize(
    ("given", "hours", "words"),
    [
        ("manual", 0, "Manuell"),
        ("hourly", 1, "every hour"),
        ("daily", 24, "every day"),
        ("weekly", 168, "every week"),
        ("monthly", 720, "every 30 days"),
        ("12h", 12, "every 12 hours"),
        ("3d", 72, "every 3 days"),
        ("2w", 336, "every 2 weeks"),
    ],
)
def test_intervals(given, hours, words):
    config = parse_config({"name": "x", "interval": given})
    assert (config.interval, config.interval_label, config.is_manual) == (hours, words, hours == 0)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": None}, "no name"),
        ({"interval": "sometimes"}, "interval must be"),
        ({"interval": "0h"}, "interval must be"),
        ({"start": "tomorrow"}, "start must be"),
        ({"start": "2026-02-30 02:00"}, "start must be"),
        ({"contents": True}, "contents must be"),
        ({"contents": {"cdr": True}}, "no option cdr"),
        ({"contents": {"master_data": "yes"}}, "master_data must be"),
        ({"targets": ["sftp"]}, "targets must be"),
        ({"targets": [{"kind": "ftp"}]}, "kind must be one of"),
        ({"targets": [{**SHARE, "security": "krb6"}]}, "security must be one of"),
        ({"targets": [{**SFTP, "share": "x"}]}, "has no field share"),
        ({"targets": [{"kind": "usb", "server": "192.0.2.1"}]}, "has no field server"),
        ({"finish": "later"}, "finish must be one of"),
        ({"archive_job": {"duration": 5}}, "archive_job must be"),
        ({"archive_job": {"start": "24:00"}}, "start must be a time of day"),
        ({"duration": 0}, "duration must be"),
        ({"colour": "red"}, "no option colour"),
    ],
)
def test_what_is_no_value_is_refused_without_showing_it(changed, says):
    with pytest.raises(OptionInvalid, match=says) as error:
        parse_config({**EVERYTHING, **changed})
    assert SECRET not in str(error.value)
