# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes in Active Directory, as their modules know them."""

from __future__ import annotations

from typing import Any

from ..._products.ad_phone_attributes import PHONE_ATTRIBUTES
from ..._products.base import Product
from ..connections.ldap import LDAP
from ..option_types import TEXT, TEXTS
from ..product_parts import ProductParts

_OPTIONS: dict[str, dict[str, Any]] = {
    "base_dns": TEXTS,
    "object_kinds": {"type": "list", "elements": "str", "choices": ["users", "groups", "computers"]},
    "extension_name": {"type": "bool", "default": True},
    "extension_name_pattern": TEXT,
    "proxy_addresses": {"type": "bool", "default": True},
    "proxy_address_pattern": TEXT,
    "schema_prefix": {"type": "str", "default": "ectisrv3"},
    "phone_attributes": {"type": "list", "elements": "str", "choices": list(PHONE_ATTRIBUTES)},
}


def _class() -> type[Product]:
    from ..._products.ad_attributes import AdAttributes

    return AdAttributes


AD_ATTRIBUTES = ProductParts("ad_attributes", _class, _OPTIONS, LDAP)
