# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a generation's content was received.

What is pulled from a host is received when its record is written. What a product pushed was received when it arrived,
and may lie in the landing zone for days before a run takes it in: its record notes the time of arrival beside what is
counted, since how old a backup is must not depend on when somebody looked.
"""

from __future__ import annotations

from datetime import datetime, timezone

from .._repository.format import CommitRecord

RECEIPT = "at:received"
"""Under this name a commit record has it among its counts: seconds since the epoch, by the backup host's clock."""


def as_count(receipt: int | None) -> dict[str, int]:
    """As a commit record has it; nothing for what was received when it was read."""
    return {} if receipt is None else {RECEIPT: receipt}


def is_arrival(record: CommitRecord) -> bool:
    """Whether a generation's content is what a product pushed to a landing zone."""
    return RECEIPT in record.counts


def committed_at(record: CommitRecord) -> float:
    """When a record was written, in seconds since the epoch."""
    return datetime.fromisoformat(record.received_at.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()


def received(record: CommitRecord) -> float:
    """When a generation's content was received, in seconds since the epoch; never later than it was committed."""
    committed = committed_at(record)
    return min(float(record.counts.get(RECEIPT, committed)), committed)


def received_text(record: CommitRecord) -> str:
    """The same, as a commit record writes times."""
    return text_of(received(record))


def text_of(seconds: float) -> str:
    """Seconds since the epoch, as a commit record writes times."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
