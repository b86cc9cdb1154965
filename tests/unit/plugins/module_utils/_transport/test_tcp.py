# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import socket

import pytest
from support.starface_stand_in import StatusStandIn

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    DeadlineExceeded,
    OutputTooLarge,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tcp import listens, read_all


def test_something_listens_and_then_not_any_more():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens("127.0.0.1", port) is True
    assert listens("127.0.0.1", port) is False


def test_no_answer_says_nothing(monkeypatch):
    def silent(*_args, **_kwargs):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    assert listens("uc2.example", 7222) is None
    assert listens("no such name", 7222) is None


@pytest.fixture
def says():
    opened = []

    def one(text=b"", **how):
        service = StatusStandIn(text, **how)
        service.__enter__()
        opened.append(service)
        return functools.partial(read_all, service.address, service.port, connect_timeout=2)

    yield one
    for service in opened:
        service.__exit__()


def test_all_that_a_port_says(says):
    text = b"x" * 200_000
    assert says(text)(limit=200_000, total_timeout=10) == text


def test_too_much_too_slow_or_nobody(says):
    with pytest.raises(OutputTooLarge):
        says(endless=True)(limit=100_000, total_timeout=10)
    with pytest.raises(DeadlineExceeded, match="0.3 s"):
        says(b"x" * 100, slow=0.05)(limit=100, total_timeout=0.3)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionFailed, match="cannot be read"):
            read_all("127.0.0.1", closed.getsockname()[1], limit=1, connect_timeout=1, total_timeout=1)
