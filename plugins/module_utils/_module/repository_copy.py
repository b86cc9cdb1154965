# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(repository_copy)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RepositoryDamaged
from .._repository.copying import Copier, CopyReport
from .argspec import ArgumentSpec, repository, trust
from .opening import backend_at, open_backend, trusted

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LIMIT = 200

SPEC = ArgumentSpec({"source_repository": {"type": "path", "required": True}}).merge(repository(), trust())


def copy_repository(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises NotAuthentic, RolledBack, RepositoryDamaged with the report, OptionInvalid."""
    params = module.params
    signers, heads = trusted(params)
    if signers is None:
        raise OptionInvalid(
            "A copy needs allowed_signers: without it nobody can tell whether the source is authentic",
            hint="Give the text that ucops.recovery.repository returned when the repository was created, or its file.",
        )
    here, there = (os.path.realpath(params[name]) for name in ("repository", "source_repository"))
    if os.path.commonpath([here, there]) in (here, there):
        raise OptionInvalid("A repository cannot be copied into itself", item=params["repository"])
    source = open_backend({"repository": params["source_repository"]})
    target = backend_at(params)
    copier = Copier(source, target, signers, heads, dry_run=module.check_mode)
    report = copier.run()
    result = describe_copy(report)
    if report.findings:
        name, problem = report.findings[0]
        more = f" ({len(report.findings) - 1} more findings)" if len(report.findings) > 1 else ""
        raise RepositoryDamaged(
            f"{problem}{more}", item=name, hint="Everything else was taken. Verify both repositories.", result=result
        )
    return result


def describe_copy(report: CopyReport) -> dict[str, Any]:
    """A report as a result, small enough to be kept."""
    return {
        "changed": bool(report.generations or report.objects or report.records or report.keyring),
        "generations": report.generations[:LIMIT],
        "generations_total": len(report.generations),
        "objects": report.objects,
        "bytes_copied": report.bytes,
        "records": report.records,
        "keyring_changed": report.keyring,
        "heads": dict(report.heads),
        "findings": [{"object": name, "problem": problem} for name, problem in report.findings[:LIMIT]],
        "findings_total": len(report.findings),
    }
