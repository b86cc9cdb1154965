# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the products on Unix hosts, as the documentation fragments unix and of each one's name tell them."""

from __future__ import annotations

from typing import Any

from .option_types import ITEM, PUT_BACK, SECRET, TEXT, TEXTS

_COMMAND: dict[str, Any] = {"type": "list", "elements": "str"}

UNIX: dict[str, dict[str, Any]] = {
    "root": {"type": "str", "default": "/"},
    "services": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "start": _COMMAND,
            "stop": _COMMAND,
            "status": _COMMAND,
        },
    },
    "start_command": _COMMAND,
    "stop_command": _COMMAND,
    "status_command": _COMMAND,
    "stop_services_for_backup": {"type": "bool", "default": False},
    "counters": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "argv": {**_COMMAND, "required": True},
            "pattern": {"type": "str", "required": True},
        },
    },
}

LINUX: dict[str, dict[str, Any]] = {
    **UNIX,
    "paths": {
        "type": "list",
        "elements": "dict",
        "options": {**PUT_BACK, "path": {"type": "list", "elements": "str", "required": True}, "exclude": TEXTS},
    },
    "commands": {
        "type": "list",
        "elements": "dict",
        "options": {**ITEM, "argv": {**_COMMAND, "required": True}, "sentinel": TEXT},
    },
    "system_config": {"type": "bool", "default": True},
    "skip": TEXTS,
}

KAMAILIO: dict[str, dict[str, Any]] = {
    **UNIX,
    "config_dir": TEXT,
    "config_file": TEXT,
    "exclude": TEXTS,
    "paths": TEXTS,
    "defines": TEXTS,
    "command": _COMMAND,
    "control_command": _COMMAND,
    "database": {"type": "str", "choices": ["auto", "none"], "default": "auto"},
    "databases": {
        "type": "list",
        "elements": "dict",
        "options": {
            "engine": {"type": "str", "required": True, "choices": ["sqlite", "mysql", "postgresql", "dbtext"]},
            "database": TEXT,
            "path": TEXT,
            "host": TEXT,
            "port": {"type": "int"},
            "socket": TEXT,
            "username": TEXT,
            "password": SECRET,
            "run_as": TEXT,
        },
    },
    "database_admin": {"type": "dict", "options": {"username": TEXT, "password": SECRET, "run_as": TEXT}},
    "log_tables": TEXTS,
    "user_data_tables": TEXTS,
    "volatile_tables": TEXTS,
    "sip_host": TEXT,
    "sip_port": {"type": "int"},
    "sip_transport": {"type": "str", "choices": ["udp", "tcp", "tls"]},
}
