# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table Backup Status, and whether the appliance may be restarted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_options import (
    KeyfactorApplianceOptions,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_status import (
    NotUnderstood,
    Observed,
    Reading,
    relative,
    restart,
    status,
    when,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.options import parse_options

NOW = 1_700_000_000.0
HOUR, DAY = 3600, 86400
QUIET, UNREAD = Observed(NOW), Reading()
READY = {
    "schedule": "scheduled",
    "storage": {"type": "nfs", "nfs_url": "backup1", "path": "/ca1", "nfs_version": "4.2"},
    "oauth_attested": {"by": "anna", "at": "2023-01-15"},
    "appliance_secret_fingerprint": "known",
}


def declared(**options):
    return parse_options(KeyfactorApplianceOptions, {**READY, **options})


def table(observed=QUIET, reading=UNREAD, **options):
    return status(declared(**options), observed, reading)


# --- times as Webconf writes them ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20Z", 0),
        ("2023-11-14 22:13:20", 0),
        ("2023-11-14 22:13:20 UTC", 0),
        ("2023-11-14T23:13:20+01:00", 0),
        ("5 minutes ago", -300),
        ("2 Hours ago", -2 * HOUR),
        ("an hour ago", -HOUR),
        ("1 day, 2 hours and 3 minutes ago", -DAY - 2 * HOUR - 180),
        ("in 3 hours", 3 * HOUR),
        ("2 days from now", 2 * DAY),
        ("just now", 0),
    ],
)
def test_absolute_and_relative_times(text, expected):
    assert when(text, NOW, past=True) == NOW + expected == when(text, NOW, past=False)


def test_a_span_alone_points_where_its_row_does():
    assert when("3 hours", NOW, past=True) == NOW - 3 * HOUR
    assert when("3 hours", NOW, past=False) == NOW + 3 * HOUR


@pytest.mark.parametrize("text", ["", " ", "-", "never", "Schedule Disabled", "SCHEDULE DISABLED"])
def test_no_time(text):
    assert when(text, NOW, past=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "5 parsecs ago",
        "3 hours of waiting",
        "14.11.2023",
        "in 99999999 weeks",
        "99999999 weeks ago",
        f"in {'9' * 400} seconds",
        f"{'9' * 5000} days ago",
        "in ² days",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T00:00:00Z",
    ],
)
def test_what_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        when(text, NOW, past=True)


@given(st.integers(-400, 400))
def test_what_is_shown_is_understood(hours):
    seconds = hours * HOUR
    assert abs(when(relative(seconds), NOW, past=True) - (NOW + seconds)) < DAY


# --- the table -------------------------------------------------------------------------------------------------------
def test_what_arrives_is_in_progress_and_nothing_else_is_known():
    assert table(Observed(NOW, arriving=["ca1-7.bak"]))["current"] == "In Progress"
    quiet = table()
    assert quiet["current"] == "Unknown" and "only Webconf shows" in quiet["current_seen"]


@pytest.mark.parametrize("words", ["In Progress", "BACKUP IN PROGRESS"])
def test_what_a_person_read_counts(words):
    assert table(reading=Reading(words))["current"] == "In Progress"


@pytest.mark.parametrize(("age", "current"), [(60, "Not Running"), (16 * 60, "Unknown"), (-60, "Unknown")])
def test_not_running_is_believed_while_it_is_fresh(age, current):
    assert table(reading=Reading("NOT RUNNING", read_at=NOW - age))["current"] == current


def test_last_and_next():
    seen = table(Observed(NOW, last=NOW - 20 * HOUR, every=DAY))
    assert seen["last_successful"] == "2023-11-14T02:13:20Z" and seen["last_successful_relative"] == "20 hours ago"
    assert seen["next_scheduled"] == "2023-11-15T02:13:20Z" and seen["next_scheduled_relative"] == "in 4 hours"
    empty = table()
    assert empty["last_successful"] == empty["next_scheduled"] == empty["next_scheduled_relative"] == ""


