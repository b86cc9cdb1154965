# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ProCall on the computers of its users, as its modules know it."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..connections.windows import WINRM_AND_SMB
from ..option_types import TEXTS
from ..product_parts import ProductParts
from ..windows_product_options import SHADOW_COPY

_OPTIONS: dict[str, dict[str, Any]] = {
    "users": TEXTS,
    "folders": TEXTS,
    "machine_keys": {**TEXTS, "no_log": False},
    "user_keys": {**TEXTS, "no_log": False},
    "client_programs": TEXTS,
    "shadow_copy": SHADOW_COPY,
}


def _class() -> type[Product]:
    from ..._products.procall_client import ProcallClient

    return ProcallClient


PROCALL_CLIENT = ProductParts("procall_client", _class, _OPTIONS, WINRM_AND_SMB)
