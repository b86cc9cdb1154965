# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what arrives fits the declared backup configuration of a STARFACE: pure, from names, sizes and times.

What differs is inferred, as nobody can ask the appliance for its configuration: each finding says what was seen, and
what most likely differs.
"""

from __future__ import annotations

import datetime
import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .starface_config import BackupConfig
from .starface_schedule import SHIFT, clock, slots

FOLDER = "starface-backup"
"""What the backup process makes on a storage place; in it a folder of the configuration's name."""
ENDING = ".sar"
TOLERANCE = 30
"""Minutes by which a file may be later than start and duration say."""
_HISTORY = 5
_SHRUNKEN, _GROWN = 0.5, 3.0


@dataclass(frozen=True)
class Seen:
    """One file that arrived. ``path`` below the landing zone; ``at`` when it was received, in the appliance's own time;
    ``target`` the kind of storage place that it came over, empty when that is not known."""

    path: str
    size: int
    at: datetime.datetime
    target: str = ""


@dataclass(frozen=True)
class Drift:
    """``code`` names the rule; ``differs`` the field of the wizard that most likely is another."""

    code: str
    differs: str
    text: str

    def to_result(self) -> dict[str, Any]:
        """The finding as a module returns it."""
        return {"code": self.code, "differs": self.differs, "text": self.text}


def compare(
    config: BackupConfig, arrivals: Sequence[Seen], now: datetime.datetime, watched: Collection[str] = ()
) -> list[Drift]:
    """What was seen held against what is declared.

    :param now: in the appliance's own time
    :param watched: kinds of storage places whose arrivals are all in ``arrivals``; of others silence says nothing
    """
    ordered = sorted(arrivals, key=lambda seen: seen.at)
    return [
        *_names(config, ordered),
        *_sizes(ordered),
        *_times(config, ordered, now),
        *_targets(config, ordered, watched),
    ]


def _names(config: BackupConfig, arrivals: Sequence[Seen]) -> list[Drift]:
    names = {_folder(seen.path) for seen in arrivals[-_HISTORY:]} - {None, config.name}
    return [
        Drift(
            "folder_name",
            "name",
            f"Files arrive in {FOLDER}/{name}, the declared configuration is called {config.name}:"
            " it has another name on the appliance, or a second one writes here.",
        )
        for name in sorted(str(name) for name in names)
    ]


def _folder(path: str) -> str | None:
    """The name of the folder in ``starface-backup``; None where there is no such folder in the path."""
    parts = posixpath.normpath(path).split("/")
    at = parts.index(FOLDER) if FOLDER in parts else -1
    return parts[at + 1] if 0 <= at < len(parts) - 2 else None


def _sizes(arrivals: Sequence[Seen]) -> list[Drift]:
    if len(arrivals) < 4:
        return []
    usual = median(seen.size for seen in arrivals[-_HISTORY - 1 : -1])
    size = arrivals[-1].size
    if size < usual * _SHRUNKEN:
        story, likely = "less than half of", "a box of the second step is not ticked any more, or much was deleted"
    elif size > usual * _GROWN:
        story, likely = (
            "more than three times",
            "a box of the second step is ticked now that was not, or much was added",
        )
    else:
        return []
    return [Drift("size", "contents", f"The newest file has {size} bytes, {story} the usual {int(usual)}: {likely}.")]


def _times(config: BackupConfig, arrivals: Sequence[Seen], now: datetime.datetime) -> list[Drift]:
    if config.is_manual or config.start is None or now < config.start:
        return []
    step = datetime.timedelta(hours=config.interval)
    allowed = datetime.timedelta(minutes=config.duration + TOLERANCE)
    found = []
    moved = [_late(seen.at, config.start, step) for seen in arrivals[-3:] if seen.at >= config.start]
    beyond = [late for late in moved if late > allowed]
    if len(beyond) >= 2 and len(beyond) == len(moved):
        late = min(beyond)
        minutes = int(late.total_seconds() // 60)
        shifted = datetime.timedelta(minutes=SHIFT) <= late <= datetime.timedelta(minutes=SHIFT) + allowed
        likely = (
            "the archive job runs into it and shifts it by an hour, or start and interval are others"
            if shifted
            else "start or interval are others on the appliance"
        )
        expected = clock(config.start.hour * 60 + config.start.minute)
        found.append(
            Drift(
                "time_of_day",
                "start",
                f"Files arrive {minutes} minutes after a start that is declared (first at {expected}): {likely}.",
            )
        )
    last = arrivals[-1].at if arrivals else config.start - step
    grace = allowed + datetime.timedelta(minutes=SHIFT)
    missed = [slot for slot in slots(config.start, config.interval, last, now - grace) if slot > last]
    if missed:
        found.append(
            Drift(
                "missing_runs",
                "interval",
                f"{len(missed)} runs that were due brought nothing, the first at"
                f" {missed[0].strftime('%Y-%m-%d %H:%M')}: it failed, or its interval or storage place are others.",
            )
        )
    return found


def _late(at: datetime.datetime, start: datetime.datetime, step: datetime.timedelta) -> datetime.timedelta:
    """How long after the last due start it arrived."""
    return (at - start) % step


def _targets(config: BackupConfig, arrivals: Sequence[Seen], watched: Collection[str]) -> list[Drift]:
    seen = {one.target for one in arrivals}
    return [
        Drift("target", "targets", f"Nothing arrived over {target}: it is not set on the appliance, or it fails.")
        for target in config.targets
        if target.kind in watched and target.kind not in seen
    ]
