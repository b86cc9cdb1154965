# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the repository knows of one line of generations, for the operators' report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .._entries import PHASE_PRE_RESTORE
from .._errors import RepositoryError
from .._repository.backends.base import Backend
from .._repository.chain import Believe, head, load_record, walk_back
from .._repository.drills import Drill, load_drills
from .._repository.expiry import Fate, Fates, load_fates
from .._repository.format import ChainId, CommitRecord, GenerationId
from .._repository.holds import KIND_CHANGE, Hold
from .._repository.journal import open_restores
from .._repository.keyring import Keyring
from .._repository.verify_state import KEY_LENGTH, VerifyState

LICENCES_ITEM = "licences"
"""The item in which products keep the licence keys that they found, one a line, wholly secret."""


@dataclass
class LineFacts:
    """A line as the repository has it. ``problem`` says why it could not be read; then nothing else is known."""

    chain: ChainId
    records: Sequence[CommitRecord] = ()
    fates: Fates = field(default_factory=Fates)
    drills: Sequence[Drill] = ()
    open_restores: Sequence[str] = ()
    problem: str = ""
    newest_complete: CommitRecord | None = None

    @property
    def newest(self) -> CommitRecord | None:
        """The newest generation, complete or not."""
        return self.records[-1] if self.records else None

    @property
    def first_at(self) -> str:
        """When the line began, a UTC time; empty when it has not."""
        return self.records[0].received_at if self.records else ""

    def fate(self, record: CommitRecord) -> Fate:
        """What became of one generation."""
        return self.fates.of(record)

    def counts(self) -> dict[str, int]:
        """How many generations are complete, partial, and pruned."""
        numbers = {"complete": 0, "partial": 0, "pruned": 0}
        for record in self.records:
            pruned = self.fate(record).pruned is not None
            numbers["pruned" if pruned else "complete" if record.is_complete else "partial"] += 1
        return numbers

    def changes(self) -> list[dict[str, Any]]:
        """Holds in force, oldest first: what they are for, since when, and which generations they pin."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for record in self.records:
            for hold in self.fate(record).holds:
                one = found.setdefault((hold.kind, hold.change_id), _describe(hold))
                one["generations"].append(str(GenerationId.of(record)))
                one["since"] = min(one["since"], hold.at)
        return sorted(found.values(), key=lambda one: (str(one["since"]), str(one["change_id"])))

    def data_classes(self) -> dict[str, dict[str, int]]:
        """What the newest complete generation holds of each data class, without what was let go of it."""
        found: dict[str, dict[str, int]] = {}
        if self.newest_complete is not None:
            gone = self.fate(self.newest_complete).expired_classes
            for item in self.newest_complete.items.values():
                if item["data_class"] not in gone and item["entries"]:
                    one = found.setdefault(item["data_class"], {"entries": 0, "bytes": 0})
                    one["entries"] += item["entries"]
                    one["bytes"] += item["bytes"]
        return found

    def verified(self, state: VerifyState) -> tuple[int, int]:
        """Seconds since the epoch at which all objects of the newest complete generation had been hashed, and at which
        its contents were compared; 0 for never."""
        record = self.newest_complete
        if record is None:
            return 0, 0
        hashed = [state.hashed.get(sha[:KEY_LENGTH], 0) for sha in self.fate(record).needed_objects(record)]
        return min(hashed, default=0), state.opened.get(record.manifest[0][:KEY_LENGTH], 0)

    @property
    def sealed_licences(self) -> CommitRecord | None:
        """The newest complete generation if licence keys are sealed in it."""
        record = self.newest_complete
        if record is None or not record.items.get(LICENCES_ITEM, {}).get("entries"):
            return None
        is_gone = record.items[LICENCES_ITEM]["data_class"] in self.fate(record).expired_classes
        return None if is_gone else record


def _describe(hold: Hold) -> dict[str, Any]:
    return {
        "kind": hold.kind or KIND_CHANGE,
        "change_id": hold.change_id,
        "reason": hold.problem or hold.reason,
        "actor": hold.actor,
        "since": hold.at,
        "generations": [],
    }


def read_line(backend: Backend, keyring: Keyring, chain: ChainId, believe: Believe, now: float) -> LineFacts:
    """A line, as far as it can be read. ``now``: seconds since the epoch.

    The head's signature is looked at, and that of the first record: what stands between is bound to the head by hashes.
    """
    try:
        newest = head(backend, chain, believe)
        if newest is None:
            return LineFacts(chain)
        records = list(walk_back(backend, newest))[::-1]
        load_record(backend, GenerationId.of(records[0]), believe)
        facts = LineFacts(
            chain,
            records,
            load_fates(backend, keyring, chain, now),
            _drills_of(records, load_drills(backend, keyring, chain)),
            open_restores(backend, chain.source, chain.product, chain.instance),
        )
    except RepositoryError as error:
        return LineFacts(chain, problem=str(error))
    facts.newest_complete = next((one for one in reversed(records) if _serves(one, facts.fate(one))), None)
    return facts


def _drills_of(records: Sequence[CommitRecord], drills: Sequence[Drill]) -> list[Drill]:
    """The drills of these very generations: evidence on a record that another one took the place of is none."""
    hashes = {record.sequence: record.hash for record in records}
    return [one for one in drills if hashes.get(one.generation.sequence) == one.record]


def _serves(record: CommitRecord, fate: Fate) -> bool:
    """Whether somebody in need would take it: complete, still there, and not what a restore put aside."""
    return record.is_complete and record.phase != PHASE_PRE_RESTORE and fate.pruned is None
