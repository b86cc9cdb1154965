# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole messages over TCP, with a peer that sends them in any pieces, too slowly, or not at all."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_wire import Wire


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire = Wire("127.0.0.1", listening.getsockname()[1], 5)
        peer, _address = listening.accept()
        with peer:
            yield wire, peer
        wire.close()


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def test_messages_of_all_sizes_in_any_pieces(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    messages = [b"", b"x", os.urandom(1000), os.urandom(300_000), b"small", os.urandom(3_000_000), b"end"]
    stream = b"".join(framed(message) for message in messages)

    def send() -> None:
        for at in range(0, len(stream), 77_777):
            peer.sendall(stream[at : at + 77_777])

    thread = threading.Thread(target=send)
    thread.start()
    assert [bytes(wire.message()) for _message in messages] == messages
    thread.join()


def test_what_is_sent_is_framed(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    wire.put(b"ab", b"", b"cde")
    assert peer.recv(100) == b"\0\0\0\5abcde"


def test_silence_ends_it(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    wire.silence = 0.2
    peer.sendall(framed(bytes(100))[:50])
    with pytest.raises(DeadlineExceeded, match=r"silent for 0\.2 s"):
        wire.message()


def test_drops_do_not_lengthen_the_deadline(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    stop = threading.Event()

    def drip() -> None:
        peer.sendall(b"\0\0\0\xff")
        while not stop.wait(0.05):
            peer.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        wire.message(began + 0.3)
    assert time.monotonic() - began < 2
    stop.set()
    thread.join()


def test_a_peer_that_goes_in_the_middle(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    peer.sendall(framed(bytes(100))[:50])
    peer.close()
    with pytest.raises(ConnectionLost):
        wire.message()


def test_a_length_that_no_message_has(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(ConnectionFailed, match="does not speak SMB"):
        wire.message()


def test_whether_the_peer_is_gone(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    assert not wire.gone()
    peer.sendall(framed(b"a") + framed(b"b"))
    assert bytes(wire.message()) == b"a" and not wire.gone()
    assert bytes(wire.message()) == b"b"
    peer.shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    assert wire.gone()
    wire.close()
    assert wire.gone()


def test_the_login_is_let_go(ends: tuple[Wire, socket.socket]) -> None:
    wire, peer = ends
    threading.Timer(0.2, wire.let_go).start()
    assert wire.recv(600) == b""
    peer.sendall(framed(b"later"))
    assert bytes(wire.message()) == b"later"


def test_the_login_waits_no_longer_than_it_may(ends: tuple[Wire, socket.socket]) -> None:
    wire, _peer = ends
    wire.silence = 0.2
    with pytest.raises(DeadlineExceeded):
        wire.recv(600)


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionFailed, match="cannot be reached"):
            Wire("127.0.0.1", free.getsockname()[1], 1)
