# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tombstones: signed records that a generation, or one data class of it, was let go; and what became of a generation.

Who signs them has the role C(prune) and is no writer. A hold overrules them for as long as it is in force, so a
generation can be brought back while its objects are there. What is in doubt was not let go: a tombstone that nobody may
have signed is named, and counts for nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from .._entries import DATA_CLASSES
from .._errors import GenerationPruned, NotAuthentic, RepositoryDamaged
from .backends.base import Backend
from .format import (
    EXPIRED_FOLDER,
    PRUNE_NAMESPACE,
    PRUNE_ROLE,
    WRITER_ROLE,
    ChainId,
    CommitRecord,
    GenerationId,
)
from .holds import Hold, active, load_holds, utc_text
from .keyring import Keyring, load_keyring
from .signed import encode_record, hash_of, read_signed
from .sshsig import SigningKey

_FILE = re.compile(r"([1-9][0-9]{0,8})(?:\.([a-z_]+))?\.json")
_SIGNATURE = re.compile(r"([1-9][0-9]{0,8}(?:\.[a-z_]+)?)\.[0-9a-f]{64}\.sig")


@dataclass(frozen=True)
class Tombstone:
    """That a generation was let go, or with ``data_class`` only what is of this class, which ``objects`` hold.

    ``record`` is the hash of the commit record, ``at`` a UTC time, ``public_key`` that of the signer.
    """

    generation: GenerationId
    data_class: str
    record: str
    at: str
    reason: str
    signer: str
    public_key: str
    objects: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """When, by whom and why, for people."""
        return f"on {self.at} by {self.signer}: {self.reason}"


def _folder(chain: ChainId) -> str:
    return f"{EXPIRED_FOLDER}/{chain.folder.partition('/')[2]}"


def _stem(generation: GenerationId, data_class: str) -> str:
    suffix = f".{data_class}" if data_class else ""
    return f"{_folder(generation.chain)}/{generation.sequence}{suffix}"


def tombstone_name(generation: GenerationId, data_class: str = "") -> str:
    """Where the tombstone of a generation, or of a data class of it, stands."""
    return f"{_stem(generation, data_class)}.json"


def tombstone_names(backend: Backend, chain: ChainId) -> list[str]:
    """The files of a line's tombstones."""
    return [f"{_folder(chain)}/{own_name}" for own_name in sorted(backend.names(_folder(chain)))]


def stray_signature(name: str, names: Iterable[str]) -> bool:
    """Whether a file among tombstones is the signature of none that is there."""
    folder, _slash, own_name = name.rpartition("/")
    match = _SIGNATURE.fullmatch(own_name)
    return match is not None and f"{folder}/{match.group(1)}.json" not in names


def bury(
    backend: Backend,
    keyring: Keyring,
    key: SigningKey,
    record: CommitRecord,
    at: str,
    reason: str,
    data_class: str = "",
    objects: Iterable[str] = (),
) -> bool:
    """Write a tombstone, durably; False when there was one before. Raises NotAuthentic when the key may not."""
    signer = prune_signer(keyring, key, at)
    generation = GenerationId.of(record)
    facts = {
        "at": at,
        "record": record.hash,
        "reason": reason,
        "data_class": data_class,
        "objects": sorted(objects),
    }
    data = encode_record(keyring, generation, signer, facts)
    stem = _stem(generation, data_class)
    # first the signature: a tombstone without one could never be replaced
    backend.create_many([(f"{stem}.{hash_of(data)}.sig", key.sign(data, PRUNE_NAMESPACE))])
    return not backend.create_many([(f"{stem}.json", data)])


def prune_signer(keyring: Keyring, key: SigningKey, at: str) -> str:
    """The name of a key that may sign tombstones. Raises NotAuthentic."""
    signer = keyring.signer_of(key.public, PRUNE_ROLE, at)
    if WRITER_ROLE in signer.roles:
        raise NotAuthentic(
            f"{signer.name} is a writer as well, and a writer may not prune",
            hint="Make a key of its own for pruning and name it in signers of ucops.recovery.repository.",
        )
    return signer.name


