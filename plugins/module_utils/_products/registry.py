# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products by name. A product's code is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .._errors import OptionInvalid
from .base import Product


def _ad_attributes() -> type[Product]:
    from .ad_attributes import AdAttributes

    return AdAttributes


def _ecsta() -> type[Product]:
    from .ecsta import Ecsta

    return Ecsta


def _ejbca_configdump() -> type[Product]:
    from .ejbca_configdump import EjbcaConfigdump

    return EjbcaConfigdump


def _kamailio() -> type[Product]:
    from .kamailio import Kamailio

    return Kamailio


def _keyfactor_appliance() -> type[Product]:
    from .keyfactor_appliance import KeyfactorAppliance

    return KeyfactorAppliance


def _linux() -> type[Product]:
    from .linux import Linux

    return Linux


def _mssql() -> type[Product]:
    from .mssql import Mssql

    return Mssql


def _metadirectory() -> type[Product]:
    from .metadirectory import MetaDirectory

    return MetaDirectory


def _procall_client() -> type[Product]:
    from .procall_client import ProcallClient

    return ProcallClient


def _procall_server() -> type[Product]:
    from .procall_server import ProcallServer

    return ProcallServer


def _pushed() -> type[Product]:
    from .pushed import Pushed

    return Pushed


def _starface() -> type[Product]:
    from .starface import Starface

    return Starface


def _windows() -> type[Product]:
    from .windows import Windows

    return Windows


# Imports stand in functions and not in strings: what is sent to a target is found by reading the imports.
_PRODUCTS: Mapping[str, Callable[[], type[Product]]] = {
    "ad_attributes": _ad_attributes,
    "ecsta": _ecsta,
    "ejbca_configdump": _ejbca_configdump,
    "kamailio": _kamailio,
    "keyfactor_appliance": _keyfactor_appliance,
    "linux": _linux,
    "metadirectory": _metadirectory,
    "mssql": _mssql,
    "procall_client": _procall_client,
    "procall_server": _procall_server,
    "pushed": _pushed,
    "starface": _starface,
    "windows": _windows,
}


def product_names() -> list[str]:
    """The names of all products, sorted."""
    return sorted(_PRODUCTS)


def product_class(name: str) -> type[Product]:
    """The class of a product. Raises OptionInvalid when there is none of this name."""
    if name not in _PRODUCTS:
        raise OptionInvalid(f"There is no product {name}", hint=f"There are {', '.join(product_names())}.")
    return _PRODUCTS[name]()
