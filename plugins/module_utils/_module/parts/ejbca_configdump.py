# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of EJBCA, as its module knows it."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..connections.http import HTTP
from ..option_types import TEXTS
from ..product_parts import ProductParts

_OPTIONS: dict[str, dict[str, Any]] = {
    "include": TEXTS,
    "exclude": TEXTS,
    "ignore_errors": {"type": "bool", "default": False},
    "defaults": {"type": "bool", "default": False},
    "external_cas": {"type": "bool", "default": False},
    "api_base": {"type": "str", "default": "/ejbca/ejbca-rest-api"},
}


def _class() -> type[Product]:
    from ..._products.ejbca_configdump import EjbcaConfigdump

    return EjbcaConfigdump


EJBCA_CONFIGDUMP = ProductParts("ejbca_configdump", _class, _OPTIONS, HTTP)
