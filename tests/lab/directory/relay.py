# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP relay in front of a server: another address for it, and a cable that can be pulled in the middle."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Listens on 127.0.0.1 and passes everything on. A context manager.

    ``passed``: bytes that came from the server so far. After :meth:`cut_after` that many more, the connection ends,
    once; after :meth:`hang_after`, nothing moves any more.
    """

    def __init__(self, address: str, port: int) -> None:
        self._server = (address, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address, self.port = self._listener.getsockname()
        self.passed = 0
        self._limit: int | None = None
        self._hang = False
        self._closed = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_of_error: object) -> None:
        self._closed.set()
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def cut_after(self, more: int) -> None:
        """Let ``more`` bytes from the server pass, then end the connection. The next one passes everything."""
        self._hang, self._limit = False, self.passed + more

    def hang_after(self, more: int) -> None:
        """Let ``more`` bytes from the server pass, then swallow everything."""
        self._hang, self._limit = True, self.passed + more

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _address = self._listener.accept()
                server = socket.create_connection(self._server, 10)
            except OSError:
                return
            server.settimeout(None)
            self._sockets += [client, server]
            for pair in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pass, args=(*pair, pair[0] is server), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if from_server:
                    self.passed += len(data)
                    if self._limit is not None and self.passed > self._limit:
                        if self._hang:
                            self._closed.wait()
                        self._limit = None
                        for line in (target, source):
                            line.shutdown(socket.SHUT_RDWR)
                        return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
