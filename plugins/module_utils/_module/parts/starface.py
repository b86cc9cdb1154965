# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""STARFACE, as its modules know it."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..connections.starface import STARFACE_WAYS
from ..option_types import TEXT
from ..product_parts import ProductParts
from ..pushed_product_options import PUSHED_FILES

_OPTIONS: dict[str, dict[str, Any]] = {
    **PUSHED_FILES,
    "include_cdr": {"type": "bool", "default": True},
    "include_announcements": {"type": "bool", "default": True},
    "include_chat_history": {"type": "bool", "default": True},
    "remove_from_appliance": {"type": "bool", "default": True},
    "backup_name": TEXT,
    "max_age_hours": {"type": "int", "default": 0},
    "settle": {"type": "int", "default": 10},
}


def _class() -> type[Product]:
    from ..._products.starface import Starface

    return Starface


STARFACE = ProductParts("starface", _class, _OPTIONS, STARFACE_WAYS, of_the_connection=("polls", "quiet_period"))
