# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._module.preflight_info import SPEC
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import GROUP_WIDE_OPTIONS, KeylessAction


class ActionModule(KeylessAction):
    """Sends nothing that opens the repository, nor what is to be trusted: a look needs neither."""

    spec = SPEC

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The module's answer."""
        given = options.get("options")
        if isinstance(given, dict):
            options["options"] = {name: value for name, value in given.items() if name not in GROUP_WIDE_OPTIONS}
        return super().serve(options, task_vars)
