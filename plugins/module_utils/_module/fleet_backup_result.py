# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a fleet's result that is one host's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import OptionInvalid
from .argspec import ArgumentSpec

SPEC = ArgumentSpec(
    {"job": {"type": "str"}, "result": {"type": "dict"}},
    mutually_exclusive=[["job", "result"]],
    required_one_of=[["job", "result"]],
)


def own_result(result: Any) -> dict[str, Any]:
    """What the host's task returns. Raises OptionInvalid when this is no result of a host."""
    if not isinstance(result, Mapping) or "changed" not in result or "hosts" in result:
        raise OptionInvalid(
            "This is not the result of a host",
            hint="Give fleet.hosts[inventory_hostname], of the result of fleet_backup.",
        )
    return dict(result)


def of_job(variables: Mapping[str, Any], name: str, host: str) -> Any:
    """What the job whose result is in a variable made of a host. Raises OptionInvalid when it is no such result."""
    job = variables.get(name)
    hosts = job.get("hosts") if isinstance(job, Mapping) else None
    if not isinstance(hosts, Mapping):
        raise OptionInvalid(
            f"The variable {name} holds no result of fleet_backup",
            hint="Give the name that it was registered as, such as fleet, and no template.",
        )
    if host not in hosts:
        raise OptionInvalid(f"The job in {name} had no part for this host", host=host)
    return hosts[host]
