# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of restores: a signed record when one begins, another when it ends. One that has no end fails every gate.

What is in doubt counts as open: a damaged beginning was a beginning, and an end that nobody signed is none.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import NotAuthentic, RepositoryDamaged
from . import sshsig
from .backends.base import Backend
from .format import (
    FORMAT,
    JOURNAL_FOLDER,
    JOURNAL_NAMESPACE,
    SMALL_FILE_LIMIT,
    ChainId,
    canonical_json,
    parse_json,
)
from .keyring import ROLE_NAMESPACES, Keyring, load_keyring
from .keys import WriterKey
from .signed import hash_of, write_signed
from .writer import RepositoryWriter

STARTED = "started"
FINISHED = "finished"

_FILE = re.compile(r"([0-9]{8}T[0-9]{6}Z-[0-9a-f]{8})\.(started|finished(?:-[0-9a-f]{8})?)\.json")

_SECOND_NAME = re.compile(r"-[0-9a-f]{8}\.json$")


def _folder(chain: ChainId) -> str:
    return f"{JOURNAL_FOLDER}/{chain.folder.partition('/')[2]}"


def _moment(clock: Callable[[], float]) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clock()))


@dataclass(frozen=True)
class JournalRecord:
    """A record of the journal, where it stands, and its hash. ``state`` is C(started) or C(finished); ``facts`` is all
    that it says."""

    name: str
    chain: ChainId
    identifier: str
    state: str
    facts: Mapping[str, Any]
    hash: str


def _name(chain: ChainId, identifier: str, state: str) -> str:
    return f"{_folder(chain)}/{identifier}.{state}.json"


def _write(
    backend: Backend, key: WriterKey, chain: ChainId, identifier: str, state: str, facts: Mapping[str, Any]
) -> JournalRecord:
    content = {
        "format": FORMAT,
        "repository_id": key.repository_id,
        "source": chain.source,
        "product": chain.product,
        "instance": chain.instance,
        "id": identifier,
        "state": state,
        "signer": key.name,
        **facts,
    }
    data = canonical_json(content)
    name = write_signed(backend, _name(chain, identifier, state), data, key.signing_key.sign(data, JOURNAL_NAMESPACE))
    return JournalRecord(name, chain, identifier, state, content, hash_of(data))


def _believed_signer(keyring: Keyring, public_key: str, at: str) -> str:
    roles = [role for role, namespaces in ROLE_NAMESPACES.items() if JOURNAL_NAMESPACE in namespaces]
    problem = NotAuthentic("It is signed by nobody")
    for role in roles:
        try:
            return keyring.signer_of(public_key, role, at).name
        except NotAuthentic as error:
            problem = error
    raise problem


def read_journal_record(backend: Backend, keyring: Keyring, name: str) -> JournalRecord:
    """One record, signed by somebody who may. Raises RepositoryDamaged and its kinds, by the record's name."""
    try:
        data = backend.read(name, SMALL_FILE_LIMIT)
        public_key = sshsig.verify(data, backend.read(f"{name}.sig", SMALL_FILE_LIMIT), JOURNAL_NAMESPACE)
        try:
            content = parse_json(data)
            chain = ChainId(content["source"], content["product"], content["instance"])
            record = JournalRecord(name, chain, content["id"], content["state"], content, hash_of(data))
            moment = str(content["at"])
            is_mine = content["repository_id"] == keyring.repository_id and content["format"] == FORMAT
        except (KeyError, TypeError, ValueError) as error:
            raise RepositoryDamaged(f"This is not a record of the journal: {error}") from None
        place = _name(chain, record.identifier, record.state)
        if not is_mine or place not in (name, _SECOND_NAME.sub(".json", name)):
            raise NotAuthentic("This record belongs to another place")
        _believed_signer(keyring, public_key, moment)
    except RepositoryDamaged as error:
        error.item = name
        raise
    return record


def journal_names(backend: Backend, chain: ChainId) -> list[str]:
    """The files of a line in the journal, oldest first."""
    return [f"{_folder(chain)}/{own_name}" for own_name in sorted(backend.names(_folder(chain)))]


def open_restores(backend: Backend, source: str, product: str, instance: str = "") -> list[str]:
    """The identifiers of restores that began and did not end, oldest first."""
    chain = ChainId(source, product, instance)
    states = _states(backend, chain)
    begun = [identifier for identifier, known in states.items() if STARTED in known]
    if all(states[identifier] == {STARTED} for identifier in begun):
        return begun
    keyring = load_keyring(backend)
    return [one for one in begun if _start_and_end(backend, keyring, chain, one, states[one]) is None]


def _states(backend: Backend, chain: ChainId) -> dict[str, set[str]]:
    """What the journal has of each restore of a line, by its identifier, oldest first."""
    found: dict[str, set[str]] = {}
    for match in map(_FILE.fullmatch, sorted(backend.names(_folder(chain)))):
        if match:
            found.setdefault(match.group(1), set()).add(match.group(2))
    return found


def _start_and_end(
    backend: Backend, keyring: Keyring, chain: ChainId, identifier: str, states: set[str]
) -> tuple[JournalRecord, JournalRecord] | None:
    """The two records of a restore that ended; None when it did not."""
    start = None
    for state in sorted(states - {STARTED}):
        try:
            start = start or read_journal_record(backend, keyring, _name(chain, identifier, STARTED))
            end = read_journal_record(backend, keyring, _name(chain, identifier, state))
        except RepositoryDamaged:
            continue
        if end.facts.get("started") == start.hash:
            return start, end
    return None


