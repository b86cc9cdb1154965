# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(starface_info): what an appliance says of its backups, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._products.starface_status import Status, judge, parse_status
from .._products.starface_ways import starface as ways_of
from .._transport.tcp import read_all
from .argspec import ArgumentSpec, source
from .connections.starface import STARFACE_WAYS
from .duration import seconds_of
from .starface_config import TARGET_OPTIONS, targets_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LARGEST_STATUS = 2**20
"""Bytes."""

SPEC = ArgumentSpec(
    {
        "targets": {"type": "list", "elements": "dict", "options": TARGET_OPTIONS},
        "status_port": {"type": "int", "default": 6556},
        "status_timeout": {"type": "int", "default": 30},
        "max_age": {"type": "str", "default": "26h"},
        "ask_status": {"type": "bool", "default": True},
    }
).merge(source(), STARFACE_WAYS.spec())


def look_at_starface(module: AnsibleModule) -> dict[str, Any]:
    """What the module returns. Raises ConnectionFailed, OptionInvalid."""
    params = module.params
    result: dict[str, Any] = {"ok": None, "version": "", "verdicts": [], "rows": [], "rest": None, "warnings": []}
    if params["ask_status"]:
        result.update(_status(params))
    if params["username"] and params["password"]:
        result["rest"] = _rest(params)
        result["version"] = result["rest"]["version"] or result["version"]
    return result


def _status(params: Mapping[str, Any]) -> dict[str, Any]:
    raw = read_all(
        str(params["host"] or params["source"]),
        params["status_port"],
        limit=LARGEST_STATUS,
        connect_timeout=params["connect_timeout"],
        total_timeout=params["status_timeout"],
    )
    status = parse_status(raw)
    targets = targets_of(params["targets"] or [])
    verdicts = judge(status, targets, time.time(), seconds_of(params["max_age"], "max_age"))
    ok = all(one.ok is True for one in verdicts) if verdicts else None
    return {
        "ok": ok if status.has_section else None if not targets else False,
        "version": status.version,
        "verdicts": [one.to_result() for one in verdicts],
        "rows": [
            {"target": f"[{row.kind}]{row.place}", "at": row.at_ms // 1000, "code": row.short_code, "text": row.words}
            for row in status.rows
        ],
        "warnings": _warnings(status),
    }


def _warnings(status: Status) -> list[str]:
    warnings = []
    if not status.has_section:
        warnings.append("The service says nothing of backups: is the module Monitoring on the appliance set up for it?")
    if status.unread:
        warnings.append(f"{status.unread} lines of the service are not understood.")
    return warnings


def _rest(params: Mapping[str, Any]) -> dict[str, Any]:
    with STARFACE_WAYS.connect({**params, "mode": "auto"}) as transport:
        rest = ways_of(transport).rest
        if rest is None:
            return {"version": "", "backups": False, "active_calls": None}
        return {"version": rest.version(), "backups": rest.has_backups(), "active_calls": rest.active_calls()}
