# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a host's backups, held against what was declared for it. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from .._repository.capacity import Growth, days_until_full
from .._repository.drills import Drill, last
from .._repository.format import CommitRecord, GenerationId, parse_moment
from .._repository.retention import TOLERANCE
from .duration import words_for
from .receipt import received
from .report_line import LineFacts

KINDS: Mapping[str, str] = {
    "never_backed_up": "No backup was ever made",
    "unknown": "Nothing is known: {problem}",
    "declaration": "The inventory declares what cannot be: {problem}",
    "unreadable": "Its generations cannot be read: {problem}",
    "rolled_back": "The expected head {head} is not there any more: an older state of the repository was put back",
    "never_complete": "No backup is complete; {generations} with gaps are kept, the newest of {at}",
    "duplicate": "{others} is declared as the same source: both write into one line",
    "open_restore": "A restore began and did not end: {restores}",
    "clock": "The newest generation is dated {at}, which is yet to come: the clock was or is wrong",
    "overdue": "The last complete backup is {age} old, {limit} are allowed",
    "partial": "The last try of {at} has gaps: {missing}",
    "drill_failed": "The last restore drill of {at} failed",
    "drill_overdue": "The last restore drill that passed was {age} ago, {limit} are allowed",
    "never_drilled": "No restore drill ever passed, and backups are made for {age}; {limit} are allowed",
    "drill_slow": "The last restore drill that passed took {took}, {limit} are allowed",
    "verify_overdue": "Its newest complete generation was last verified {age} ago, {limit} are allowed",
    "never_verified": "Its newest complete generation was never verified",
    "not_independent": "It and its backups are in one failure domain: {domain}",
}
"""Kind of a finding -> what it says. In this order lines are sorted, so a host that was never backed up comes first."""

REPOSITORY_KINDS: Mapping[str, str] = {
    "repository": "The repository cannot be looked at: {problem}",
    "low_space": "{free} are free and {reserve} are to stay free, so backups are refused",
    "filling": "At {growth} a day nothing but the reserve is free in {days} days",
    "orphans": "{count} lines of generations are declared by nobody, the first is {first}",
}
"""The same for findings on a repository as a whole."""

RANKS = {kind: rank for rank, kind in enumerate((*KINDS, *REPOSITORY_KINDS))}
FINE = "fine"


@dataclass(frozen=True)
class Finding:
    """One thing that somebody has to look at. ``facts`` are what the text of its kind names."""

    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What it says, one sentence without a full stop."""
        return (KINDS.get(self.kind) or REPOSITORY_KINDS[self.kind]).format(**self.facts)

    def to_result(self) -> dict[str, object]:
        """As a result."""
        return {"kind": self.kind, "text": self.text, "facts": dict(self.facts)}


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """The worst first."""
    return sorted(findings, key=lambda one: RANKS[one.kind])


@dataclass(frozen=True)
class Limits:
    """What is allowed, in seconds: the age of the newest complete generation, of the last drill, of the last check, and
    the time of a recovery (0 for any)."""

    age: int
    drill: int
    verify: int
    recovery: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What is known beside the line: what the host goes down together with and the repository too, the hash that the
    operator expects among the records, other hosts that declare the same, and when the line was verified (seconds since
    the epoch, 0 for never)."""

    shared_domain: str = ""
    expected_head: str = ""
    others: Sequence[str] = ()
    verified: int = 0


@dataclass(frozen=True)
class Space:
    """Bytes that are free (None: not known) and that are to stay free, and how fast they become fewer."""

    free: int | None
    reserve: int
    growth: Growth | None
    warn_days: int

    @property
    def days(self) -> float | None:
        """Days until only the reserve is free; None when that is not known or not to come."""
        return days_until_full(self.free, self.reserve, self.growth)