def test_a_disabled_schedule():
    seen = table(Observed(NOW, last=NOW - HOUR, every=DAY), schedule="disabled")
    assert seen["next_scheduled"] == "Schedule Disabled" and seen["next_scheduled_relative"] == ""


def test_why_none_can_be_created():
    assert table()["cannot_be_created"] == []
    reasons = status(
        parse_options(KeyfactorApplianceOptions, {}), Observed(NOW, trouble=["full"]), Reading(problem="no")
    )
    told = " ".join(reasons["cannot_be_created"])
    for words in ("storage type is None", "OTP user", "Domain Master Secret is set", "full", "Webconf says: no"):
        assert words in told
    assert "No NFS URL" in table(storage={"type": "nfs"})["cannot_be_created"][0]


def test_differences_to_what_a_person_read():
    observed = Observed(NOW, last=NOW - 30 * HOUR, every=DAY, grace=HOUR)
    assert table(observed, Reading("", "30 hours ago", "2 hours", read_at=NOW))["differences"] != []
    assert table(observed, Reading(last_successful="30 hours ago", read_at=NOW))["differences"] == []
    (lost,) = table(observed, Reading(last_successful="2 hours ago", read_at=NOW))["differences"]
    assert "did not arrive here" in lost
    (off,) = table(observed, Reading(next_scheduled="Schedule Disabled"))["differences"]
    assert "declared enabled" in off
    (odd,) = table(observed, Reading(last_successful="yesterday-ish"))["differences"]
    assert "not understood" in odd
    (far,) = table(observed, Reading(next_scheduled="in 99999999 weeks"))["differences"]
    assert "not understood" in far
    (late,) = table(observed, Reading(next_scheduled="in 3 days", read_at=NOW))["differences"]
    assert "later than expected_every" in late


# --- restarting ------------------------------------------------------------------------------------------------------
def verdict(observed=QUIET, reading=UNREAD, lock="", window=1800, **options):
    return restart(declared(**options), observed, reading, lock, window)


def test_a_restart_is_allowed_when_nothing_speaks_against_it():
    assert verdict() == {"allowed": True, "reasons": []}
    assert verdict(Observed(NOW, last=NOW - HOUR, every=DAY))["allowed"]


@pytest.mark.parametrize(
    ("observed", "reading", "lock", "options", "words"),
    [
        (Observed(NOW, arriving=["x"]), Reading(), "", {}, "x is arriving"),
        (Observed(NOW), Reading("In Progress"), "", {}, "Webconf shows 'In Progress'"),
        (Observed(NOW), Reading(), "audit until noon", {}, "maintenance lock is declared: audit until noon"),
        (Observed(NOW), Reading(), "", {"restart_lock": "CHG7"}, "maintenance lock is declared: CHG7"),
        (Observed(NOW, last=NOW - DAY + 600, every=DAY), Reading(), "", {}, "is expected at"),
        (Observed(NOW, last=NOW - DAY - 60, every=DAY, grace=HOUR), Reading(), "", {}, "is expected at"),
        (Observed(NOW, last=NOW - 2 * DAY, every=DAY, grace=HOUR), Reading(), "", {}, "has not come"),
    ],
)
def test_a_restart_is_refused(observed, reading, lock, options, words):
    found = verdict(observed, reading, lock, **options)
    assert not found["allowed"] and words in " ".join(found["reasons"])


def test_whoever_read_that_none_runs_may_restart_unless_one_is_about_to():
    fresh = Reading("Not Running", read_at=NOW - 60)
    assert verdict(Observed(NOW, last=NOW - 2 * DAY, every=DAY), fresh)["allowed"]
    assert not verdict(Observed(NOW, last=NOW - DAY + 600, every=DAY), fresh)["allowed"]
    stale = Reading("Not Running", read_at=NOW - DAY)
    assert not verdict(Observed(NOW, last=NOW - 2 * DAY, every=DAY), stale)["allowed"]


def test_without_a_schedule_nothing_is_waited_for():
    assert verdict(Observed(NOW, last=NOW - 2 * DAY, every=DAY), schedule="disabled")["allowed"]
