# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository import SPEC
from ansible_collections.ucops.recovery.plugins.plugin_utils.owner_actions import OwnerAction


class ActionModule(OwnerAction):
    """Makes identity, slots and the keyring's signature on the controller."""

    spec = SPEC
