# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving a Windows service its account, without the password ever standing on a command line or in a file.

``sc config ... password=`` shows it to everybody who may list processes. So the method ``Change`` of WMI's
``Win32_Service`` is called (learn.microsoft.com, "Change method of the Win32_Service class", also for its answers) by a
fixed script of Windows PowerShell, which takes service, account and password from its standard input, as Ansible's own
bootstrap takes a module. The script binds no secret to a parameter of a cmdlet: module logging would record that.
"""

from __future__ import annotations

import base64
import re

from .._errors import CommandFailed
from .._transport.base import Transport
from .._transport.powershell import script_command

SCRIPT = r"""
$ErrorActionPreference = 'Stop'
$given = foreach ($line in $input) { [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line.Trim())) }
$path = "Win32_Service.Name='" + $given[0].Replace('\', '\\').Replace("'", "\'") + "'"
$service = [wmi]$path
$answer = $service.Change($null, $null, $null, $null, $null, $null, $given[1], $given[2], $null, $null, $null)
[Console]::Out.WriteLine('ucops-recovery: ' + $answer.ReturnValue)
"""
COMMAND = script_command(SCRIPT)
DEADLINE = 120
_ANSWER = re.compile(rb"^ucops-recovery: (\d+)\s*$", re.MULTILINE)
_MEANINGS = {
    2: "access is denied",
    9: "the program of the service is not there",
    15: "the account cannot log on",
    16: "the service is marked to be deleted",
    22: "the account or its password is wrong, or it may not run the service",
}


def set_account(transport: Transport, service: str, account: str, password: str) -> None:
    """Make a service run as an account.

    The account needs the right to log on as a service, which this does not give.

    :raises CommandFailed: Windows refuses, or there is no PowerShell that does its work
    """
    lines = [base64.b64encode(text.encode("utf-8")) + b"\r\n" for text in (service, account, password)]
    result = transport.run(COMMAND, input=b"".join(lines), deadline=DEADLINE, silence=DEADLINE, limit=64 * 1024)
    answer = _ANSWER.search(result.stdout)
    if result.rc == 0 and answer is not None and int(answer[1]) == 0:
        return
    if answer is not None:
        number = int(answer[1])
        story = _MEANINGS.get(number, f"Win32_Service.Change answers {number}")
    else:
        # what PowerShell says may quote what it was given
        story = f"PowerShell did not do it, exit status {result.rc}"
    raise CommandFailed(
        f"The service cannot be made to run as {account}: {story}",
        host=transport.host,
        item=service,
        hint="Set the account by hand in the list of services, which also gives it the right to log on as one.",
    )
