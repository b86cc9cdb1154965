# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for the PowerShell that tries whether a Windows host reaches an address: it takes the one script that we
send, word for word, and does with this machine's sockets what the script does with those of .NET.

The script itself never ran: there is no PowerShell here.
"""

from __future__ import annotations

import base64
import errno
import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lab.windows.shells import Answer, Program

_WORDS = ["powershell", "-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand"]
_SCRIPT = r"""
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
_GIVEN = re.compile(rb"([0-9a-f.:]+)\r\n([0-9]+)\r\n([A-Za-z0-9+/]+=*)\r\n")
_NUMBERS = {
    errno.EACCES: 10013,
    errno.EPERM: 10013,
    errno.EAFNOSUPPORT: 10047,
    errno.EADDRNOTAVAIL: 10049,
    errno.ENETUNREACH: 10051,
    errno.EHOSTUNREACH: 10065,
}
_REFUSED = {"tcp": 10061, "udp": 10054}
"""Winsock's numbers of what this machine calls otherwise."""


class IsolationStandIn:
    """``otherwise``: who takes every other command. ``instead``: what it says without trying, by address."""

    def __init__(self, otherwise: Program) -> None:
        self.tried: list[str] = []
        self.instead: dict[str, Answer] = {}
        self._otherwise = otherwise

    def __call__(self, words: Sequence[str], given: bytes) -> Answer:
        if list(words[:-1]) != _WORDS or base64.b64decode(words[-1]).decode("utf-16-le") != _SCRIPT:
            return self._otherwise(words, given)
        match = _GIVEN.fullmatch(given)
        if match is None:
            return Answer(1, b"", b"This is no address, port and request.\r\n")
        address, port, request = match[1].decode(), int(match[2]), base64.b64decode(match[3], validate=True)
        self.tried.append(address)
        if address in self.instead:
            return self.instead[address]
        with ThreadPoolExecutor(2) as pool:
            tcp = pool.submit(_told, "tcp", lambda: _call(address, port))
            udp = pool.submit(_told, "udp", lambda: _ask(address, port, request))
        return Answer(0, f"ucops-recovery: tcp {tcp.result()}\r\nucops-recovery: udp {udp.result()}\r\n".encode())


def _call(address: str, port: int) -> str:
    try:
        socket.create_connection((address, port), timeout=4).close()
    except TimeoutError:
        return "nothing"
    return "answered"


def _ask(address: str, port: int, request: bytes) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as phone:
        phone.settimeout(1.5)
        phone.connect((address, port))
        for _time in (1, 2):
            phone.send(request)
            try:
                phone.recv(65536)
                return "answered"
            except TimeoutError:
                continue
    return "nothing"


def _told(protocol: str, attempt: Callable[[], str]) -> str:
    try:
        return attempt()
    except ConnectionRefusedError:
        return str(_REFUSED[protocol])
    except OSError as error:
        return str(_NUMBERS.get(error.errno or 0, "IOException"))
