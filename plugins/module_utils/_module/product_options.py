# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of each product; its backup and its restore share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .argspec import ArgumentSpec
from .keyfactor_product_options import EJBCA_CONFIGDUMP, KEYFACTOR_APPLIANCE
from .pushed_product_options import PUSHED, STARFACE
from .server_product_options import AD_ATTRIBUTES, MSSQL
from .unix_product_options import KAMAILIO, LINUX
from .windows_product_options import ECSTA, METADIRECTORY, PROCALL_CLIENT, PROCALL_SERVER, WINDOWS

_OWN = {
    "ad_attributes": AD_ATTRIBUTES,
    "ecsta": ECSTA,
    "ejbca_configdump": EJBCA_CONFIGDUMP,
    "kamailio": KAMAILIO,
    "keyfactor_appliance": KEYFACTOR_APPLIANCE,
    "linux": LINUX,
    "metadirectory": METADIRECTORY,
    "mssql": MSSQL,
    "procall_client": PROCALL_CLIENT,
    "procall_server": PROCALL_SERVER,
    "pushed": PUSHED,
    "starface": STARFACE,
    "windows": WINDOWS,
}

_OF_THE_CONNECTION = {"kamailio": ["become"], "linux": ["become"], "starface": ["polls", "quiet_period"]}
"""What the product has to know of how it is reached."""


_INSTANCE = {"mssql": "database"}
"""Products of which there are always several on a host: the option that tells them apart."""


def product_spec(product: str) -> ArgumentSpec:
    """The options of a product."""
    return ArgumentSpec(_OWN[product])


def product_options(params: Mapping[str, Any], product: str) -> dict[str, Any]:
    """What the product's class takes of a module's options; what is not given is left out."""
    names = (*_OWN[product], *_OF_THE_CONNECTION.get(product, ()))
    options = {name: _given(params[name]) for name in names if params[name] is not None}
    if product == "kamailio" and "databases" in options:
        options["database"] = options.pop("databases")
    return options


def instance_of(params: Mapping[str, Any], product: str) -> str:
    """The option C(instance), or what tells instances of this product apart by itself."""
    return str(params["instance"] or params.get(_INSTANCE.get(product, ""), ""))


def _given(value: Any) -> Any:
    """A value without the suboptions that are not given."""
    if isinstance(value, Mapping):
        return {name: _given(inner) for name, inner in value.items() if inner is not None}
    return [_given(inner) for inner in value] if isinstance(value, list) else value