def judge_space(space: Space) -> list[Finding]:
    """Findings on the room that a repository has."""
    if space.free is not None and space.free <= space.reserve:
        return [Finding("low_space", {"free": bytes_words(space.free), "reserve": bytes_words(space.reserve)})]
    if space.growth is not None and space.days is not None and space.days < space.warn_days:
        return [Finding("filling", {"growth": bytes_words(space.growth.net), "days": f"{space.days:.0f}"})]
    return []


def bytes_words(number: float) -> str:
    """Bytes for people: C(1.5 GiB)."""
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def judge(line: LineFacts, limits: Limits, now: datetime, around: Surroundings) -> list[Finding]:
    """All findings on a line that was read, the worst first."""
    found: list[Finding] = []
    if around.others:
        found.append(Finding("duplicate", {"others": ", ".join(around.others)}))
    if around.shared_domain:
        found.append(Finding("not_independent", {"domain": around.shared_domain}))
    if line.problem:
        return in_order([*found, Finding("unreadable", {"problem": line.problem})])
    if around.expected_head and all(record.hash != around.expected_head for record in line.records):
        found.append(Finding("rolled_back", {"head": around.expected_head[:12]}))
    if line.open_restores:
        found.append(Finding("open_restore", {"restores": ", ".join(line.open_restores)}))
    found += _judge_age(line, limits, now)
    found += _judge_drills(line, limits, now)
    if line.newest_complete is not None:
        found += _judge_verification(around.verified, limits, now)
    return in_order(found)


def _judge_age(line: LineFacts, limits: Limits, now: datetime) -> list[Finding]:
    newest = line.newest
    if newest is None:
        return [Finding("never_backed_up")]
    found = []
    complete = line.newest_complete
    if complete is None:
        kept = sum(count for name, count in line.counts().items() if name != "pruned")
        found.append(Finding("never_complete", {"generations": str(kept), "at": newest.received_at}))
    elif age_of(complete, now) > timedelta(seconds=limits.age):
        facts = {"age": words_for(age_of(complete, now).total_seconds()), "limit": words_for(limits.age)}
        found.append(Finding("overdue", facts))
    if parse_moment(newest.received_at) > now + TOLERANCE:
        found.append(Finding("clock", {"at": newest.received_at}))
    if complete is not None and not newest.is_complete:
        missing = ", ".join(newest.missing) or str(GenerationId.of(newest))
        found.append(Finding("partial", {"at": newest.received_at, "missing": missing}))
    return found


def _judge_drills(line: LineFacts, limits: Limits, now: datetime) -> list[Finding]:
    found = []
    if line.drills and not line.drills[-1].passed:
        found.append(Finding("drill_failed", {"at": line.drills[-1].at}))
    passed = last(line.drills, passed=True)
    begin = passed.at if passed is not None else line.first_at
    if begin and now - parse_moment(begin) > timedelta(seconds=limits.drill):
        age = words_for((now - parse_moment(begin)).total_seconds())
        kind = "never_drilled" if passed is None else "drill_overdue"
        found.append(Finding(kind, {"age": age, "limit": words_for(limits.drill)}))
    took = recovery_seconds(passed) if passed is not None else None
    if took is not None and limits.recovery and took > limits.recovery:
        found.append(Finding("drill_slow", {"took": words_for(took), "limit": words_for(limits.recovery)}))
    return found


def recovery_seconds(drill: Drill) -> float | None:
    """How long a recovery took in a drill; None when its evidence does not say."""
    took = drill.facts.get("recovery_seconds")
    return float(took) if isinstance(took, (int, float)) and not isinstance(took, bool) else None


def _judge_verification(verified: int, limits: Limits, now: datetime) -> list[Finding]:
    if not verified:
        return [Finding("never_verified")]
    age = now.timestamp() - verified
    if age > limits.verify:
        return [Finding("verify_overdue", {"age": words_for(age), "limit": words_for(limits.verify)})]
    return []


def age_of(record: CommitRecord, now: datetime) -> timedelta:
    """How old what a generation holds is; negative when it is dated in the future."""
    return now - datetime.fromtimestamp(received(record), timezone.utc)
