# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RepositoryDamaged, WrongKey
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import UNLOCK_OPTIONS
from ansible_collections.ucops.recovery.plugins.module_utils._module.recovery_report import SPEC
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import UnsealingAction


class ActionModule(UnsealingAction):
    """Keeps on the controller what opens the repository, and uses it only to show licence keys."""

    spec = SPEC

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The report, without licence keys when what was given does not open the repository."""
        if options.get("show_licences") in (None, False) or options.get("problem"):
            for name in UNLOCK_OPTIONS:
                options.pop(name, None)
        try:
            return super().serve(options, task_vars)
        except (RepositoryDamaged, WrongKey) as error:
            answer = self.module(options, task_vars)
            answer.setdefault("warnings", []).append(f"The licence keys are not shown. {error}")
            return answer
