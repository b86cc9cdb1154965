# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of every module of the stand-in; the name of the task's module says which one it is."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Judges arguments as the real module would, and keeps them."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        module = self._task.action.rpartition(".")[2]
        known = json.loads(pathlib.Path(os.environ["AWX_STAND_IN_SPECIFICATIONS"]).read_text("utf-8"))
        specification = known["modules"][module]
        judged = ArgumentSpecValidator(
            specification["options"], required_one_of=specification["required_one_of"]
        ).validate(self._task.args)
        if judged.error_messages:
            raise AnsibleActionFail("; ".join(judged.error_messages))
        given = {name: value for name, value in judged.validated_parameters.items() if value is not None}
        state = pathlib.Path(os.environ["AWX_STAND_IN"])
        made = json.loads(state.read_text()) if state.exists() else {}
        before = made.setdefault(module, {}).get(given["name"])
        # As JSON, in which everything goes to AWX.
        made[module][given["name"]] = json.loads(json.dumps(given))
        result["changed"] = made[module][given["name"]] != before
        if not self._task.check_mode:
            state.write_text(json.dumps(made))
        return result
