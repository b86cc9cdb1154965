# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kamailio, as its modules know it."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..connections.ssh import SSH
from ..option_types import SECRET, TEXT, TEXTS
from ..product_parts import ProductParts
from ..unix_product_options import COMMAND, UNIX

_OPTIONS: dict[str, dict[str, Any]] = {
    **UNIX,
    "config_dir": TEXT,
    "config_file": TEXT,
    "exclude": TEXTS,
    "paths": TEXTS,
    "defines": TEXTS,
    "command": COMMAND,
    "control_command": COMMAND,
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


def _class() -> type[Product]:
    from ..._products.kamailio import Kamailio

    return Kamailio


KAMAILIO = ProductParts(
    "kamailio", _class, _OPTIONS, SSH, of_the_connection=("become",), renamed={"databases": "database"}
)
