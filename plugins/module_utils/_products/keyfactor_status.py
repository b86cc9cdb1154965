# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table Backup Status of a Software Appliance, as far as it can be told from what arrives: pure.

Sources: docs.keyfactor.com/software-appliance/latest/ejbca/backup (Not Running, In Progress, time of the last
successful and of the next scheduled one, "Schedule Disabled", and why none can be created), .../signserver/backup (the
same words in capitals, "BACKUP IN PROGRESS", and times relative to now). What a person reads in Webconf may be given
beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .keyfactor_options import DISABLED, NO_STORAGE, KeyfactorApplianceOptions

NOT_RUNNING, IN_PROGRESS, UNKNOWN = "Not Running", "In Progress", "Unknown"
SCHEDULE_DISABLED = "Schedule Disabled"
STALE_READING = 900.0
"""Seconds after which it is not known any more that no backup runs."""
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
_LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp()
_PART = re.compile(r"([0-9]{1,12}|an?)\s*(second|minute|hour|day|week)s?", re.IGNORECASE)
_AROUND = re.compile(r"^\s*(?:in|about|approximately|next)?\s*|\s*(?:ago|from now)?\s*$", re.IGNORECASE)


class NotUnderstood(ValueError):
    """A text that is no time in any way that Webconf is known to write one."""


def when(text: str, now: float, *, past: bool) -> float | None:
    """A time as Webconf shows it, absolute or relative, in seconds since the epoch; None for none.

    :param past: which way a span of time without a word before or behind it points
    :raises NotUnderstood: it is neither, or no time between 1970 and 9999
    """
    plain = " ".join(text.split())
    seconds = _when(plain, now, past)
    if seconds is not None and not 0 <= seconds <= _LATEST:
        raise NotUnderstood(f"{plain[:60]!r} is no time between 1970 and 9999")
    return seconds


def _when(plain: str, now: float, past: bool) -> float | None:
    lower = plain.lower()
    if not plain or lower in ("-", "never", "none", "n/a", SCHEDULE_DISABLED.lower()):
        return None
    if lower in ("now", "just now"):
        return now
    try:
        read = datetime.fromisoformat(plain.replace("Z", "+00:00").replace(" UTC", "+00:00"))
        return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()
    except ValueError:
        pass
    span = _span(plain)
    if span is None:
        raise NotUnderstood(f"{plain[:60]!r} is no time")
    is_past = past
    if lower.endswith("ago"):
        is_past = True
    elif lower.startswith("in ") or lower.endswith("from now"):
        is_past = False
    return now - span if is_past else now + span


def _span(text: str) -> float | None:
    parts = _PART.findall(text)
    rest = re.sub(r",|\band\b", " ", _AROUND.sub("", _PART.sub("", _AROUND.sub("", text)))).strip()
    if not parts or rest:
        return None
    return float(sum((int(count) if count.isdigit() else 1) * _UNITS[unit.lower()] for count, unit in parts))


def relative(seconds: float) -> str:
    """A span of time as the table shows it: ``2 days ago``, ``in 3 hours``."""
    size = abs(seconds)
    unit = next((name for name in ("day", "hour", "minute") if size >= _UNITS[name]), "")
    if not unit:
        return "now"
    number = int(size // _UNITS[unit])
    words = f"{number} {unit}{'s' if number != 1 else ''}"
    return f"{words} ago" if seconds < 0 else f"in {words}"


@dataclass(frozen=True)
class Reading:
    """What a person read in Webconf, and when."""

    current: str = ""
    last_successful: str = ""
    next_scheduled: str = ""
    problem: str = ""
    read_at: float | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any] | None, read_at: float | None) -> Reading:
        """From the option C(webconf_status)."""
        given = given or {}
        texts = {name: str(given.get(name) or "") for name in _FIELDS}
        return cls(**texts, read_at=read_at)

    @property
    def says_in_progress(self) -> bool:
        """Whether it says that a backup runs."""
        return "progress" in self.current.lower()

    def says_not_running(self, now: float) -> bool:
        """Whether it says that none runs, and is fresh enough to be believed."""
        fresh = self.read_at is not None and 0 <= now - self.read_at <= STALE_READING
        return fresh and "not running" in self.current.lower()


_FIELDS = ("current", "last_successful", "next_scheduled", "problem")


@dataclass(frozen=True)
class Observed:
    """What the landing zone and the repository tell. Times in seconds since the epoch, spans in seconds.

    ``arriving``: files that are there and not whole yet. ``last``: receipt of the last good backup. ``every`` None:
    nothing is expected. ``trouble``: why nothing can be stored.
    """

    now: float
    arriving: Sequence[str] = ()
    last: float | None = None
    every: int | None = None
    grace: int = 0
    trouble: Sequence[str] = ()

    @property
    def next(self) -> float | None:
        """When the next one is due."""
        return self.last + self.every if self.last is not None and self.every is not None else None

    @property
    def is_overdue(self) -> bool:
        """Whether it should have come."""
        return self.next is not None and self.now > self.next + self.grace


