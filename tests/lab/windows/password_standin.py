# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for the PowerShell that gives a service its account: it takes the one script that our product sends, word
for word, and does with Wine's service control manager what WMI's ``Win32_Service.Change`` does.

The script itself never ran: there is no PowerShell here.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from ansible_collections.ucops.recovery.plugins.module_utils._items.service_password import COMMAND
from lab.windows.shells import Answer
from lab.windows.wine import Wine


class PasswordStandIn:
    """``given`` keeps what it was asked for: service, account, password."""

    def __init__(self, wine: Wine) -> None:
        self._wine = wine
        self.given: list[tuple[str, str, str]] = []
        self.answer: int | None = None
        """What it answers without doing anything; None: it does its work."""

    def __call__(self, words: Sequence[str], given: bytes) -> Answer:
        if list(words) != list(COMMAND):
            return Answer(1, b"", b"This stand-in runs one script, and this is another.\r\n")
        service, account, password = (base64.b64decode(line).decode("utf-8") for line in given.splitlines())
        self.given.append((service, account, password))
        answer = self.answer
        if answer is None:
            done = self._wine.run(["sc", "config", service, "obj=", account, "password=", password])
            answer = 0 if done.returncode == 0 else 22
        return Answer(0, f"ucops-recovery: {answer}\r\n".encode())
