# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of databases and directories, mirrored by the documentation fragment of each one's name."""

from __future__ import annotations

from typing import Any

from .._entries import DATA_CLASSES
from .option_types import TEXT, TEXTS

PHONE_ATTRIBUTES = [
    "facsimileTelephoneNumber",
    "homePhone",
    "ipPhone",
    "mobile",
    "otherFacsimileTelephoneNumber",
    "otherHomePhone",
    "otherIpPhone",
    "otherMobile",
    "otherPager",
    "otherTelephone",
    "pager",
    "telephoneNumber",
]

MSSQL: dict[str, dict[str, Any]] = {
    "database": {"type": "str", "required": True},
    "data_class": {"type": "str", "choices": list(DATA_CLASSES), "default": "user_data"},
    "compression": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "certificate_kept": {"type": "bool", "default": False},
    "partner_hosts": TEXTS,
    "partner_services": TEXTS,
    "check": {"type": "bool", "default": True},
}

AD_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "base_dns": TEXTS,
    "object_kinds": {"type": "list", "elements": "str", "choices": ["users", "groups", "computers"]},
    "extension_name": {"type": "bool", "default": True},
    "extension_name_pattern": TEXT,
    "proxy_addresses": {"type": "bool", "default": True},
    "proxy_address_pattern": TEXT,
    "schema_prefix": {"type": "str", "default": "ectisrv3"},
    "phone_attributes": {"type": "list", "elements": "str", "choices": PHONE_ATTRIBUTES},
}