def status(options: KeyfactorApplianceOptions, observed: Observed, reading: Reading) -> dict[str, Any]:
    """The table. ``current`` is In Progress when something arrives or a person read it so."""
    last, nxt = observed.last, observed.next
    running = bool(observed.arriving) or reading.says_in_progress
    resting = NOT_RUNNING if reading.says_not_running(observed.now) else UNKNOWN
    current = IN_PROGRESS if running else resting
    enabled = options.schedule != DISABLED
    table: dict[str, Any] = {
        "current": current,
        "current_seen": _seen(observed, reading, current),
        "last_successful": _time(last),
        "last_successful_relative": relative(last - observed.now) if last is not None else "",
        "next_scheduled": _time(nxt) if enabled else SCHEDULE_DISABLED,
        "next_scheduled_relative": relative(nxt - observed.now) if enabled and nxt is not None else "",
        "cannot_be_created": cannot_be_created(options, observed, reading),
        "differences": differences(options, observed, reading),
    }
    return table


def _seen(observed: Observed, reading: Reading, current: str) -> str:
    if observed.arriving:
        return f"{observed.arriving[0]} is arriving"
    if current == UNKNOWN:
        return "nothing is arriving; whether one is being made only Webconf shows"
    return "read in Webconf"


def cannot_be_created(options: KeyfactorApplianceOptions, observed: Observed, reading: Reading) -> list[str]:
    """Why no backup can be created, as far as that is known."""
    reasons = []
    if options.storage.type == NO_STORAGE:
        reasons.append("The storage type is None, which is the default: there is nowhere to store a backup.")
    elif not options.storage.nfs_url:
        reasons.append("No NFS URL is declared.")
    if not options.oauth_attested:
        reasons.append(
            "Nobody has attested that the OTP user is removed: while one is logged in by OTP no backup can be created."
        )
    if not options.appliance_secret_fingerprint:
        reasons.append("Nothing tells that the appliance's Domain Master Secret is set: without it there is no backup.")
    reasons += observed.trouble
    if reading.problem:
        reasons.append(f"Webconf says: {reading.problem}")
    return reasons


def differences(options: KeyfactorApplianceOptions, observed: Observed, reading: Reading) -> list[str]:
    """Where what a person read in Webconf is not what is declared, or not what arrived."""
    found = []
    disabled = reading.next_scheduled.strip().lower() == SCHEDULE_DISABLED.lower()
    if reading.next_scheduled and disabled != (options.schedule == DISABLED):
        declared = "disabled" if options.schedule == DISABLED else "enabled"
        found.append(f"The schedule is declared {declared}, and Webconf shows {reading.next_scheduled!r}.")
    base = reading.read_at if reading.read_at is not None else observed.now
    tolerance = max(observed.grace, 600)
    for title, text, past, ours in (
        ("last successful backup", reading.last_successful, True, observed.last),
        ("next scheduled backup", reading.next_scheduled, False, observed.next),
    ):
        if not text:
            continue
        try:
            theirs = when(text, base, past=past)
        except NotUnderstood as error:
            found.append(f"The {title} of Webconf is not understood: {error}.")
            continue
        if past and theirs is not None and (ours is None or theirs > ours + tolerance):
            found.append(
                f"Webconf shows a successful backup of {_time(theirs)} that did not arrive here: see which storage it"
                " went to."
            )
        elif not past and theirs is not None and ours is not None and theirs > ours + tolerance:
            found.append(f"Webconf shows the next backup at {_time(theirs)}, later than expected_every says.")
    return found


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def restart(
    options: KeyfactorApplianceOptions, observed: Observed, reading: Reading, lock: str, window: int
) -> dict[str, Any]:
    """Whether the appliance may be restarted or shut down: never while a backup runs (source: the page Backup).

    :param lock: what the lock file says, empty when there is none
    :param window: seconds before an expected backup from which on no restart is begun
    """
    reasons = []
    for said in (options.restart_lock, lock):
        if said:
            reasons.append(f"A maintenance lock is declared: {said}")
    if observed.arriving:
        reasons.append(f"A backup is running: {observed.arriving[0]} is arriving.")
    if reading.says_in_progress:
        reasons.append(f"Webconf shows {reading.current!r}.")
    due = observed.next
    if due is not None and options.schedule != DISABLED and not reading.says_not_running(observed.now):
        if observed.is_overdue:
            reasons.append(
                f"The backup expected at {_time(due)} has not come: one may still be running. Read Backup Status in"
                " Webconf, and give it as webconf_status."
            )
        elif observed.now >= due - window:
            reasons.append(f"A backup is expected at {_time(due)}.")
    elif due is not None and options.schedule != DISABLED and due - window <= observed.now <= due:
        reasons.append(f"A backup is expected at {_time(due)}.")
    return {"allowed": not reasons, "reasons": reasons}
