# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What belongs to a generation and is not in it: generations of other products, snapshots and images of the machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._errors import OptionInvalid
from .._products.base import Companion
from .._repository.backends.base import Backend
from .._repository.chain import Believe, believe_keyring, head, list_chains, walk_back
from .._repository.format import ChainId, CommitRecord, GenerationId
from .._repository.keyring import load_keyring
from .duration import words_for
from .receipt import received

LOOK_BACK = 100
"""How many generations of a chain may be newer than the companion that is looked for."""


@dataclass(frozen=True)
class Run:
    """What ties generations together: the run id, or without one the change and its phase."""

    run_id: str | None
    change_id: str | None
    phase: str

    @classmethod
    def of(cls, record: CommitRecord) -> Run:
        """The run that a generation was made in."""
        return cls(record.run_id, record.change_id, record.phase)

    @property
    def is_known(self) -> bool:
        """Whether anything can belong to it."""
        return bool(self.run_id or self.change_id)

    def holds(self, record: CommitRecord) -> bool:
        """Whether a generation was made in it."""
        if self.run_id:
            return record.run_id == self.run_id
        return bool(self.change_id) and (record.change_id, record.phase) == (self.change_id, self.phase)


@dataclass(frozen=True)
class Provided:
    """What the operator says: what there is beside the repository, and who looks after which companion.

    ``declared``: kind, reference and time of snapshots and images. ``elsewhere``: companion -> reason.
    """

    declared: Sequence[Mapping[str, str]] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Provided:
        """From the options of the group C(companions). Raises OptionInvalid."""
        declared = [{name: value for name, value in one.items() if value} for one in params["companions"]]
        for one in declared:
            _check_time(one.get("taken_at"))
        return cls(declared, {one["companion"]: one["reason"] for one in params["companions_elsewhere"]})

    def reason_for(self, companion: Companion) -> str | None:
        """Why a companion is not demanded, None when it is."""
        names = _names(companion)
        return next((reason for name, reason in self.elsewhere.items() if name.casefold() in names), None)

    def unused(self, companions: Iterable[Companion]) -> list[str]:
        """Companions that are looked after elsewhere and that nothing demands."""
        known = set().union(*(_names(companion) for companion in companions))
        return [name for name in self.elsewhere if name.casefold() not in known]


def _check_time(value: str | None) -> None:
    try:
        if value:
            datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise OptionInvalid(
            f"taken_at is no time: {value[:40]!r}" if value else "taken_at is no time",
            item="companions",
            hint="It looks like 2026-01-31T22:00:00Z.",
        ) from None


def _names(companion: Companion) -> set[str]:
    """How a companion may be called: in full, without the source, by its product."""
    short = Companion(companion.product, "", instance=companion.instance)
    return {name.casefold() for name in (str(companion), str(short), companion.product)}


@dataclass(frozen=True)
class CompanionState:
    """A companion that is demanded, and what became of it.

    ``generation``: its id; None when it is missing, or when nobody looked (``elsewhere`` says why, or check mode).
    """

    companion: Companion
    generation: str | None = None
    elsewhere: str | None = None
    missing: bool = False

    def to_result(self) -> dict[str, Any]:
        """For the result of a module."""
        return {**self._named(), "generation": self.generation, "elsewhere": self.elsewhere, "missing": self.missing}

    def to_contract(self) -> dict[str, Any]:
        """For the manifest: nothing that is another one in every run."""
        state = "elsewhere" if self.elsewhere else ("missing" if self.missing else "found")
        reason = {"reason": self.elsewhere} if self.elsewhere else {}
        max_age = {"max_age": self.companion.max_age} if self.companion.max_age else {}
        return {**self._named(), "state": state, **reason, **max_age}

    def _named(self) -> dict[str, str]:
        one = self.companion
        return {"product": one.product, "source": one.source, "instance": one.instance, "why": one.why}

    def problem(self, run: Run) -> str:
        """What to do about a missing one."""
        module = f"ucops.recovery.{self.companion.product}_backup"
        if self.companion.max_age:
            return (
                f"no complete generation of it is of this run or at most {words_for(self.companion.max_age)} old"
                f" ({self.companion.why}); run {module} for it first, or say in companions_elsewhere who looks after it"
            )
        way = (
            f"run {module} for it first, with the same run_id or change_id and phase"
            if run.is_known
            else f"give this backup and {module} the same run_id"
        )
        return (
            f"no complete generation of it belongs to this run ({self.companion.why}); {way},"
            " or say in companions_elsewhere who looks after it"
        )


