# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of Keyfactor's products, mirrored by the documentation fragment of each one's name."""

from __future__ import annotations

from typing import Any

from .._products.keyfactor_options import (
    APPLICATIONS,
    DISABLED,
    EXTERNAL,
    HSM,
    INTERNAL,
    NFS,
    NFS_VERSIONS,
    NO_STORAGE,
    SCHEDULED,
    SOFT,
)
from .option_types import SECRET, TEXT, TEXTS
from .pushed_product_options import PUSHED

EJBCA_CONFIGDUMP: dict[str, dict[str, Any]] = {
    "include": TEXTS,
    "exclude": TEXTS,
    "ignore_errors": {"type": "bool", "default": False},
    "defaults": {"type": "bool", "default": False},
    "external_cas": {"type": "bool", "default": False},
    "api_base": {"type": "str", "default": "/ejbca/ejbca-rest-api"},
}

_NEEDED = {"type": "str", "required": True}
_PLACE: dict[str, Any] = {
    "type": "dict",
    "options": {"product": {"type": "str", "default": "pushed"}, "source": _NEEDED, "instance": TEXT},
}

KEYFACTOR_APPLIANCE: dict[str, dict[str, Any]] = {
    **PUSHED,
    "data_class": {**PUSHED["data_class"], "default": "system_config"},
    "filename_prefix": TEXT,
    "schedule": {"type": "str", "choices": [SCHEDULED, DISABLED], "default": DISABLED},
    "storage": {
        "type": "dict",
        "options": {
            "type": {"type": "str", "choices": [NO_STORAGE, NFS], "default": NO_STORAGE},
            "nfs_version": {"type": "str", "choices": list(NFS_VERSIONS)},
            "nfs_url": TEXT,
            "path": TEXT,
        },
    },
    "backup_details": {"type": "dict"},
    "oauth_attested": {"type": "dict", "options": {"by": _NEEDED, "at": _NEEDED}},
    "appliance_secret_fingerprint": SECRET,
    "accept_new_appliance_secret": {"type": "bool", "default": False, "no_log": False},
    "escrow": {
        "type": "list",
        "elements": "dict",
        "options": {"where": _NEEDED, "by": _NEEDED, "at": _NEEDED},
    },
    "key_storage": {"type": "str", "choices": [SOFT, HSM], "required": True, "no_log": False},
    "hsm_backup": _PLACE,
    "database": {"type": "str", "choices": [INTERNAL, EXTERNAL], "required": True},
    "database_backup": _PLACE,
    "companion_max_age": {"type": "str", "default": "24h"},
    "applications": {"type": "list", "elements": "str", "choices": list(APPLICATIONS)},
    "appliance_size": TEXT,
    "cluster_nodes": TEXTS,
    "storage_warn_percent": {"type": "int", "default": 80},
    "restart_lock": TEXT,
    "restart_window": {"type": "str", "default": "30m"},
}
