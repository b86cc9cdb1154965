# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The size of what was pushed against what usually comes: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

HISTORY = 5
"""How many complete generations a size is held against."""

FLOOR = 4096
"""Bytes below which a size says nothing about being smaller."""


@dataclass(frozen=True)
class Band:
    """How much smaller or larger than the median a backup may be."""

    at_least: float = 0.5
    at_most: float = 3.0

    def verdict(self, size: int, before: Sequence[int]) -> str | None:
        """``shrunken``, ``grown``, or None when the size is as usual, or when there is nothing to hold it against.

        :param before: sizes of complete generations, newest first. One that was out of the band was meant, as it is
            complete: older ones say nothing any more.
        """
        usual = self.usual(before)
        return self._against(size, usual) if usual is not None else None

    def usual(self, before: Sequence[int]) -> int | None:
        """The median that a size is held against."""
        since = self.since(before)
        return int(median(since)) if since else None

    def since(self, before: Sequence[int]) -> Sequence[int]:
        """The sizes, newest first, up to the newest one that was out of the band of its own time."""
        since: list[int] = []
        for one in reversed(before[:HISTORY]):
            if since and self._against(one, int(median(since))):
                since.clear()
            since.insert(0, one)
        return since

    def _against(self, size: int, usual: int) -> str | None:
        if usual >= FLOOR and size < usual * self.at_least:
            return "shrunken"
        if size >= FLOOR and usual and size > usual * self.at_most:
            return "grown"
        return None
