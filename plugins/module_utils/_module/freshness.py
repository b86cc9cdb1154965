# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a backup that somebody else makes is overdue: pure, by the clock of the backup host alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import RecoveryError
from .._repository.format import CommitRecord, GenerationId
from .duration import words_for
from .receipt import received, received_text


class BackupOverdue(RecoveryError):
    """A backup that a product makes and pushes did not come in time."""


class NothingCame(RecoveryError):
    """No backup came while it was waited for."""


@dataclass(frozen=True)
class Freshness:
    """How often a backup is expected, in seconds, and how late it may be. ``every`` None: nothing is declared."""

    every: int | None = None
    grace: int = 3600

    def is_overdue(self, last_good: CommitRecord | None, now: float) -> bool:
        """Whether the last good generation is too old. There being none at all is not overdue: nothing ever came.

        :param now: seconds since the epoch
        """
        return self.every is not None and last_good is not None and age_of(last_good, now) > self.every + self.grace

    def words(self) -> str:
        """What is expected, for a message."""
        return f"one is expected every {words_for(self.every or 0)}, with {words_for(self.grace)} of grace"


def age_of(record: CommitRecord, now: float) -> float:
    """Seconds since a generation's files arrived, by this host's clock; 0 when the clock was set back meanwhile."""
    return max(0.0, now - received(record))


def described(record: CommitRecord | None, now: float, level: str) -> dict[str, Any] | None:
    """The last good generation, for a result. ``level``: how far it is proved."""
    if record is None:
        return None
    return {
        "id": str(GenerationId.of(record)),
        "received_at": received_text(record),
        "age": int(age_of(record, now)),
        "release": record.release or "",
        "level": level,
    }


def named(record: CommitRecord | None, now: float) -> str:
    """The last good generation, for a message."""
    if record is None:
        return "there is no good one at all"
    return f"the last good one is {GenerationId.of(record)}, received {words_for(age_of(record, now))} ago"
