# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a C(<product>_restore) module to its result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RepositoryDamaged
from .._repository.backends.base import Backend
from .._repository.chain import head
from .._repository.format import ChainId, CommitRecord
from .._repository.generations import current_generation_of_change, find_generation
from .._repository.keys import WriterKey
from .._repository.reader import GenerationReader
from .._repository.writer import RepositoryWriter
from . import unsealing
from .argspec import STEP_PLAN, STEP_START, STEP_STOP, ArgumentSpec, change, repository, source, trust, unlock, writer
from .argspec import restore as restore_options
from .backup_module import occasion_of
from .connections.connection import USER_KNOWN_HOSTS
from .drill_guard import DrillConditions
from .opening import believed_writers, check_heads
from .product_parts import ProductParts
from .restore import Restorer
from .restore_subject import RestoreOptions
from .tools import tool_versions

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OF_A_CHANGE = ("pre_change", "post_change")


def restore_spec(parts: ProductParts) -> ArgumentSpec:
    """The options of C(<product>_restore)."""
    where = (repository(), writer(), unlock(), trust(), source())
    return parts.spec().merge(*where, change(), restore_options())


def restore(module: AnsibleModule, parts: ProductParts) -> Mapping[str, Any]:
    """What the module returns. Raises RecoveryError."""
    params = module.params

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        keys = unsealing.required(file_keys, "To restore")
        product = parts.product(params)
        record = wanted(params, backend, parts)[0]
        expected = expected_record(params, backend, parts, record)
        options = RestoreOptions(
            source=params["source"],
            instance=parts.instance(params),
            occasion=occasion_of(params, "pre_restore"),
            only_items=params["only_items"],
            paths=params["only_paths"],
            pre_restore=params["pre_restore"],
            allow_different_host=params["allow_different_host"],
            allow_version_mismatch=params["allow_version_mismatch"],
            confirm_losses=params["confirm_losses"],
            drill=drill_conditions(params, record),
            port=params.get("port"),
            tools=tool_versions(),
        )
        key = WriterKey.load(params["writer_key_file"])
        with (
            RepositoryWriter(backend, key) as store,
            parts.transport(params) as transport,
            ExitStack() as opened,
        ):
            reader = opened.enter_context(GenerationReader(backend, record, keys))
            known = opened.enter_context(GenerationReader(backend, expected, keys)) if expected is not None else None
            restorer = Restorer(store, transport, product, reader, product.probe(transport), options, known)
            if params["step"] in (STEP_STOP, STEP_START):
                act = restorer.stop_services if params["step"] == STEP_STOP else restorer.start_services
                with nullcontext() if module.check_mode else restorer.alone():
                    return {"generation": restorer.generation, **act(look_only=module.check_mode)}
            result = carry_out(restorer, look_only=module.check_mode, plan_only=params["step"] == STEP_PLAN)
        if module._diff:
            result["diff"] = {"prepared": plan_text(result["plan"])}
        return result

    return unsealing.serve(
        module,
        lambda params, backend: wanted(params, backend, parts),
        body,
        useful=unsealing.readable(lambda params, backend: newest(params, backend, parts)),
    )


def carry_out(restorer: Restorer, *, look_only: bool, plan_only: bool) -> dict[str, Any]:
    """Plan, and do it. In check mode C(changed) says what would be done; a plan alone changes nothing."""
    restorer.prove_content()
    with nullcontext() if look_only else restorer.alone():
        return _carry_out(restorer, look_only=look_only, plan_only=plan_only)


def _carry_out(restorer: Restorer, *, look_only: bool, plan_only: bool) -> dict[str, Any]:
    plan = restorer.plan(look_only=look_only, only_plan=plan_only)
    result: dict[str, Any] = {
        "changed": plan.is_needed and not plan_only,
        "generation": restorer.generation,
        "plan": plan.to_result(),
        "warnings": plan.warnings,
    }
    if restorer.target is not None:
        result["target"] = {**restorer.target.to_result(), "services": plan.services}
    # a drill proves the whole, also where nothing has to be written because one before it was cut off
    if not plan.is_needed and restorer.target is None:
        result["checks"] = restorer.checks()
    elif not look_only and not plan_only:
        result.update(restorer.run(plan))
    return result


