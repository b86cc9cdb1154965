# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts are drilled in this run, which are overdue, and why. Pure: the same facts give the same answer.

Two rules, alone or together. C(every), of each host: whoever has passed no drill for so long is due. C(budget), of the
run: those whose last drill is longest ago, for as long as the time that their last drills took fits. The due ones go
first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.duration import seconds_of, words_for

ESTIMATE = 900
"""Seconds that a drill is taken to need where none was ever measured."""
_NEVER = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Candidate:
    """A host that can be drilled. ``passed`` and ``tried`` are when it last passed a drill and had one at all, ``took``
    the seconds of the last one. ``every``: seconds after which it is due, None: no rule. ``generation`` is what would
    be drilled; empty when there is nothing."""

    host: str
    generation: str = ""
    passed: datetime | None = None
    tried: datetime | None = None
    took: int = ESTIMATE
    every: int | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any], estimate: int) -> Candidate:
        """From C(host), C(generation) and C(last_drill), as generation_info tells it."""
        drill = told.get("last_drill") or {}
        newest, passed = drill.get("newest") or {}, drill.get("passed") or {}
        return cls(
            host=str(told["host"]),
            generation=str(told.get("generation") or ""),
            passed=_moment(passed.get("at")),
            tried=_moment(newest.get("at")),
            took=int(newest.get("recovery_seconds") or estimate),
            every=seconds_of(told["every"], "every") if told.get("every") else None,
        )

    def is_overdue(self, now: datetime) -> bool:
        """Whether it passed no drill for so long that it should have."""
        if self.every is None:
            return False
        return self.passed is None or now - self.passed >= timedelta(seconds=self.every)


@dataclass(frozen=True)
class Pick:
    """The decision on one host. ``overdue``: whether its last passed drill is too long ago, or there is none."""

    host: str
    picked: bool
    overdue: bool
    why: str

    def to_result(self) -> dict[str, Any]:
        """For a playbook."""
        return {"host": self.host, "picked": self.picked, "overdue": self.overdue, "why": self.why}


def pick(candidates: Sequence[Candidate], now: datetime, budget: int | None) -> list[Pick]:
    """The decision on each host, those that are drilled first, in the order in which they are.

    :param budget: seconds that all drills of this run may take, None: no limit
    """
    due = {one.host: one.is_overdue(now) for one in candidates}
    order = sorted(candidates, key=lambda one: (not due[one.host], one.tried or _NEVER, one.passed or _NEVER, one.host))
    left = budget
    decided = []
    for one in order:
        overdue, since = due[one.host], _since(one, now)
        if not one.generation:
            decided.append(Pick(one.host, False, overdue, "there is no complete generation to drill"))
        elif one.every is not None and budget is None and not overdue:
            decided.append(Pick(one.host, False, False, f"{since}, and it is due every {words_for(one.every)}"))
        elif left is not None and one.took > left:
            why = f"{since}; it needs about {words_for(one.took)}, and {words_for(left)} of the budget are left"
            decided.append(Pick(one.host, False, overdue, why))
        else:
            left = None if left is None else left - one.took
            decided.append(Pick(one.host, True, overdue, f"{since}: {_rule(one, overdue, budget)}"))
    return sorted(decided, key=lambda one: not one.picked)


def _rule(one: Candidate, overdue: bool, budget: int | None) -> str:
    if overdue and one.every is not None:
        return f"due every {words_for(one.every)}"
    return "the longest ago of those left" if budget is not None else "there is no rule, so every host is drilled"


def picks(told: Sequence[Mapping[str, Any]], now: str, budget: str = "", estimate: str = "") -> list[dict[str, Any]]:
    """The filter: facts of hosts, a UTC time and spans like C(90d) in, decisions out. Raises OptionInvalid."""
    moment = _moment(now)
    if moment is None:
        raise OptionInvalid(f"now is no time: {str(now)[:40]!r}", hint="It looks like 2026-01-31T12:00:00Z.")
    usual = seconds_of(estimate, "estimate") if estimate else ESTIMATE
    candidates = [Candidate.of(one, usual) for one in told]
    decided = pick(candidates, moment, seconds_of(budget, "budget") if budget else None)
    return [one.to_result() for one in decided]


def _since(one: Candidate, now: datetime) -> str:
    if one.passed is None:
        tried = f", last tried {words_for((now - one.tried).total_seconds())} ago" if one.tried is not None else ""
        return f"it never passed a drill{tried}"
    return f"its last passed drill was {words_for((now - one.passed).total_seconds())} ago"


def _moment(text: Any) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
