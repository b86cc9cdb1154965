# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup for a change that is run again is given the generation that it made before, as long as that is any good.

So there is one generation for each phase of a change, however often a pipeline tries, and a retry leaves hosts alone
that are done.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._errors import ChangeBegun, RepositoryDamaged
from .._repository.backends.base import Backend
from .._repository.chain import Believe, head
from .._repository.format import ChainId, CommitRecord, GenerationId
from .._repository.generations import current_generation_of_change
from .._repository.journal import open_restores
from .._repository.reader import hash_object
from .companions import Provided
from .counters import counters_of, lasting
from .duration import seconds_of
from .event_rule import PRE_CHANGE
from .receipt import committed_at
from .release_change import ReleaseChange

POST_CHANGE = "post_change"


@dataclass(frozen=True)
class Earlier:
    """What an earlier try left.

    ``record``: the generation to return, None when a new one is to be made. ``newest``: the head of its line.
    ``damaged``: there would be one, but not all its bytes are as they were; what is made now must not lean on it.
    """

    record: CommitRecord | None = None
    newest: CommitRecord | None = None
    damaged: bool = False
    warnings: Sequence[str] = field(default_factory=tuple)


def look_for_earlier(params: Mapping[str, Any], backend: Backend, chain: ChainId, believe: Believe) -> Earlier:
    """The complete generation of the same change and phase, if it may be reused: asked for, young enough, and whole.

    Every byte that it needs is read and hashed.

    :raises ChangeBegun: a new one would take the place of the one of before the change, and hold what the change made
    :raises OptionInvalid: max_age is no time; and what is wrong with a record
    """
    max_age = seconds_of(params["max_age"], "max_age") if params["max_age"] else None
    if max_age is None or params["force"] or not params["change_id"] or params.get("only_counters"):
        return Earlier()
    record = current_generation_of_change(backend, chain, params["change_id"], params["phase"], believe)
    age = time.time() - committed_at(record) if record is not None else 0.0
    damage = ""
    # one that was made in the future was made by a clock that was wrong
    if record is not None and 0 <= age <= max_age and _tells_the_release_change(params, record):
        try:
            for sha, size in record.needed_objects():
                hash_object(backend, sha, size)
        except RepositoryDamaged as error:
            damage = f"{GenerationId.of(record)} is damaged ({error.item}: {error.message})"
        else:
            return Earlier(record, head(backend, chain, believe))
    if params["phase"] == PRE_CHANGE:
        _refuse_after_the_change(params["change_id"], backend, chain, believe, damage)
        if record is not None and age > max_age:
            raise ChangeBegun(
                f"{GenerationId.of(record)}, of before the change {params['change_id']}, is older than"
                f" {params['max_age']}, and the change may have begun on the strength of it",
                host=chain.source,
                hint="Nothing was made. If the change has not begun, run this again with force.",
            )
    return Earlier(damaged=True, warnings=[f"{damage}: everything is stored anew."]) if damage else Earlier()


def _tells_the_release_change(params: Mapping[str, Any], record: CommitRecord) -> bool:
    """Whether one could find in it who read the release notes, where a release is announced."""
    announced = ReleaseChange.of(params)
    return announced is None or announced.words() in (record.reason or "")


def _refuse_after_the_change(change_id: str, backend: Backend, chain: ChainId, believe: Believe, damage: str) -> None:
    after = current_generation_of_change(backend, chain, change_id, POST_CHANGE, believe)
    if after is not None:
        raise ChangeBegun(
            f"{GenerationId.of(after)} was made after the change {change_id}: what is there now is not what was there"
            " before it" + (f" ({damage})" if damage else ""),
            host=chain.source,
            hint="Nothing was made. The next change gets an id of its own; with force one is made all the same.",
        )


def reused_result(
    params: Mapping[str, Any], backend: Backend, record: CommitRecord, newest: CommitRecord | None
) -> dict[str, Any]:
    """What a backup module returns of a generation that was there. The host was not asked for anything."""
    chain = record.chain
    return {
        "changed": False,
        "reused": True,
        "generation": {
            "id": str(GenerationId.of(record)),
            "source": record.source,
            "product": record.product,
            "instance": record.instance,
            "release": record.release,
            "counts": lasting(record.counts),
            "counters": counters_of(record.counts),
            # they are sealed
            "licence_count": None,
            "phase": record.phase,
            "change_id": record.change_id,
            "attempt": record.attempt,
            "received_at": record.received_at,
            "status": record.status,
            "content_changed": False,
            "changed_items": [],
            "missing": list(record.missing),
            "problems": [],
            "bytes_read": 0,
            "bytes_stored": 0,
            "duration": 0.0,
            "head": (newest or record).hash,
            "previous": str(chain.generation(record.sequence - 1)) if record.sequence > 1 else None,
        },
        "checks": [],
        "open_restores": open_restores(backend, chain.source, chain.product, chain.instance),
        "companions": {"demanded": [], "declared": [dict(one) for one in Provided.of(params).declared]},
        "findings": [],
        "notes": [],
        "warnings": [],
    }
