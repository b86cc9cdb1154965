# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ClockRefused, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._repository.retention import (
    Candidate,
    Circumstances,
    Decision,
    Policy,
    check_clock,
    decide,
    limit,
    outlived,
)

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def days_ago(number: float, sequence: int = 1, **facts: object) -> Candidate:
    return Candidate(sequence, NOW - number * DAY, **facts)  # type: ignore[arg-type]


def daily_line(count: int, **facts: object) -> list[Candidate]:
    """One generation a day, the newest one today."""
    return [days_ago(count - number, number, **facts) for number in range(1, count + 1)]


def staying(decisions: Iterable[Decision]) -> list[int]:
    return [one.candidate.sequence for one in decisions if one.stays]


def reasons(decisions: Iterable[Decision], sequence: int) -> tuple[str, ...]:
    return next(one.reasons for one in decisions if one.candidate.sequence == sequence)


# --- the oracle ------------------------------------------------------------------------------------------------------
BUCKETS = {"hourly": "%Y%m%d%H", "daily": "%Y%m%d", "weekly": "%G%V", "monthly": "%Y%m", "yearly": "%Y"}


def oracle(line: Sequence[Candidate], policy: Policy, known: Circumstances) -> set[int]:
    """The same rules said once more, one generation at a time, without any order of work."""
    minutes = timedelta(minutes=5)

    def odd(one: Candidate) -> bool:
        earlier = [other for other in line if other.sequence < one.sequence and not odd(other)]
        return one.at > NOW + minutes or any(one.at < other.at - minutes for other in earlier)

    believed = [one for one in line if not odd(one) and one.phase != "pre_restore"]
    complete = [one for one in believed if one.is_complete]
    counting = complete or believed

    def later(one: Candidate, among: Iterable[Candidate]) -> list[Candidate]:
        return [other for other in among if other.sequence > one.sequence]

    def current(change_id: str, phase: str) -> list[Candidate]:
        found = [one for one in line if (one.change_id, one.phase) == (change_id, phase)]
        good = [one for one in found if one.is_complete] or found
        return [one for one in good if not later(one, good)]

    def is_open(change_id: str) -> bool:
        if change_id in known.open_changes or change_id in known.closed_changes:
            return change_id in known.open_changes
        return any(one.change_id == change_id and (NOW - one.at).total_seconds() <= policy.open_for for one in line)

    def by_itself(one: Candidate) -> bool:
        after = later(one, counting)
        counts = one in counting
        if odd(one) or known.held.get(one.sequence) or not later(one, line):
            return True
        if policy.within and (NOW - one.at).total_seconds() <= policy.within:
            return True
        if one in complete and not later(one, complete):
            return True
        if not one.is_complete and not later(one, complete):
            return True
        aside = [other for other in line if other.phase == "pre_restore"]
        if one in aside and not later(one, aside):
            return True
        drilled = [other for other in line if other.sequence in known.drilled]
        if one in drilled and not later(one, drilled):
            return True
        if counts and len(after) < policy.last:
            return True
        if counts and len([other for other in after if other.release == one.release]) < policy.per_release:
            return True
        for rule, form in BUCKETS.items():
            others = {other.at.strftime(form) for other in after}
            if counts and one.at.strftime(form) not in others and len(others) < getattr(policy, rule):
                return True
        if one.phase == "pre_restore":
            if one.change_id:
                return is_open(one.change_id)
            return (NOW - one.at).total_seconds() <= policy.open_for
        is_side = one.phase in ("pre_change", "post_change")
        return bool(one.change_id and is_side and one in current(one.change_id, one.phase) and is_open(one.change_id))

    kept = {one.sequence for one in line if by_itself(one)}
    for one in line:
        if one.phase == "pre_change" and one.change_id and one in current(one.change_id, "pre_change"):
            after = [other for other in line if (other.change_id, other.phase) == (one.change_id, "post_change")]
            if any(other.sequence in kept for other in after):
                kept.add(one.sequence)
    return kept


CHANGES = {"pre_change": ["C1", "C2"], "post_change": ["C1", "C2"], "pre_restore": ["", "C1", "C2"]}


