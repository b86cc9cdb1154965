# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attempts are real ones, on loopback, by this machine's own bash."""

from __future__ import annotations

import socket
import threading

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionFailed, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.isolation import addresses, attempt
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult, Transport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


def test_addresses():
    assert addresses(["192.0.2.1", "192.0.2.1:5061", "[2001:db8::1]:5062", "[::1]"]) == [
        ("192.0.2.1", 5060),
        ("192.0.2.1", 5061),
        ("2001:db8::1", 5062),
        ("::1", 5060),
    ]


def test_ipv4_in_the_clothes_of_ipv6_is_tried_as_what_it_is():
    assert addresses(["[::ffff:192.0.2.1]:5062", "[::FFFF:c000:201]"]) == [
        ("192.0.2.1", 5062),
        ("192.0.2.1", 5060),
    ]


@pytest.mark.parametrize("text", ["trunk.example.com", "192.0.2.1:0", "192.0.2.1:99999", "", "1; rm -rf /"])
def test_a_name_proves_nothing(text):
    with pytest.raises(OptionInvalid, match="which is no address"):
        addresses([text])


def test_whoever_accepts_or_answers_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as phone:
        port = server.getsockname()[1]
        phone.bind(("127.0.0.1", port))
        seen = []

        def answer():
            request, sender = phone.recvfrom(4096)
            seen.append(request)
            phone.sendto(b"SIP/2.0 200 OK\r\n\r\n", sender)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        found = attempt(LocalTransport("here"), "127.0.0.1", port)
        thread.join(5)
    assert (found.tcp, found.udp, found.is_cut_off) == ("reached", "reached", False)
    assert seen[0].startswith(b"OPTIONS sip:127.0.0.1") and seen[0].endswith(b"Content-Length: 0\r\n\r\n")


def test_a_refusal_comes_from_somebody_who_was_reached():
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = attempt(LocalTransport("here"), "127.0.0.1", port)
    assert (found.tcp, found.udp) == ("reached", "reached")


class Saying(Transport):
    """A host whose bash says what it is told."""

    host = "target"

    def __init__(self, said="", rc=0, error=None):
        self.said, self.rc, self.error = said, rc, error

    def run(self, argv, **how):
        if self.error:
            raise self.error
        return CommandResult(self.rc, self.said.encode(), b"sh: bash: not found" if self.rc else b"")

    def close(self):
        pass


def test_silence_is_what_is_wanted():
    found = attempt(Saying("tcp=silent\nudp=silent\n"), "192.0.2.1", 5060)
    assert found.is_cut_off and str(found) == "192.0.2.1:5060: tcp silent, udp silent"


@pytest.mark.parametrize(
    "host",
    [
        Saying(rc=127),
        Saying("tcp=silent\n"),
        Saying("tcp=silent\nudp=unknown what is that"),
        Saying(error=ConnectionFailed("gone")),
    ],
)
def test_what_cannot_be_tried_proves_nothing(host):
    assert not attempt(host, "192.0.2.1", 5060).is_cut_off
