# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status service of a third party's module on TCP 6556: it sends its text to whoever connects, and ends.

Written from a public check and its test data (github.com/Linuxfabrik/monitoring-plugins, starface-backup-status).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class StatusStandIn:
    """Serves a text while its context is open. ``slow``: seconds between two bytes. ``endless``: it never stops."""

    def __init__(self, text: bytes, *, address: str = "127.0.0.1", slow: float = 0.0, endless: bool = False) -> None:
        self._socket = socket.create_server((address, 0))
        self.address, self.port = self._socket.getsockname()
        self.received: list[bytes] = []
        self._text = text
        self._slow = slow
        self._endless = endless
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> StatusStandIn:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # who waits in accept would take one more connection
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                peer, _address = self._socket.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        if self._slow:
            for byte in self._text:
                if self._over.is_set():
                    return
                peer.sendall(bytes([byte]))
                time.sleep(self._slow)
        peer.sendall(self._text)
        while self._endless and not self._over.is_set():
            peer.sendall(b"x" * 65536)
        peer.shutdown(socket.SHUT_WR)
        peer.settimeout(1)
        self.received.append(peer.recv(1000))
