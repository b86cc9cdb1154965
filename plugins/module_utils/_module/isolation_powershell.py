# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a Windows host tries whether it reaches an address: one fixed script of Windows PowerShell 5.1 that uses nothing
but .NET's sockets. Address, port and request reach it as input; it says what came back, as numbers of Winsock, which
are the same in every language. What they mean is judged here.

Sources: "Windows Sockets Error Codes" (learn.microsoft.com); KB 263823, by which an ICMP "port unreachable" makes a UDP
socket readable, and its next reading end with 10054; KB 175523, by which Windows asks a TCP port that refuses a few
times more, about half a second apart, before it says so: hence the four seconds.
"""

from __future__ import annotations

import base64
import re

from .._transport.base import CommandResult
from .._transport.powershell import script_command
from .._transport.windows import WindowsTransport
from .isolation_verdict import REACHED, SILENT, unknown

SCRIPT = r"""
$ErrorActionPreference = 'Stop'
$given = @($input)
$address = [Net.IPAddress]::Parse($given[0].Trim())
$port = [int]$given[1].Trim()
$request = [Convert]::FromBase64String($given[2].Trim())
function Why($caught) {
  $cause = $caught.Exception.GetBaseException()
  if ($cause -is [Net.Sockets.SocketException]) { [int]$cause.SocketErrorCode } else { $cause.GetType().Name }
}
$tcp = 'nothing'
$udp = 'nothing'
$connecting = $null
$clock = [Diagnostics.Stopwatch]::StartNew()
try {
  $caller = [Net.Sockets.Socket]::new($address.AddressFamily, 'Stream', 'Tcp')
  $connecting = $caller.BeginConnect($address, $port, $null, $null)
} catch { $tcp = Why $_ }
try {
  $phone = [Net.Sockets.Socket]::new($address.AddressFamily, 'Dgram', 'Udp')
  $phone.Connect($address, $port)
  $answer = [byte[]]::new(65536)
  foreach ($time in 1, 2) {
    [void]$phone.Send($request)
    if ($phone.Poll(1500000, 'SelectRead')) {
      [void]$phone.Receive($answer)
      $udp = 'answered'
      break
    }
  }
} catch { $udp = Why $_ }
try {
  $left = [Math]::Max(0, 4000 - [int]$clock.ElapsedMilliseconds)
  if ($connecting -and $connecting.AsyncWaitHandle.WaitOne($left)) {
    $caller.EndConnect($connecting)
    $tcp = 'answered'
  }
} catch { $tcp = Why $_ }
[Console]::Out.WriteLine('ucops-recovery: tcp ' + $tcp)
[Console]::Out.WriteLine('ucops-recovery: udp ' + $udp)
"""
COMMAND = script_command(SCRIPT)
DEADLINE = 90.0
"""Seconds. The attempts take four; PowerShell on a busy host takes its time to start."""

_SAID = re.compile(r"^ucops-recovery: (tcp|udp) ([0-9A-Za-z]{1,60})\s*$", re.MULTILINE)
_VERDICTS = {
    "answered": REACHED,
    "10054": REACHED,  # reset: on UDP, ICMP "port unreachable"
    "10061": REACHED,  # refused
    "nothing": SILENT,
    "10013": SILENT,  # forbidden by a firewall of the host itself
    "10051": SILENT,  # no way to that network
    "10060": SILENT,  # timed out
    "10065": SILENT,  # no way to that host
}


def by_powershell(transport: WindowsTransport, address: str, port: int, request: bytes) -> tuple[str, str]:
    """The verdicts for TCP and for UDP. Raises RecoveryError when nothing can be run there."""
    given = f"{address}\r\n{port}\r\n{base64.b64encode(request).decode('ascii')}\r\n"
    result = transport.run(COMMAND, input=given.encode("ascii"), deadline=DEADLINE, silence=DEADLINE, limit=64 * 1024)
    return _verdict(result, "tcp"), _verdict(result, "udp")


def _verdict(result: CommandResult, protocol: str) -> str:
    said = [match[2] for match in _SAID.finditer(result.text) if match[1] == protocol]
    if result.rc == 0 and len(said) == 1:
        return _VERDICTS.get(said[0]) or unknown(said[0])
    # PowerShell may wrap its complaints in XML
    complaint = "" if result.complaint.startswith(("<", "#<")) else result.complaint
    return unknown(complaint or f"PowerShell told nothing of {protocol}, exit status {result.rc}")
