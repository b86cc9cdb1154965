# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""estos ProCall's UCServer, as its modules know it."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..._products.procall_options import COMPONENTS, CONFIGURATION, CTI_PORT, EDITIONS, FOLDERS, JOURNAL
from ..connections.windows import WINRM_AND_SMB
from ..option_types import TEXT, TEXTS
from ..product_parts import ProductParts
from ..windows_product_options import LICENCES, SERVICE_PASSWORDS

_OPTIONS: dict[str, dict[str, Any]] = {
    "edition": {"type": "str", "choices": ["auto", *EDITIONS], "default": "auto"},
    "components": {"type": "list", "elements": "str", "choices": list(COMPONENTS)},
    "root": TEXT,
    "media_server_root": TEXT,
    "database_folders": TEXTS,
    "log_folders": TEXTS,
    "optional_folders": {"type": "list", "elements": "str", "choices": list(FOLDERS)},
    "exclude": TEXTS,
    "export_zip": TEXT,
    "administrators": TEXTS,
    "databases": {
        "type": "list",
        "elements": "dict",
        "options": {
            "role": {"type": "str", "choices": [JOURNAL, CONFIGURATION], "default": JOURNAL},
            "server": TEXT,
            "database": {**TEXT, "required": True},
            "source": TEXT,
            "instance": TEXT,
        },
    },
    "user_database": {"type": "str", "choices": ["auto", "internal", "active_directory"], "default": "auto"},
    "directory_source": TEXT,
    "directory_instance": TEXT,
    "demanded_companions": {
        "type": "list",
        "elements": "dict",
        "options": {"product": {**TEXT, "required": True}, "source": TEXT, "instance": TEXT, "why": TEXT},
    },
    **LICENCES,
    "ucconnect_id": TEXT,
    "consistency": {"type": "str", "choices": ["shadow_copy", "stop", "none"], "default": "shadow_copy"},
    "services": TEXTS,
    "service_passwords": SERVICE_PASSWORDS,
    "partner_servers": {
        "type": "list",
        "elements": "dict",
        "options": {"host": {**TEXT, "required": True}, "port": {"type": "int", "default": CTI_PORT}},
    },
    "allow_running_partners": {"type": "bool", "default": False},
    "cti_port": {"type": "int"},
}


def _class() -> type[Product]:
    from ..._products.procall_server import ProcallServer

    return ProcallServer


PROCALL_SERVER = ProductParts("procall_server", _class, _OPTIONS, WINRM_AND_SMB)
