# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._repository.retention import Candidate, Policy
from ansible_collections.ucops.recovery.plugins.module_utils._repository.simulation import Series, lay_out, simulate

START = datetime(2026, 1, 1, 2, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def series(start: datetime, count: int, every: timedelta = DAY, **facts: str) -> Series:
    return Series(start, every, count, Candidate(0, start, **facts))  # type: ignore[arg-type]


def test_series_are_woven_by_time() -> None:
    schedule = lay_out([series(START, 3), series(START + DAY / 2, 2, release="5.7")])
    assert [(one.sequence, one.release) for one in schedule] == [(1, ""), (2, "5.7"), (3, ""), (4, "5.7"), (5, "")]


@pytest.mark.parametrize("count", [0, 2001])
def test_too_many_or_none(count: int) -> None:
    with pytest.raises(OptionInvalid, match="1 to 2000"):
        lay_out([series(START, count)])


def test_a_year_with_a_release_change() -> None:
    schedule = lay_out([series(START, 120, release="5.6"), series(START + 120 * DAY, 245, release="5.7")])
    end = START + 364 * DAY
    result = simulate(schedule, Policy(daily=14, monthly=3, per_release=2), True, end)
    kept = [one.candidate.sequence for one in result if one.went_at is None]
    # the last two of 5.6, the ends of two months, and fourteen days
    assert kept == [119, 120, 304, 334, *range(352, 366)]
    # the fifth day went when the fifteenth one after it came, except for the ends of months
    assert result[4].went_at == START + 18 * DAY
    assert result[0].reasons == ()


def test_runs_are_capped_unless_told() -> None:
    schedule = lay_out([series(START, 12)])
    free = simulate(schedule, Policy(last=2), True, START + 12 * DAY)
    capped = simulate(schedule, Policy(last=2), False, START + 12 * DAY)
    assert sum(one.went_at is None for one in free) == 2
    assert sum(one.went_at is None for one in capped) == 4
    assert [one.is_deferred for one in capped[-4:]] == [True, True, False, False]


def test_what_comes_after_the_end_is_not_looked_at() -> None:
    assert len(simulate(lay_out([series(START, 9)]), Policy(last=1), True, START + 4 * DAY)) == 5
