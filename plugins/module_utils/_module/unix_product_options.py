# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the products on Unix hosts have in common of their options, as the documentation fragment unix tells it."""

from __future__ import annotations

from typing import Any

COMMAND: dict[str, Any] = {"type": "list", "elements": "str"}

UNIX: dict[str, dict[str, Any]] = {
    "root": {"type": "str", "default": "/"},
    "services": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "start": COMMAND,
            "stop": COMMAND,
            "status": COMMAND,
        },
    },
    "start_command": COMMAND,
    "stop_command": COMMAND,
    "status_command": COMMAND,
    "stop_services_for_backup": {"type": "bool", "default": False},
    "reread_days": {"type": "int", "default": 7},
    "counters": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "argv": {**COMMAND, "required": True},
            "pattern": {"type": "str", "required": True},
        },
    },
}