@st.composite
def lines(draw: st.DrawFn) -> list[Candidate]:
    line = []
    moment = NOW - timedelta(days=draw(st.integers(0, 900)))
    for sequence in range(1, draw(st.integers(1, 14)) + 1):
        # mostly onwards; now and then a clock that went wrong
        moment += timedelta(minutes=draw(st.sampled_from([1, 30, 600, 1441, 9000, 50_000, -3, -700, 400_000])))
        phase = draw(st.sampled_from(["scheduled", "scheduled", "pre_change", "post_change", "pre_restore"]))
        line.append(
            Candidate(
                sequence=sequence,
                at=moment,
                is_complete=draw(st.booleans()),
                phase=phase,
                change_id=draw(st.sampled_from(CHANGES.get(phase, [""]))),
                release=draw(st.sampled_from(["", "5.6", "5.7"])),
            )
        )
    return line


few = st.integers(0, 3)
policies = st.builds(
    lambda **rules: Policy(**rules) if any(rules.values()) else Policy(last=1),
    last=few,
    hourly=few,
    daily=few,
    weekly=few,
    monthly=few,
    yearly=few,
    per_release=few,
    within=st.sampled_from([0, 3600, 86400 * 30]),
).flatmap(lambda policy: st.sampled_from([0, 86400 * 90]).map(lambda seconds: replace(policy, open_for=seconds)))
known = st.builds(
    Circumstances,
    held=st.dictionaries(st.integers(1, 14), st.just(["legal"]), max_size=2),
    open_changes=st.sampled_from([frozenset(), frozenset({"C1"})]),
    closed_changes=st.sampled_from([frozenset(), frozenset({"C2"})]),
    drilled=st.frozensets(st.integers(1, 14), max_size=2),
)


@settings(max_examples=examples(400), deadline=None)
@given(lines(), policies, known)
def test_the_rules_are_those_of_the_oracle(line: list[Candidate], policy: Policy, circumstances: Circumstances) -> None:
    decisions = decide(line, policy, NOW, circumstances)
    assert set(staying(decisions)) == oracle(line, policy, circumstances)


@settings(max_examples=examples(200), deadline=None)
@given(lines(), policies, known)
def test_what_never_goes(line: list[Candidate], policy: Policy, circumstances: Circumstances) -> None:
    kept = set(staying(decide(line, policy, NOW, circumstances)))
    assert line[-1].sequence in kept
    assert {one.sequence for one in line if one.sequence in circumstances.held} <= kept
    believed = [one for one in line if one.at <= NOW and one.phase != "pre_restore" and one.is_complete]
    if believed and all(one.at <= NOW for one in line) and line == sorted(line, key=lambda one: one.at):
        assert believed[-1].sequence in kept


@settings(max_examples=examples(200), deadline=None)
@given(lines(), policies)
def test_pruning_again_changes_nothing_more(line: list[Candidate], policy: Policy) -> None:
    kept = [one.candidate for one in decide(line, policy, NOW) if one.stays]
    if all(one.at <= NOW for one in line) and line == sorted(line, key=lambda one: one.at):
        assert [one.candidate for one in decide(kept, policy, NOW) if one.stays] == kept


@settings(max_examples=examples(200), deadline=None)
@given(lines(), policies)
def test_more_rules_let_less_go(line: list[Candidate], policy: Policy) -> None:
    fewer = set(staying(decide(line, policy, NOW)))
    more = replace(policy, last=policy.last + 1, weekly=policy.weekly + 1, per_release=policy.per_release + 1)
    assert fewer <= set(staying(decide(line, more, NOW)))


def halves(line: Sequence[Candidate], kept: set[int]) -> list[str]:
    """Changes of which something of what was after them is kept, and not what was before them."""
    found = []
    for change_id in ("C1", "C2"):
        before, after = (
            [one for one in line if (one.change_id, one.phase) == (change_id, phase)]
            for phase in ("pre_change", "post_change")
        )
        newest = max(before, key=lambda one: (one.is_complete, one.sequence), default=None)
        if newest is not None and newest.sequence not in kept and any(one.sequence in kept for one in after):
            found.append(change_id)
    return found


