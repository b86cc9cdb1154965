# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of each product, mirrored by the documentation fragment of its name; backup and restore share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._entries import DATA_CLASSES
from .argspec import ArgumentSpec

_TEXT: dict[str, Any] = {"type": "str"}
_TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
_SECRET: dict[str, Any] = {"type": "str", "no_log": True}
_COMMAND: dict[str, Any] = {"type": "list", "elements": "str"}

_UNIX: dict[str, dict[str, Any]] = {
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
}

_ITEM: dict[str, dict[str, Any]] = {
    "name": _TEXT,
    "data_class": {"type": "str", "choices": list(DATA_CLASSES)},
    "required": {"type": "bool", "default": True},
    "sensitive": {"type": "bool", "default": False},
}

_LINUX: dict[str, dict[str, Any]] = {
    "paths": {
        "type": "list",
        "elements": "dict",
        "options": {**_ITEM, "path": {"type": "list", "elements": "str", "required": True}, "exclude": _TEXTS},
    },
    "commands": {
        "type": "list",
        "elements": "dict",
        "options": {**_ITEM, "argv": {**_COMMAND, "required": True}, "sentinel": _TEXT},
    },
    "system_config": {"type": "bool", "default": True},
    "skip": _TEXTS,
}

_KAMAILIO: dict[str, dict[str, Any]] = {
    "config_dir": _TEXT,
    "config_file": _TEXT,
    "exclude": _TEXTS,
    "paths": _TEXTS,
    "defines": _TEXTS,
    "command": _COMMAND,
    "database": {"type": "str", "choices": ["auto", "none"], "default": "auto"},
    "databases": {
        "type": "list",
        "elements": "dict",
        "options": {
            "engine": {"type": "str", "required": True, "choices": ["sqlite", "mysql", "postgresql", "dbtext"]},
            "database": _TEXT,
            "path": _TEXT,
            "host": _TEXT,
            "port": {"type": "int"},
            "socket": _TEXT,
            "username": _TEXT,
            "password": _SECRET,
            "run_as": _TEXT,
        },
    },
    "database_admin": {"type": "dict", "options": {"username": _TEXT, "password": _SECRET, "run_as": _TEXT}},
    "log_tables": _TEXTS,
    "user_data_tables": _TEXTS,
    "volatile_tables": _TEXTS,
    "sip_host": _TEXT,
    "sip_port": {"type": "int"},
    "sip_transport": {"type": "str", "choices": ["udp", "tcp", "tls"]},
}

_OWN = {"linux": _LINUX, "kamailio": _KAMAILIO}


def product_spec(product: str) -> ArgumentSpec:
    """The options of a product."""
    return ArgumentSpec({**_UNIX, **_OWN[product]})


def product_options(params: Mapping[str, Any], product: str) -> dict[str, Any]:
    """What the product's class takes of a module's options; what is not given is left out."""
    options = {name: _given(params[name]) for name in (*_UNIX, *_OWN[product], "become")}
    declared = options.pop("databases", None)
    if declared is not None:
        options["database"] = declared
    return {name: value for name, value in options.items() if value is not None}


def _given(value: Any) -> Any:
    """A value without the suboptions that are not given."""
    if isinstance(value, Mapping):
        return {name: _given(inner) for name, inner in value.items() if inner is not None}
    return [_given(inner) for inner in value] if isinstance(value, list) else value