def drill_conditions(params: Mapping[str, Any], record: CommitRecord) -> DrillConditions | None:
    """What the option C(drill) demands of the host; None when this is no drill.

    Raises OptionInvalid for a drill in the name of the source itself, whose journal would name the production host.
    """
    known_hosts = params.get("known_hosts_file") or os.path.expanduser(USER_KNOWN_HOSTS)
    conditions = DrillConditions.of(params["drill"], known_hosts)
    if conditions is not None and params["step"] == STEP_START:
        raise OptionInvalid("Nothing is started after a drill; step start is for restores of several hosts")
    if conditions is not None and record.source == params["source"]:
        raise OptionInvalid(
            f"The drill of a generation of {record.source} names {record.source} as its target",
            hint="In a drill the option source is the name of the target, and generation the full id.",
        )
    return conditions


def wanted(params: Mapping[str, Any], backend: Backend, parts: ProductParts) -> Sequence[CommitRecord]:
    """The generation to restore, and the one that the host is expected to be like.

    Raises OptionInvalid, GenerationMissing, NotAuthentic, RolledBack.
    """
    if not params["allowed_signers"]:
        raise OptionInvalid(
            "A restore needs allowed_signers: without it nobody can tell whether the generation is authentic",
            hint="Give the text that ucops.recovery.repository returned when the repository was created, or its file.",
        )
    chain = parts.chain(params)
    believe = believed_writers(params, backend)
    check_heads(params, backend, chain)
    record = _find(params, backend, chain, believe, params["generation"])
    expected = expected_record(params, backend, parts, record)
    known = {one.hash: one for one in (record, expected) if one is not None}
    # in a drill, and on another host, these are lines of their own
    for line in sorted({one.chain for one in known.values()} - {chain}):
        check_heads(params, backend, line)
    return list(known.values())


def newest(params: Mapping[str, Any], backend: Backend, parts: ProductParts) -> Sequence[CommitRecord]:
    """The newest generation, whose bundles the C(pre_restore) generation will use again. It may be damaged: what has no
    key is stored anew, and where the record itself cannot be believed the plan tells so."""
    if params["pre_restore"] == "skip":
        return []
    chain = parts.chain(params)
    try:
        record = head(backend, chain, believed_writers(params, backend))
    except RepositoryDamaged:
        return []
    return [record] if record is not None else []


def expected_record(
    params: Mapping[str, Any], backend: Backend, parts: ProductParts, record: CommitRecord
) -> CommitRecord | None:
    """The generation that the host is known to be like: where a change left none, the one from before it."""
    text = params["expected"]
    if text is None:
        return None
    chain = parts.chain(params)
    believe = believed_writers(params, backend)
    if text in OF_A_CHANGE and params["change_id"]:
        return current_generation_of_change(backend, chain, params["change_id"], text, believe) or record
    return _find(params, backend, chain, believe, text)


def _find(params: Mapping[str, Any], backend: Backend, chain: ChainId, believe: Any, text: str) -> CommitRecord:
    if text in OF_A_CHANGE:
        if not params["change_id"]:
            raise OptionInvalid(f"To restore the {text} generation its change_id is needed")
        found = current_generation_of_change(backend, chain, params["change_id"], text, believe)
        if found is None:
            raise OptionInvalid(
                f"There is no complete {text} generation of {params['change_id']} for {chain}",
                hint="List what there is with ucops.recovery.generation_info.",
            )
        return found
    record = find_generation(backend, text if "/" in text else f"{chain}/{text}", believe)
    if record.product != chain.product:
        raise OptionInvalid(f"{text} is a generation of {record.product}, not of {chain.product}")
    if record.chain != chain and not params["allow_different_host"] and not params["drill"]:
        raise OptionInvalid(
            f"{text} is a generation of {record.chain}, not of {chain}",
            hint="To put it on another host set allow_different_host: true.",
        )
    return record


def plan_text(plan: Mapping[str, Any]) -> str:
    """The plan as lines for a terminal."""
    lines = [f"restore {plan['generation']}"]
    for name, changes in plan["changes"].items():
        lines += [f"  {name}: {change['action']} {change['path']}" for change in changes]
    lines += [f"  {name}: put back, not compared" for name in plan["not_compared"]]
    lines += [f"  stop and start {service}" for service in plan["stop_and_start"]]
    lines += [f"  lost: {loss['item']} {loss['path']} {loss['action']} since" for loss in plan["losses"]]
    lines += [f"  warning: {warning}" for warning in plan["warnings"]]
    return "\n".join(lines) + "\n"
