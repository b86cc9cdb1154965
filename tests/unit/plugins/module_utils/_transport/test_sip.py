# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    DeadlineExceeded,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.sip import options_ping


def reply_to(request: bytes, status: str = "200 Keepalive") -> bytes:
    fields = {
        name: re.search(rb"^" + name + rb": .*\r\n", request, re.M)[0]
        for name in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")
    }
    return f"SIP/2.0 {status}\r\n".encode() + b"".join(fields.values()) + b"Content-Length: 0\r\n\r\n"


@pytest.fixture
def udp():
    """Serves UDP with a function from request and how many came before to answers."""
    opened = []

    def start(answer):
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.bind(("127.0.0.1", 0))
        opened.append(line)

        def serve():
            number = 0
            while True:
                try:
                    data, address = line.recvfrom(65536)
                except OSError:
                    return
                for out in answer(data, number):
                    line.sendto(out, address)
                number += 1

        threading.Thread(target=serve, daemon=True).start()
        return line.getsockname()[1]

    yield start
    for line in opened:
        line.close()


def serve_stream(answer, context=None):
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        line, _address = listener.accept()
        with listener:
            try:
                with context.wrap_socket(line, server_side=True) if context else line as peer:
                    answer(peer, peer.recv(65536))
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def test_a_server_answers_over_udp(udp):
    reply = options_ping("127.0.0.1", udp(lambda data, number: [reply_to(data)]))
    assert (reply.code, reply.reason) == (200, "Keepalive")
    assert 0 <= reply.rtt < 5


def test_the_request_is_whole(udp):
    seen = []
    port = udp(lambda data, number: [seen.append(data), reply_to(data)][1:])
    options_ping("127.0.0.1", port, target="sip.example.org")
    request = seen[0].decode()
    assert request.startswith(f"OPTIONS sip:sip.example.org:{port} SIP/2.0\r\n")
    for field in (
        "Via: SIP/2.0/UDP 127.0.0.1:",
        "branch=z9hG4bK",
        "Max-Forwards: 70",
        "From: <sip:ping@",
        "To: <sip:",
        "Call-ID: ",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0\r\n\r\n",
    ):
        assert field in request


def test_any_final_answer_shows_life(udp):
    assert options_ping("127.0.0.1", udp(lambda data, number: [reply_to(data, "483 Too Many Hops")])).code == 483


def test_a_lost_request_is_sent_again(udp):
    assert options_ping("127.0.0.1", udp(lambda data, number: [reply_to(data)] if number else [])).code == 200


def test_a_provisional_and_a_stray_answer_are_waited_through(udp):
    stray = b"SIP/2.0 200 OK\r\nCall-ID: somebody-else\r\n\r\n"
    assert (
        options_ping(
            "127.0.0.1", udp(lambda data, number: [stray, reply_to(data, "100 Trying"), reply_to(data, "404 No")])
        ).code
        == 404
    )


def test_no_answer_has_a_deadline(udp):
    with pytest.raises(DeadlineExceeded, match="127.0.0.1: No SIP answer on udp port"):
        options_ping("127.0.0.1", udp(lambda data, number: []), timeout=0.3)


def test_an_answer_that_is_not_sip_is_told(udp):
    with pytest.raises(ConnectionFailed, match="does not speak SIP"):
        options_ping("127.0.0.1", udp(lambda data, number: [b"HTTP/1.1 200 OK\r\n\r\n"]))


def test_a_closed_port_is_told(udp):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for transport in ("udp", "tcp", "tls"):
        with pytest.raises(ConnectionFailed, match="refused"):
            options_ping("127.0.0.1", port, transport, timeout=3)


def test_a_server_answers_over_tcp_in_pieces():
    def answer(peer, request):
        data = reply_to(request, "100 Trying") + reply_to(request)
        for at in range(0, len(data), 50):
            peer.sendall(data[at : at + 50])

    assert options_ping("127.0.0.1", serve_stream(answer), "tcp").code == 200


def test_a_stream_that_ends_without_an_answer_is_told():
    with pytest.raises(ConnectionFailed, match="does not speak SIP"):
        options_ping("127.0.0.1", serve_stream(lambda peer, request: peer.sendall(b"hello")), "tcp")


def test_tls_takes_any_certificate_unless_told_whose(tmp_path):
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    named = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make.split(), *named, *files], check=True, capture_output=True)
    other = tmp_path / "other"
    other.write_text(ssl.DER_cert_to_PEM_cert(ssl.create_default_context().get_ca_certs(True)[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")

    def answer(peer, request):
        peer.sendall(reply_to(request))

    assert options_ping("127.0.0.1", serve_stream(answer, context), "tls").code == 200
    assert options_ping("127.0.0.1", serve_stream(answer, context), "tls", ca_file=str(tmp_path / "cert")).code == 200
    with pytest.raises(ConnectionFailed, match="TLS on port"):
        options_ping("127.0.0.1", serve_stream(answer, context), "tls", ca_file=str(other))


def test_a_transport_that_is_none_is_refused():
    with pytest.raises(OptionInvalid, match="sctp"):
        options_ping("127.0.0.1", 5060, "sctp")
