# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL Server, as its modules know it."""

from __future__ import annotations

from typing import Any

from ..._entries import DATA_CLASSES
from ..._products.base import Product
from ..connections.mssql import TDS
from ..option_types import TEXTS
from ..product_parts import ProductParts

_OPTIONS: dict[str, dict[str, Any]] = {
    "database": {"type": "str", "required": True},
    "data_class": {"type": "str", "choices": list(DATA_CLASSES), "default": "user_data"},
    "compression": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "certificate_kept": {"type": "bool", "default": False},
    "partner_hosts": TEXTS,
    "partner_services": TEXTS,
    "check": {"type": "bool", "default": True},
}


def _class() -> type[Product]:
    from ..._products.mssql import Mssql

    return Mssql


MSSQL = ProductParts("mssql", _class, _OPTIONS, TDS, instance_option="database")
