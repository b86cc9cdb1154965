# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._transport.prompt_socket import PromptSocket


def test_it_takes_the_connection_over():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = socket.create_connection(listener.getsockname())
        peer, _address = listener.accept()
        with peer, PromptSocket(plain) as line:
            assert plain.fileno() == -1
            assert line.send(b"request") == 7
            assert peer.recv(100) == b"request"
            peer.sendall(b"answer")
            assert line.recv(100) == b"answer"
        assert line.fileno() == -1


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux puts acknowledgements off and can be told")
def test_what_comes_after_something_was_sent_is_acknowledged_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = PromptSocket(socket.create_connection(listener.getsockname()))
        peer, _address = listener.accept()
        with peer, line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            line.send(b"request")
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK) == 1
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
