# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""estos MetaDirectory, as its modules know it."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..._products.windows_options import SHADOW_COPY_MODES
from ..connections.windows import WINRM_AND_SMB
from ..option_types import TEXT, TEXTS
from ..product_parts import ProductParts
from ..windows_product_options import LICENCES, SERVICES

_OPTIONS: dict[str, dict[str, Any]] = {
    **SERVICES,
    "shadow_copy": {"type": "str", "choices": list(SHADOW_COPY_MODES)},
    **LICENCES,
    "root": TEXT,
    "exclude": TEXTS,
    "paths": TEXTS,
}


def _class() -> type[Product]:
    from ..._products.metadirectory import MetaDirectory

    return MetaDirectory


METADIRECTORY = ProductParts("metadirectory", _class, _OPTIONS, WINRM_AND_SMB)
