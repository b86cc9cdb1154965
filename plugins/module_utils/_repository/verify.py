# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifying a repository, in three levels that contain each other.

0: what there must be is there in its size; records, their line and signatures, the keyring and what it lists, the
heads that the operator knows. 1: every byte of every object has its SHA-256. 2: everything is opened and compared.
Levels 0 and 1 need no key.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from .._errors import (
    GenerationMissing,
    KeyRequired,
    NotAuthentic,
    RepositoryDamaged,
    RepositoryError,
    RepositoryMissing,
)
from .backends.base import Backend
from .chain import Believe, believe_keyring, believe_operator, list_chains, read_record
from .drills import drill_names, read_drill
from .expiry import Fate, fate_of
from .format import (
    COMMITS_FOLDER,
    DRILLS_FOLDER,
    HOLDS_FOLDER,
    JOURNAL_FOLDER,
    OBJECTS_FOLDER,
    SLOTS_FOLDER,
    ChainId,
    GenerationId,
    PieceIndex,
    object_name,
    object_sha,
    parse_commit_file,
    record_name,
)
from .holds import check_hold_record, hold_names
from .journal import journal_names, read_journal_record
from .keyring import KEYRING, Keyring, check_trusted, damaged_files, listed_files, load_keyring
from .reader import hash_object, readable_headers
from .reuse import INDEX_LIMIT
from .side_by_side import parts_of, side_by_side
from .sshsig import AllowedSigners
from .verify_contents import Compared, Share, compare, shares_of
from .verify_lines import IndexFacts, Lines, LineWalk
from .verify_state import KEY_LENGTH, STATE_FILE, VerifyState

AUTHENTIC = "authentic"
SELF_CONSISTENT = "self_consistent"
DAMAGED = "damaged"

CHECKED = ("generations", "signatures", "files", "objects", "bytes", "contents")
"""What is counted."""
LEAST_LINES = 50
"""How many are worth a process of their own."""
LEAST_BYTES = 32 * 1024 * 1024
"""How many bytes to hash are."""
_BYTES_LIKE_OPENING = 64 * 1024
"""So many bytes are hashed in the time that it takes to open a file."""


