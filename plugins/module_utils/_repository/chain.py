# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commit records in their line: found, read, and believed only with a signature of somebody who may write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .._entries import PHASE_PRE_RESTORE
from .._errors import GenerationMissing, NotAuthentic, OptionInvalid, RepositoryDamaged, SignatureInvalid
from . import sshsig
from .backends.base import Backend
from .format import (
    COMMIT_NAMESPACE,
    COMMITS_FOLDER,
    SMALL_FILE_LIMIT,
    WRITER_ROLE,
    ChainId,
    CommitRecord,
    GenerationId,
    collision_key,
    parse_commit_file,
    parse_moment,
    record_name,
    signature_name,
)
from .keyring import Keyring, load_keyring
from .sshsig import AllowedSigners

Believe = Callable[[str, CommitRecord], str]
"""From a public key and the record that it signed to the signer's name. Raises NotAuthentic."""


def believe_keyring(keyring: Keyring) -> Believe:
    """Believe the writers that the repository's own keyring names."""

    def believe(public_key: str, record: CommitRecord) -> str:
        if record.repository_id != keyring.repository_id:
            raise NotAuthentic("It belongs to another repository")
        return keyring.signer_of(public_key, WRITER_ROLE, record.received_at).name

    return believe


def believe_operator(keyring: Keyring, allowed_signers: AllowedSigners) -> Believe:
    """Believe the writers that the keyring names, if the operator's allowed signers name them as well."""
    by_keyring = believe_keyring(keyring)

    def believe(public_key: str, record: CommitRecord) -> str:
        name = by_keyring(public_key, record)
        if not allowed_signers.principals_of(public_key, COMMIT_NAMESPACE, parse_moment(record.received_at)):
            raise NotAuthentic(f"It is signed by {name}, who is not among the allowed signers")
        return name

    return believe


# --- what there is ---------------------------------------------------------------------------------------------------
def list_chains(backend: Backend, source: str | None = None) -> list[ChainId]:
    """Every line of generations, of all sources or of one, in order. Folders that are none are left out."""
    chains = []
    for outer in _folders(backend, COMMITS_FOLDER):
        for folder in _folders(backend, outer):
            try:
                chain = ChainId.of_folder(folder)
            except ValueError:
                continue
            if source in (None, chain.source):
                chains.append(chain)
    return sorted(chains)


def _folders(backend: Backend, folder: str) -> list[str]:
    return [f"{folder}/{name[:-1]}" for name in backend.names(folder) if name.endswith("/")]


def list_sources(backend: Backend) -> list[str]:
    """The names of all sources, in order."""
    return sorted({chain.source for chain in list_chains(backend)})


def sequences(backend: Backend, chain: ChainId) -> list[int]:
    """The numbers of the generations that have a record, ascending."""
    found = []
    for name in backend.names(chain.folder):
        if name.endswith(".json"):
            try:
                found.append(parse_commit_file(name)[0])
            except ValueError:
                continue
    return sorted(found)


class KnownNames:
    """The names that are taken, and what a file system without case or with composed letters would take for them."""

    def __init__(self, chains: Iterable[ChainId]) -> None:
        self._sources: dict[str, str] = {}
        self._chains: dict[str, str] = {}
        for chain in chains:
            self._sources.setdefault(collision_key(chain.source), chain.source)
            self._chains.setdefault(collision_key(str(chain)), str(chain))

    def claim(self, chain: ChainId) -> None:
        """Take a name. Raises OptionInvalid when it could be mixed up with another one."""
        other = self._sources.setdefault(collision_key(chain.source), chain.source)
        if other != chain.source:
            raise OptionInvalid(f"The source {chain.source!r} could be mixed up with {other!r}")
        other = self._chains.setdefault(collision_key(str(chain)), str(chain))
        if other != str(chain):
            raise OptionInvalid(f"{str(chain)!r} could be mixed up with {other!r}")


# --- reading ---------------------------------------------------------------------------------------------------------
def read_record(backend: Backend, generation: GenerationId) -> CommitRecord:
    """The record of a generation, whoever wrote it. Raises GenerationMissing, or RepositoryDamaged by its name."""
    name = record_name(generation)
    data = backend.find(name, SMALL_FILE_LIMIT)
    if data is None:
        raise GenerationMissing(f"There is no generation {generation}", hint="List what there is with generation_info.")
    try:
        record = CommitRecord.from_bytes(data)
    except RepositoryDamaged as error:
        error.item = name
        raise
    if GenerationId.of(record) != generation:
        raise RepositoryDamaged(
            f"The record stands in a strange place: it is that of {GenerationId.of(record)}", item=name
        )
    return record


