# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(repository_verify)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RecoveryError, RepositoryDamaged, RepositoryError
from .._repository.backends.base import Backend
from .._repository.chain import read_record, sequences
from .._repository.format import ChainId, CommitRecord, GenerationId
from .._repository.verify import Trust, VerifyReport, headers_to_open, verify
from . import unsealing
from .argspec import ArgumentSpec, repository, trust, unlock
from .duration import seconds_of, words_for
from .opening import trusted
from .receipt import committed_at
from .selection import matches, matching_chains, names_chains

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LEVEL_OF_CONTENTS = 2
FINDINGS_LIMIT = 200
GENERATIONS_LIMIT = 20

SPEC = ArgumentSpec(
    {
        "level": {"type": "int", "choices": [0, 1, 2], "default": 1},
        "source": {"type": "str"},
        "product": {"type": "str"},
        "instance": {"type": "str"},
        "generations": {"type": "list", "elements": "str"},
        "max_age": {"type": "str"},
        "max_duration": {"type": "int"},
    },
    mutually_exclusive=[["generations", "source"], ["generations", "product"], ["generations", "instance"]],
    required_by={"max_age": ["generations"]},
).merge(repository(), unlock(), trust())


class GenerationTooOld(RecoveryError):
    """A generation that somebody relies on is older than it may be."""


def verify_repository(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises RepositoryDamaged with the report, KeyRequired, OptionInvalid."""
    params = module.params

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        if params["level"] == LEVEL_OF_CONTENTS:
            file_keys = unsealing.required(file_keys, "To open and compare everything (level 2)")
        relied_on = _relied_on(params)
        signers, heads = trusted(params)
        trust = Trust(signers, heads) if signers is not None or heads else None
        report = verify(
            backend,
            level=params["level"],
            trust=trust,
            file_keys=file_keys,
            only=_only(backend, params, trust),
            generations=relied_on,
            max_duration=params["max_duration"],
            # many of these may run at once, and each is about little
            remember=not module.check_mode and relied_on is None,
        )
        result = describe_report(report)
        result["generations"] = _ages(backend, relied_on or ())
        if report.findings:
            raise _damaged(report, result)
        _demand_age(result["generations"], params["max_age"], result)
        return result

    return unsealing.serve(module, unsealing.nothing, body, useful=headers)


def headers(params: Mapping[str, Any], backend: Backend) -> Mapping[str, bytes]:
    """Those of every generation that is asked for, on the level that opens them."""
    if params["level"] != LEVEL_OF_CONTENTS:
        return {}
    relied_on = _relied_on(params)
    if relied_on is None:
        chains = matching_chains(backend, params)
        relied_on = [chain.generation(number) for chain in chains for number in sequences(backend, chain)]
    return headers_to_open(backend, relied_on)


def _relied_on(params: Mapping[str, Any]) -> list[GenerationId] | None:
    named = params["generations"]
    if named is not None and not named:
        raise OptionInvalid("generations names none, and nothing would be verified", hint="Leave it out to verify all.")
    return None if named is None else [GenerationId.parse(text) for text in named]


def _readable(backend: Backend, generations: Sequence[GenerationId]) -> list[CommitRecord]:
    found = []
    for generation in generations:
        with contextlib.suppress(RepositoryError):
            found.append(read_record(backend, generation))
    return found


def _ages(backend: Backend, generations: Sequence[GenerationId]) -> list[dict[str, Any]]:
    """What there is to know of the generations that somebody relies on, by this host's clock."""
    now = time.time()
    return [
        {
            "id": str(GenerationId.of(record)),
            "status": record.status,
            "phase": record.phase,
            "change_id": record.change_id or "",
            "received_at": record.received_at,
            "age": int(now - committed_at(record)),
        }
        for record in _readable(backend, generations)
    ]


def _demand_age(generations: Sequence[Mapping[str, Any]], max_age: str | None, result: dict[str, Any]) -> None:
    """Raises GenerationTooOld with the result. A date in the future is no age: a clock was wrong."""
    longest = seconds_of(max_age, "max_age") if max_age else None
    for one in generations:
        if longest is None or 0 <= one["age"] <= longest:
            continue
        told = f"is {words_for(one['age'])} old" if one["age"] > 0 else "has a date in the future"
        raise GenerationTooOld(
            f"{one['id']} {told}, and {words_for(longest)} is allowed",
            hint="Back up again; with force if it would be reused.",
            result=result,
        )


def _only(backend: Backend, params: Mapping[str, Any], trust: Trust | None) -> list[ChainId] | None:
    """The lines that are selected, those that are there and those that the operator knows of; None: no selection.

    Raises OptionInvalid when there is none of either: of nothing nobody can say that it is authentic.
    """
    if not names_chains(params):
        return None
    chains = set(matching_chains(backend, params))
    expected = trust.expected_heads if trust is not None else {}
    chains |= {chain for chain in map(ChainId.parse, expected) if matches(chain, params)}
    if not chains:
        raise OptionInvalid(
            "No line of generations has this source, product and instance, so nothing was verified",
            hint="Look at the names with ucops.recovery.repository_info. With expected_heads lines are found also when"
            " somebody removed them.",
        )
    return sorted(chains)


def describe_report(report: VerifyReport) -> dict[str, Any]:
    """A report as a result, small enough to be kept."""
    return {
        "verdict": report.verdict,
        "findings": [
            {
                "object": finding.object,
                "problem": finding.problem,
                "generations": [str(generation) for generation in finding.generations[:GENERATIONS_LIMIT]],
            }
            for finding in report.findings[:FINDINGS_LIMIT]
        ],
        "findings_total": len(report.findings),
        "checked": dict(report.checked),
        "remaining": report.remaining,
        "heads": dict(report.heads),
        "notes": report.notes[:FINDINGS_LIMIT],
    }


def _damaged(report: VerifyReport, result: dict[str, Any]) -> RepositoryDamaged:
    first = report.findings[0]
    more = f" ({len(report.findings) - 1} more findings)" if len(report.findings) > 1 else ""
    return RepositoryDamaged(f"{first.problem}{more}", item=first.object, result=result)
