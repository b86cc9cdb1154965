# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a drill's target is cut off from what it must never reach, such as the trunk of the production system.

The target itself tries, with bash or PowerShell: a TCP connection and a SIP OPTIONS request over UDP. Any sign of life
counts as reached, a refusal too: whoever refuses got the packet. What cannot be tried proves nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from .._errors import OptionInvalid, RecoveryError
from .._transport.base import Transport
from .._transport.windows import WindowsTransport
from .isolation_powershell import by_powershell
from .isolation_verdict import UNKNOWN, Attempt, unknown

SIP_PORT = 5060
DEADLINE = 30.0
"""Seconds for both attempts at one address; they take about three."""

_ENTRY = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")

_TRY = r"""
export LC_ALL=C
verdict() {  # protocol, exit code, what was said
  case $2:$3 in
    0:*) echo "$1=reached";;
    *[Rr]efused*) echo "$1=reached";;
    124:*) echo "$1=silent";;
    *unreachable*|*"No route"*|*"timed out"*|*"Operation not permitted"*) echo "$1=silent";;
    *) echo "$1=unknown $(printf %s "$3" | tr '\n' ' ')";;
  esac
}
request=$(cat)
{ said=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1); verdict tcp $? "$said"; } &
said=$(printf %s "$request" | timeout 6 bash -c '
  exec 3<>"/dev/udp/$0/$1" || exit 1
  request=$(cat)
  for attempt in 1 2; do
    # the shell would send a datagram for each line
    printf "%s\r\n\r\n" "$request" | dd obs=8192 status=none >&3 || exit 1
    IFS= read -r -t 1.5 -n 1 -u 3 answer; code=$?
    [ "$code" -le 128 ] && exit "$code"
  done
  exit 124' "$1" "$2" 2>&1); verdict udp $? "$said"
wait
"""


def addresses(given: Sequence[str]) -> list[tuple[str, int]]:
    """Address and port of each entry like C(192.0.2.1), C(192.0.2.1:5061) or C([2001:db8::1]:5060).

    Raises OptionInvalid for a name: that it cannot be resolved there says nothing of its address.
    """
    found = []
    for text in given:
        match = _ENTRY.fullmatch(text.strip())
        try:
            if match is None:
                raise ValueError
            address = _address(match["six"] or match["four"])
            port = int(match["port"] or SIP_PORT)
            if not 0 < port < 65536:
                raise ValueError
        except ValueError:
            raise OptionInvalid(
                f"unreachable names {text[:60]!r}, which is no address",
                hint="Give addresses such as 192.0.2.1 or 192.0.2.1:5061; that a name is not known on the target proves"
                " nothing.",
            ) from None
        found.append((address, port))
    return found


def _address(text: str) -> str:
    """In the usual form. IPv4 in the clothes of IPv6 is taken out of them: a host would call that no way there."""
    found = ipaddress.ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def attempt(transport: Transport, address: str, port: int) -> Attempt:
    """Let the target try to reach an address. A target that cannot try gives C(unknown)."""
    request = _request(address, port)
    try:
        if isinstance(transport, WindowsTransport):
            # a datagram is sent as it is given, and SIP ends with an empty line
            told = by_powershell(transport, address, port, request + b"\r\n\r\n")
        else:
            told = _by_bash(transport, address, port, request)
    except RecoveryError as error:
        return Attempt(address, port, unknown(error.message), UNKNOWN)
    return Attempt(address, port, *told)


def _by_bash(transport: Transport, address: str, port: int, request: bytes) -> tuple[str, str]:
    result = transport.run(["bash", "-c", _TRY, "bash", address, str(port)], input=request, deadline=DEADLINE)
    told = dict(line.partition("=")[::2] for line in result.text.splitlines())
    missing = unknown(result.complaint or f"exit status {result.rc}")
    return told.get("tcp", missing), told.get("udp", missing)


def _request(address: str, port: int) -> bytes:
    shown = f"[{address}]" if ":" in address else address
    return (
        f"OPTIONS sip:{shown}:{port} SIP/2.0\r\n"
        "Via: SIP/2.0/UDP drill.invalid:5060;branch=z9hG4bKucopsdrill;rport\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:drill@drill.invalid>;tag=ucops\r\n"
        f"To: <sip:{shown}:{port}>\r\n"
        "Call-ID: ucops-drill@drill.invalid\r\n"
        "CSeq: 1 OPTIONS\r\n"
        "Content-Length: 0"
    ).encode()
