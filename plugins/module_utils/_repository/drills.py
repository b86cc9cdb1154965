# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence of restore drills: signed records that a generation was restored, how far that went and how long it took.

Who signs it has the role C(drill) and is no writer: whoever makes backups does not also attest that they restore. It
names the hash of the commit record, so evidence of one line says nothing of another that took its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import NotAuthentic, RepositoryDamaged
from .backends.base import Backend
from .format import (
    DRILL_NAMESPACE,
    DRILL_ROLE,
    DRILLS_FOLDER,
    WRITER_ROLE,
    ChainId,
    GenerationId,
)
from .keyring import Keyring
from .signed import encode_record, hash_of, place_of, read_signed
from .sshsig import SigningKey

PASSED = "passed"
FAILED = "failed"
OUTCOMES = (PASSED, FAILED)

_FILE = re.compile(r"([1-9][0-9]{0,8})\.[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.json")


@dataclass(frozen=True)
class Drill:
    """Evidence of one drill that was believed. ``record`` is the hash of the generation's commit record, ``name`` the
    file and ``digest`` its SHA-256, ``facts`` all that it says."""

    generation: GenerationId
    record: str
    at: str
    outcome: str
    signer: str
    name: str
    digest: str
    facts: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether it proves that the generation can be restored."""
        return self.outcome == PASSED


def _folder(chain: ChainId) -> str:
    return f"{DRILLS_FOLDER}/{chain.folder.partition('/')[2]}"


def load_drills(backend: Backend, keyring: Keyring, chain: ChainId) -> list[Drill]:
    """All evidence of a line, oldest first. What nobody may have signed, or cannot be read, is none."""
    found = []
    for own_name in sorted(backend.names(_folder(chain))):
        match = _FILE.fullmatch(own_name)
        if match is None:
            continue
        try:
            found.append(_read(backend, keyring, chain.generation(int(match.group(1))), f"{_folder(chain)}/{own_name}"))
        except RepositoryDamaged:
            continue
    return sorted(found, key=lambda one: (one.at, one.name))


def read_drill(backend: Backend, keyring: Keyring, name: str) -> Drill:
    """Evidence by its file, signed by somebody who may. Raises RepositoryDamaged and its kinds, by the file's name."""
    generation, _match = place_of(name, _FILE, "evidence of drills")
    return _read(backend, keyring, generation, name)


def drill_names(backend: Backend, chain: ChainId) -> list[str]:
    """The files of a line's evidence."""
    return [f"{_folder(chain)}/{own_name}" for own_name in sorted(backend.names(_folder(chain)))]


def _read(backend: Backend, keyring: Keyring, generation: GenerationId, name: str) -> Drill:
    told = read_signed(backend, keyring, generation, name, DRILL_NAMESPACE, (DRILL_ROLE,), never=WRITER_ROLE)
    if told.text("outcome") not in OUTCOMES:
        raise RepositoryDamaged("This evidence has no outcome", item=name)
    at, outcome = told.text("at"), told.text("outcome")
    return Drill(generation, told.text("record"), at, outcome, told.signer, name, told.hash, told.facts)


def last(drills: Sequence[Drill], *, passed: bool = False) -> Drill | None:
    """The newest drill, or the newest one that passed."""
    return next((one for one in reversed(drills) if one.passed or not passed), None)


def proved_generations(backend: Backend, keyring: Keyring, chain: ChainId, hashes: Mapping[int, str]) -> frozenset[int]:
    """The sequences of generations of a line that passed a drill. ``hashes``: sequence -> hash of its record."""
    return frozenset(
        one.generation.sequence
        for one in load_drills(backend, keyring, chain)
        if one.passed and hashes.get(one.generation.sequence) == one.record
    )


def drill_signer(keyring: Keyring, key: SigningKey, at: str) -> str:
    """The name of a key that may sign evidence. Raises NotAuthentic."""
    signer = keyring.signer_of(key.public, DRILL_ROLE, at)
    if WRITER_ROLE in signer.roles:
        raise NotAuthentic(
            f"{signer.name} is a writer as well, and a writer may not attest its own backups",
            hint="Make a key of its own for drills and name it in signers of ucops.recovery.repository.",
        )
    return signer.name


def record_drill(
    backend: Backend, keyring: Keyring, key: SigningKey, generation: GenerationId, facts: Mapping[str, Any]
) -> Drill:
    """Write evidence, durably. ``facts`` have at least ``at`` (UTC), ``record`` and ``outcome``. Raises NotAuthentic
    when the key may not."""
    at = str(facts["at"])
    signer = drill_signer(keyring, key, at)
    data = encode_record(keyring, generation, signer, facts)
    identifier = f"{re.sub('[-:]', '', at)}-{os.urandom(4).hex()}"
    name = f"{_folder(generation.chain)}/{generation.sequence}.{identifier}.json"
    # first the signature: evidence without one is none
    backend.create_many([(f"{name}.sig", key.sign(data, DRILL_NAMESPACE))])
    if backend.create_many([(name, data)]):
        raise RepositoryDamaged("There is evidence of this name already", item=name)
    return Drill(generation, str(facts["record"]), at, str(facts["outcome"]), signer, name, hash_of(data), dict(facts))
