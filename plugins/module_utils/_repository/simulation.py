# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of retention over a made-up schedule: what is there at its end, and when the rest would have gone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .._errors import OptionInvalid
from .retention import Candidate, Decision, Policy, decide, limit

LONGEST_SCHEDULE = 2000
"""Generations; each one is followed by a run."""


@dataclass(frozen=True)
class Series:
    """Generations at even distances: the first one ``start``, ``count`` of them, all with the facts of ``like``."""

    start: datetime
    every: timedelta
    count: int
    like: Candidate


@dataclass(frozen=True)
class Simulated:
    """A made-up generation: the decision at the end of the schedule, or the time at which it went before."""

    candidate: Candidate
    reasons: tuple[str, ...]
    went_at: datetime | None = None
    is_deferred: bool = False


def lay_out(series: Iterable[Series]) -> list[Candidate]:
    """The generations of a schedule in the order of time. Raises OptionInvalid when there are too many."""
    schedule: list[Candidate] = []
    for one in series:
        if one.count < 1 or len(schedule) + one.count > LONGEST_SCHEDULE:
            raise OptionInvalid(f"A schedule has 1 to {LONGEST_SCHEDULE} generations")
        schedule += [replace(one.like, at=one.start + number * one.every) for number in range(one.count)]
    schedule.sort(key=lambda one: one.at)
    return [replace(one, sequence=number) for number, one in enumerate(schedule, 1)]


def simulate(schedule: Sequence[Candidate], policy: Policy, allow_many: bool, now: datetime) -> list[Simulated]:
    """Run after each generation of the schedule, as a timer would, and at ``now``."""
    went: dict[int, datetime] = {}
    last: dict[int, Decision] = {}
    moments = [*(one.at for one in schedule if one.at <= now), now]
    for moment in moments:
        line = [one for one in schedule if one.at <= moment and one.sequence not in went]
        decisions = decide(line, policy, moment)
        for decision in decisions if allow_many else limit(decisions):
            last[decision.candidate.sequence] = decision
            if not decision.stays:
                went[decision.candidate.sequence] = moment
    return [
        Simulated(one, last[one.sequence].reasons, went.get(one.sequence), last[one.sequence].is_deferred)
        for one in schedule
        if one.sequence in last
    ]
