# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTPS server for tests, on a port that the kernel chooses. What it answers is the handler's business."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import socket
import ssl
import tempfile
import threading
from typing import Any

from .certificates import Authority


class HttpsServer(http.server.ThreadingHTTPServer):
    """Serves while its context is open. ``ca_file`` is whom a client must trust.

    :param handler: a class of :class:`QuietHandler`
    :param names: for which its certificate is made; by default the address that it listens on
    :param client_ca: who may have signed the certificates of clients, which are demanded then
    """

    daemon_threads = True

    def __init__(
        self,
        handler: type[http.server.BaseHTTPRequestHandler],
        *names: str,
        address: str = "127.0.0.1",
        client_ca: pathlib.Path | None = None,
    ) -> None:
        super().__init__((address, 0), handler)
        self.address = address
        self.port = int(self.server_address[1])
        self._folder = tempfile.TemporaryDirectory(prefix="ucops-https-")
        self.authority = Authority(pathlib.Path(self._folder.name))
        self.ca_file = str(self.authority.file)
        self._context = self.authority.server(*(names or (address,)))
        if client_ca is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(str(client_ca))
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # TLS begins in the thread of the connection, so that one who is silent keeps nobody waiting.
        secured = self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with contextlib.suppress(OSError), secured:
            try:
                secured.do_handshake()
            except OSError:
                _let_hear(secured)
            else:
                super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def __enter__(self) -> HttpsServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()
        self._folder.cleanup()


def _let_hear(secured: socket.socket) -> None:
    """Whoever is refused hears why only when nothing of theirs is left unread before the connection is closed."""
    socket.socket.shutdown(secured, socket.SHUT_WR)
    secured.settimeout(2)
    while socket.socket.recv(secured, 65536):
        pass


class QuietHandler(http.server.BaseHTTPRequestHandler):
    """What handlers of tests share."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; an underscore in a header's name stands for a hyphen."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self) -> bytes:
        """What the client sent."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def cut(self) -> None:
        """End the connection without a goodbye."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
