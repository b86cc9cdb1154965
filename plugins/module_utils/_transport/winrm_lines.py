# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connections to one host's WinRM: each is used by one command at a time, and a few rest between two of them.

A login that is used again spares the host's event log, and its domain controllers, one for each command.
"""

from __future__ import annotations

import threading
import time

from .base import Closing
from .winrm_line import Line
from .winrm_options import WinRmOptions

RESTING = 2
"""How many are kept: one for a command, one for its input."""
LONGEST_REST = 20.0
"""Seconds. Windows ends a connection after two minutes without a request."""


class Lines(Closing):
    """Gives and takes back connections, from any thread."""

    def __init__(self, options: WinRmOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._resting: list[tuple[float, Line]] = []
        self._closed = False

    def take(self) -> Line:
        """One that is logged in and nobody else's. Raises like :meth:`Line.open`."""
        while True:
            with self._lock:
                since, line = self._resting.pop() if self._resting else (0.0, None)
            if line is None:
                return Line(self._options).open()
            if time.monotonic() - since < LONGEST_REST and line.is_quiet:
                return line
            line.close()

    def give_back(self, line: Line) -> None:
        """No more used, and nothing is open on it."""
        with self._lock:
            if not self._closed and len(self._resting) < RESTING:
                self._resting.append((time.monotonic(), line))
                return
        line.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            resting, self._resting = self._resting, []
        for _since, line in resting:
            line.close()
