# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which generations of a line stay, and why. Pure: records and a clock's time in, decisions with their reasons out.

The rules see the clock of the backup host at the commit, and believe it only where it fits: a generation that is dated
in the future, or before one that was committed earlier, stays and counts for no rule. So a forged date displaces none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from .._entries import PHASE_PRE_RESTORE
from .._errors import ClockRefused, OptionInvalid
from .format import CommitRecord, format_moment, parse_moment

PHASE_PRE_CHANGE = "pre_change"
PHASE_POST_CHANGE = "post_change"

SHARE = 5
"""Of so many generations of a line, one may go in one run."""

TOLERANCE = timedelta(minutes=5)
"""By so much clocks may differ."""


@dataclass(frozen=True)
class Policy:
    """How much is to stay. Numbers count complete generations; 0 switches a rule off.

    ``last`` of all; the newest of each of so many hours, days, weeks (ISO), months and years (UTC) that have one;
    ``within`` seconds before now, complete or not; ``per_release``: the last of every product release. ``open_for``:
    seconds for which a change counts as open of which no hold tells, and a restore that belongs to no change.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: int = 0
    per_release: int = 0
    open_for: int = 90 * 86400

    def __post_init__(self) -> None:
        numbers = {one.name: getattr(self, one.name) for one in fields(self)}
        if any(number < 0 for number in numbers.values()):
            raise OptionInvalid("A rule of retention cannot be negative")
        if not any(number for name, number in numbers.items() if name != "open_for"):
            raise OptionInvalid(
                "No rule says which generations are to stay", hint="Give at least one, for example daily: 14."
            )

    @property
    def rules(self) -> dict[str, int]:
        """The rules that are in force, for a record."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name)}


@dataclass(frozen=True)
class Candidate:
    """What the rules look at of a generation."""

    sequence: int
    at: datetime
    is_complete: bool = True
    phase: str = "scheduled"
    change_id: str = ""
    release: str = ""

    @classmethod
    def of(cls, record: CommitRecord) -> Candidate:
        """The candidate that a record is."""
        return cls(
            sequence=record.sequence,
            at=parse_moment(record.received_at),
            is_complete=record.is_complete,
            phase=record.phase,
            change_id=record.change_id or "",
            release=record.release or "",
        )


@dataclass(frozen=True)
class Circumstances:
    """What is known beside the records: why generations are held, by sequence; which changes a hold says to be open or
    to be closed; which generations a restore drill has proved."""

    held: Mapping[int, Sequence[str]] = field(default_factory=dict)
    open_changes: frozenset[str] = frozenset()
    closed_changes: frozenset[str] = frozenset()
    drilled: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Decision:
    """Whether a generation stays, and every reason; without a reason to stay it goes. ``is_deferred``: it may go, and
    stays for this run because so many go already."""

    candidate: Candidate
    reasons: tuple[str, ...]
    is_deferred: bool = False

    @property
    def stays(self) -> bool:
        """Whether it is left alone."""
        return bool(self.reasons) or self.is_deferred


