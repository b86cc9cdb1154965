# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of every product by its name, for what learns from its options which product is meant."""

from __future__ import annotations

from collections.abc import Mapping

from .parts.ad_attributes import AD_ATTRIBUTES
from .parts.ecsta import ECSTA
from .parts.ejbca_configdump import EJBCA_CONFIGDUMP
from .parts.kamailio import KAMAILIO
from .parts.keyfactor_appliance import KEYFACTOR_APPLIANCE
from .parts.linux import LINUX
from .parts.metadirectory import METADIRECTORY
from .parts.mssql import MSSQL
from .parts.procall_client import PROCALL_CLIENT
from .parts.procall_server import PROCALL_SERVER
from .parts.pushed import PUSHED
from .parts.starface import STARFACE
from .parts.windows import WINDOWS
from .product_parts import ProductParts

PARTS: Mapping[str, ProductParts] = {
    one.name: one
    for one in (
        AD_ATTRIBUTES,
        ECSTA,
        EJBCA_CONFIGDUMP,
        KAMAILIO,
        KEYFACTOR_APPLIANCE,
        LINUX,
        METADIRECTORY,
        MSSQL,
        PROCALL_CLIENT,
        PROCALL_SERVER,
        PUSHED,
        STARFACE,
        WINDOWS,
    )
}