def check_signature(backend: Backend, record: CommitRecord, believe: Believe) -> str:
    """The name of who signed a record. Raises SignatureInvalid or NotAuthentic, by the record's name."""
    generation = GenerationId.of(record)
    name = signature_name(generation, record.hash)
    signature = backend.find(name, SMALL_FILE_LIMIT)
    if signature is None:
        raise SignatureInvalid("It is not signed, or it was changed after that", item=record_name(generation))
    try:
        public_key = sshsig.verify(record.to_bytes(), signature, COMMIT_NAMESPACE)
    except SignatureInvalid as error:
        error.item = name
        raise
    try:
        return believe(public_key, record)
    except NotAuthentic as error:
        error.item = record_name(generation)
        raise


def load_record(backend: Backend, generation: GenerationId, believe: Believe | None = None) -> CommitRecord:
    """The record of a generation, signed by somebody who is believed: by default, the keyring's writers.

    Raises GenerationMissing, RepositoryDamaged, SignatureInvalid, NotAuthentic.
    """
    record = read_record(backend, generation)
    check_signature(backend, record, believe or believe_keyring(load_keyring(backend)))
    return record


def head(backend: Backend, chain: ChainId, believe: Believe | None = None) -> CommitRecord | None:
    """The newest record of a line, None when there is none. Raises what :func:`load_record` raises."""
    numbers = sequences(backend, chain)
    return load_record(backend, chain.generation(numbers[-1]), believe) if numbers else None


def walk_back(
    backend: Backend, record: CommitRecord, damage: list[RepositoryDamaged] | None = None
) -> Iterator[CommitRecord]:
    """A record and those before it. Who believes the first believes all, as each one names its parent's hash.

    :param damage: where the line is broken it ends, and this gets the reason
    :raises RepositoryDamaged: the line is broken, and ``damage`` is None
    """
    while True:
        yield record
        if record.sequence == 1:
            return
        try:
            record = _parent(backend, record)
        except RepositoryDamaged as error:
            error.hint = error.hint or "Bring the file back from another copy of the repository."
            if damage is None:
                raise
            damage.append(error)
            return


def _parent(backend: Backend, record: CommitRecord) -> CommitRecord:
    generation = record.chain.generation(record.sequence - 1)
    try:
        parent = read_record(backend, generation)
    except GenerationMissing:
        raise RepositoryDamaged("The record is missing, later ones are there", item=record_name(generation)) from None
    if parent.hash != record.parent:
        raise RepositoryDamaged(
            "The line is broken: the next record was written after another one", item=record_name(generation)
        )
    return parent


def load_chain(
    backend: Backend, source: str, product: str, instance: str = "", believe: Believe | None = None
) -> list[CommitRecord]:
    """All records of a line, oldest first, each of them signed by somebody who is believed; empty when there are none.

    Raises RepositoryDamaged, SignatureInvalid, NotAuthentic.
    """
    chain = ChainId(source, product, instance)
    believe = believe or believe_keyring(load_keyring(backend))
    newest = head(backend, chain, believe)
    if newest is None:
        return []
    records = list(walk_back(backend, newest))
    for record in records[1:]:
        check_signature(backend, record, believe)
    return records[::-1]


def last_complete(backend: Backend, source: str, product: str, instance: str, count: int) -> list[CommitRecord]:
    """The newest complete generations of a line, at most ``count``, newest first. Raises what :func:`head` raises."""
    newest = head(backend, ChainId(source, product, instance))
    return take_complete(backend, newest, count)


def take_complete(
    backend: Backend, newest: CommitRecord | None, count: int, damage: list[RepositoryDamaged] | None = None
) -> list[CommitRecord]:
    """The complete ones among a believed record and those before it, at most ``count``, newest first.

    What a restore put aside is none of them: it is what somebody wanted to get rid of. ``damage`` as for
    :func:`walk_back`.
    """
    found: list[CommitRecord] = []
    for record in walk_back(backend, newest, damage) if newest is not None and count > 0 else ():
        if record.is_complete and record.phase != PHASE_PRE_RESTORE:
            found.append(record)
            if len(found) == count:
                break
    return found
