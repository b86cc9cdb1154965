# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._module.repository_copy import SPEC
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import KeylessAction, resolve_trust


class ActionModule(KeylessAction):
    """Reads on the controller what is to be trusted, and sends nothing that opens the repository."""

    spec = SPEC

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The module's answer."""
        resolve_trust(options, self.files)
        return super().serve(options, task_vars)