@dataclass(frozen=True)
class Trust:
    """What an operator keeps outside of the repository: who may sign, and heads, as ``{"source/product": hash}``."""

    allowed_signers: AllowedSigners | None = None
    expected_heads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Something is wrong with one file. ``generations`` cannot be relied on any more."""

    object: str
    problem: str
    generations: tuple[GenerationId, ...] = ()


@dataclass
class VerifyReport:
    """What a verification found.

    ``checked`` counts C(generations), C(signatures), C(files) (slots and documents), C(objects), C(bytes), C(contents).
    ``remaining`` are the objects, or on level 2 manifests, that time did not suffice for. ``heads`` has the hash of the
    newest record of every line. ``notes`` are sentences on what is odd but harmless.
    """

    verdict: str
    findings: list[Finding]
    checked: dict[str, int]
    remaining: int
    heads: dict[str, str]
    notes: list[str]


def verify(
    backend: Backend,
    level: int = 1,
    trust: Trust | None = None,
    file_keys: Mapping[str, bytes] | None = None,
    only: Iterable[ChainId] | None = None,
    generations: Iterable[GenerationId] | None = None,
    max_duration: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
    remember: bool = True,
) -> VerifyReport:
    """Verify a repository, or ``only`` some lines of it. What was checked longest ago comes first.

    :param generations: of their lines, only what these need is read; each must be there, complete and not pruned

    :param file_keys: level 2: the file keys of manifests and bundles by SHA-256
    :param max_duration: seconds after which no more objects are begun
    :param remember: note what was checked for the next run; without it nothing at all is written
    :raises KeyRequired: level 2 without any key
    :raises RepositoryMissing: there is no repository
    """
    if level == 2 and file_keys is None:
        raise KeyRequired("Everything can be opened and compared only with something that opens it")
    relied_on = None if generations is None else frozenset(generations)
    if relied_on is not None:
        only = {generation.chain for generation in relied_on}
    run = _Verification(backend, trust or Trust(), only, relied_on, clock, wall_clock, max_duration, remember)
    run.check_keyring()
    run.check_chains()
    run.check_relied_on()
    run.check_journal()
    run.check_holds()
    run.check_drills()
    run.check_sizes()
    if level >= 1:
        run.check_hashes()
    if level >= 2:
        run.check_contents(file_keys or {})
    return run.report()


def headers_to_open(backend: Backend, generations: Iterable[GenerationId]) -> dict[str, bytes]:
    """The age headers of what level 2 opens, by SHA-256, for whoever finds their file keys.

    Whoever signed a record, and whatever is wrong with those before it: what it names is opened. What cannot be read is
    left out; :func:`verify` names it.
    """

    def read(part: Sequence[GenerationId]) -> dict[str, bytes]:
        records = []
        for generation in part:
            with suppress(RepositoryError):
                record = read_record(backend, generation)
                if fate_of(backend, record).pruned is None:
                    records.append(record)
        return readable_headers(backend, records)

    headers: dict[str, bytes] = {}
    for found in side_by_side(parts_of(generations, lambda one: one.source, LEAST_LINES), read):
        headers.update(found)
    return headers


class _Verification:
    """One run."""

    def __init__(
        self,
        backend: Backend,
        trust: Trust,
        only: Iterable[ChainId] | None,
        relied_on: frozenset[GenerationId] | None,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        max_duration: float | None,
        remember: bool,
    ) -> None:
        self.backend = backend
        self.remember = remember
        self.trust = trust
        self.whole = only is None
        self.relied_on = relied_on
        self.chains = list_chains(backend) if only is None else sorted(only)
        self.clock = clock
        self.wall_clock = wall_clock
        self.end = None if max_duration is None else clock() + max_duration
        self.keyring: Keyring | None = None
        self.believe: Believe | None = None
        self.lines = Lines()
        self.spoiled: set[str] = set()
        self.hashed: set[str] = set()
        self.stray: dict[str, int] = {}
        self.remaining = 0

    # --- level 0 ---
    def check_keyring(self) -> None:
        """Keyring, slots, documents, and whether the operator knows the owner."""
        try:
            self.keyring = load_keyring(self.backend)
        except RepositoryMissing:
            if not self.chains:
                raise
            self.lines.add(KEYRING, "The keyring is missing")
            return
        except RepositoryDamaged as error:
            self.lines.add_error(error, KEYRING)
            return
        for problem in damaged_files(self.backend, self.keyring):
            self.lines.add_error(problem, KEYRING)
        listed = listed_files(self.keyring)
        self.lines.checked["files"] = len(listed)
        for name, _size in self.backend.list(SLOTS_FOLDER):
            if name not in listed:
                self.lines.notes.append(f"{name}: The keyring does not list this slot; a change was interrupted.")
        self.believe = believe_keyring(self.keyring)
        if self.trust.allowed_signers is not None:
            try:
                check_trusted(self.keyring, self.trust.allowed_signers)
            except NotAuthentic as error:
                self.lines.add_error(error, KEYRING)
            self.believe = believe_operator(self.keyring, self.trust.allowed_signers)

    def check_chains(self) -> None:
        """Every record, its signature, its place in the line; heads."""
        now = self.wall_clock()

        def walk(chains: Sequence[ChainId]) -> Lines:
            walk = LineWalk(self.backend, self.keyring, self.believe, self.relied_on, now)
            return walk.run(chains, self.trust.expected_heads)

        for lines in side_by_side(parts_of(self.chains, str, LEAST_LINES), walk):
            self.lines.take(lines)
        for name, expected in self.trust.expected_heads.items():
            if self.whole and name not in {str(chain) for chain in self.chains}:
                self.lines.add(COMMITS_FOLDER, f"{name} was removed: its expected head {expected} is not there")

    def check_relied_on(self) -> None:
        """Whether the generations that somebody relies on are there, complete, and not let go."""
        for generation in sorted(self.relied_on or ()):
            name = record_name(generation)
            try:
                record = read_record(self.backend, generation)
            except GenerationMissing:
                self.lines.add(name, "There is no such generation", generation)
                continue
            except RepositoryDamaged:
                continue  # the look at its line told of it
            fate = self.lines.pruned.get(generation)
            if fate is not None and fate.pruned is not None:
                self.lines.add(name, f"{generation} was pruned {fate.pruned.words}", generation)
            if not record.is_complete:
                self.lines.add(name, f"{generation} is not complete: it lacks {', '.join(record.missing)}", generation)

    def check_journal(self) -> None:
        """Every record of a restore and its signature."""
        self._check_signed(JOURNAL_FOLDER, journal_names, read_journal_record)

    def check_holds(self) -> None:
        """Every record of a hold or its release, and its signature."""
        self._check_signed(HOLDS_FOLDER, hold_names, check_hold_record)

    def check_drills(self) -> None:
        """All evidence of drills, its signature, and whether it is of the record that is there."""
        self._check_signed(DRILLS_FOLDER, drill_names, self._check_drill)

    def _check_drill(self, backend: Backend, keyring: Keyring, name: str) -> None:
        drill = read_drill(backend, keyring, name)
        found = self.lines.hashes.get(drill.generation)
        if found is None:
            self.lines.notes.append(f"{name}: {drill.generation} was proved by a drill, and its record is not there.")
        elif found != drill.record:
            raise NotAuthentic(f"It is evidence of another record than the one of {drill.generation}", item=name)

    def _check_signed(
        self,
        folder: str,
        names_of: Callable[[Backend, ChainId], Iterable[str]],
        read: Callable[[Backend, Keyring, str], object],
    ) -> None:
        """Small records that have their signature beside them as C(<name>.sig)."""
        if self.keyring is None:
            return
        if self.whole:
            names = {name for name, _size in self.backend.list(folder) if name != STATE_FILE}
        else:
            names = {name for chain in self.chains for name in names_of(self.backend, chain)}
        for name in sorted(names):
            if name.endswith(".json"):
                try:
                    read(self.backend, self.keyring, name)
                    self.lines.checked["signatures"] += 1
                except RepositoryDamaged as error:
                    self.lines.add_error(error, name)
            elif name.removesuffix(".sig") not in names:
                self.lines.notes.append(
                    f"{name}: There is no such record; a run was interrupted, or the record was removed."
                )

    def check_sizes(self) -> None:
        """Whether every object that is needed is there in its size."""
        sizes: dict[str, int] = {}
        if self.whole:
            for name, size in self.backend.list(OBJECTS_FOLDER):
                try:
                    sizes[object_sha(name)] = size
                except ValueError:
                    self.lines.add(name, "It does not belong among objects")
        for sha, size in self.lines.needed.items():
            found = sizes.get(sha) if self.whole else self.backend.size(object_name(sha))
            if found is None:
                self.spoil(sha, "The object is missing")
            elif found != size:
                self.spoil(sha, f"The object has {found} bytes instead of {size}")
        self.stray = {sha: size for sha, size in sizes.items() if sha not in self.lines.needed}
        strangers = self.stray.keys() - self.lines.let_go
        if strangers:
            self.lines.notes.append(f"{len(strangers)} objects belong to no generation; a run was interrupted.")
        for generation, fate in sorted(self.lines.pruned.items()):
            if fate.pruned is not None:
                self.lines.notes.append(f"{generation} was pruned {fate.pruned.words}.")
            for stone in fate.classes:
                self.lines.notes.append(f"The {stone.data_class} of {generation} were let go {stone.words}.")

    # --- level 1 ---
    def check_hashes(self) -> None:
        """Whether every object has the bytes that its name says, and every index its place."""
        state = self._load_state()
        wanted = {**self.lines.needed, **self.stray}
        queue = sorted(
            (sha for sha in wanted if sha not in self.spoiled),
            key=lambda sha: (state.hashed.get(sha[:KEY_LENGTH], 0), sha),
        )
        parts = parts_of(queue, str, LEAST_BYTES, lambda sha: wanted[sha] + _BYTES_LIKE_OPENING)
        for hashed in side_by_side(parts, lambda part: self._hash(part, wanted)):
            self.lines.checked["objects"] += len(hashed.problems)
            self.lines.checked["bytes"] += sum(wanted[sha] for sha in hashed.problems)
            self.remaining += hashed.remaining
            for sha, problem in hashed.problems.items():
                if problem is None:
                    self.hashed.add(sha)
                    state.hashed[sha[:KEY_LENGTH]] = int(self.wall_clock())
                else:
                    self.spoil(sha, problem)
                    state.hashed.pop(sha[:KEY_LENGTH], None)
        self._save_state(state)

    def _hash(self, queue: Sequence[str], wanted: Mapping[str, int]) -> _Hashed:
        hashed = _Hashed()
        for position, sha in enumerate(queue):
            if self._is_late():
                hashed.remaining = len(queue) - position
                break
            try:
                hash_object(self.backend, sha, wanted[sha])
                if sha in self.lines.indexes:
                    self._check_index(sha, self.lines.indexes[sha])
                hashed.problems[sha] = None
            except RepositoryError as error:
                hashed.problems[sha] = error.message
        return hashed

    def _check_index(self, sha: str, facts: IndexFacts) -> None:
        index = PieceIndex.from_bytes(self.backend.read(object_name(sha), INDEX_LIMIT))
        mine = (facts.repository_id, facts.source, facts.recipients_digest, facts.fingerprint_key)
        if (index.repository_id, index.source, index.recipients_digest, index.fingerprint_key) != mine:
            raise NotAuthentic("The piece index is that of another source or of other keys")
        if {bundle.sha: bundle.size for bundle in index.bundles} != dict(facts.bundles):
            raise RepositoryDamaged("The piece index names other bundles than the commit record")

    # --- level 2 ---
    def check_contents(self, file_keys: Mapping[str, bytes]) -> None:
        """Whether every entry of every manifest has the content that was stored."""
        state = self._load_state()
        generations = self.lines.manifests
        last = state.opened if self.end is not None else {}
        wanted = sorted(
            (sha for sha in generations if sha not in self.spoiled),
            # in the order in which they were made: what a later generation needs anew stands together
            key=lambda sha: (last.get(sha[:KEY_LENGTH], 0), generations[sha]),
        )
        parts = shares_of(wanted, generations, self.lines.bytes_of)

        def work(part: Sequence[Share]) -> Compared:
            return compare(self.backend, part, generations, file_keys, self.hashed, self._is_late, self.wall_clock)

        moments: dict[str, list[int | None]] = {sha: [] for sha in wanted}
        found: dict[tuple[str, str, GenerationId | None], None] = {}
        for compared in side_by_side(parts, work):
            for share, when in compared.shares.items():
                moments[share.manifest].append(when)
            found.update(dict.fromkeys(compared.found))
            self.lines.checked["contents"] += compared.contents
        self.lines.found += [one for one in found if one[0].rpartition("/")[2] not in self.spoiled]
        shares = Counter(share.manifest for part in parts for share in part)
        for sha, whens in moments.items():
            if None in whens:
                state.opened.pop(sha[:KEY_LENGTH], None)
            elif len(whens) == shares[sha]:
                state.opened[sha[:KEY_LENGTH]] = min(when for when in whens if when is not None)
            else:
                self.remaining += 1
        self._save_state(state)

    # --- the result ---
    def report(self) -> VerifyReport:
        """What was found, with the generations that each damaged object spoils."""
        intact = AUTHENTIC if self.trust.allowed_signers is not None else SELF_CONSISTENT
        affected: dict[str, list[GenerationId]] = {sha: [] for sha in self.spoiled}
        if affected:
            for chain in self.chains:
                self._add_affected(chain, affected)
        checked = {name: self.lines.checked[name] for name in CHECKED}
        findings = []
        for name, problem, generation in self.lines.found:
            try:
                generations: Sequence[GenerationId] = affected.get(object_sha(name), [])
            except ValueError:
                generations = []
            findings.append(Finding(name, problem, tuple(generations or ([generation] if generation else []))))
        return VerifyReport(
            DAMAGED if findings else intact, findings, checked, self.remaining, self.lines.heads, self.lines.notes
        )

    def _add_affected(self, chain: ChainId, affected: dict[str, list[GenerationId]]) -> None:
        for own_name in sorted(self.backend.names(chain.folder)):
            if own_name.endswith(".json"):
                try:
                    generation = chain.generation(parse_commit_file(own_name)[0])
                    record = read_record(self.backend, generation)
                    needed = self.lines.pruned.get(generation, Fate()).needed_objects(record)
                except (ValueError, RepositoryError):
                    continue
                for sha in needed.keys() & affected.keys():
                    affected[sha].append(generation)

    def spoil(self, sha: str, problem: str) -> None:
        """A finding on an object."""
        self.spoiled.add(sha)
        self.lines.add(object_name(sha), problem)

    def _is_late(self) -> bool:
        return self.end is not None and self.clock() >= self.end

    def _load_state(self) -> VerifyState:
        try:
            return VerifyState.load(self.backend)
        except RepositoryDamaged as error:
            self.lines.notes.append(f"{error.item}: {error.message}; it is only a hint and is begun anew.")
            return VerifyState({}, {})

    def _save_state(self, state: VerifyState) -> None:
        if not self.remember:
            return
        try:
            if self.whole:
                state.forget_others({**self.lines.needed, **self.stray}, self.lines.manifests)
            state.save(self.backend)
        except RepositoryError as error:
            self.lines.notes.append(f"What was checked could not be noted: {error.message}.")


@dataclass
class _Hashed:
    """What came of hashing objects: what is wrong with each, or None."""

    problems: dict[str, str | None] = field(default_factory=dict)
    remaining: int = 0
