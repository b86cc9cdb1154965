# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a product pushes, as its modules know it."""

from __future__ import annotations

from ..._products.base import Product
from ..connections.landing import LANDING
from ..product_parts import ProductParts
from ..pushed_product_options import PUSHED_FILES


def _class() -> type[Product]:
    from ..._products.pushed import Pushed

    return Pushed


PUSHED = ProductParts("pushed", _class, PUSHED_FILES, LANDING)
