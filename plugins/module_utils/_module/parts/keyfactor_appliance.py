# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keyfactor's appliances, as their modules know them."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..._products.keyfactor_options import (
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
from ..connections.landing import LANDING
from ..option_types import SECRET, TEXT, TEXTS
from ..product_parts import ProductParts
from ..pushed_product_options import PUSHED_FILES

_NEEDED = {"type": "str", "required": True}
_PLACE: dict[str, Any] = {
    "type": "dict",
    "options": {"product": {"type": "str", "default": "pushed"}, "source": _NEEDED, "instance": TEXT},
}

_OPTIONS: dict[str, dict[str, Any]] = {
    **PUSHED_FILES,
    "data_class": {**PUSHED_FILES["data_class"], "default": "system_config"},
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


def _class() -> type[Product]:
    from ..._products.keyfactor_appliance import KeyfactorAppliance

    return KeyfactorAppliance


KEYFACTOR_APPLIANCE = ProductParts("keyfactor_appliance", _class, _OPTIONS, LANDING)
