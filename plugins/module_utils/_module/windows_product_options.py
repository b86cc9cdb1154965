# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the products on Windows hosts, mirrored by the documentation fragment of each one's name."""

from __future__ import annotations

from typing import Any

from .._products.procall_options import COMPONENTS, CONFIGURATION, CTI_PORT, EDITIONS, FOLDERS, JOURNAL
from .._products.windows_options import SHADOW_COPY_MODES
from .option_types import PUT_BACK, TEXT, TEXTS

Options = dict[str, dict[str, Any]]

_SHADOW_COPY: dict[str, Any] = {"type": "str", "choices": list(SHADOW_COPY_MODES), "default": "never"}
_SERVICE_PASSWORDS: dict[str, Any] = {"type": "dict", "no_log": True}

_SERVICES: Options = {
    "services": TEXTS,
    "service_passwords": _SERVICE_PASSWORDS,
    "shadow_copy": _SHADOW_COPY,
    "stop_services_for_backup": {"type": "bool", "default": False},
}

WINDOWS: Options = {
    **_SERVICES,
    "paths": {
        "type": "list",
        "elements": "dict",
        "options": {**PUT_BACK, "path": {**TEXTS, "required": True}, "exclude": TEXTS},
    },
    "registry": {
        "type": "list",
        "elements": "dict",
        "options": {**PUT_BACK, "key": {**TEXTS, "required": True, "no_log": False}, "users": TEXTS},
    },
}

PROCALL_CLIENT: Options = {
    "users": TEXTS,
    "folders": TEXTS,
    "machine_keys": {**TEXTS, "no_log": False},
    "user_keys": {**TEXTS, "no_log": False},
    "client_programs": TEXTS,
    "shadow_copy": _SHADOW_COPY,
}

LICENCES: Options = {"licences": {**TEXTS, "no_log": True}, "licence_values": TEXTS}

_ANY_SHADOW_COPY: dict[str, Any] = {"type": "str", "choices": list(SHADOW_COPY_MODES)}

METADIRECTORY: Options = {
    **_SERVICES,
    "shadow_copy": _ANY_SHADOW_COPY,
    **LICENCES,
    "root": TEXT,
    "exclude": TEXTS,
    "paths": TEXTS,
}

ECSTA: Options = {"keys": {**TEXTS, "no_log": False}, "services": TEXTS, **LICENCES}

PROCALL_SERVER: Options = {
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
    "service_passwords": _SERVICE_PASSWORDS,
    "partner_servers": {
        "type": "list",
        "elements": "dict",
        "options": {"host": {**TEXT, "required": True}, "port": {"type": "int", "default": CTI_PORT}},
    },
    "allow_running_partners": {"type": "bool", "default": False},
    "cti_port": {"type": "int"},
}
