# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for a running Kamailio: answers SIP OPTIONS over UDP on loopback, and nothing else of SIP.

It keeps silent, as a dead server would, while its host is not serving. So a health check that asks it learns whether
the service was started again and whether the configuration on the host still listens here.
"""

from __future__ import annotations

import re
import secrets
import socket
import threading
from typing import Callable

_REQUEST = re.compile(r"(?P<method>[A-Z]+) (?P<uri>sips?:\S+) SIP/2\.0")
_SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "l": "content-length", "m": "contact"}
_COPIED = ("via", "from", "to", "call-id", "cseq")


def answer(datagram: bytes, peer: tuple[str, int]) -> bytes | None:
    """The reply to one SIP request: 200 for OPTIONS, 405 for other methods, None for what needs or deserves none."""
    head = datagram.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    first, *lines = head.split("\r\n")
    request = _REQUEST.fullmatch(first)
    if not request or request["method"] == "ACK":
        return None
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon:
            headers.setdefault(_SHORT.get(name, name), []).append(value.strip())
    if any(name not in headers for name in _COPIED):
        return None
    headers["via"][0] = re.sub(r";rport(?=;|$)", f";received={peer[0]};rport={peer[1]}", headers["via"][0])
    if ";tag=" not in headers["to"][0]:
        headers["to"][0] += f";tag={secrets.token_hex(6)}"
    status = "200 OK" if request["method"] == "OPTIONS" else "405 Method Not Allowed"
    reply = [f"SIP/2.0 {status}"]
    for name in _COPIED:
        reply += [f"{name.title()}: {value}" for value in headers[name]]
    reply += ["Allow: OPTIONS", "Server: ucops.recovery demo stand-in", "Content-Length: 0", "", ""]
    return "\r\n".join(reply).encode("utf-8")


class SipResponder:
    """One UDP port of one host. ``serving`` is asked for every request; False means silence."""

    def __init__(self, serving: Callable[[], bool] = lambda: True) -> None:
        self.serving = serving
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"sip-{self.port}", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port; returns when nothing is answered any more."""
        self._closing.set()
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", ("127.0.0.1", self.port))
            self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                datagram, peer = self._socket.recvfrom(65535)
            except ConnectionError:
                continue
            except OSError:
                return
            if self._closing.is_set():
                return
            reply = answer(datagram, peer)
            if reply is not None and self.serving():
                try:
                    self._socket.sendto(reply, peer)
                except OSError:
                    continue


def ask(port: int, timeout: float = 1.0) -> str | None:
    """Send OPTIONS to a port of this machine: the status of the reply, or None after ``timeout`` silent seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect(("127.0.0.1", port))
        own = client.getsockname()[1]
        request = [
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK{secrets.token_hex(8)};rport",
            f"From: <sip:demo@127.0.0.1>;tag={secrets.token_hex(4)}",
            f"To: <sip:127.0.0.1:{port}>",
            f"Call-ID: {secrets.token_hex(8)}@127.0.0.1",
            "CSeq: 1 OPTIONS",
            "Max-Forwards: 70",
            "Content-Length: 0",
            "",
            "",
        ]
        try:
            client.send("\r\n".join(request).encode("ascii"))
            return client.recv(65535).decode("utf-8", "replace").partition("\r\n")[0].removeprefix("SIP/2.0 ")
        except OSError:
            return None
