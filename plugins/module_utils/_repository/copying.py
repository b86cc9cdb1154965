# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second copy of a repository, pulled by the host that keeps it.

What is taken is verified on its way, nothing that is there is ever replaced but keyring and documents, and nothing is
removed: whoever deletes or prunes in the source, or rolls it back, changes nothing here. A tombstone is taken over only
for what the copy never had. A source that is another one than last time, or older, is refused before anything is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._errors import NotAuthentic, RecoveryError, RepositoryDamaged, RepositoryMissing, RolledBack
from . import sshsig
from .backends.base import Backend, Staged
from .chain import Believe, believe_keyring, believe_operator, head, list_chains, load_chain
from .expiry import Fate, Fates, Tombstone, load_fates, tombstone_name
from .format import (
    DRILL_NAMESPACE,
    DRILLS_FOLDER,
    HOLDS_FOLDER,
    JOURNAL_FOLDER,
    JOURNAL_NAMESPACE,
    OBJECTS_FOLDER,
    SMALL_FILE_LIMIT,
    ChainId,
    CommitRecord,
    GenerationId,
    object_name,
    parse_json,
    record_name,
    signature_name,
)
from .keyring import (
    ROLE_NAMESPACES,
    Keyring,
    check_file,
    check_trusted,
    listed_files,
    load_keyring,
    read_keyring_files,
)
from .owner import take_over
from .sshsig import AllowedSigners
from .verify_state import STATE_FILE

_BLOCK = 1024 * 1024
_SIGNED_FOLDERS: Mapping[str, str] = {
    JOURNAL_FOLDER: JOURNAL_NAMESPACE,
    HOLDS_FOLDER: JOURNAL_NAMESPACE,
    DRILLS_FOLDER: DRILL_NAMESPACE,
}
"""Folders of small records that are taken as they are, and the namespace of their signatures."""


@dataclass
class CopyReport:
    """What a run took, or would take. ``findings`` are files that could not be taken, with the reason."""

    generations: list[str] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0
    records: int = 0
    keyring: bool = False
    heads: dict[str, str] = field(default_factory=dict)
    findings: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class _Line:
    records: list[CommitRecord]
    theirs: Fates
    mine: Fates
    first_new: int


