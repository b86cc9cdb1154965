# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Letting generations go: rules decide, signed tombstones say so, a grace later whole unreferenced objects are removed.

Nothing is locked. What a backup that runs meanwhile builds upon is the newest generation of its line, which never goes;
what it may know of an older state outlives it by the grace, which must be longer than the longest run. Records stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from .._errors import NotAuthentic, RepositoryDamaged, RepositoryError
from .backends.base import Backend
from .chain import believe_keyring, list_chains, load_chain, read_record, sequences
from .drills import proved_generations
from .expiry import Fate, Fates, bury, load_fates, prune_signer, stray_signature, tombstone_names
from .format import (
    OBJECTS_FOLDER,
    ChainId,
    CommitRecord,
    GenerationId,
    PieceIndex,
    object_name,
    object_sha,
    parse_commit_file,
    parse_moment,
    signature_name,
)
from .holds import KIND_CHANGE, load_holds, utc_text
from .keyring import Keyring, load_keyring
from .leftovers import Note, read_notes, remove_notes, write_notes
from .reader import hash_object
from .retention import Candidate, Circumstances, Decision, Policy, check_clock, decide, limit, outlived
from .reuse import INDEX_LIMIT
from .sshsig import SigningKey

SHORTEST_GRACE = 86400
"""Seconds; no run may be longer."""


@dataclass(frozen=True)
class PruneOptions:
    """What is to go.

    ``max_ages``: data class -> seconds after which its data goes, by itself. ``grace``: seconds from a tombstone to the
    removal. ``longest_pause``: seconds without anything after which the clock is doubted, unless ``accept_pause``.
    ``allow_many``: more than a fifth of a line may go at once.
    """

    policy: Policy | None = None
    max_ages: Mapping[str, int] = field(default_factory=dict)
    grace: int = 7 * 86400
    longest_pause: int = 35 * 86400
    accept_pause: bool = False
    allow_many: bool = False


@dataclass(frozen=True)
class Expiring:
    """A data class of a generation that outlived its age, and the objects that hold it."""

    record: CommitRecord
    data_class: str
    objects: tuple[str, ...]


@dataclass
class LinePlan:
    """What is decided on a line. ``problem`` says why nothing is: its records cannot be believed."""

    chain: ChainId
    records: dict[int, CommitRecord] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    expiring: list[Expiring] = field(default_factory=list)
    fates: Fates = field(default_factory=Fates)
    notes: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def going(self) -> list[CommitRecord]:
        """The generations that are let go."""
        return [self.records[one.candidate.sequence] for one in self.decisions if not one.stays]


@dataclass
class PrunePlan:
    """What a run does. ``removable`` are files with their sizes whose grace is over, ``leftovers`` are noted now."""

    lines: list[LinePlan]
    removable: dict[str, int] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    served: list[Note] = field(default_factory=list)
    sweep_problem: str = ""


@dataclass
class Pruned:
    """What a run did: files and bytes that were removed, leftovers that were noted, staged files that were swept."""

    removed_files: int = 0
    removed_bytes: int = 0
    noted_leftovers: int = 0
    swept: int = 0


