# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Peers that are no SQL Server, or a bad one. What a good one is to it, test_tds.py shows."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tds_line import (
    TdsLine,
    _packet,
    _parse_prelogin,
    _prelogin,
)

GREETING = _prelogin({0: b"\x0f\0\0\0\0\0", 1: b"\x01"})


@pytest.fixture
def peer() -> Iterator[Callable[[bytes], TdsLine]]:
    """Answers the greeting with these bytes, and nothing more."""
    listeners = []

    def make(answer: bytes) -> TdsLine:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            connection, _address = listener.accept()
            listeners.append(connection)
            connection.recv(4096)
            connection.sendall(answer)
            if answer.endswith(b"END"):
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return TdsLine("127.0.0.1", listener.getsockname()[1], ssl.create_default_context(), 0.5)

    yield make
    for one in listeners:
        one.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        _packet(0x04, b""),
        _packet(0x04, b"\x01"),
        _packet(0x01, GREETING),
        struct.pack(">BBHHBx", 4, 1, 3, 0, 1),
        _packet(0x04, b"\xff" * 300 * 1024),
        _packet(0x04, GREETING) + _packet(0x01, b"no handshake"),
    ],
)
def test_what_is_no_sql_server_is_named(peer: Callable[[bytes], TdsLine], answer: bytes) -> None:
    with pytest.raises(ConnectionFailed, match="is no SQL Server|within|longer|silent"):
        peer(answer)


def test_a_peer_that_hangs_up(peer: Callable[[bytes], TdsLine]) -> None:
    with pytest.raises(ConnectionLost, match="broke"):
        peer(b"\x04\x01END")


def test_a_peer_that_says_nothing(peer: Callable[[bytes], TdsLine]) -> None:
    with pytest.raises(DeadlineExceeded):
        peer(b"")


def test_a_peer_whose_handshake_is_nonsense(peer: Callable[[bytes], TdsLine]) -> None:
    with pytest.raises(ConnectionFailed, match="agrees on no encryption"):
        peer(_packet(0x04, GREETING) + _packet(0x12, b"\x15\x03\x03\x00\x02\x02\x28"))


@given(st.binary(max_size=200))
def test_any_bytes_can_be_parsed(message: bytes) -> None:
    _parse_prelogin(message)


@given(st.dictionaries(st.integers(0, 254), st.binary(max_size=20), max_size=8))
def test_what_is_said_is_understood(options: dict[int, bytes]) -> None:
    assert _parse_prelogin(_prelogin(options)) == options


@given(st.binary(max_size=20_000))
def test_a_message_is_cut_into_packets_of_which_one_is_the_last(content: bytes) -> None:
    whole, found, ends = _packet(0x12, content), b"", []
    while whole:
        _kind, status, length = struct.unpack_from(">BBH", whole)
        found += whole[8:length]
        ends.append(status)
        whole = whole[length:]
    assert found == content
    assert ends == [0] * (len(ends) - 1) + [1]
