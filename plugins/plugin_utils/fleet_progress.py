# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says how far a fleet's job is while it runs.

A module speaks only at its end, so this looks at the small file that it keeps up to date on the backup host. Whatever
goes wrong here costs a line of output and nothing else.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

ON_A_TERMINAL = 10.0
"""Seconds between two lines."""
UNDER_A_CONTROLLER = 60.0
"""Seconds between two lines where they are kept for ever, and silence may count as a job that hangs."""


class FleetProgress:
    """Prints a line now and then until it is left.

    :param interval: seconds between two lines; 0: none at all; None: what fits the place where Ansible runs
    """

    def __init__(self, action: ActionBase, path: str, interval: float | None) -> None:
        under_a_controller = "AWX_ISOLATED_DATA_DIR" in os.environ
        default = UNDER_A_CONTROLLER if under_a_controller else ON_A_TERMINAL
        self._interval = default if interval is None else interval
        # A connection of its own, so that nothing of the module's is disturbed.
        self._action = copy.copy(action)
        self._action._connection = copy.copy(action._connection)
        self._path = path
        self._over = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> FleetProgress:
        if self._interval > 0:
            self._thread.start()
        return self

    def __exit__(self, *_what: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _watch(self) -> None:
        while not self._over.wait(self._interval):
            with contextlib.suppress(Exception):
                line = self._line()
                if not self._over.is_set():
                    Display().display(line)

    def _line(self) -> str:
        """What is told now. Whoever waits for a sign of life gets one also when the note cannot be read."""
        try:
            answer = self._action._low_level_execute_command(f"cat {self._path}", sudoable=True)
            return progress_line(json.loads(answer["stdout"]), time.monotonic() - self._began)
        except Exception:
            return f"The job is at work for {time.monotonic() - self._began:.0f} s; how far it is cannot be seen"


def progress_line(note: Mapping[str, Any], seconds: float) -> str:
    """How far it is, in one line."""
    total, done, failed, running = (int(note[name]) for name in ("total", "done", "failed", "running"))
    read = int(note["bytes"])
    rate = read / seconds if seconds > 0 else 0.0
    left = f", about {_time_left(seconds / done * (total - done))} left" if done else ""
    return (
        f"{done} of {total} hosts done, {failed} failed, {running} at work, {_size(read)} read at {_size(rate)}/s{left}"
    )


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _time_left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
