# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for what makes and removes shadow copies on a Windows host: PowerShell's CIM, and vssadmin.

It takes the statements that we send and no others, word by word; the copies that it makes are Samba's, and real.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from lab.windows.samba import SambaServer

_POWERSHELL = ["powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command"]
_CREATE = re.compile(
    r"\$ErrorActionPreference = 'Stop'; \$made = Invoke-CimMethod -ClassName Win32_ShadowCopy -MethodName Create"
    r" -Arguments @\{ Volume = '([A-Z]):\\'; Context = 'ClientAccessible' \};"
    r" if \(\$made\.ReturnValue -ne 0\) \{ Write-Output \('refused ' \+ \$made\.ReturnValue\); exit 3 \};"
    r" Write-Output \('made ' \+ \$made\.ShadowID\)"
)
_REMOVE = re.compile(
    r"\$ErrorActionPreference = 'Stop'; Get-CimInstance -ClassName Win32_ShadowCopy"
    r" \| Where-Object \{ \$_\.ID -eq '(\{[0-9A-F-]{36}\})' \} \| Remove-CimInstance; Write-Output 'removed'"
)


class ShadowCopyStandIn:
    """``powershell`` False: there is none, as on Wine, where it says nothing and succeeds. ``refuses``: the return
    value of Win32_ShadowCopy.Create."""

    def __init__(self, server: SambaServer) -> None:
        self.powershell = True
        self.refuses = 0
        self.made = 0
        self.copies: dict[str, str] = {}
        """Identifier -> token."""
        self._server = server

    def run(self, argv: Sequence[str]) -> tuple[int, str]:
        """Exit status and output of one command. Raises AssertionError for any that we never send."""
        if list(argv[:-1]) == _POWERSHELL:
            return self._script(argv[-1]) if self.powershell else (0, "")
        if list(argv[:3]) == ["vssadmin.exe", "create", "shadow"] and len(argv) == 4:
            if self.refuses:
                return 2, "Fehler: Nicht genug Speicherplatz.\r\n"
            identifier = self._make(argv[3][len("/for=") : -1]) if re.fullmatch(r"/for=[A-Z]:", argv[3]) else ""
            volume = r"\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy3"
            return 0, f"Schattenkopiekennung: {identifier}\r\n Name des Schattenkopievolumes: {volume}\r\n"
        if list(argv[:3]) == ["vssadmin.exe", "delete", "shadows"] and len(argv) == 5 and argv[4] == "/quiet":
            found = re.fullmatch(r"/shadow=(\{[0-9A-F-]{36}\})", argv[3])
            return (0, "") if found and self._remove(found[1]) else (2, "")
        raise AssertionError(f"never sent: {list(argv)}")

    def _script(self, script: str) -> tuple[int, str]:
        create, remove = _CREATE.fullmatch(script), _REMOVE.fullmatch(script)
        if create:
            return (3, f"refused {self.refuses}\r\n") if self.refuses else (0, f"made {self._make(create[1])}\r\n")
        if remove:
            self._remove(remove[1])
            return 0, "removed\r\n"
        raise AssertionError(f"never sent: {script}")

    def _make(self, drive: str) -> str:
        identifier = "{" + str(uuid.uuid4()).upper() + "}"
        self.copies[identifier] = self._server.make_snapshot(f"{drive}$")
        self.made += 1
        return identifier

    def _remove(self, identifier: str) -> bool:
        token = self.copies.pop(identifier, None)
        if token is not None:
            self._server.remove_snapshot(token)
        return token is not None
