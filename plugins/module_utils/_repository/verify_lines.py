# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of a repository, record by record: what each says, who signed it, what it follows, what was let go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .._errors import GenerationMissing, RecoveryError, RepositoryDamaged
from .backends.base import Backend
from .chain import Believe, check_signature, read_record
from .expiry import Fate, Fates, load_fates, stray_signature, tombstone_names
from .format import (
    EXPIRED_FOLDER,
    ChainId,
    CommitRecord,
    GenerationId,
    object_name,
    parse_commit_file,
    record_name,
    signature_name,
)
from .keyring import Keyring


@dataclass(frozen=True)
class IndexFacts:
    """What a piece index must say, as its commit record does."""

    repository_id: str
    source: str
    recipients_digest: str
    fingerprint_key: str
    bundles: Mapping[str, int]


@dataclass
class Lines:
    """What lines say and what is wrong with them.

    ``needed``: size of every object that is needed, by its SHA-256. ``manifests``: of which generation they are.
    ``indexes``: what they must say. ``let_go``: objects that nothing needs any more. ``found``: file, problem, and
    generation. ``hashes``, ``heads``: of every record, of the newest of each line. ``bytes_of``: what is needed, by
    source.
    """

    needed: dict[str, int] = field(default_factory=dict)
    manifests: dict[str, GenerationId] = field(default_factory=dict)
    indexes: dict[str, IndexFacts] = field(default_factory=dict)
    let_go: set[str] = field(default_factory=set)
    pruned: dict[GenerationId, Fate] = field(default_factory=dict)
    hashes: dict[GenerationId, str] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    found: list[tuple[str, str, GenerationId | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    bytes_of: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, problem: str, generation: GenerationId | None = None) -> None:
        """Something is wrong with a file."""
        self.found.append((name, problem, generation))

    def add_error(self, error: RecoveryError, name: str, generation: GenerationId | None = None) -> None:
        """Something is wrong with the file that the error names, or else with this one."""
        self.add(error.item or name, error.message, generation)

    def take(self, others: Lines) -> None:
        """Add what other lines say."""
        for sha in self.needed.keys() & others.needed.keys():
            if self.needed[sha] != others.needed[sha]:
                self.add(object_name(sha), "Records give it different sizes")
        self.needed = {**others.needed, **self.needed}
        self.manifests.update(others.manifests)
        self.indexes.update(others.indexes)
        self.let_go |= others.let_go
        self.pruned.update(others.pruned)
        self.hashes.update(others.hashes)
        self.heads.update(others.heads)
        self.found += others.found
        self.notes += others.notes
        self.checked += others.checked
        self.bytes_of += others.bytes_of


class LineWalk:
    """Goes through lines, and gathers what they say in ``lines``.

    :param keyring: who may sign; without it nothing is known of what was let go
    :param believe: judges signatures; without it none is
    :param relied_on: the generations whose objects count as needed; None: all
    :param now: seconds since 1970, for holds that end
    """

    def __init__(
        self,
        backend: Backend,
        keyring: Keyring | None,
        believe: Believe | None,
        relied_on: frozenset[GenerationId] | None,
        now: float,
    ) -> None:
        self.backend = backend
        self.keyring = keyring
        self.believe = believe
        self.relied_on = relied_on
        self.now = now
        self.lines = Lines()

    def run(self, chains: Iterable[ChainId], expected: Mapping[str, str]) -> Lines:
        """All of these lines, and whether each still holds the head that is ``expected`` of it."""
        for chain in chains:
            hashes = self._walk(chain)
            head = expected.get(str(chain))
            if head is not None and head not in hashes:
                self.lines.add(chain.folder, f"It was rolled back: the expected head {head} is not in its line")
        return self.lines

    def _walk(self, chain: ChainId) -> set[str]:
        """The hashes of all records of one line."""
        numbers: set[int] = set()
        signatures: set[str] = set()
        for own_name in self.backend.names(chain.folder):
            name = f"{chain.folder}/{own_name}"
            try:
                number, record_hash = parse_commit_file(own_name)
            except ValueError:
                self.lines.add(name, "It does not belong among commit records")
                continue
            if record_hash is None:
                numbers.add(number)
            else:
                signatures.add(name)
        hashes: set[str] = set()
        before: CommitRecord | None = None
        fates = self._check_fates(chain)
        last = 0
        # a number is a name that anybody can plant: the way from one to the next takes no time
        for number in sorted(numbers):
            if number > last + 1:
                self._add_gap(chain.generation(last + 1), number - 1)
                before = None
            last = number
            before = self._check_record(chain.generation(number), before, fates)
            if before is not None:
                hashes.add(before.hash)
                signatures.discard(signature_name(GenerationId.of(before), before.hash))
        if before is not None:
            self.lines.heads[str(chain)] = before.hash
        for name in sorted(signatures):
            self.lines.notes.append(
                f"{name}: There is no such record; a run was interrupted, or the record was changed."
            )
        return hashes

    def _add_gap(self, first: GenerationId, last: int) -> None:
        one = first.sequence == last
        what = "The record is missing" if one else f"The records {first.sequence} to {last} are missing"
        self.lines.add(record_name(first), f"{what}, later ones are there", first)

    def _check_fates(self, chain: ChainId) -> Fates:
        """What was let go of a line and what is held; tombstones and holds that nobody may have signed."""
        if self.keyring is None:
            return Fates()
        fates = load_fates(self.backend, self.keyring, chain, self.now)
        for problem in fates.problems:
            self.lines.add_error(problem, EXPIRED_FOLDER)
        self.lines.checked["signatures"] += sum(len(stones) for stones in fates.buried.values())
        names = tombstone_names(self.backend, chain)
        for name in names:
            if stray_signature(name, names):
                self.lines.notes.append(
                    f"{name}: There is no such record; a run was interrupted, or the record was removed."
                )
        return fates

    def _check_record(self, generation: GenerationId, before: CommitRecord | None, fates: Fates) -> CommitRecord | None:
        name = record_name(generation)
        try:
            record = read_record(self.backend, generation)
        except (GenerationMissing, RepositoryDamaged) as error:
            self.lines.add_error(error, name, generation)
            return None
        self.lines.checked["generations"] += 1
        self.lines.hashes[generation] = record.hash
        if generation.sequence == 1 and record.parent:
            self.lines.add(name, "The line is broken: the first record names a parent", generation)
        if before is not None and record.parent != before.hash:
            self.lines.add(
                name, "The line is broken: the record was written after another one than the one before", generation
            )
        if self.believe is not None:
            try:
                check_signature(self.backend, record, self.believe)
                self.lines.checked["signatures"] += 1
            except RepositoryDamaged as error:
                self.lines.add_error(error, name, generation)
        if self.relied_on is not None and generation not in self.relied_on:
            return record
        fate = fates.of(record)
        if fate.pruned is not None or fate.classes:
            self.lines.pruned[generation] = fate
        needed = fate.needed_objects(record)
        self.lines.let_go |= {sha for sha, _size in record.needed_objects()} - needed.keys()
        for sha, size in needed.items():
            if sha not in self.lines.needed:
                self.lines.bytes_of[generation.source] += size
            if self.lines.needed.setdefault(sha, size) != size:
                self.lines.add(name, f"It gives the object {sha} another size than other records", generation)
        if fate.pruned is not None:
            return record
        self.lines.manifests[record.manifest[0]] = generation
        self.lines.indexes[record.piece_index[0]] = IndexFacts(
            record.repository_id, record.source, record.recipients_digest, record.fingerprint_key, record.objects
        )
        return record
