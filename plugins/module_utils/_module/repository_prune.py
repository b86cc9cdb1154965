# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(repository_prune)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._entries import PHASES, STATUS_COMPLETE, STATUS_PARTIAL
from .._errors import OptionInvalid
from .._repository.format import ChainId, GenerationId, format_moment, parse_moment
from .._repository.keys import load_signing_key
from .._repository.prune import SHORTEST_GRACE, LinePlan, PruneOptions, PrunePlan, Pruner
from .._repository.retention import Candidate, Policy
from .._repository.simulation import Series, lay_out, simulate
from .argspec import ArgumentSpec, repository
from .duration import seconds_of
from .opening import open_backend

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

COUNTS = ("last", "hourly", "daily", "weekly", "monthly", "yearly", "per_release")
AGEING_CLASSES = ("logs", "user_data")
DECISIONS_LIMIT = 2000
KEEP, PRUNE, DEFER = "keep", "prune", "defer"

SPEC = ArgumentSpec(
    {
        "prune_key_file": {"type": "path"},
        **{name: {"type": "int", "default": 0} for name in COUNTS},
        "within": {"type": "str"},
        "open_for": {"type": "str", "default": "90d"},
        "max_age": {"type": "dict", "options": {name: {"type": "str"} for name in AGEING_CLASSES}},
        "grace": {"type": "str", "default": "7d"},
        "longest_pause": {"type": "str", "default": "35d"},
        "accept_pause": {"type": "bool", "default": False},
        "allow_many": {"type": "bool", "default": False},
        "source": {"type": "str"},
        "product": {"type": "str"},
        "instance": {"type": "str"},
        "schedule": {
            "type": "list",
            "elements": "dict",
            "options": {
                "at": {"type": "str", "required": True},
                "every": {"type": "str", "default": "1d"},
                "count": {"type": "int", "default": 1},
                "status": {"type": "str", "choices": [STATUS_COMPLETE, STATUS_PARTIAL], "default": STATUS_COMPLETE},
                "phase": {"type": "str", "choices": list(PHASES), "default": "scheduled"},
                "change_id": {"type": "str"},
                "release": {"type": "str"},
            },
        },
        "now": {"type": "str"},
    },
    required_by={"now": ["schedule"]},
).merge(repository())


