# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.facts import FileFacts, Observation
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.judging import (
    LEVEL_RECEIVED,
    LEVEL_STABLE,
    LEVELS,
    Patience,
    Watch,
)

SECOND = 10**9
NOW = 1_800_000_000 * SECOND
FILE = FileFacts(b"a.sar", 1, 42, 1000, 1024, 7, NOW, 1)


def seen(at, facts=FILE, wall=None, **more):
    files = {facts.name: facts} if facts is not None else {}
    return Observation(at, NOW + int(at * SECOND) if wall is None else wall, files, **more)


def levels(looks, polls=3, quiet=60):
    watch = Watch(Patience(polls, quiet))
    found = [watch.feed(look) for look in looks]
    return [next(iter(one.values())).level if one else None for one in found]


def test_stable_after_enough_looks_and_the_quiet_period():
    assert levels([seen(at) for at in (0, 20, 40, 60)]) == [LEVEL_RECEIVED] * 3 + [LEVEL_STABLE]


def test_what_rested_for_long_still_needs_its_looks():
    old = replace(FILE, ctime_ns=NOW - 3600 * SECOND)
    assert levels([seen(at, old) for at in (0, 1, 2)]) == [LEVEL_RECEIVED, LEVEL_RECEIVED, LEVEL_STABLE]


@pytest.mark.parametrize(
    "change",
    [{"size": 1001}, {"mtime_ns": 8}, {"ctime_ns": NOW + 1}, {"inode": 43}, {"device": 2}, {"links": 2}],
)
def test_any_change_begins_anew(change):
    looks = [seen(0), seen(30), seen(61, replace(FILE, **change)), seen(80, replace(FILE, **change))]
    assert levels(looks)[-2:] == [LEVEL_RECEIVED, LEVEL_RECEIVED]


def test_what_was_away_begins_anew():
    assert levels([seen(0), seen(30), seen(61, None), seen(62), seen(63)])[-1] == LEVEL_RECEIVED


def test_a_file_that_is_open_for_writing_is_never_stable():
    looks = [seen(at, being_written={(1, 42): "sshd"}) for at in (0, 100, 1000, 10000)]
    assert levels(looks)[-1] == LEVEL_RECEIVED
    watch = Watch(Patience(2, 0))
    watch.feed(looks[0])
    assert watch.feed(looks[1])[b"a.sar"].waits_for == ("sshd has it open for writing",)
    assert levels([*looks, seen(10001)])[-1] == LEVEL_STABLE


@given(told=st.integers(-(2**62), 2**62))
def test_what_the_sender_says_of_times_has_no_effect(told):
    ours = [seen(at, replace(FILE, mtime_ns=told)) for at in (0, 20, 40, 60)]
    assert levels(ours) == levels([seen(at) for at in (0, 20, 40, 60)])
    arrival = Watch().feed(ours[0])[b"a.sar"]
    assert arrival.received_ns == NOW


@given(jump=st.integers(-(10**9), 10**9))
def test_a_jump_of_our_own_clock_alone_makes_nothing_stable(jump):
    """Between two looks the wall clock jumps; the looks still have to agree as often as demanded."""
    watch = Watch(Patience(3, 60))
    watch.feed(seen(0))
    moved = watch.feed(seen(1, wall=NOW + jump * SECOND))[b"a.sar"]
    assert moved.level == LEVEL_RECEIVED
    assert moved.received_ns <= max(NOW, NOW + jump * SECOND)


def test_a_clock_that_was_set_back_is_waited_for_by_the_looks():
    future = replace(FILE, ctime_ns=NOW + 10**6 * SECOND)
    assert levels([seen(at, future) for at in (0, 20, 40, 60)])[-1] == LEVEL_STABLE


@given(
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    polls=st.integers(2, 4),
    quiet=st.sampled_from([0, 15, 35]),
)
def test_never_stable_before_the_last_change_is_old_enough(sizes, polls, quiet):
    """Against the plain definition: the last looks agree, so many of them, for so long."""
    since = [max(i for i in range(at + 1) if i == 0 or sizes[i] != sizes[i - 1]) for at in range(len(sizes))]
    looks = [
        seen(at * 10, replace(FILE, size=size, ctime_ns=NOW + since[at] * 10 * SECOND)) for at, size in enumerate(sizes)
    ]
    for at, level in enumerate(levels(looks, polls, quiet)):
        rested = at - since[at]
        assert (level == LEVEL_STABLE) == (rested + 1 >= polls and rested * 10 >= quiet)


def test_levels_are_in_order():
    assert LEVELS == ("received", "stable", "plausible", "restorable_proved")