@dataclass(frozen=True)
class Fate:
    """What became of a generation: the tombstone of the whole, those of data classes, and the holds in force."""

    pruned: Tombstone | None = None
    classes: tuple[Tombstone, ...] = ()
    holds: tuple[Hold, ...] = ()

    @property
    def expired_classes(self) -> frozenset[str]:
        """The data classes that it has no more."""
        return frozenset(one.data_class for one in self.classes)

    @property
    def released(self) -> frozenset[str]:
        """The objects that it needs no more because of its data classes."""
        return frozenset(sha for one in self.classes for sha in one.objects)

    def needed_objects(self, record: CommitRecord) -> dict[str, int]:
        """SHA-256 and size of what must be there."""
        if self.pruned is not None:
            return {}
        return {sha: size for sha, size in record.needed_objects() if sha not in self.released}

    def require_whole(self, record: CommitRecord) -> None:
        """Raises GenerationPruned when the generation was let go."""
        if self.pruned is not None:
            raise GenerationPruned(
                f"{GenerationId.of(record)} was pruned {self.pruned.words}",
                hint="Within the grace ucops.recovery.generation_hold brings it back.",
            )


@dataclass
class Fates:
    """What became of the generations of a line. ``buried`` are all tombstones, also those that a hold overrules.
    ``problems`` are files that are not believed, with the reason."""

    holds: list[Hold] = field(default_factory=list)
    buried: dict[int, list[Tombstone]] = field(default_factory=dict)
    problems: list[RepositoryDamaged] = field(default_factory=list)
    now: str = ""

    def of(self, record: CommitRecord) -> Fate:
        """What became of one generation."""
        holds = tuple(active(self.holds, self.now).get(record.sequence, ()))
        if holds:
            return Fate(holds=holds)
        stones = [one for one in self.buried.get(record.sequence, ()) if one.record == record.hash]
        # an object that the generation does not name is none of its own to let go
        classes = tuple(one for one in stones if one.data_class and set(one.objects) <= set(record.objects))
        return Fate(next((one for one in stones if not one.data_class), None), classes)


def load_fates(
    backend: Backend, keyring: Keyring, chain: ChainId, now: float | None = None, only: int | None = None
) -> Fates:
    """Tombstones and holds of a line, or of its generation ``only``. ``now``: seconds since the epoch."""
    fates = Fates(now=utc_text(time.time() if now is None else now))
    for own_name in sorted(backend.names(_folder(chain))):
        match = _FILE.fullmatch(own_name)
        if match is None or only not in (None, int(match.group(1))):
            continue
        generation = chain.generation(int(match.group(1)))
        try:
            stone = _read(backend, keyring, generation, match.group(2) or "")
        except RepositoryDamaged as error:
            fates.problems.append(error)
            continue
        fates.buried.setdefault(generation.sequence, []).append(stone)
    fates.holds = load_holds(backend, keyring, chain)
    return fates


def _read(backend: Backend, keyring: Keyring, generation: GenerationId, data_class: str) -> Tombstone:
    name = tombstone_name(generation, data_class)
    pattern = f"{_stem(generation, data_class)}.{{}}.sig"
    found = read_signed(
        backend, keyring, generation, name, PRUNE_NAMESPACE, (PRUNE_ROLE,), signature_of=pattern, never=WRITER_ROLE
    )
    objects = found.facts.get("objects", [])
    if found.text("data_class") != data_class or (data_class and data_class not in DATA_CLASSES):
        raise NotAuthentic("This tombstone is that of something else", item=name)
    if not isinstance(objects, list) or not all(isinstance(sha, str) for sha in objects):
        raise RepositoryDamaged("This tombstone names no objects", item=name)
    return Tombstone(
        generation,
        data_class,
        found.text("record"),
        found.text("at"),
        found.text("reason"),
        found.signer,
        found.public_key,
        tuple(objects),
    )


def fate_of(backend: Backend, record: CommitRecord) -> Fate:
    """What became of one generation. Quick where nothing was ever let go of it."""
    generation = GenerationId.of(record)
    places = {f"{generation.sequence}.json", *(f"{generation.sequence}.{one}.json" for one in DATA_CLASSES)}
    if places.isdisjoint(backend.names(_folder(record.chain))):
        return Fate()
    return load_fates(backend, load_keyring(backend), record.chain, only=record.sequence).of(record)