def prune_repository(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises OptionInvalid, ClockRefused, NotAuthentic, RepositoryError."""
    params = module.params
    options = options_of(params)
    if params["schedule"] is not None:
        return _simulate(module, options)
    if not module.check_mode and not params["prune_key_file"]:
        raise OptionInvalid(
            "Without prune_key_file nothing can be let go",
            hint="Make a key with ssh-keygen -t ed25519 -N '', and name it in signers of ucops.recovery.repository"
            " with the role prune. In check mode none is needed.",
        )
    backend = open_backend(params)
    key = load_signing_key(params["prune_key_file"], "prune key") if params["prune_key_file"] else None
    pruner = Pruner(backend, options, key, time.time, lambda chain: _wanted(chain, params))
    plan = pruner.plan()
    result = _describe(plan)
    if not module.check_mode:
        done = pruner.run(plan)
        result.update(
            removed_files=done.removed_files,
            removed_bytes=done.removed_bytes,
            noted_leftovers=done.noted_leftovers,
            swept_files=done.swept,
        )
        result["changed"] = result["changed"] or done.swept > 0
    if module._diff:
        result["diff"] = {"prepared": _text(result)}
    return result


def options_of(params: Mapping[str, Any]) -> PruneOptions:
    """What is to go. Raises OptionInvalid."""
    grace = seconds_of(params["grace"], "grace")
    if grace < SHORTEST_GRACE:
        raise OptionInvalid("The grace is at least one day, as it must be longer than the longest backup runs")
    counts = {name: params[name] for name in COUNTS}
    within = seconds_of(params["within"], "within") if params["within"] else 0
    ages = {name: seconds_of(age, name) for name, age in (params["max_age"] or {}).items() if age}
    policy = None
    if any(counts.values()) or within or not ages:
        policy = Policy(**counts, within=within, open_for=seconds_of(params["open_for"], "open_for"))
    return PruneOptions(
        policy=policy,
        max_ages=ages,
        grace=grace,
        longest_pause=seconds_of(params["longest_pause"], "longest_pause"),
        accept_pause=params["accept_pause"],
        allow_many=params["allow_many"],
    )


def _wanted(chain: ChainId, params: Mapping[str, Any]) -> bool:
    return all(params[name] in (None, getattr(chain, name)) for name in ("source", "product", "instance"))


def _describe(plan: PrunePlan) -> dict[str, Any]:
    decisions = [decision for line in plan.lines for decision in _decisions(line)]
    pruned = [one["generation"] for one in decisions if one["decision"] == PRUNE]
    expired = [
        {"generation": str(GenerationId.of(one.record)), "data_class": one.data_class}
        for line in plan.lines
        for one in line.expiring
    ]
    # what goes is told before what stays, where not everything can be told
    told = sorted(decisions, key=lambda one: one["decision"] == KEEP)[:DECISIONS_LIMIT]
    warnings = [plan.sweep_problem] if plan.sweep_problem else []
    warnings += [f"{line.chain} is left alone: {line.problem}" for line in plan.lines if line.problem]
    warnings += [note for line in plan.lines for note in line.notes][:20]
    return {
        "changed": bool(pruned or expired or plan.removable or plan.leftovers),
        "pruned": pruned,
        "deferred": [one["generation"] for one in decisions if one["decision"] == DEFER],
        "expired": expired,
        "decisions": decisions if len(told) == len(decisions) else told,
        "decisions_total": len(decisions),
        "removed_files": len(plan.removable),
        "removed_bytes": sum(plan.removable.values()),
        "noted_leftovers": len(plan.leftovers),
        "swept_files": 0,
        "damaged": [str(line.chain) for line in plan.lines if line.problem],
        "warnings": warnings,
    }


def _decisions(line: LinePlan) -> list[dict[str, Any]]:
    return [
        {
            "generation": str(line.chain.generation(one.candidate.sequence)),
            "received_at": format_moment(one.candidate.at),
            "decision": _word(one.stays, one.is_deferred),
            "reasons": list(one.reasons),
        }
        for one in line.decisions
    ]


def _word(stays: bool, is_deferred: bool) -> str:
    return DEFER if is_deferred else KEEP if stays else PRUNE


def _text(result: Mapping[str, Any]) -> str:
    lines = [f"- {name}\n" for name in result["pruned"]]
    lines += [f"- {one['generation']} {one['data_class']}\n" for one in result["expired"]]
    return "".join(lines)


# --- a made-up schedule ----------------------------------------------------------------------------------------------
def _simulate(module: AnsibleModule, options: PruneOptions) -> dict[str, Any]:
    params = module.params
    if not module.check_mode:
        raise OptionInvalid(
            "A schedule is made up, and a run over it deletes nothing", hint="Run this task in check mode."
        )
    if options.policy is None:
        raise OptionInvalid("A schedule needs rules, for example daily: 14")
    schedule = lay_out([_series(one) for one in params["schedule"]])
    now = _moment(params["now"], "now") if params["now"] else datetime.fromtimestamp(int(time.time()), timezone.utc)
    decisions = [
        {
            "generation": f"schedule/{one.candidate.sequence}",
            "received_at": format_moment(one.candidate.at),
            "decision": _word(one.went_at is None, one.is_deferred and one.went_at is None),
            "reasons": list(one.reasons),
            "phase": one.candidate.phase,
            "change_id": one.candidate.change_id,
            "release": one.candidate.release,
            "pruned_at": format_moment(one.went_at) if one.went_at else "",
        }
        for one in simulate(schedule, options.policy, options.allow_many, now)
    ]
    return {
        "changed": False,
        "decisions": decisions,
        "decisions_total": len(decisions),
        "pruned": [one["generation"] for one in decisions if one["decision"] == PRUNE],
        "deferred": [one["generation"] for one in decisions if one["decision"] == DEFER],
    }


def _series(one: Mapping[str, Any]) -> Series:
    start = _moment(one["at"], "at")
    like = Candidate(
        sequence=0,
        at=start,
        is_complete=one["status"] == STATUS_COMPLETE,
        phase=one["phase"],
        change_id=one["change_id"] or "",
        release=one["release"] or "",
    )
    return Series(start, timedelta(seconds=seconds_of(one["every"], "every")), one["count"], like)


def _moment(text: str, option: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError:
        raise OptionInvalid(f"{option} is no time: {text[:40]!r}", hint="It looks like 2026-01-31T12:00:00Z.") from None