_BUCKETS: Mapping[str, Callable[[datetime], tuple[int, ...]]] = {
    "hourly": lambda at: (at.year, at.month, at.day, at.hour),
    "daily": lambda at: (at.year, at.month, at.day),
    "weekly": lambda at: tuple(at.isocalendar())[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: (at.year,),
}


def decide(
    candidates: Iterable[Candidate], policy: Policy, now: datetime, circumstances: Circumstances | None = None
) -> list[Decision]:
    """A decision on each generation of a line, oldest first."""
    line = sorted(candidates, key=lambda one: one.sequence)
    return _Line(line, policy, now, circumstances or Circumstances()).decide()


def limit(decisions: Sequence[Decision], share: int = SHARE) -> list[Decision]:
    """The same decisions, of which at most one in ``share`` lets a generation go: the oldest ones, the rest later.

    What was before a change goes only together with all that was after it, or later.
    """
    going = [one.candidate for one in decisions if not one.stays]
    last_after = {one.change_id: one.sequence for one in going if one.change_id and one.phase == PHASE_POST_CHANGE}

    def turn(one: Candidate) -> tuple[int, int]:
        after = last_after.get(one.change_id, 0) if one.phase == PHASE_PRE_CHANGE else 0
        return max(one.sequence, after), one.sequence < after

    now = {one.sequence for one in sorted(going, key=turn)[: len(decisions) // share]}
    return [
        one if one.stays or one.candidate.sequence in now else Decision(one.candidate, (), is_deferred=True)
        for one in decisions
    ]


def outlived(
    candidates: Iterable[Candidate], oldest: timedelta, now: datetime, held: Iterable[int] = ()
) -> list[Candidate]:
    """The generations whose data is older than it may get. What is held is none of them, nor what is dated oddly."""
    kept = set(held)
    line = sorted(candidates, key=lambda one: one.sequence)
    odd = _oddly_dated(line, now)
    return [one for one in line if one.sequence not in kept | odd and now - one.at > oldest]


def check_clock(moments: Iterable[datetime], now: datetime, longest_pause: timedelta, settled: timedelta) -> None:
    """Refuse a clock that jumped: by all that the repository knows, time ran evenly until now.

    A pause is longer than ``longest_pause``; it is forgiven when what came behind it spans ``settled``, and what is in
    the future is no witness. Raises ClockRefused.
    """
    known = sorted(moment for moment in moments if moment <= now + TOLERANCE)
    if not known:
        return
    for earlier, later in zip(known, [*known[1:], now]):
        if later - earlier > longest_pause and now - later < settled:
            raise ClockRefused(
                f"Between {format_moment(earlier)} and {format_moment(later)} the repository knows of nothing,"
                " as if the clock had been set forward",
                hint="Check the clock of the backup host. If it is right and nothing was backed up in between, say"
                " accept_pause: true.",
            )


def _oddly_dated(line: Sequence[Candidate], now: datetime) -> set[int]:
    """The sequences of generations that are dated in the future, or before an earlier one."""
    odd = set()
    newest: datetime | None = None
    for one in line:
        if one.at > now + TOLERANCE or (newest is not None and one.at < newest - TOLERANCE):
            odd.add(one.sequence)
        else:
            newest = one.at if newest is None else max(newest, one.at)
    return odd


class _Line:
    """The decisions on one line."""

    def __init__(self, line: Sequence[Candidate], policy: Policy, now: datetime, circumstances: Circumstances) -> None:
        self._line = line
        self._policy = policy
        self._now = now
        self._known = circumstances
        self._odd = _oddly_dated(line, now)
        self._reasons: dict[int, list[str]] = {one.sequence: [] for one in line}
        believed = [one for one in line if one.sequence not in self._odd and one.phase != PHASE_PRE_RESTORE]
        self._complete = [one for one in believed if one.is_complete]
        # where nothing is complete, the rules must do with what there is
        self._counting = (self._complete or believed)[::-1]

    def decide(self) -> list[Decision]:
        """All rules, then what follows from what stays."""
        self._keep_anyway()
        self._keep_by_number()
        self._keep_by_calendar()
        self._keep_by_release()
        self._keep_changes()
        self._keep_pairs()
        return [Decision(one, tuple(self._reasons[one.sequence])) for one in self._line]

    def _keep(self, one: Candidate, reason: str) -> None:
        self._reasons[one.sequence].append(reason)

    def _keep_anyway(self) -> None:
        if not self._line:
            return
        newest_complete = self._complete[-1].sequence if self._complete else 0
        for one in self._line:
            if one.sequence in self._odd:
                self._keep(one, "its date is in the future, or before an earlier generation's")
            for reason in self._known.held.get(one.sequence, ()):
                self._keep(one, f"held: {reason}")
            if one.sequence == newest_complete:
                self._keep(one, "newest complete")
            elif one.sequence > newest_complete and not one.is_complete:
                self._keep(one, "nothing complete came after it")
        self._keep(self._line[-1], "newest")
        aside = [one for one in self._line if one.phase == PHASE_PRE_RESTORE]
        if aside:
            self._keep(aside[-1], "what the last restore put aside")
        drilled = [one for one in self._line if one.sequence in self._known.drilled]
        if drilled:
            self._keep(drilled[-1], "last drilled")

    def _keep_by_number(self) -> None:
        for one in self._counting[: self._policy.last]:
            self._keep(one, "last")
        for one in self._line:
            if self._policy.within and self._now - one.at <= timedelta(seconds=self._policy.within):
                self._keep(one, "within")

    def _keep_by_calendar(self) -> None:
        for rule, bucket_of in _BUCKETS.items():
            seen: set[tuple[int, ...]] = set()
            for one in self._counting:
                bucket = bucket_of(one.at)
                if bucket in seen:
                    continue
                if len(seen) == getattr(self._policy, rule):
                    break
                seen.add(bucket)
                self._keep(one, rule)

    def _keep_by_release(self) -> None:
        seen: dict[str, int] = {}
        for one in self._counting:
            seen[one.release] = seen.get(one.release, 0) + 1
            if seen[one.release] <= self._policy.per_release:
                self._keep(one, f"per_release {one.release}".rstrip())

    def _keep_changes(self) -> None:
        """Both sides of a change that is open, and all that restores put aside meanwhile: of a restore that was begun
        again only the first one has what was there before."""
        for change_id, phase in self._sides():
            one = self._current(change_id, phase)
            if one is not None and self._is_open(change_id):
                self._keep(one, f"the change {change_id} is open")
        for one in self._line:
            if one.phase != PHASE_PRE_RESTORE:
                continue
            if one.change_id and self._is_open(one.change_id):
                self._keep(one, f"put aside by a restore, and the change {one.change_id} is open")
            elif not one.change_id and self._is_recent(one.at):
                self._keep(one, "put aside by a restore a short time ago")

    def _keep_pairs(self) -> None:
        """What was before a change, as long as anything of what was after it stays."""
        for change_id, phase in self._sides():
            before = self._current(change_id, PHASE_PRE_CHANGE)
            if phase != PHASE_POST_CHANGE or before is None:
                continue
            if any(self._reasons[one.sequence] for one in self._of_change(change_id, PHASE_POST_CHANGE)):
                self._keep(before, f"pair of the change {change_id}")

    def _sides(self) -> list[tuple[str, str]]:
        sides = {
            (one.change_id, one.phase)
            for one in self._line
            if one.change_id and one.phase in (PHASE_PRE_CHANGE, PHASE_POST_CHANGE)
        }
        return sorted(sides)

    def _of_change(self, change_id: str, phase: str) -> list[Candidate]:
        return [one for one in self._line if (one.change_id, one.phase) == (change_id, phase)]

    def _current(self, change_id: str, phase: str) -> Candidate | None:
        """The newest complete one, the newest one where none is complete."""
        found = self._of_change(change_id, phase)
        return ([one for one in found if one.is_complete] or found or [None])[-1]  # type: ignore[list-item]

    def _is_open(self, change_id: str) -> bool:
        if change_id in self._known.open_changes:
            return True
        if change_id in self._known.closed_changes:
            return False
        return self._is_recent(max(one.at for one in self._line if one.change_id == change_id))

    def _is_recent(self, moment: datetime) -> bool:
        return self._now - moment <= timedelta(seconds=self._policy.open_for)
