# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence of restore drills as results of modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._repository.backends.base import Backend
from .._repository.drills import Drill, last, proved_generations
from .._repository.format import CommitRecord
from .._repository.keyring import load_keyring


def describe_drill(drill: Drill) -> dict[str, Any]:
    """One drill, small: what a list shows of it."""
    facts = drill.facts
    return {
        "generation": str(drill.generation),
        "at": drill.at,
        "outcome": drill.outcome,
        "reached": str(facts.get("reached") or ""),
        "recovery_seconds": facts.get("recovery_seconds"),
        "recovery_point_seconds": facts.get("recovery_point_seconds"),
        "objectives_met": facts.get("objectives_met"),
        "target": str((facts.get("target") or {}).get("name") or ""),
        "actor": str(facts.get("actor") or ""),
        "job": str(facts.get("job") or ""),
        "signer": drill.signer,
        "evidence": drill.name,
        "digest": drill.digest,
    }


def describe_last(drills: Sequence[Drill]) -> dict[str, Any]:
    """The newest drill of a line, and the newest one that passed; null where there is none."""
    newest, proved = last(drills), last(drills, passed=True)
    return {
        "newest": describe_drill(newest) if newest is not None else None,
        "passed": describe_drill(proved) if proved is not None else None,
    }


def drills_by_generation(drills: Sequence[Drill]) -> dict[tuple[int, str], list[Drill]]:
    """Drills by sequence and hash of the record that they name."""
    found: dict[tuple[int, str], list[Drill]] = {}
    for one in drills:
        found.setdefault((one.generation.sequence, one.record), []).append(one)
    return found


def is_proved(backend: Backend, record: CommitRecord) -> bool:
    """Whether a drill proved that this generation can be restored."""
    hashes = {record.sequence: record.hash}
    return bool(proved_generations(backend, load_keyring(backend), record.chain, hashes))
