# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An LDAP server that answers what a test tells it to: for answers that Samba never gives."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error

BIND, SEARCH, MODIFY, EXTENDED = "bindRequest", "searchRequest", "modifyRequest", "extendedReq"
PASSWORD = "planted-bind-password"


@dataclass(frozen=True)
class Request:
    """What the client asked. ``base`` and ``attributes`` are of a search, ``cookie`` of its page."""

    kind: str
    base: str = ""
    attributes: Sequence[str] = ()
    cookie: bytes = b""


@dataclass
class Answer:
    """A result, and the objects in front of it: pairs of DN and attributes. ``cookie``: another page follows."""

    code: int = 0
    message: str = ""
    objects: Sequence[tuple[str, Mapping[str, Sequence[bytes]]]] = ()
    cookie: bytes = b""
    referral: str = ""
    raw: bytes = b""


Script = Callable[[Request], "Answer | None"]
"""None: say nothing, ever."""


@dataclass
class StandIn:
    """Listens on a port of 127.0.0.1. A context manager. ``heard``: every byte that came in the clear or behind TLS."""

    script: Script
    tls: ssl.SSLContext | None = None
    starttls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> StandIn:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_of_error: object) -> None:
        for line in (self._listener, *self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _address = self._listener.accept()
                self._lines.append(line)
                self._threads.append(threading.Thread(target=self._serve, args=(line,), daemon=True))
                self._threads[-1].start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, PyAsn1Error):
            if self.tls:
                line = self.tls.wrap_socket(line, server_side=True)
                self._lines.append(line)
            data = b""
            while more := line.recv(65536):
                self.heard += more
                data += more
                while data and _length(data) <= len(data):
                    size = _length(data)
                    message, data = data[:size], data[size:]
                    number, request = _understood(message)
                    if request is None:
                        return
                    self.requests.append(request)
                    answer = self.script(request)
                    if answer is None:
                        continue
                    line.sendall(answer.raw or _encoded(number, request.kind, answer))
                    if request.kind == EXTENDED and answer.code == 0 and self.starttls:
                        line = self.starttls.wrap_socket(line, server_side=True)
                        self._lines.append(line)


# --- what goes over the line -----------------------------------------------------------------------------------------
def _length(data: bytes) -> int:
    """Of the message that these bytes begin with."""
    if len(data) < 2:
        return len(data) + 1
    if data[1] < 128:
        return 2 + data[1]
    count = data[1] & 127
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big") if len(data) >= 2 + count else len(data) + 1


def _understood(message: bytes) -> tuple[int, Request | None]:
    decoded, _rest = decoder.decode(message, asn1Spec=LDAPMessage())
    kind = decoded["protocolOp"].getName()
    if kind == "unbindRequest":
        return 0, None
    body: Any = decoded["protocolOp"].getComponent()
    number = int(decoded["messageID"])
    if kind != SEARCH:
        return number, Request(kind)
    cookie = b""
    if decoded["controls"].hasValue():
        value, _rest = decoder.decode(bytes(decoded["controls"][0]["controlValue"]))
        cookie = bytes(value[1])
    return number, Request(kind, str(body["baseObject"]), [str(name) for name in body["attributes"]], cookie)


def _ber(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    head = bytes([size]) if size < 128 else b"\x84" + size.to_bytes(4, "big")
    return bytes([tag]) + head + content


def _result(tag: int, answer: Answer) -> bytes:
    referral = [_ber(0xA3, _ber(4, answer.referral.encode()))] if answer.referral else []
    return _ber(tag, _ber(10, bytes([answer.code])), _ber(4), _ber(4, answer.message.encode()), *referral)


def _encoded(number: int, kind: str, answer: Answer) -> bytes:
    name = _ber(2, number.to_bytes(2, "big"))
    out = []
    for dn, attributes in answer.objects:
        held = [
            _ber(0x30, _ber(4, attribute.encode()), _ber(0x31, *(_ber(4, value) for value in values)))
            for attribute, values in attributes.items()
        ]
        out.append(_ber(0x30, name, _ber(0x64, _ber(4, dn.encode()), _ber(0x30, *held))))
    tag = {BIND: 0x61, SEARCH: 0x65, MODIFY: 0x67, EXTENDED: 0x78}[kind]
    controls = []
    if kind == SEARCH:
        value = _ber(0x30, _ber(2, b"\0"), _ber(4, answer.cookie))
        controls = [_ber(0xA0, _ber(0x30, _ber(4, b"1.2.840.113556.1.4.319"), _ber(4, value)))]
    out.append(_ber(0x30, name, _result(tag, answer), *controls))
    return b"".join(out)
