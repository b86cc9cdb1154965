# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: lab_events
type: notification
short_description: Write task results as lines of JSON, for the tests of the lab
description:
  - Appends one JSON object per host and task to the file that the environment variable C(LAB_EVENTS) names.
"""


class CallbackModule(CallbackBase):
    """Results for a program, beside the ones for people."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "lab_events"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, status: str, result: Any) -> None:
        line = {
            "status": status,
            "host": result.host.get_name(),
            "task": result.task.get_name(),
            "result": json.loads(self._dump_results(result.result)),
            # Ansible leaves it out of what it dumps
            "diff": self._prepared(result.result.get("diff")),
        }
        with open(os.environ["LAB_EVENTS"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    @staticmethod
    def _prepared(diff: Any) -> str:
        return str(diff.get("prepared", "")) if isinstance(diff, dict) else ""

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", result)
