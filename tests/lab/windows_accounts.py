# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for Windows PowerShell: it knows the one script that gives a service its account, and nothing else.

What the script says to Windows (C(Win32_Service.Change)) cannot be tried without Windows. That account and password
come by standard input, and the password is right, is checked here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from ansible_collections.ucops.recovery.plugins.module_utils._items.service_password import COMMAND
from lab.windows.host import WindowsHost
from lab.windows.shells import Answer

_WRONG_ACCOUNT = 22
"""Return value of Win32_Service.Change: the account name is invalid, or the password is."""


class AccountSetting:
    """``passwords``: the accounts of the host, in small letters, with their passwords."""

    def __init__(self, host: WindowsHost, passwords: Mapping[str, str]) -> None:
        self._host = host
        self._passwords = passwords

    def __call__(self, words: Sequence[str], given: bytes) -> Answer:
        if list(words[1:]) != list(COMMAND[1:]):
            return Answer(1, b"", b"This stand-in runs one script only.\r\n")
        service, account, password = (base64.b64decode(line).decode() for line in given.splitlines())
        if self._passwords.get(account.lower()) != password:
            return Answer(0, f"ucops-recovery: {_WRONG_ACCOUNT}\r\n".encode())
        self._host.run_in_wine(["sc", "config", service, "obj=", account])
        return Answer(0, b"ucops-recovery: 0\r\n")
