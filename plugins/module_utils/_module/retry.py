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

from .._errors import RepositoryDamaged
from .._repository.backends.base import Backend
from .._repository.chain import Believe, head
from .._repository.format import ChainId, CommitRecord, GenerationId
from .._repository.generations import current_generation_of_change
from .._repository.journal import open_restores
from .._repository.reader import hash_object
from .companions import Provided, received
from .counters import counters_of, lasting
from .duration import seconds_of
from .release_change import ReleaseChange


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

    Every byte that it needs is read and hashed. Raises OptionInvalid, and what is wrong with a record.
    """
    max_age = seconds_of(params["max_age"], "max_age") if params["max_age"] else None
    if max_age is None or params["force"] or not params["change_id"] or params.get("only_counters"):
        return Earlier()
    record = current_generation_of_change(backend, chain, params["change_id"], params["phase"], believe)
    # one that was made in the future was made by a clock that was wrong
    if record is None or not 0 <= time.time() - received(record) <= max_age:
        return Earlier()
    announced = ReleaseChange.of(params)
    if announced is not None and announced.words() not in (record.reason or ""):
        return Earlier()  # nobody could find in it who read the release notes
    try:
        for sha, size in record.needed_objects():
            hash_object(backend, sha, size)
    except RepositoryDamaged as error:
        told = f"{GenerationId.of(record)} is damaged ({error.item}: {error.message}): everything is stored anew."
        return Earlier(damaged=True, warnings=[told])
    return Earlier(record, head(backend, chain, believe))


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
