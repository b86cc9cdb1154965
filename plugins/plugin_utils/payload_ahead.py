# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's payload, made by another processor while this one has something else to do.

Ansible keeps a payload until the playbook ends, and whoever needs it waits for one that is being made. So nothing has
to be handed over, and where it could not be made ahead it is made when it is needed.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from typing import Any, NoReturn

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


@contextlib.contextmanager
def payload_ahead(action: ActionBase, task_vars: dict[str, Any]) -> Iterator[None]:
    """Inside, the payload of the action's module is being made. Never raises."""
    child = 0
    with contextlib.suppress(OSError):
        child = os.fork() or _make(action, task_vars)
    try:
        yield
    finally:
        if child:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)


def _make(action: ActionBase, task_vars: dict[str, Any]) -> NoReturn:
    try:
        gc.disable()
        action._low_level_execute_command = _ask_nothing
        action._configure_module(module_name=action._task.action, module_args={}, task_vars=task_vars)
    finally:
        os._exit(0)  # nothing of the parent's is to be ended here


def _ask_nothing(*_command: object, **_options: object) -> None:
    """The connection is the parent's: which Python a host has it finds out itself."""
    raise AnsibleError("The host is not asked while a payload is made ahead")
