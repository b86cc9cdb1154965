# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(repository_verify)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import RepositoryDamaged
from .._repository.backends.base import Backend
from .._repository.expiry import fate_of
from .._repository.format import ChainId, CommitRecord
from .._repository.verify import VerifyReport, verify
from . import unsealing
from .argspec import ArgumentSpec, repository, trust, unlock
from .opening import trust_of
from .selection import matching_chains, names_chains, readable_chains

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
        "max_duration": {"type": "int"},
    }
).merge(repository(), unlock(), trust())


def verify_repository(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises RepositoryDamaged with the report, KeyRequired, OptionInvalid."""
    params = module.params

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        if params["level"] == LEVEL_OF_CONTENTS:
            file_keys = unsealing.required(file_keys, "To open and compare everything (level 2)")
        report = verify(
            backend,
            level=params["level"],
            trust=trust_of(params),
            file_keys=file_keys,
            only=_only(backend, params),
            max_duration=params["max_duration"],
            remember=not module.check_mode,
        )
        result = describe_report(report)
        if report.findings:
            raise _damaged(report, result)
        return result

    return unsealing.serve(module, wanted, body, skip_damaged=True)


def wanted(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
    """Every generation that is asked for, on the level that opens them; what cannot be read is named later."""
    if params["level"] != LEVEL_OF_CONTENTS:
        return []
    return [
        record
        for _unused, records in readable_chains(backend, matching_chains(backend, params), [])
        for record in records
        if fate_of(backend, record).pruned is None
    ]


def _only(backend: Backend, params: Mapping[str, Any]) -> list[ChainId] | None:
    return list(matching_chains(backend, params)) if names_chains(params) else None


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