class Copier:
    """Pulls a repository from ``source`` into ``target``, where nothing or an earlier copy is.

    :param expected_heads: heads that the source must have, by line
    :param dry_run: look only, write nothing
    """

    def __init__(
        self,
        source: Backend,
        target: Backend,
        allowed_signers: AllowedSigners,
        expected_heads: Mapping[str, str] | None = None,
        *,
        dry_run: bool = False,
    ) -> None:
        self._source = source
        self._target = target
        self._allowed = allowed_signers
        self._expected = dict(expected_heads or {})
        self._dry_run = dry_run
        self._report = CopyReport()
        self._there: dict[str, int] = {}

    def run(self) -> CopyReport:
        """Take what is new. Raises NotAuthentic, RolledBack, RepositoryDamaged before anything is taken."""
        keyring = load_keyring(self._source)
        check_trusted(keyring, self._allowed)
        believe = believe_operator(keyring, self._allowed)
        mine = self._my_keyring()
        if mine is not None:
            self._check_successor(keyring, mine)
        lines = self._read_lines(keyring, mine, believe)
        for name, size in self._target.list(OBJECTS_FOLDER):
            self._there[name.rpartition("/")[2]] = size
        if not self._dry_run:
            # what an earlier run was killed over; nobody else writes here
            self._target.sweep()
        self._take_keyring(keyring)
        self._take_signed(keyring)
        for chain, line in lines.items():
            self._take_line(chain, line)
        return self._report

    # --- is it the right one? ---
    def _my_keyring(self) -> Keyring | None:
        try:
            return load_keyring(self._target)
        except RepositoryMissing:
            if list_chains(self._target):
                raise
            return None

    def _check_successor(self, theirs: Keyring, mine: Keyring) -> None:
        if theirs.repository_id != mine.repository_id:
            raise NotAuthentic(
                f"The source was swapped: it is the repository {theirs.repository_id}, this is a copy of"
                f" {mine.repository_id}"
            )
        if theirs.owner != mine.owner and mine.owner not in [change.old for change in theirs.owner_changes]:
            raise NotAuthentic("The source was swapped: its owner does not follow the one of this copy")
        if theirs.serial < mine.serial:
            raise RolledBack(
                f"The source was rolled back: its keyring has the serial {theirs.serial}, this copy's {mine.serial}"
            )
        if theirs.serial == mine.serial and theirs != mine:
            raise NotAuthentic("The source was swapped: its keyring has this copy's serial and other content")

    def _read_lines(self, keyring: Keyring, mine: Keyring | None, believe: Believe) -> dict[ChainId, _Line]:
        lines: dict[ChainId, _Line] = {}
        damaged: dict[ChainId, RepositoryDamaged] = {}
        for chain in list_chains(self._source):
            try:
                records = load_chain(self._source, chain.source, chain.product, chain.instance, believe)
            except RepositoryDamaged as error:
                damaged[chain] = error
                self._finding(error.item or chain.folder, error.message)
                continue
            expected = self._expected.get(str(chain))
            if expected is not None and all(record.hash != expected for record in records):
                raise self._rolled_back(chain, expected)
            lines[chain] = _Line(records, load_fates(self._source, keyring, chain), Fates(), 0)
        for name, expected in self._expected.items():
            if name not in {str(chain) for chain in (*lines, *damaged)}:
                raise self._rolled_back(name, expected)
        if mine is not None:
            self._compare_heads(lines, damaged, mine)
        return lines

    def _compare_heads(
        self, lines: Mapping[ChainId, _Line], damaged: Mapping[ChainId, RepositoryDamaged], mine: Keyring
    ) -> None:
        for chain in list_chains(self._target):
            newest = head(self._target, chain, believe_keyring(mine))
            if newest is None or chain in damaged:
                continue
            line = lines.get(chain)
            theirs = line.records[newest.sequence - 1 :][:1] if line is not None else []
            if line is None or [record.hash for record in theirs] != [newest.hash]:
                raise self._rolled_back(chain, newest.hash)
            line.first_new = newest.sequence
            line.mine = load_fates(self._target, mine, chain)

    @staticmethod
    def _rolled_back(chain: ChainId | str, expected: str) -> RolledBack:
        return RolledBack(
            f"The source was rolled back or swapped: the head {expected} of {chain} is not in its line",
            hint="Nothing was taken. This copy has it; find out what happened to the source before you use either.",
        )

    # --- keyring and small records ---
    def _take_keyring(self, keyring: Keyring) -> None:
        files = {}
        for name in listed_files(keyring):
            data = self._source.read(name, SMALL_FILE_LIMIT) if self._source.exists(name) else None
            check_file(keyring, name, data)
            files[name] = data or b""
        pair = read_keyring_files(self._source)
        self._report.keyring = take_over(self._target, pair, files, dry_run=self._dry_run)

    def _take_signed(self, keyring: Keyring) -> None:
        for folder, namespace in _SIGNED_FOLDERS.items():
            for name, _size in sorted(self._source.list(folder)):
                if not name.endswith(".json") or name == STATE_FILE or self._target.exists(name):
                    continue
                try:
                    data, signature = self._read_signed(keyring, name, namespace)
                except RepositoryDamaged as error:
                    self._finding(name, error.message)
                    continue
                self._report.records += 1
                if not self._dry_run:
                    self._target.create_many([(f"{name}.sig", signature)])
                    self._target.create_many([(name, data)])

    def _read_signed(self, keyring: Keyring, name: str, namespace: str) -> tuple[bytes, bytes]:
        data = self._source.read(name, SMALL_FILE_LIMIT)
        signature = self._source.read(f"{name}.sig", SMALL_FILE_LIMIT)
        public_key = sshsig.verify(data, signature, namespace)
        try:
            at = str(parse_json(data)["at"])
        except (KeyError, ValueError):
            raise RepositoryDamaged("This is no record", item=name) from None
        problem: RecoveryError = NotAuthentic("It is signed by nobody")
        for role in (role for role, names in ROLE_NAMESPACES.items() if namespace in names):
            try:
                keyring.signer_of(public_key, role, at)
                return data, signature
            except NotAuthentic as error:
                problem = error
        raise problem

    # --- generations ---
    def _take_line(self, chain: ChainId, line: _Line) -> None:
        for record in line.records:
            is_new = record.sequence > line.first_new
            lost = self._take_objects(record, line.mine.of(record))
            theirs = line.theirs.of(record)
            self._take_tombstones(record, theirs, lost)
            for sha in lost:
                if theirs.pruned is None and sha not in theirs.released:
                    problem = f"{GenerationId.of(record)} needs it, and the source does not have it whole"
                    self._finding(object_name(sha), problem)
            if is_new:
                self._take_record(record)
        if line.records:
            self._report.heads[str(chain)] = line.records[-1].hash

    def _take_objects(self, record: CommitRecord, fate: Fate) -> list[str]:
        """Take the objects that are not here yet; those that could not be taken."""
        lost: list[str] = []
        staged: list[tuple[Staged, str]] = []
        try:
            for sha, size in fate.needed_objects(record).items():
                found = self._there.get(sha)
                if found is not None:
                    if found != size:
                        self._finding(object_name(sha), f"this copy's has {found} bytes instead of {size}")
                    continue
                if self._source.size(object_name(sha)) != size:
                    lost.append(sha)
                    continue
                if not self._dry_run:
                    taken = self._fetch(sha, size)
                    if taken is None:
                        lost.append(sha)
                        continue
                    staged.append((taken, object_name(sha)))
                self._there[sha] = size
                self._report.objects += 1
                self._report.bytes += size
            self._target.publish(staged)
        finally:
            for one, _name in staged:
                one.abort()
        return lost

    def _fetch(self, sha: str, size: int) -> Staged | None:
        """A staged object, compared with its name while it was read; None when the source has it not whole."""
        taken = self._target.stage("copy")
        digest = hashlib.sha256()
        try:
            with self._source.open(object_name(sha)) as stream:
                for block in iter(lambda: stream.read(_BLOCK), b""):
                    digest.update(block)
                    taken.write(block)
            taken.close()
        except RepositoryDamaged:
            taken.abort()
            return None
        except BaseException:
            taken.abort()
            raise
        if taken.size != size or digest.hexdigest() != sha:
            taken.abort()
            return None
        return taken

    def _take_tombstones(self, record: CommitRecord, fate: Fate, lost: Sequence[str]) -> None:
        """Only those that say why something is not here."""
        stones: list[Tombstone] = []
        if fate.pruned is not None and lost:
            stones.append(fate.pruned)
        elif fate.pruned is None:
            stones += [one for one in fate.classes if set(lost) & set(one.objects)]
        for stone in stones:
            name = tombstone_name(stone.generation, stone.data_class)
            data = self._source.read(name, SMALL_FILE_LIMIT)
            signature = f"{name[: -len('.json')]}.{hashlib.sha256(data).hexdigest()}.sig"
            if not self._dry_run and not self._target.exists(name):
                self._target.create_many([(signature, self._source.read(signature, SMALL_FILE_LIMIT))])
                self._target.create_many([(name, data)])

    def _take_record(self, record: CommitRecord) -> None:
        generation = GenerationId.of(record)
        if not self._dry_run:
            name = signature_name(generation, record.hash)
            self._target.create_many([(name, self._source.read(name, SMALL_FILE_LIMIT))])
            place, data = record_name(generation), record.to_bytes()
            # another run that copies the same may be faster
            if self._target.create_many([(place, data)]) and self._target.read(place, SMALL_FILE_LIMIT) != data:
                raise RepositoryDamaged("Somebody else wrote into this copy meanwhile", item=place)
        self._report.generations.append(str(generation))

    def _finding(self, name: str, problem: str) -> None:
        self._report.findings.append((name, problem))