@dataclass(frozen=True)
class OpenRestore:
    """A restore that began and did not end: of which generation, and the items that it was putting back. None of them:
    services were stopped and nothing else was done. ``paths``: it was limited to these, as C(only_paths) names them."""

    identifier: str
    generation: str
    items: Sequence[str]
    paths: Sequence[str] = ()

    def is_within(self, items: Collection[str], paths: Collection[str]) -> bool:
        """Whether all that it may have left half done is put back by a restore of these items, limited to these
        paths."""
        if not self.items:
            return True
        has_its_paths = not paths or (bool(self.paths) and set(self.paths) <= set(paths))
        return has_its_paths and set(self.items) <= set(items)


IN_DOUBT = ("what a damaged record of the journal named",)
"""The items of a restore whose beginning cannot be read."""


def interrupted_restores(backend: Backend, source: str, product: str, instance: str = "") -> list[OpenRestore]:
    """What :func:`open_restores` names, with what their beginnings say."""
    chain = ChainId(source, product, instance)
    found = []
    for identifier in open_restores(backend, source, product, instance):
        try:
            facts = read_journal_record(backend, load_keyring(backend), _name(chain, identifier, STARTED)).facts
            items, paths = ([str(name) for name in facts["plan"].get(part, ())] for part in ("items", "paths"))
            found.append(OpenRestore(identifier, str(facts["generation"]), items, paths))
        except (RepositoryDamaged, KeyError, AttributeError, TypeError):
            found.append(OpenRestore(identifier, "", IN_DOUBT))
    return found


def last_restore(backend: Backend, chain: ChainId, item: str, paths: Collection[str] = ()) -> tuple[str, str] | None:
    """The generation that the last restore of an item, or of these paths of it, put back that ended well, and when that
    began; None when there is none."""
    keyring = load_keyring(backend)
    for identifier, known in reversed(list(_states(backend, chain).items())):
        found = _start_and_end(backend, keyring, chain, identifier, known)
        if found is None or found[1].facts.get("outcome") != "restored" or "generation" not in found[0].facts:
            continue
        plan = found[0].facts.get("plan", {})
        told = plan.get("paths", ())
        if item in plan.get("items", ()) and (not told or (paths and set(paths) <= set(told))):
            return str(found[0].facts["generation"]), str(found[0].facts["at"])
    return None


class RestoreJournal:
    """One restore's entries in the journal."""

    def __init__(self, backend: Backend, key: WriterKey, started: JournalRecord, clock: Callable[[], float]) -> None:
        self._backend = backend
        self._key = key
        self._started = started
        self._clock = clock

    @classmethod
    def start(
        cls,
        store: RepositoryWriter,
        source: str,
        product: str,
        instance: str = "",
        *,
        generation: str,
        plan: Mapping[str, Any] | None = None,
        actor: str | None = None,
        change_id: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> RestoreJournal:
        """Record that a restore begins. ``plan`` is small, secret-free JSON."""
        identifier = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(clock()))}-{os.urandom(4).hex()}"
        facts = {
            "at": _moment(clock),
            "generation": generation,
            "plan": dict(plan or {}),
            "actor": actor,
            "change_id": change_id,
        }
        chain = ChainId(source, product, instance)
        started = _write(store.backend, store.writer_key, chain, identifier, STARTED, facts)
        return cls(store.backend, store.writer_key, started, clock)

    @classmethod
    def resume(
        cls,
        store: RepositoryWriter,
        source: str,
        product: str,
        instance: str,
        identifier: str,
        clock: Callable[[], float] = time.time,
    ) -> RestoreJournal:
        """The entries of a restore that began in another process, to end it. Raises RepositoryDamaged."""
        name = _name(ChainId(source, product, instance), identifier, STARTED)
        started = read_journal_record(store.backend, load_keyring(store.backend), name)
        return cls(store.backend, store.writer_key, started, clock)

    @property
    def identifier(self) -> str:
        """The restore's name in the journal."""
        return self._started.identifier

    def finish(self, outcome: str, replaces: Sequence[str] = ()) -> None:
        """Record how it ended, and that it took the place of others that never did.

        :param outcome: C(restored), C(rolled_back), C(not_begun)
        :param replaces: identifiers of open restores of the same line
        :raises RepositoryDamaged: one of them is not in the journal, or has ended
        """
        facts: dict[str, Any] = {"at": _moment(self._clock), "outcome": outcome}
        for identifier in replaces:
            started = self._read_start(identifier)
            told = {**facts, "outcome": "replaced", "replaced_by": self.identifier, "started": started}
            self._end(identifier, told)
        self._end(self.identifier, {**facts, "started": self._started.hash})

    def _end(self, identifier: str, facts: Mapping[str, Any]) -> None:
        chain = self._started.chain
        states = _states(self._backend, chain).get(identifier, set())
        if _start_and_end(self._backend, load_keyring(self._backend), chain, identifier, states) is not None:
            raise RepositoryDamaged("The journal has this record already", item=_name(chain, identifier, FINISHED))
        _write(self._backend, self._key, chain, identifier, FINISHED, facts)

    def _read_start(self, identifier: str) -> str:
        name = _name(self._started.chain, identifier, STARTED)
        return read_journal_record(self._backend, load_keyring(self._backend), name).hash