class Pruner:
    """Lets generations of a repository go.

    :param key: signs tombstones; None only to look
    :param clock: this machine's clock, seconds since the epoch
    """

    def __init__(
        self,
        backend: Backend,
        options: PruneOptions,
        key: SigningKey | None = None,
        clock: Callable[[], float] = time.time,
        only: Callable[[ChainId], bool] = lambda chain: True,
    ) -> None:
        self._backend = backend
        self._options = options
        self._key = key
        self._seconds = clock()
        self._now = datetime.fromtimestamp(int(self._seconds), timezone.utc)
        self._at = utc_text(self._seconds)
        self._only = only
        self._keyring: Keyring = load_keyring(backend)
        self._signer = prune_signer(self._keyring, key, self._at) if key is not None else ""

    # --- looking ---
    def plan(self) -> PrunePlan:
        """Decide, and find what can be removed. Nothing is written. Raises ClockRefused, RepositoryError."""
        # first the objects: one that a record names later than this is not among them
        objects = self._list_objects()
        lines = [self._read_line(chain) for chain in list_chains(self._backend)]
        notes = list(read_notes(self._backend, self._keyring))
        if not self._options.accept_pause:
            check_clock(
                self._moments(lines, notes),
                self._now,
                timedelta(seconds=self._options.longest_pause),
                timedelta(seconds=self._options.grace),
            )
        for line in lines:
            if not line.problem and self._only(line.chain):
                self._decide(line)
        plan = PrunePlan(lines)
        damaged = next((line for line in lines if line.problem), None)
        if damaged is not None:
            plan.sweep_problem = f"Nothing is removed, as what {damaged.chain} needs is not known: {damaged.problem}"
        else:
            self._find_removable(plan, objects, notes)
        return plan

    def _list_objects(self) -> dict[str, int]:
        found = {}
        for name, size in self._backend.list(OBJECTS_FOLDER):
            try:
                found[object_sha(name)] = size
            except ValueError:
                continue
        return found

    def _read_line(self, chain: ChainId) -> LinePlan:
        line = LinePlan(chain)
        try:
            records = load_chain(
                self._backend, chain.source, chain.product, chain.instance, believe_keyring(self._keyring)
            )
        except RepositoryDamaged as error:
            line.problem = str(error)
            return line
        line.records = {record.sequence: record for record in records}
        line.fates = load_fates(self._backend, self._keyring, chain, self._seconds)
        line.notes += [f"{problem.item}: {problem.message}" for problem in line.fates.problems]
        return line

    def _moments(self, lines: Sequence[LinePlan], notes: Sequence[Note]) -> Iterator[datetime]:
        for line in lines:
            yield from (parse_moment(record.received_at) for record in line.records.values())
            for stones in line.fates.buried.values():
                yield from (parse_moment(stone.at) for stone in stones)
        yield from (parse_moment(note.at) for note in notes)

    def _decide(self, line: LinePlan) -> None:
        fates = {record.sequence: line.fates.of(record) for record in line.records.values()}
        alive = [record for record in line.records.values() if fates[record.sequence].pruned is None]
        candidates = [Candidate.of(record) for record in alive]
        held = {number: [hold.words for hold in fate.holds] for number, fate in fates.items() if fate.holds}
        if self._options.policy is not None:
            decisions = decide(candidates, self._options.policy, self._now, self._circumstances(line, held))
            line.decisions = decisions if self._options.allow_many else limit(decisions)
        going = {record.sequence for record in line.going}
        for data_class, age in sorted(self._options.max_ages.items()):
            for one in outlived(candidates, timedelta(seconds=age), self._now, held):
                record, fate = line.records[one.sequence], fates[one.sequence]
                if one.sequence not in going and data_class not in fate.expired_classes:
                    self._expire_class(line, record, data_class)

    def _circumstances(self, line: LinePlan, held: Mapping[int, Sequence[str]]) -> Circumstances:
        holds = [hold for hold in line.fates.holds if hold.kind == KIND_CHANGE and hold.change_id]
        open_changes = frozenset(hold.change_id for hold in holds if hold.is_active(self._at))
        return Circumstances(
            held=held,
            open_changes=open_changes,
            closed_changes=frozenset(hold.change_id for hold in holds) - open_changes,
            drilled=proved_generations(
                self._backend, self._keyring, line.chain, {one.sequence: one.hash for one in line.records.values()}
            ),
        )

    def _expire_class(self, line: LinePlan, record: CommitRecord, data_class: str) -> None:
        if all(item["data_class"] != data_class for item in record.items.values()):
            return
        try:
            bundles = self._bundles_of(record, data_class)
        except RepositoryError as error:
            line.notes.append(f"{GenerationId.of(record)}: {data_class} cannot be let go: {error.message}")
            return
        line.expiring.append(Expiring(record, data_class, bundles))

    def _bundles_of(self, record: CommitRecord, data_class: str) -> tuple[str, ...]:
        sha, size = record.piece_index
        hash_object(self._backend, sha, size)
        index = PieceIndex.from_bytes(self._backend.read(object_name(sha), INDEX_LIMIT))
        found = tuple(bundle.sha for bundle in index.bundles if bundle.data_class == data_class)
        if not set(found) <= set(record.objects):
            raise NotAuthentic("The piece index names other bundles than the commit record", item=object_name(sha))
        return found

    # --- what can be removed ---
    def _find_removable(self, plan: PrunePlan, objects: Mapping[str, int], notes: Sequence[Note]) -> None:
        needed: set[str] = set()
        let_go: set[str] = set()
        for line in plan.lines:
            for record in line.records.values():
                mine, gone = self._ripe(record, line.fates.of(record))
                needed |= mine
                let_go |= gone
        noted = {file for note in notes if self._is_ripe(note.at) for file in note.files}
        fresh = {file for note in notes if not self._is_ripe(note.at) for file in note.files}
        for sha, size in objects.items():
            if sha in needed:
                continue
            name = object_name(sha)
            if sha in let_go or name in noted:
                plan.removable[name] = size
            elif name not in fresh:
                plan.leftovers.append(name)
        for name in self._stray_signatures(plan.lines):
            if name in noted:
                plan.removable[name] = self._backend.size(name) or 0
            elif name not in fresh:
                plan.leftovers.append(name)
        plan.served = [note for note in notes if self._is_ripe(note.at)]

    def _is_ripe(self, at: str) -> bool:
        return self._now - parse_moment(at) >= timedelta(seconds=self._options.grace)

    def _ripe(self, record: CommitRecord, fate: Fate) -> tuple[set[str], set[str]]:
        """What a generation needs, also for the time of grace, and what it needs no more."""
        everything = {sha for sha, _size in record.needed_objects()}
        if fate.pruned is not None and self._is_ripe(fate.pruned.at):
            return set(), everything
        gone = {sha for stone in fate.classes if self._is_ripe(stone.at) for sha in stone.objects}
        return everything - gone, gone

    def _stray_signatures(self, lines: Sequence[LinePlan]) -> Iterator[str]:
        for line in lines:
            for own_name in sorted(self._backend.names(line.chain.folder)):
                try:
                    number, record_hash = parse_commit_file(own_name)
                except ValueError:
                    continue
                record = line.records.get(number)
                if record_hash is not None and (record is None or record.hash != record_hash):
                    yield signature_name(line.chain.generation(number), record_hash)
            buried = set(tombstone_names(self._backend, line.chain))
            yield from (name for name in sorted(buried) if stray_signature(name, buried))

    # --- doing ---
    def run(self, plan: PrunePlan) -> Pruned:
        """Carry a plan out: tombstones, then what earlier ones let go. Raises RepositoryError."""
        if self._key is None:
            raise ValueError("without a key nothing can be let go")
        done = Pruned()
        for line in plan.lines:
            # killed in between, what was before a change is still there as long as anything of what was after it
            for record in reversed(line.going):
                bury(self._backend, self._keyring, self._key, record, self._at, self._reason())
            for one in line.expiring:
                reason = f"{one.data_class} older than {self._options.max_ages[one.data_class]} s"
                bury(self._backend, self._keyring, self._key, one.record, self._at, reason, one.data_class, one.objects)
        if plan.leftovers:
            write_notes(self._backend, self._keyring, self._key, self._signer, self._at, plan.leftovers)
            done.noted_leftovers = len(plan.leftovers)
        needed = self._needed_meanwhile(plan.lines) if plan.removable else set()
        for name, size in plan.removable.items():
            if name not in needed:
                self._backend.remove(name)
                done.removed_files += 1
                done.removed_bytes += size
        remove_notes(self._backend, plan.served)
        done.swept = self._backend.sweep(self._options.grace)
        return done

    def _reason(self) -> str:
        rules = self._options.policy.rules if self._options.policy is not None else {}
        return "no rule keeps it: " + ", ".join(f"{name} {number}" for name, number in rules.items())

    def _needed_meanwhile(self, lines: Sequence[LinePlan]) -> set[str]:
        """What records need that came, and generations that were held, while this run looked at others."""
        needed: set[str] = set()
        known = {line.chain: line for line in lines}
        for chain in list_chains(self._backend):
            line = known.get(chain, LinePlan(chain))
            for number in sequences(self._backend, chain):
                if number not in line.records:
                    record = read_record(self._backend, chain.generation(number))
                    needed |= _files(record)
            if line.fates.buried:
                for hold in load_holds(self._backend, self._keyring, chain):
                    held = line.records.get(hold.generation.sequence)
                    if held is not None and hold.is_active(self._at):
                        needed |= _files(held)
        return needed


def _files(record: CommitRecord) -> set[str]:
    names = {object_name(sha) for sha, _size in record.needed_objects()}
    return names | {signature_name(GenerationId.of(record), record.hash)}
