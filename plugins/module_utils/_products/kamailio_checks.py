# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a Kamailio accepts its configuration, and whether it answers."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Sequence

from .._compare.mask import decoded, readable, redacted
from .._compare.mask_rules import KAMAILIO
from .._errors import ConnectionFailed, PrivilegeFailed
from .._transport.base import Become, Transport
from .._transport.sip import options_ping
from .base import Check

_CANNOT_RUN = (126, 127)
_TROUBLE = re.compile(r"\b(?:CRITICAL|ERROR|ALERT|bad config)\b[: ]*(?P<what>.*)")
_LISTEN = re.compile(r"(?P<transport>udp|tcp|tls|any):(?P<host>\[[^\]]*\]|[^:\s]*)(?::(?P<port>\d+))?", re.IGNORECASE)
_DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
SIP_TIMEOUT = 5.0
"""Seconds."""


def check_syntax(
    transport: Transport, command: Sequence[str], defines: Sequence[str], root: str, config_file: str, become: Become
) -> Check:
    """``kamailio -c``: Kamailio's own verdict on the file."""
    name = f"{posixpath.basename(command[0])} -c"
    place = posixpath.join(root, config_file.lstrip("/"))
    words = [*command, "-c", "-f", place]
    for define in defines:
        words += ["-A", define]
    try:
        result = transport.run(words, become=become)
    except PrivilegeFailed as error:
        return Check(name, None, error.message)
    if result.rc in _CANNOT_RUN:
        return Check(name, None, f"{command[0]} cannot be run here ({result.complaint or f'exit status {result.rc}'})")
    if result.rc == 0:
        return Check(name, True, f"accepts {place}")
    return Check(name, False, _first_trouble(decoded(result.stderr + result.stdout)) or f"exit status {result.rc}")


def check_answer(
    transport: Transport, listens: Sequence[str], host: str | None, port: int | None, sip_transport: str | None
) -> Check:
    """SIP OPTIONS, from where this runs: any final answer below 500 shows a working server."""
    place = _place(transport.host, listens, host, port, sip_transport)
    if isinstance(place, str):
        return Check("SIP OPTIONS", None, place)
    used, to_host, to_port = place
    name = f"SIP OPTIONS {used}:{to_host}:{to_port}"
    try:
        reply = options_ping(to_host, to_port, used, SIP_TIMEOUT)
    except ConnectionFailed as error:
        return Check(name, False, error.message)
    return Check(name, reply.code < 500, f"{reply.code} {readable(reply.reason)}")


def _first_trouble(output: str) -> str:
    """What Kamailio complains of first, without the secrets that it likes to print."""
    for line in output.splitlines():
        found = _TROUBLE.search(line)
        if found:
            return readable(redacted(found["what"], KAMAILIO))[:500]
    return ""


def _place(
    target: str, listens: Sequence[str], host: str | None, port: int | None, sip_transport: str | None
) -> tuple[str, str, int] | str:
    """Transport, host and port to ask, or why there is nobody to ask."""
    sockets = [found for found in map(_LISTEN.match, listens) if found]
    fitting = [found for found in sockets if _transport(found) == (sip_transport or _transport(found))]
    chosen = next(iter(sorted(fitting, key=lambda found: _is_loopback(found["host"]))), None)
    used = sip_transport or (_transport(chosen) if chosen else "udp")
    found_port = int(chosen["port"]) if chosen and chosen["port"] else _DEFAULT_PORTS[used]
    if host:
        return used, host, port or found_port
    address = chosen["host"].strip("[]") if chosen else ""
    if address and not _is_wildcard(address):
        if _is_loopback(address) and not _is_loopback(target):
            return "Kamailio listens on loopback only; give sip_host to ask it from here"
        return used, address, port or found_port
    return used, target, port or found_port


def _transport(found: re.Match[str]) -> str:
    name = found["transport"].lower()
    return "udp" if name == "any" else name


def _is_wildcard(address: str) -> bool:
    return address in ("*", "0.0.0.0", "::") or not re.search(r"[.:]", address)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"
