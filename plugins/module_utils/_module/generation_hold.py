# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(generation_hold)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import GenerationPruned, OptionInvalid
from .._repository.backends.base import Backend
from .._repository.chain import list_chains
from .._repository.expiry import fate_of
from .._repository.format import CommitRecord, GenerationId, object_name, parse_moment
from .._repository.generations import find_generation
from .._repository.holds import HOLD_KINDS, KIND_CHANGE, KIND_LEGAL, Hold, HoldKeeper, load_holds, utc_text
from .._repository.keys import WriterKey
from .._repository.writer import RepositoryWriter
from .argspec import ArgumentSpec, repository, writer
from .hold_facts import describe_hold
from .opening import open_backend

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SPEC = ArgumentSpec(
    {
        "generation": {"type": "str"},
        "kind": {"type": "str", "choices": list(HOLD_KINDS), "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "change_id": {"type": "str"},
        "reason": {"type": "str"},
        "until": {"type": "str"},
        "actor": {"type": "str"},
        "job": {"type": "str"},
    },
    required_if=[
        ("state", "present", ["generation"]),
        ("kind", KIND_CHANGE, ["change_id"]),
        ("kind", KIND_LEGAL, ["generation", "reason"]),
    ],
).merge(repository(), writer())


def hold_generation(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises OptionInvalid, GenerationMissing, GenerationPruned, RepositoryError."""
    params = module.params
    backend = open_backend(params)
    with RepositoryWriter(backend, WriterKey.load(params["writer_key_file"])) as store:
        now = utc_text(time.time())
        if params["until"]:
            _check_until(params["until"], now)
        if params["state"] == "present":
            holds, changed = _place(module, store, now)
        else:
            holds, changed = _release(module, store, now)
    return {"changed": changed, "holds": [describe_hold(hold, now) for hold in holds]}


def _check_until(until: str, now: str) -> None:
    try:
        parse_moment(until)
    except ValueError:
        raise OptionInvalid(f"until is no time: {until[:40]!r}", hint="It looks like 2026-01-31T12:00:00Z.") from None
    if until <= now:
        raise OptionInvalid(f"until is over: {until}")


def _place(module: AnsibleModule, store: RepositoryWriter, now: str) -> tuple[list[Hold], bool]:
    params = module.params
    record = find_generation(store.backend, params["generation"], store.believe)
    there = [hold for hold in _same(store, record, params, now) if hold.until == (params["until"] or "")]
    if there:
        return there[:1], False
    _require_objects(store.backend, record)
    if module.check_mode:
        return [], True
    hold = HoldKeeper(store, now).place(
        GenerationId.of(record),
        params["kind"],
        change_id=params["change_id"] or "",
        reason=params["reason"] or "",
        actor=params["actor"] or "",
        job=params["job"] or "",
        until=params["until"] or "",
    )
    # a pruning that ran meanwhile may not have seen it
    _require_objects(store.backend, record)
    return [hold], True


def _same(store: RepositoryWriter, record: CommitRecord, params: Mapping[str, Any], now: str) -> list[Hold]:
    return [
        hold
        for hold in load_holds(store.backend, store.keyring, record.chain)
        if hold.generation == GenerationId.of(record) and hold.is_active(now) and _matches(hold, params)
    ]


def _matches(hold: Hold, params: Mapping[str, Any]) -> bool:
    if hold.problem or hold.kind != params["kind"]:
        return False
    distinguishing = "change_id" if hold.kind == KIND_CHANGE else "reason"
    return bool(getattr(hold, distinguishing) == params[distinguishing])


def _require_objects(backend: Backend, record: CommitRecord) -> None:
    """What was pruned can be held only while everything of it is there."""
    missing = [sha for sha, size in record.needed_objects() if backend.size(object_name(sha)) != size]
    fate = fate_of(backend, record)
    if missing and (fate.pruned is not None or set(missing) & fate.released or fate.holds):
        words = f" {fate.pruned.words}" if fate.pruned is not None else ""
        raise GenerationPruned(
            f"{GenerationId.of(record)} was pruned{words}, and what it needs was removed since",
            hint="Look for it in the second copy of the repository.",
        )


def _release(module: AnsibleModule, store: RepositoryWriter, now: str) -> tuple[list[Hold], bool]:
    params = module.params
    if params["generation"]:
        record = find_generation(store.backend, params["generation"], store.believe)
        holds = _same(store, record, params, now)
    else:
        holds = [
            hold
            for chain in list_chains(store.backend)
            for hold in load_holds(store.backend, store.keyring, chain)
            if hold.is_active(now) and _matches(hold, params)
        ]
    if not module.check_mode:
        keeper = HoldKeeper(store, now)
        for hold in holds:
            keeper.release(hold, reason=params["reason"] or "", actor=params["actor"] or "", job=params["job"] or "")
    return holds, bool(holds)
