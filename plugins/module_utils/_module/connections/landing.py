# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host pushes lies on the host that runs the module: nothing is asked of anybody."""

from __future__ import annotations

from ..._items.landing.grouping import GROUPINGS, TEMPORARY
from ..._transport.base import Transport
from ..._transport.proof import Shown
from ..argspec import ArgumentSpec
from .connection import Connection, Params, host_of


def landing() -> ArgumentSpec:
    """Where a product's own backups arrive on the host that runs the module, and when one has arrived."""
    return ArgumentSpec(
        {
            "landing": {"type": "path"},
            "patterns": {"type": "list", "elements": "str", "default": ["*"]},
            "exclude": {"type": "list", "elements": "str", "default": list(TEMPORARY)},
            "group_by": {"type": "str", "choices": list(GROUPINGS), "default": "file"},
            "group_pattern": {"type": "str"},
            "polls": {"type": "int", "default": 3},
            "poll_interval": {"type": "int", "default": 20},
            "quiet_period": {"type": "int", "default": 60},
            "wait_timeout": {"type": "int", "default": 900},
            "max_size": {"type": "int", "default": 2**40},
            "ignore_writers": {"type": "list", "elements": "str", "default": []},
            "expected_every": {"type": "str"},
            "grace": {"type": "str", "default": "1h"},
            "accept_repeated": {"type": "bool", "default": False},
            "after": {"type": "str", "choices": ["remove", "keep"]},
            "keep": {"type": "int", "default": 5},
        },
        required_if=[("group_by", "pattern", ["group_pattern"])],
    )


def _connect(params: Params) -> Transport:
    from ..._transport.local import LocalTransport

    return LocalTransport(host_of(params))


def _shown(params: Params) -> list[Shown]:
    return []


LANDING = Connection("landing", (landing,), _connect, _shown)
