# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody in between: passes SMB messages on between a client and a server, and changes what he likes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

Change = Callable[[bytes], "bytes | None"]
"""Gets a whole message and returns what is passed on; None: nothing, and the connection is cut."""


def as_it_is(message: bytes) -> bytes:
    """Passes everything."""
    return message


class Meddler:
    """A context manager; :attr:`port` leads to the server."""

    def __init__(self, address: str, port: int, *, to_client: Change = as_it_is, to_server: Change = as_it_is) -> None:
        self.address = address
        self.seen: list[bytes] = []
        """What the client sent."""
        self._server = (address, port)
        self._to_client, self._to_server = to_client, to_server
        self._listening = socket.create_server((address, 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Meddler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _peer = self._listening.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for source, target, change in ((client, server, self._note), (server, client, self._to_client)):
                    threading.Thread(target=self._pass_on, args=(source, target, change), daemon=True).start()

    def _note(self, message: bytes) -> bytes | None:
        self.seen.append(message)
        return self._to_server(message)

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket, change: Change) -> None:
        with contextlib.suppress(OSError, ValueError), source.makefile("rb") as stream:
            while head := stream.read(4):
                message = change(stream.read(int.from_bytes(head, "big")))
                if message is None:
                    break
                target.sendall(len(message).to_bytes(4, "big") + message)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
