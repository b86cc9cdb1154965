# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module C(<product>_backup), for every product."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .all_parts import PARTS
from .argspec import ArgumentSpec
from .backup_module import backup_spec
from .keyfactor_appliance import backup_spec as keyfactor_spec
from .pushed_backup import pushed_spec
from .starface_backup import starface_backup_spec

_OWN: Mapping[str, Callable[[], ArgumentSpec]] = {
    "keyfactor_appliance": keyfactor_spec,
    "pushed": pushed_spec,
    "starface": starface_backup_spec,
}


def spec_of_backup(product: str) -> ArgumentSpec:
    """What C(<product>_backup) takes."""
    return _OWN[product]() if product in _OWN else backup_spec(PARTS[product])
