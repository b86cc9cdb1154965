# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.keyfactor_appliance import info_spec
from ansible_collections.ucops.recovery.plugins.plugin_utils.appliance_secret import ApplianceInfoAction


class ActionModule(ApplianceInfoAction):
    """Sends nothing that opens a repository or an appliance."""

    spec = info_spec()
