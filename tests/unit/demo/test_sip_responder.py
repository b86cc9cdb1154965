# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SIP stand-in over a real socket: what it answers, and when it keeps silent."""

from __future__ import annotations

import contextlib
import socket

import pytest
from sip_responder import SipResponder, answer

REQUEST = (
    "{method} sip:127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n"
    "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:check@127.0.0.1>;tag=a1\r\n"
    "t: <sip:127.0.0.1>\r\n"
    "Call-ID: one@here\r\n"
    "CSeq: 7 {method}\r\n"
    "Content-Length: 0\r\n\r\n"
)


def ask(port, text, timeout=2.0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.sendto(text.encode(), ("127.0.0.1", port))
        with contextlib.suppress(TimeoutError, socket.timeout):
            return client.recv(65535).decode(), client.getsockname()[1]
    return None, 0


@pytest.fixture
def responder():
    running = SipResponder()
    running.start()
    yield running
    running.stop()


def test_options_is_answered_as_rfc_3261_says(responder):
    reply, port = ask(responder.port, REQUEST.format(method="OPTIONS"))
    status, *lines = reply.split("\r\n")
    assert status == "SIP/2.0 200 OK"
    assert lines[0] == f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;received=127.0.0.1;rport={port}"
    assert lines[1] == "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0"
    assert "From: <sip:check@127.0.0.1>;tag=a1" in lines
    assert any(line.startswith("To: <sip:127.0.0.1>;tag=") for line in lines)
    assert "Call-Id: one@here" in lines
    assert "Cseq: 7 OPTIONS" in lines
    assert any("stand-in" in line for line in lines)
    assert reply.endswith("\r\n\r\n")


def test_other_methods_are_not_allowed(responder):
    assert ask(responder.port, REQUEST.format(method="INVITE"))[0].startswith("SIP/2.0 405 ")


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\xff\xfe garbage",
        b"GET / HTTP/1.1\r\n\r\n",
        b"OPTIONS sip:x SIP/2.0\r\nVia: x\r\n\r\n",
        REQUEST.format(method="ACK").encode(),
    ],
)
def test_what_is_no_request_gets_no_answer(datagram):
    assert answer(datagram, ("127.0.0.1", 9)) is None


def test_silent_while_the_host_does_not_serve(responder):
    responder.serving = lambda: False
    assert ask(responder.port, REQUEST.format(method="OPTIONS"), timeout=0.2)[0] is None
    responder.serving = lambda: True
    assert ask(responder.port, REQUEST.format(method="OPTIONS"))[0]


def test_stop_frees_the_port():
    responder = SipResponder()
    responder.start()
    responder.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", responder.port))
