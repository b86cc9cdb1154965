# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a STARFACE's backup runs, and whether it meets the archive job. Pure arithmetic in minutes and hours.

The vendor: backup and "STARFACE Archivierung" never run at the same time; the one that began first runs to its end, and
the second begins an hour later. The interval counts from the first start.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from math import gcd

DAY = 24 * 60
SHIFT = 60
"""Minutes by which the second of the two begins later."""


@dataclass(frozen=True)
class Meeting:
    """Backup and archive job meet. Times in minutes since midnight; ``backup_first``: the archive job is shifted, else
    the backup is."""

    backup_at: int
    archive_at: int
    backup_first: bool

    @property
    def shifted_to(self) -> int:
        """When the second of the two really begins."""
        return ((self.archive_at if self.backup_first else self.backup_at) + SHIFT) % DAY


def times_of_day(start: datetime.datetime, interval: int) -> list[int]:
    """At which minutes of a day the backup may begin, sorted; ``interval`` in hours, at least 1."""
    step = gcd(interval * 60, DAY)
    first = (start.hour * 60 + start.minute) % step
    return list(range(first, DAY, step))


def meeting(backup_at: int, backup_minutes: int, archive_at: int, archive_minutes: int) -> Meeting | None:
    """Whether two jobs meet that run every day at these minutes for so many minutes; None when they do not."""
    since_backup = (archive_at - backup_at) % DAY
    if since_backup < backup_minutes:
        return Meeting(backup_at, archive_at, backup_first=True)
    if (backup_at - archive_at) % DAY < archive_minutes:
        return Meeting(backup_at, archive_at, backup_first=False)
    return None


def gap(backup_at: int, backup_minutes: int, archive_at: int, archive_minutes: int) -> int:
    """Minutes between the end of one and the beginning of the other, the smaller of both; 0 when they meet."""
    if meeting(backup_at, backup_minutes, archive_at, archive_minutes) is not None:
        return 0
    after_backup = (archive_at - backup_at) % DAY - backup_minutes
    after_archive = (backup_at - archive_at) % DAY - archive_minutes
    return max(0, min(after_backup, after_archive))


def slots(
    start: datetime.datetime, interval: int, since: datetime.datetime, until: datetime.datetime
) -> list[datetime.datetime]:
    """When the backup was to begin between two moments, both included. ``interval`` in hours, at least 1."""
    step = datetime.timedelta(hours=interval)
    first = start
    if since > start:
        first = start + step * -(-(since - start) // step)
    found = []
    while first <= until:
        found.append(first)
        first += step
    return found


def clock(minute: int) -> str:
    """Minutes since midnight as people write them."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"
