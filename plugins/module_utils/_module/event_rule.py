# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Larger changes are to have a backup before them: a big difference in a scheduled one, with none before it, is told.

The vendors ask for it (estos, backup concept: "Vor größeren Änderungen ist eine ereignisabhängige Datensicherung
durchzuführen", meant are larger changes of users, of the servers of a multi-server environment and their databases, of
replicators, and of the version).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .._compare.findings import Finding
from .._compare.semantic import HIGH
from .._entries import PHASE_PRE_RESTORE
from .._repository.format import CommitRecord, GenerationId

SCHEDULED = "scheduled"
PRE_CHANGE = "pre_change"
RULE = "unannounced"

EVERY_ONE_COUNTS = frozenset({"databases", "replicators", "servers"})
"""Counts of which any difference is a big one."""
BIG_PART = 10
"""Of the others one in ten ..."""
BIG_NUMBER = 5
"""... and at least five."""


def back_to_complete(records: Iterable[CommitRecord]) -> list[CommitRecord]:
    """Of records, newest first, those up to the last complete generation that no restore put aside."""
    taken = []
    for record in records:
        taken.append(record)
        if _counts_as_before(record):
            break
    return taken


def unannounced(phase: str, release: str, counts: Mapping[str, int], before: Sequence[CommitRecord]) -> list[Finding]:
    """The big differences of a scheduled backup to the last complete generation, unless something announced them.

    What was counted then and is not any more counts as lost. Announced are they by a C(pre_change) generation, or by
    one that a restore made, at or after that last one.

    :param before: what :func:`back_to_complete` gives
    """
    if phase != SCHEDULED or not before or not _counts_as_before(before[-1]):
        return []
    if any(record.phase in (PRE_CHANGE, PHASE_PRE_RESTORE) for record in before):
        return []
    last = before[-1]
    differences = [
        f"{then} {name} then, {counts.get(name, 'none counted')} now"
        for name, then in sorted(last.counts.items())
        if is_big(name, then, counts.get(name, 0))
    ]
    if release and last.release and release != last.release:
        differences.append(f"{last.release} then, {release} now")
    return [
        Finding(
            HIGH,
            RULE,
            f"{difference}, and no pre_change generation was made between {GenerationId.of(last)} and this one",
        )
        for difference in differences
    ]


def is_big(name: str, then: int, now: int) -> bool:
    """Whether a count has changed so much that somebody must have planned it."""
    difference = abs(now - then)
    if name in EVERY_ONE_COUNTS:
        return difference > 0
    return difference >= BIG_NUMBER and difference * BIG_PART >= then


def _counts_as_before(record: CommitRecord) -> bool:
    return record.is_complete and record.phase != PHASE_PRE_RESTORE
