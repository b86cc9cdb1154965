# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds: signed records that a generation is to stay, for a change or for a legal reason, until they are released.

What is in doubt holds: a damaged hold was one, and a release that nobody signed is none.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._errors import NotAuthentic, RepositoryDamaged
from .backends.base import Backend
from .format import HOLDS_FOLDER, JOURNAL_NAMESPACE, ChainId, GenerationId
from .keyring import Keyring
from .signed import SignedRecord, encode_record, place_of, read_signed, write_signed

if TYPE_CHECKING:
    from .writer import RepositoryWriter

KIND_CHANGE = "change"
KIND_LEGAL = "legal"
HOLD_KINDS = (KIND_CHANGE, KIND_LEGAL)
HOLD_ROLES = ("writer", "journal")
PLACED = "placed"

_FILE = re.compile(r"([1-9][0-9]{0,8})\.([0-9]{8}T[0-9]{6}Z-[0-9a-f]{8})\.(placed|released(?:-[0-9a-f]{8})?)\.json")


@dataclass(frozen=True)
class Hold:
    """One hold. ``until`` and ``released_at`` are UTC times, empty when there is none; ``problem`` says what is wrong
    with its record, which holds nevertheless."""

    generation: GenerationId
    identifier: str
    kind: str = ""
    change_id: str = ""
    reason: str = ""
    actor: str = ""
    signer: str = ""
    at: str = ""
    until: str = ""
    released_at: str = ""
    problem: str = ""

    def is_active(self, now: str) -> bool:
        """Whether it holds at a time like C(2026-01-31T12:00:00Z)."""
        return not self.released_at and (not self.until or now <= self.until)

    @property
    def words(self) -> str:
        """What it is for, for people."""
        if self.problem:
            return f"a hold that cannot be read ({self.problem})"
        told = f"change {self.change_id}" if self.kind == KIND_CHANGE else "legal"
        return f"{told}: {self.reason}" if self.reason else told


def _folder(chain: ChainId) -> str:
    return f"{HOLDS_FOLDER}/{chain.folder.partition('/')[2]}"


def _name(generation: GenerationId, identifier: str, state: str) -> str:
    return f"{_folder(generation.chain)}/{generation.sequence}.{identifier}.{state}.json"


def load_holds(backend: Backend, keyring: Keyring, chain: ChainId) -> list[Hold]:
    """All holds of a line that ever were, oldest first within a generation."""
    states: dict[tuple[int, str], set[str]] = {}
    for own_name in backend.names(_folder(chain)):
        match = _FILE.fullmatch(own_name)
        if match:
            states.setdefault((int(match.group(1)), match.group(2)), set()).add(match.group(3))
    return [
        _load_hold(backend, keyring, chain.generation(sequence), identifier, known)
        for (sequence, identifier), known in sorted(states.items())
        if PLACED in known
    ]


def _load_hold(backend: Backend, keyring: Keyring, generation: GenerationId, identifier: str, states: set[str]) -> Hold:
    try:
        placed = _read(backend, keyring, generation, identifier, PLACED)
    except RepositoryDamaged as error:
        return Hold(generation, identifier, problem=error.message)
    released_at = ""
    for state in sorted(states - {PLACED}):
        try:
            released = _read(backend, keyring, generation, identifier, state)
        except RepositoryDamaged:
            continue
        if released.text("hold") == placed.hash:
            released_at = released.text("at")
            break
    told = {name: placed.text(name) for name in ("kind", "change_id", "reason", "actor", "at", "until")}
    return Hold(generation, identifier, signer=placed.signer, released_at=released_at, **told)


def _read(backend: Backend, keyring: Keyring, generation: GenerationId, identifier: str, state: str) -> SignedRecord:
    name = _name(generation, identifier, state)
    record = read_signed(backend, keyring, generation, name, JOURNAL_NAMESPACE, HOLD_ROLES)
    if (record.text("id"), record.text("state")) != (identifier, state.partition("-")[0]):
        raise RepositoryDamaged("This record belongs to another hold", item=name)
    return record


def check_hold_record(backend: Backend, keyring: Keyring, name: str) -> None:
    """One file among holds is signed by somebody who may, and in its place; a release is that of its hold, as far as
    that can be read. Raises RepositoryDamaged and its kinds, by the file's name."""
    generation, match = place_of(name, _FILE, "holds")
    identifier, state = match.group(2), match.group(3)
    record = _read(backend, keyring, generation, identifier, state)
    if state == PLACED:
        return
    try:
        placed = _read(backend, keyring, generation, identifier, PLACED)
    except RepositoryDamaged:
        return
    if record.text("hold") != placed.hash:
        raise NotAuthentic("This is the release of another hold", item=name)


def hold_names(backend: Backend, chain: ChainId) -> list[str]:
    """The files of a line's holds."""
    return [f"{_folder(chain)}/{own_name}" for own_name in sorted(backend.names(_folder(chain)))]


class HoldKeeper:
    """Places holds and releases them, in the writer's name."""

    def __init__(self, store: RepositoryWriter, clock_text: str) -> None:
        """``clock_text``: now, as a UTC time."""
        self._store = store
        self._now = clock_text

    def place(
        self,
        generation: GenerationId,
        kind: str,
        *,
        change_id: str = "",
        reason: str = "",
        actor: str = "",
        job: str = "",
        until: str = "",
    ) -> Hold:
        """Hold a generation."""
        identifier = f"{re.sub('[-:]', '', self._now)}-{os.urandom(4).hex()}"
        facts = {"kind": kind, "change_id": change_id, "reason": reason, "actor": actor, "job": job, "until": until}
        self._write(generation, identifier, PLACED, facts)
        return Hold(
            generation,
            identifier,
            kind=kind,
            change_id=change_id,
            reason=reason,
            actor=actor,
            signer=self._store.writer_key.name,
            at=self._now,
            until=until,
        )

    def release(self, hold: Hold, *, reason: str = "", actor: str = "", job: str = "") -> None:
        """Let a generation go. Raises RepositoryDamaged for a hold whose record cannot be read."""
        placed = _read(self._store.backend, self._store.keyring, hold.generation, hold.identifier, PLACED)
        told = {"hold": placed.hash, "reason": reason, "actor": actor, "job": job}
        self._write(hold.generation, hold.identifier, "released", told)

    def _write(self, generation: GenerationId, identifier: str, state: str, facts: dict[str, str]) -> None:
        key = self._store.writer_key
        told = {**facts, "id": identifier, "state": state, "at": self._now}
        data = encode_record(self._store.keyring, generation, key.name, told)
        name = _name(generation, identifier, state)
        signature = key.signing_key.sign(data, JOURNAL_NAMESPACE)
        write_signed(self._store.backend, name, data, signature)


def utc_text(seconds: float) -> str:
    """Seconds since the epoch as the time of a record."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def active(holds: Sequence[Hold], now: str) -> dict[int, list[Hold]]:
    """The holds that are in force, by sequence."""
    found: dict[int, list[Hold]] = {}
    for hold in holds:
        if hold.is_active(now):
            found.setdefault(hold.generation.sequence, []).append(hold)
    return found
