# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP connection whose peer never waits for our acknowledgements.

OpenSSH tells its host keys right after the login, and its next small answer waits until those are acknowledged (Nagle);
Linux puts that off for 40 ms. For a small backup that is as long as all the rest.
"""

from __future__ import annotations

import socket


class PromptSocket(socket.socket):
    """Takes over a connected socket. What comes after something was sent is acknowledged at once."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(fileno=line.detach())
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        sent = super().send(data, flags)
        if hasattr(socket, "TCP_QUICKACK"):  # Linux; it forgets that with the next thing that is sent
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return sent