def look_for(
    backend: Backend,
    companions: Sequence[Companion],
    run: Run,
    provided: Provided,
    *,
    look: bool = True,
    received_at: float | None = None,
) -> list[CompanionState]:
    """What became of each companion. ``look`` False: only say what is demanded; in check mode no run makes any.

    Raises what is wrong with a record.

    :param received_at: when what they belong to was received, in seconds since the epoch; None for now
    """
    now = time.time() if received_at is None else received_at
    believe = believe_keyring(load_keyring(backend)) if companions and look else None
    reasons = {companion: provided.reason_for(companion) for companion in companions}
    wanted = [companion for companion, reason in reasons.items() if reason is None and look]
    found = find_companions(backend, wanted, run, believe, now)
    return [
        _state(companion, found[companion])
        if companion in found
        else CompanionState(companion, elsewhere=reasons[companion])
        for companion in companions
    ]


def _state(companion: Companion, found: CommitRecord | None) -> CompanionState:
    return CompanionState(companion, generation=str(GenerationId.of(found)) if found else None, missing=found is None)


def find_companions(
    backend: Backend,
    companions: Iterable[Companion],
    run: Run,
    believe: Believe | None = None,
    now: float | None = None,
) -> dict[Companion, CommitRecord | None]:
    """For each companion the newest complete generation that was made in a run, or that is as old as it may be.

    One of which neither source nor instance is known comes last, and is satisfied only by a line that none before it
    has: one database is not two.

    :param now: the time of the generation that they belong to, in seconds since the epoch
    """
    found: dict[Companion, CommitRecord | None] = {}
    taken: set[ChainId] = set()
    asked = sorted(companions, key=_is_nameless)
    lines = list_chains(backend) if asked else []  # of a fleet these are many, and few hosts have companions
    for companion in asked:
        free = [line for line in lines if not (_is_nameless(companion) and line in taken)]
        record = found[companion] = _newest_of(backend, free, companion, run, believe, now)
        if record is not None:
            taken.add(record.chain)
    return found


def _is_nameless(companion: Companion) -> bool:
    return not companion.source and not companion.instance


def _newest_of(
    backend: Backend,
    lines: Iterable[ChainId],
    companion: Companion,
    run: Run,
    believe: Believe | None,
    now: float | None,
) -> CommitRecord | None:
    near = None
    for chain in lines if run.is_known or companion.max_age else ():
        newest = head(backend, chain, believe) if _is_of(chain, companion) else None
        for record in itertools.islice(walk_back(backend, newest, []), LOOK_BACK) if newest is not None else ():
            if record.is_complete and run.holds(record):
                return record
            if record.is_complete and near is None and now is not None and _is_near(record, now, companion.max_age):
                near = record
    return near


def _is_near(record: CommitRecord, now: float, max_age: int) -> bool:
    return abs(now - received(record)) <= max_age if max_age else False


def _is_of(chain: ChainId, companion: Companion) -> bool:
    """Names of servers and databases have no case."""
    return chain.product == companion.product and all(
        not wanted or wanted.casefold() == given.casefold()
        for wanted, given in ((companion.source, chain.source), (companion.instance, chain.instance))
    )


def recorded(backend: Backend, record: CommitRecord, contract: Mapping[str, Any]) -> dict[str, Any]:
    """What a generation's contract says of companions, with the generations of its run as far as they are there.

    Raises what is wrong with a record.
    """
    belongs = contract.get("companions", {})
    run = Run.of(record)
    demanded = {
        Companion(one["product"], one["why"], one["source"], one["instance"], int(one.get("max_age", 0))): one.get(
            "reason"
        )
        for one in belongs.get("demanded", [])
    }
    wanted = [companion for companion, elsewhere in demanded.items() if not elsewhere]
    found = find_companions(backend, wanted, run, now=received(record))
    states = [
        _state(companion, found[companion]) if companion in found else CompanionState(companion, elsewhere=elsewhere)
        for companion, elsewhere in demanded.items()
    ]
    return {"demanded": [state.to_result() for state in states], "declared": list(belongs.get("declared", []))}


def contract(states: Sequence[CompanionState], provided: Provided) -> dict[str, Any]:
    """What the manifest says of companions: empty when there is nothing to say."""
    out: dict[str, Any] = {}
    if states:
        out["demanded"] = [state.to_contract() for state in states]
    if provided.declared:
        out["declared"] = [dict(one) for one in provided.declared]
    return out
