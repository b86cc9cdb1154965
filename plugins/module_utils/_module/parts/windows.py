# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows hosts, as their modules know them."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..connections.windows import WINRM_AND_SMB
from ..option_types import PUT_BACK, TEXTS
from ..product_parts import ProductParts
from ..windows_product_options import SERVICES

_OPTIONS: dict[str, dict[str, Any]] = {
    **SERVICES,
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


def _class() -> type[Product]:
    from ..._products.windows import Windows

    return Windows


WINDOWS = ProductParts("windows", _class, _OPTIONS, WINRM_AND_SMB)
