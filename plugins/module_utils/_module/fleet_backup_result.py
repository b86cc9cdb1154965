# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a fleet's result that is one host's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import OptionInvalid
from .argspec import ArgumentSpec

SPEC = ArgumentSpec({"result": {"type": "dict", "required": True}})


def own_result(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the host's task returns. Raises OptionInvalid when this is no result of a host."""
    result = params["result"]
    if not isinstance(result, Mapping) or "changed" not in result or "hosts" in result:
        raise OptionInvalid(
            "This is not the result of a host",
            hint="Give fleet.hosts[inventory_hostname], of the result of fleet_backup.",
        )
    return dict(result)
