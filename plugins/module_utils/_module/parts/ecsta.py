# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""estos ECSTA, as its modules know it."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..connections.windows import WINRM_AND_SMB
from ..option_types import TEXTS
from ..product_parts import ProductParts
from ..windows_product_options import LICENCES

_OPTIONS: dict[str, dict[str, Any]] = {"keys": {**TEXTS, "no_log": False}, "services": TEXTS, **LICENCES}


def _class() -> type[Product]:
    from ..._products.ecsta import Ecsta

    return Ecsta


ECSTA = ProductParts("ecsta", _class, _OPTIONS, WINRM_AND_SMB)
