# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import threading

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import PrivilegeFailed
from ansible_collections.ucops.recovery.plugins.module_utils._products import kamailio_checks as k
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


@pytest.fixture(name="transport")
def _transport():
    with LocalTransport() as transport:
        yield transport


def program(folder, script):
    place = folder / "kamailio"
    place.write_text("#!/bin/sh\n" + script)
    place.chmod(0o755)
    return [str(place)]


def test_accepted(tmp_path, transport):
    command = program(tmp_path, f'echo "$@" > {tmp_path}/asked')
    check = k.check_syntax(transport, command, ["WITH_X", "A=1"], "/srv/root", "/etc/kamailio/k.cfg", False)
    assert (check.name, check.ok) == ("kamailio -c", True)
    assert (tmp_path / "asked").read_text() == "-c -f /srv/root/etc/kamailio/k.cfg -A WITH_X -A A=1\n"


def test_refused_with_the_first_complaint_and_without_its_secret(tmp_path, transport):
    complaint = " 0(1) CRITICAL: <core> [x.c:1]: yyerror_at(): bad URL 'mysql://u:geheim@h/d' in line 3"
    command = program(tmp_path, f'echo " 0(1) INFO: x" >&2; echo "{complaint}" >&2; echo "ERROR: later" >&2; exit 255')
    check = k.check_syntax(transport, command, [], "/", "/etc/k.cfg", False)
    assert check.ok is False
    assert "yyerror_at(): bad URL 'mysql://u:<secret>@h/d' in line 3" in check.detail
    assert "geheim" not in check.detail


def test_refused_without_a_word(tmp_path, transport):
    check = k.check_syntax(transport, program(tmp_path, "exit 7"), [], "/", "/etc/k.cfg", False)
    assert (check.ok, check.detail) == (False, "exit status 7")


@pytest.mark.parametrize("command", [["/no/such/kamailio"], ["no-such-kamailio"]])
def test_a_program_that_is_not_there_could_not_be_asked(transport, command):
    check = k.check_syntax(transport, command, [], "/", "/etc/k.cfg", False)
    assert check.ok is None
    assert "cannot be run here" in check.detail


def test_refused_rights_are_told(transport, monkeypatch):
    def refuse(*_words, **_options):
        raise PrivilegeFailed("sudo wants a password")

    monkeypatch.setattr(transport, "run", refuse)
    check = k.check_syntax(transport, ["kamailio"], [], "/", "/etc/k.cfg", True)
    assert (check.ok, check.detail) == (None, "sudo wants a password")


@pytest.mark.parametrize(
    ("target", "listens", "host", "port", "sip_transport", "place"),
    [
        ("pbx", [], None, None, None, ("udp", "pbx", 5060)),
        ("pbx", ["udp:192.0.2.1:5070"], None, None, None, ("udp", "192.0.2.1", 5070)),
        ("pbx", ["tls:192.0.2.1"], None, None, None, ("tls", "192.0.2.1", 5061)),
        ("pbx", ["udp:0.0.0.0:5070"], None, None, None, ("udp", "pbx", 5070)),
        ("pbx", ["udp:eth0:5070 advertise 198.51.100.1:5060"], None, None, None, ("udp", "pbx", 5070)),
        ("pbx", ["tcp:[2001:db8::1]:5070"], None, None, None, ("tcp", "2001:db8::1", 5070)),
        ("pbx", ["udp:127.0.0.1:5060", "tcp:192.0.2.1:5060"], None, None, None, ("tcp", "192.0.2.1", 5060)),
        ("127.0.0.1", ["udp:127.0.0.1:5066"], None, None, None, ("udp", "127.0.0.1", 5066)),
        ("pbx", ["udp:192.0.2.1:5070", "tls:192.0.2.1:5071"], None, None, "tls", ("tls", "192.0.2.1", 5071)),
        ("pbx", ["udp:192.0.2.1:5070"], "sip.example", None, None, ("udp", "sip.example", 5070)),
        ("pbx", ["udp:192.0.2.1:5070"], "sip.example", 5099, "tcp", ("tcp", "sip.example", 5099)),
        ("pbx", ["udp:192.0.2.1:5070"], None, 5099, None, ("udp", "192.0.2.1", 5099)),
        ("pbx", ["sctp:192.0.2.1:5070"], None, None, None, ("udp", "pbx", 5060)),
        ("pbx", ["any:192.0.2.1"], None, None, None, ("udp", "192.0.2.1", 5060)),
    ],
)
def test_where_to_ask(target, listens, host, port, sip_transport, place):
    assert k._place(target, listens, host, port, sip_transport) == place


def test_loopback_of_another_host_cannot_be_asked(transport):
    transport.host = "pbx.example"
    check = k.check_answer(transport, ["udp:127.0.0.1:5060"], None, None, None)
    assert check.ok is None
    assert "sip_host" in check.detail


@pytest.fixture(name="server")
def _server():
    replies = {"status": "200 OK"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(5)

        def answer():
            request, sender = line.recvfrom(4096)
            head = [
                one
                for one in request.decode().split("\r\n")
                if one.lower().startswith(("via", "from", "to", "call-id", "cseq"))
            ]
            line.sendto(
                "\r\n".join([f"SIP/2.0 {replies['status']}", *head, "Content-Length: 0", "", ""]).encode(), sender
            )

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield line.getsockname()[1], replies
        thread.join(5)


@pytest.mark.parametrize(
    ("status", "ok"), [("200 OK", True), ("404 Not here", True), ("503 Service Unavailable", False)]
)
def test_answers(transport, server, status, ok):
    port, replies = server
    replies["status"] = status
    check = k.check_answer(transport, [], "127.0.0.1", port, None)
    assert (check.name, check.ok, check.detail) == (f"SIP OPTIONS udp:127.0.0.1:{port}", ok, status)


def test_no_answer(transport, monkeypatch):
    monkeypatch.setattr(k, "SIP_TIMEOUT", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        check = k.check_answer(transport, [f"udp:127.0.0.1:{silent.getsockname()[1]}"], "127.0.0.1", None, None)
    assert check.ok is False
    assert "within 0.2 s" in check.detail
