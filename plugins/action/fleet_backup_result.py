# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_backup_result import SPEC, own_result
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import KeylessAction


class ActionModule(KeylessAction):
    """Hands a host its own result of the job that was run for all of them, without a connection."""

    _requires_connection = False

    spec = SPEC

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The result, as if the host had had a task of its own."""
        return own_result(options)