@settings(max_examples=examples(300), deadline=None)
@given(lines(), policies, known, st.integers(1, 5))
def test_a_share_goes_and_never_half_a_pair(
    line: list[Candidate], policy: Policy, circumstances: Circumstances, share: int
) -> None:
    free = decide(line, policy, NOW, circumstances)
    limited = limit(free, share)
    kept, staying_anyway = set(staying(limited)), oracle(line, policy, circumstances)
    assert halves(line, staying_anyway) == halves(line, kept) == []
    assert staying_anyway <= kept and len(line) - len(kept) == min(len(line) // share, len(line) - len(staying_anyway))
    assert [one.candidate for one in limited] == [one.candidate for one in free]
    assert all(one.reasons == () for one in limited if one.is_deferred)
    # the oldest first, but for what waits for the other half of its pair
    plain = [one for one in limited if not one.reasons and one.candidate.phase != "pre_change"]
    assert [one.is_deferred for one in plain] == sorted(one.is_deferred for one in plain)


# --- examples --------------------------------------------------------------------------------------------------------
def test_a_year_of_days() -> None:
    decisions = decide(daily_line(365), Policy(daily=7, weekly=4, monthly=12), NOW)
    # today is a Monday: the last Sunday is among the days, the 31st of May is a Sunday
    assert len(staying(decisions)) == 7 + 2 + 10
    assert reasons(decisions, 365) == ("newest complete", "newest", "daily", "weekly", "monthly")
    assert reasons(decisions, 1) == ()


def test_no_rule_is_no_policy() -> None:
    with pytest.raises(OptionInvalid, match="No rule"):
        Policy()
    with pytest.raises(OptionInvalid, match="negative"):
        Policy(last=3, daily=-1)


def test_the_last_of_a_release_stays_whatever_its_age() -> None:
    line = [*daily_line(20, release="5.6")[:10], *daily_line(20, release="5.7")[10:]]
    assert staying(decide(line, Policy(last=2, per_release=1), NOW)) == [10, 19, 20]
    assert staying(decide(line, Policy(last=2, per_release=2), NOW)) == [9, 10, 19, 20]


def test_partial_displaces_no_complete_one() -> None:
    line = [*daily_line(9)[:3], *(replace(one, is_complete=False) for one in daily_line(9)[3:])]
    decisions = decide(line, Policy(last=2), NOW)
    assert staying(decisions) == [2, 3, 4, 5, 6, 7, 8, 9]
    line.append(days_ago(0, 10))
    assert staying(decide(line, Policy(last=2), NOW)) == [3, 10]


def test_where_nothing_is_complete_the_rules_count_what_there_is() -> None:
    line = [replace(one, is_complete=False) for one in daily_line(5)]
    assert staying(decide(line, Policy(last=2), NOW)) == [1, 2, 3, 4, 5]


def change(closed: bool) -> list[int]:
    line = daily_line(300)
    line[9] = replace(line[9], phase="pre_change", change_id="C1")
    line[10] = replace(line[10], phase="post_change", change_id="C1")
    known = Circumstances(
        open_changes=frozenset() if closed else frozenset({"C1"}),
        closed_changes=frozenset({"C1"}) if closed else frozenset(),
    )
    return staying(decide(line, Policy(last=1), NOW, known))


def test_both_sides_of_an_open_change_stay() -> None:
    assert change(closed=False) == [10, 11, 300]
    assert change(closed=True) == [300]


def test_half_a_pair_never_stays_behind() -> None:
    line = daily_line(30)
    line[19] = replace(line[19], phase="pre_change", change_id="C1")
    line[29] = replace(line[29], phase="post_change", change_id="C1")
    decisions = decide(line, Policy(last=1), NOW, Circumstances(closed_changes=frozenset({"C1"})))
    assert staying(decisions) == [20, 30]
    assert reasons(decisions, 20) == ("pair of the change C1",)


def test_a_pair_that_is_more_than_may_go_loses_what_was_after_the_change_first() -> None:
    line = daily_line(10)
    line[1] = replace(line[1], phase="pre_change", change_id="C1")
    line[2] = replace(line[2], phase="post_change", change_id="C1")
    closed = Circumstances(closed_changes=frozenset({"C1"}))
    left, went = line, []
    for _run in range(4):
        decisions = limit(decide(left, Policy(last=1), NOW, closed))
        went.append([one.candidate.sequence for one in decisions if not one.stays])
        left = [one.candidate for one in decisions if one.stays]
    assert went == [[1, 3], [2], [4], [5]]


@pytest.mark.parametrize("change_id", ["C1", ""])
def test_all_that_restores_put_aside_stays_while_their_change_is_open(change_id: str) -> None:
    """Of a restore that was killed and begun again, only the first one has what was there before."""
    line = daily_line(200)
    for number in (149, 150):
        line[number] = replace(line[number], phase="pre_restore", change_id=change_id)
    assert staying(decide(line, Policy(last=1), NOW)) == [150, 151, 200]
    assert staying(decide(line, Policy(last=1, open_for=86400), NOW)) == [151, 200]
    closed = Circumstances(closed_changes=frozenset({"C1"}))
    assert staying(decide(line, Policy(last=1), NOW, closed)) == ([151, 200] if change_id else [150, 151, 200])


def test_a_change_of_which_no_hold_tells_is_open_for_a_time() -> None:
    line = [days_ago(80, 1, phase="pre_change", change_id="C1"), days_ago(1, 2), days_ago(0, 3)]
    assert staying(decide(line, Policy(last=1), NOW)) == [1, 3]
    assert staying(decide(line, Policy(last=1, open_for=86400), NOW)) == [3]


def test_last_drilled() -> None:
    decisions = decide(daily_line(9), Policy(last=1), NOW, Circumstances(drilled=frozenset({2, 4})))
    assert staying(decisions) == [4, 9] and reasons(decisions, 4) == ("last drilled",)


def test_forged_dates_displace_nothing() -> None:
    line = daily_line(10)
    honest = staying(decide(line, Policy(daily=3), NOW))
    future = [replace(days_ago(-400 - number), sequence=11 + number) for number in range(5)]
    back = [replace(one, sequence=20 + one.sequence) for one in line[:9]]
    decisions = decide([*line, *future, *back], Policy(daily=3), NOW)
    assert set(honest) <= set(staying(decisions))
    assert {one.sequence for one in (*future, *back)} <= set(staying(decisions))


def test_outlived() -> None:
    line = [*daily_line(10), days_ago(-3, 11)]
    assert [one.sequence for one in outlived(line, 5.5 * DAY, NOW, held=[2])] == [1, 3, 4]
    assert outlived(line, 5.5 * DAY, NOW - 30 * DAY) == []


# --- clocks ----------------------------------------------------------------------------------------------------------
def test_an_even_clock_passes() -> None:
    check_clock([], NOW, 35 * DAY, 7 * DAY)
    check_clock([one.at for one in daily_line(50)], NOW, 35 * DAY, 7 * DAY)


@pytest.mark.parametrize("after", [[], [0.0], [2.0, 1.0, 0.0]])
def test_a_clock_that_was_set_forward_a_year(after: list[float]) -> None:
    past = [NOW - (365 + number) * DAY for number in range(30)]
    with pytest.raises(ClockRefused, match="set forward"):
        check_clock([*past, *(NOW - number * DAY for number in after)], NOW, 35 * DAY, 7 * DAY)


def test_a_pause_is_forgiven_when_time_went_on_evenly() -> None:
    past = [NOW - (365 + number) * DAY for number in range(30)]
    check_clock([*past, *(NOW - number * DAY for number in range(9))], NOW, 35 * DAY, 7 * DAY)


def test_a_clock_that_was_set_back_finds_nothing_to_let_go() -> None:
    line = daily_line(50)
    assert staying(decide(line, Policy(last=1), NOW - 365 * DAY)) == [one.sequence for one in line]
