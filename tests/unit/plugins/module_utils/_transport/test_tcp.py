# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

from ansible_collections.ucops.recovery.plugins.module_utils._transport.tcp import listens


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
