# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.pushed_backup import pushed_spec
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import ReceivingAction


class ActionModule(ReceivingAction):
    """Sends nothing that opens the repository, whatever the defaults of the action group say."""

    spec = pushed_spec()
