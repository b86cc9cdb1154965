# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast a repository grows, and when it will be full. Pure: records and what became of them in, numbers out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .expiry import Fates
from .format import CommitRecord, parse_moment

SHORTEST_HISTORY = timedelta(days=1)
"""Less than this tells nothing of a trend."""


@dataclass(frozen=True)
class Growth:
    """Bytes a day that came and that were let go, over the last ``days``."""

    added: float
    released: float
    days: float

    @property
    def net(self) -> float:
        """Bytes a day by which the repository grows; negative when it shrinks."""
        return self.added - self.released


class Ledger:
    """When objects came, and when the last generation that needed them was let go.

    What a line's first generation brings, and the first one for new recipients, is no growth: it comes once.
    """

    def __init__(self) -> None:
        self._came: dict[str, tuple[datetime, int]] = {}
        self._once: set[str] = set()
        self._kept: set[str] = set()
        self._released: dict[str, datetime] = {}
        self._begin: datetime | None = None

    def add(self, records: Iterable[CommitRecord], fates: Fates) -> None:
        """Enter a line, oldest generation first."""
        recipients = ""
        for record in records:
            at = parse_moment(record.received_at)
            self._begin = at if self._begin is None else min(at, self._begin)
            is_whole = record.recipients_digest != recipients
            recipients = record.recipients_digest
            fate = fates.of(record)
            needed = fate.needed_objects(record)
            for sha, size in record.needed_objects():
                if sha not in self._came:
                    self._came[sha] = (at, size)
                    if is_whole:
                        self._once.add(sha)
                if sha in needed:
                    self._kept.add(sha)
                    continue
                stones = (
                    [fate.pruned] if fate.pruned is not None else [one for one in fate.classes if sha in one.objects]
                )
                when = max(parse_moment(stone.at) for stone in stones)
                self._released[sha] = max(when, self._released.get(sha, when))

    @property
    def needed(self) -> frozenset[str]:
        """All objects that a generation needs."""
        return frozenset(self._kept)

    @property
    def stored_bytes(self) -> int:
        """Size of all of them."""
        return sum(self._came[sha][1] for sha in self._kept)

    def growth(self, now: datetime, window: timedelta) -> Growth | None:
        """The trend of the time before ``now``; None while there is too little to see one. Times to come count not."""
        if self._begin is None:
            return None
        span = min(window, now - self._begin)
        if span < SHORTEST_HISTORY:
            return None
        since, days = now - span, span / timedelta(days=1)
        added = sum(size for sha, (at, size) in self._came.items() if sha not in self._once and since <= at <= now)
        gone = self._released.keys() - self._kept
        released = sum(self._came[sha][1] for sha in gone if since <= self._released[sha] <= now)
        return Growth(added / days, released / days, days)


def days_until_full(free: int | None, reserve: int, growth: Growth | None) -> float | None:
    """Days until no more than ``reserve`` bytes are free; None when that is not known or not to come."""
    if free is None:
        return None
    if free <= reserve:
        return 0.0
    if growth is None or growth.net <= 0:
        return None
    return (free - reserve) / growth.net
