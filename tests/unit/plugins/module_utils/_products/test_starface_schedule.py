# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_schedule import (
    DAY,
    clock,
    gap,
    meeting,
    slots,
    times_of_day,
)

START = datetime.datetime(2026, 11, 30, 2, 0)
minute = st.integers(0, DAY - 1)
length = st.integers(1, DAY)


def busy(at, minutes):
    return {(at + minute) % DAY for minute in range(min(minutes, DAY))}


@given(minute, length, minute, length)
def test_two_jobs_meet_when_they_share_a_minute(backup, long, archive, other):
    met = meeting(backup, long, archive, other)
    assert (met is not None) == bool(busy(backup, long) & busy(archive, other))
    assert (gap(backup, long, archive, other) == 0) or met is None
    if met is not None:
        first, minutes, second = (backup, long, archive) if met.backup_first else (archive, other, backup)
        assert (second - first) % DAY < minutes
        assert (met.shifted_to - second) % DAY == 60


@given(minute, st.integers(1, 500))
def test_the_times_of_a_day_are_those_that_come_up(first, interval):
    start = datetime.datetime(2026, 1, 1) + datetime.timedelta(minutes=first)
    met = {(first + turn * interval * 60) % DAY for turn in range(24)}
    assert times_of_day(start, interval) == sorted(met)


@given(st.integers(1, 400), st.integers(-2000, 2000), st.integers(0, 2000))
def test_slots_are_those_between(interval, before, hours):
    since = START + datetime.timedelta(hours=before)
    until = since + datetime.timedelta(hours=hours)
    step = datetime.timedelta(hours=interval)
    every = [START + step * turn for turn in range(5000 // interval + 2)]
    assert slots(START, interval, since, until) == [one for one in every if since <= one <= until]


def test_a_clock():
    assert (clock(0), clock(125), clock(DAY + 1)) == ("00:00", "02:05", "00:01")
