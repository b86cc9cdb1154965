# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_backup_result import (
    SPEC,
    of_job,
    own_result,
)
from ansible_collections.ucops.recovery.plugins.plugin_utils.unseal import KeylessAction


class ActionModule(KeylessAction):
    """Hands a host its own result of the job that was run for all of them, without a connection."""

    _requires_connection = False

    spec = SPEC

    def serve(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The result, as if the host had had a task of its own."""
        job = options.get("job")
        if (job is None) == (options.get("result") is None):
            raise OptionInvalid("One of job and result is needed", hint="job: fleet, as which it was registered.")
        result = options["result"] if job is None else of_job(task_vars, str(job), task_vars["inventory_hostname"])
        return own_result(result)
