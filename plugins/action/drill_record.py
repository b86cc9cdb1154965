# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._module.drill_record import SPEC
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import ReceivingAction, resolve_trust


class ActionModule(ReceivingAction):
    """Reads on the controller what is to be trusted; the evidence names who did the drill, and in which job."""

    spec = SPEC

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The module's answer."""
        resolve_trust(options, self.files)
        return super().serve(options, task_vars)
