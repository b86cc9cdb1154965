# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(generation_info)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._entries import PHASES, STATUS_COMPLETE, STATUS_PARTIAL
from .._repository.drills import load_drills
from .._repository.expiry import Fate, load_fates
from .._repository.format import CommitRecord, GenerationId
from .._repository.keyring import load_keyring
from .argspec import ArgumentSpec, repository
from .counters import counters_of, lasting
from .drill_facts import describe_drill, describe_last, drills_by_generation
from .hold_facts import describe_hold
from .opening import open_backend
from .selection import matching_chains, readable_chains

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SPEC = ArgumentSpec(
    {
        "source": {"type": "str"},
        "product": {"type": "str"},
        "instance": {"type": "str"},
        "phase": {"type": "str", "choices": list(PHASES)},
        "change_id": {"type": "str"},
        "status": {"type": "str", "choices": [STATUS_COMPLETE, STATUS_PARTIAL]},
        "latest": {"type": "bool", "default": False},
    }
).merge(repository())


def list_generations(module: AnsibleModule) -> dict[str, Any]:
    """What the module returns. Raises RepositoryError, OptionInvalid."""
    params = module.params
    backend = open_backend(params)
    damaged: list[dict[str, str]] = []
    found = []
    last_drills = {}
    keyring = load_keyring(backend)
    for chain, records in readable_chains(backend, matching_chains(backend, params), damaged):
        fates = load_fates(backend, keyring, chain)
        drills = load_drills(backend, keyring, chain)
        by_generation = drills_by_generation(drills)
        last_drills[str(chain)] = describe_last(drills)
        matching = [
            {
                **describe_generation(record),
                **describe_fate(fates.of(record), fates.now),
                "drills": [describe_drill(one) for one in by_generation.get((record.sequence, record.hash), ())],
            }
            for record in records
            if _wanted(record, params)
        ]
        found += [one for one in matching if not one["pruned"]][-1:] if params["latest"] else matching
    warn_of_damage(module, damaged)
    return {"generations": found, "last_drills": last_drills, "damaged": damaged}


def _wanted(record: CommitRecord, params: Mapping[str, Any]) -> bool:
    return all(
        params[name] is None or getattr(record, name) == params[name] for name in ("phase", "change_id", "status")
    )


def describe_generation(record: CommitRecord) -> dict[str, Any]:
    """What a record says, as a result."""
    needed = dict(record.needed_objects())
    return {
        "id": str(GenerationId.of(record)),
        "source": record.source,
        "product": record.product,
        "instance": record.instance,
        "sequence": record.sequence,
        "status": record.status,
        "missing": list(record.missing),
        "phase": record.phase,
        "change_id": record.change_id or "",
        "attempt": record.attempt,
        "reason": record.reason or "",
        "actor": record.actor or "",
        "job": record.job or "",
        "run_id": record.run_id or "",
        "release": record.release or "",
        "counts": lasting(record.counts),
        "counters": counters_of(record.counts),
        "received_at": record.received_at,
        "gathered": {
            name: {"bytes": item["bytes"], "entries": item["entries"], "data_class": item["data_class"]}
            for name, item in record.items.items()
        },
        "objects": len(needed),
        "stored_bytes": sum(needed.values()),
        "head": record.hash,
        "signer": record.signer,
    }


def describe_fate(fate: Fate, now: str) -> dict[str, Any]:
    """What became of a generation, as a result."""
    stone = fate.pruned
    return {
        "pruned": {"at": stone.at, "by": stone.signer, "reason": stone.reason} if stone is not None else {},
        "expired_classes": {
            one.data_class: {"at": one.at, "by": one.signer, "reason": one.reason} for one in fate.classes
        },
        "holds": [describe_hold(hold, now) for hold in fate.holds],
    }


def warn_of_damage(module: AnsibleModule, damaged: list[dict[str, str]]) -> None:
    """One warning for all that cannot be read."""
    if damaged:
        first = damaged[0]
        module.warn(
            f"{len(damaged)} of the sources cannot be read,"
            f" first {first['source']}/{first['product']}: {first['problem']}"
            " Run ucops.recovery.repository_verify."
        )
