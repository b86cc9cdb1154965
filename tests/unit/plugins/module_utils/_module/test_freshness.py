# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from support.repositories import TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.duration import seconds_of, words_for
from ansible_collections.ucops.recovery.plugins.module_utils._module.freshness import (
    Freshness,
    age_of,
    described,
    named,
)

RECEIVED = datetime(2026, 1, 31, 12, tzinfo=timezone.utc).timestamp()
DAILY = Freshness(86400, 3600)


@pytest.fixture
def record(tmp_path):
    one = TestRepository.create(tmp_path).backup({"/a": b"x"}).record
    object.__setattr__(one, "received_at", "2026-01-31T12:00:00Z")
    return one


@pytest.mark.parametrize("age, overdue", [(0, False), (86400, False), (90000, False), (90001, True), (-5000, False)])
def test_overdue_is_later_than_expected_and_grace(record, age, overdue):
    assert DAILY.is_overdue(record, RECEIVED + age) is overdue
    assert age_of(record, RECEIVED + age) == max(0, age)


def test_nothing_is_overdue_when_nothing_is_expected_or_ever_came(record):
    assert not Freshness(None).is_overdue(record, RECEIVED + 10**9)
    assert not DAILY.is_overdue(None, RECEIVED)


def test_words_name_the_last_good_one(record):
    assert named(record, RECEIVED + 7200) == "the last good one is pbx/kamailio/1, received 2 h ago"
    assert named(None, 0) == "there is no good one at all"
    assert DAILY.words() == "one is expected every 1 d, with 1 h of grace"
    assert described(None, 0, "plausible") is None and described(record, RECEIVED + 5, "plausible")["age"] == 5


@pytest.mark.parametrize("text, seconds", [("90m", 5400), ("26h", 93600), ("1d 2h", 93600), ("2w", 1209600), ("0s", 0)])
def test_spans_as_people_write_them(text, seconds):
    assert seconds_of(text, "x") == seconds


@pytest.mark.parametrize(
    "text", ["", "daily", "24", "1h30", "-1h", "1 month", "1h;2h", "99999999w", "9" * 400 + "s", "9" * 5000 + "h"]
)
def test_what_is_no_span_is_refused(text):
    with pytest.raises(OptionInvalid):
        seconds_of(text, "grace")


@pytest.mark.parametrize(
    "seconds, words", [(0, "0 s"), (59, "59 s"), (3661, "1 h 1 min"), (90061, "1 d 1 h"), (-3, "0 s")]
)
def test_spans_in_words(seconds, words):
    assert words_for(seconds) == words
