# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux hosts, as their modules know them."""

from __future__ import annotations

from typing import Any

from ..._products.base import Product
from ..connections.ssh import SSH
from ..option_types import ITEM, PUT_BACK, TEXT, TEXTS
from ..product_parts import ProductParts
from ..unix_product_options import COMMAND, UNIX

_OPTIONS: dict[str, dict[str, Any]] = {
    **UNIX,
    "paths": {
        "type": "list",
        "elements": "dict",
        "options": {**PUT_BACK, "path": {"type": "list", "elements": "str", "required": True}, "exclude": TEXTS},
    },
    "commands": {
        "type": "list",
        "elements": "dict",
        "options": {**ITEM, "argv": {**COMMAND, "required": True}, "sentinel": TEXT},
    },
    "system_config": {"type": "bool", "default": True},
    "skip": TEXTS,
}


def _class() -> type[Product]:
    from ..._products.linux import Linux

    return Linux


LINUX = ProductParts("linux", _class, _OPTIONS, SSH, of_the_connection=("become",))
