# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of every product by its name, for what learns from its options which product is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from .product_parts import ProductParts

if TYPE_CHECKING:
    # Ansible packs into a module what is imported anywhere in it; it is loaded when its product is meant.
    from .parts import (  # noqa: F401
        ad_attributes,
        ecsta,
        ejbca_configdump,
        kamailio,
        keyfactor_appliance,
        linux,
        metadirectory,
        mssql,
        procall_client,
        procall_server,
        pushed,
        starface,
        windows,
    )

PRODUCTS = (
    "ad_attributes",
    "ecsta",
    "ejbca_configdump",
    "kamailio",
    "keyfactor_appliance",
    "linux",
    "metadirectory",
    "mssql",
    "procall_client",
    "procall_server",
    "pushed",
    "starface",
    "windows",
)


class _AllParts(Mapping[str, ProductParts]):
    """Loads a product's parts when they are asked for."""

    def __getitem__(self, name: str) -> ProductParts:
        if name not in PRODUCTS:
            raise KeyError(name)
        parts: ProductParts = getattr(import_module(f"{__package__}.parts.{name}"), name.upper())
        return parts

    def __iter__(self) -> Iterator[str]:
        return iter(PRODUCTS)

    def __len__(self) -> int:
        return len(PRODUCTS)


PARTS: Mapping[str, ProductParts] = _AllParts()
