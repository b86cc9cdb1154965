# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a SIP server whether it is there: one OPTIONS request over UDP, TCP or TLS."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import ssl
import time
from dataclasses import dataclass

from .._errors import ConnectionFailed, DeadlineExceeded, OptionInvalid

LARGEST_REPLY = 64 * 1024
FIRST_RETRANSMISSION = 0.5
"""Seconds (T1 of RFC 3261); doubled each time."""
_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*))?\r?\n")


@dataclass(frozen=True)
class SipReply:
    """A final answer: status code, reason, seconds until it came. Any code shows a living server."""

    code: int
    reason: str
    rtt: float


def options_ping(
    host: str,
    port: int = 5060,
    transport: str = "udp",
    timeout: float = 5.0,
    *,
    target: str | None = None,
    ca_file: str | None = None,
) -> SipReply:
    """Send OPTIONS, wait for the final answer.

    :param timeout: seconds for everything together
    :param target: host part of the request's address, by default ``host``
    :param ca_file: certificates that a TLS server is checked against; None: any certificate will do, since nothing but
        "are you there" is asked
    :raises DeadlineExceeded: no answer in time
    :raises ConnectionFailed: unreachable, or what answers does not speak SIP
    :raises OptionInvalid: a transport that is none
    """
    if transport not in ("udp", "tcp", "tls"):
        raise OptionInvalid(f"There is no SIP transport {transport!r}, only udp, tcp and tls", host=host)
    ping = _Ping(host, port, transport, timeout, target or host)
    try:
        with contextlib.closing(ping.connect(ca_file)) as line:
            return ping.over_udp(line) if transport == "udp" else ping.over_stream(line)
    except socket.timeout:
        raise DeadlineExceeded(
            f"No SIP answer on {transport} port {port} within {timeout:g} s",
            host=host,
            hint="Is the SIP server running and listening there?",
        ) from None
    except ssl.SSLError as error:
        raise ConnectionFailed(
            f"TLS on port {port} fails ({error.reason or error})", host=host, hint="Check the server's certificate."
        ) from None
    except OSError as error:
        raise ConnectionFailed(
            f"SIP on {transport} port {port} cannot be reached: {error.strerror or error}",
            host=host,
            hint="Is the SIP server running and listening there?",
        ) from None


class _Ping:
    def __init__(self, host: str, port: int, transport: str, timeout: float, target: str) -> None:
        self._host = host
        self._port = port
        self._transport = transport
        self._begun = time.monotonic()
        self._until = self._begun + timeout
        self._target = target
        self._branch = "z9hG4bK" + secrets.token_hex(8)
        self._call_id = secrets.token_hex(12)

    def connect(self, ca_file: str | None) -> socket.socket:
        if self._transport != "udp":
            line = socket.create_connection((self._host, self._port), timeout=self._left())
            return self._secured(line, ca_file) if self._transport == "tls" else line
        family, kind, protocol, _name, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
        line = socket.socket(family, kind, protocol)
        try:
            line.connect(address)
        except OSError:
            line.close()
            raise
        return line

    def _secured(self, line: socket.socket, ca_file: str | None) -> socket.socket:
        context = ssl.create_default_context(cafile=ca_file)
        if ca_file is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            return context.wrap_socket(line, server_hostname=self._host)
        except OSError:
            line.close()
            raise

    def over_udp(self, line: socket.socket) -> SipReply:
        wait = FIRST_RETRANSMISSION
        request = self._request(line)
        while True:
            line.settimeout(self._left())
            line.send(request)
            again = time.monotonic() + wait
            wait *= 2
            while time.monotonic() < again:
                line.settimeout(max(0.001, min(again - time.monotonic(), self._left())))
                try:
                    reply = self._final(line.recv(LARGEST_REPLY))
                except socket.timeout:
                    break
                if reply is not None:
                    return reply

    def over_stream(self, line: socket.socket) -> SipReply:
        line.settimeout(self._left())
        line.sendall(self._request(line))
        data = b""
        while len(data) < LARGEST_REPLY:
            line.settimeout(self._left())
            piece = line.recv(LARGEST_REPLY)
            if not piece:
                break
            data += piece
            while b"\r\n\r\n" in data:
                head, _end, data = data.partition(b"\r\n\r\n")
                reply = self._final(head + b"\r\n\r\n")
                if reply is not None:
                    return reply
        raise self._stranger()

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise socket.timeout
        return left

    def _final(self, data: bytes) -> SipReply | None:
        """The answer to our request; None for a provisional or a stray one."""
        data = data.lstrip(b"\r\n")
        status = _STATUS.match(data)
        if status is None:
            raise self._stranger()
        if self._call_id.encode() not in data or int(status[1]) < 200:
            return None
        reason = (status[2] or b"").decode("utf-8", "replace")[:200]
        return SipReply(int(status[1]), reason, time.monotonic() - self._begun)

    def _stranger(self) -> ConnectionFailed:
        return ConnectionFailed(f"What answers on port {self._port} does not speak SIP", host=self._host)

    def _request(self, line: socket.socket) -> bytes:
        address, port = line.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        target = f"[{self._target}]" if ":" in self._target else self._target
        target = f"sip:{target}:{self._port}" + ("" if self._transport == "udp" else f";transport={self._transport}")
        return (
            f"OPTIONS {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self._transport.upper()} {shown}:{port};branch={self._branch};rport\r\n"
            "Max-Forwards: 70\r\n"
            f"From: <sip:ping@{shown}>;tag={secrets.token_hex(4)}\r\n"
            f"To: <{target}>\r\n"
            f"Call-ID: {self._call_id}\r\n"
            "CSeq: 1 OPTIONS\r\n"
            f"Contact: <sip:ping@{shown}:{port}>\r\n"
            "Accept: application/sdp\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()
