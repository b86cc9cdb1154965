# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A WS-Management endpoint for tests: what WinRM is on a Windows host, in front of :class:`Shells`.

As strict as Windows out of the box: no basic authentication, nothing unencrypted over HTTP. What it does wrong is asked
for.
"""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from spnego.exceptions import SpnegoError

from lab.windows.login import Accounts, Login, NotEncrypted
from lab.windows.messages import Fault, Request, answer, created, parse, received, refused, started, too_large
from lab.windows.shells import Shells

MAX_ENVELOPE = 500 * 1024
CERTIFICATE_LOGIN = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
SOAP = "application/soap+xml;charset=UTF-8"


class Hang(Exception):
    """Raised by ``Manners.before``: never answer, keep the connection."""


class Cut(Exception):
    """Raised by ``Manners.before``: close the connection without an answer."""


@dataclass
class Manners:
    """What an endpoint does beside its duty. ``before`` sees every request and may raise Fault, Hang or Cut."""

    before: Callable[[Request], None] = lambda _request: None
    answers_in_clear: bool = False
    status: int | None = None
    """Answer everything, after the login, with this HTTP status and no message."""
    redirect: str = ""
    """Send every client there instead."""


@dataclass
class Endpoint:
    """One listener; HTTPS when it has a certificate. A context manager.

    ``client_ca``: who may have signed the certificates that users log in with.
    """

    shells: Shells
    accounts: Accounts
    address: str = "127.0.0.1"
    port: int = 0
    certificate: pathlib.Path | None = None
    client_ca: pathlib.Path | None = None
    manners: Manners = field(default_factory=Manners)

    def __post_init__(self) -> None:
        self._connections: set[socket.socket] = set()
        self._stopping = threading.Event()
        self.accepted = 0
        """Connections that came."""
        self._server: http.server.ThreadingHTTPServer | None = None

    def __enter__(self) -> Endpoint:
        self.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; at the port that it had when it was stopped before."""
        endpoint = self
        context: ssl.SSLContext | None = None
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_OPTIONAL

        class Handler(_Handler):
            def setup(self) -> None:
                if context is not None:
                    self.request.settimeout(30)
                    self.request = context.wrap_socket(self.request, server_side=True)
                endpoint._connections.add(self.request)
                endpoint.accepted += 1
                super().setup()

            def finish(self) -> None:
                endpoint._connections.discard(self.request)
                super().finish()

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that goes away is no news."""

        Handler.endpoint = self
        self._stopping.clear()
        self._server = Server((self.address, self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more and cut every connection."""
        server, self._server = self._server, None
        self._stopping.set()
        if server is not None:
            server.shutdown()
            server.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        """Wait until the endpoint is stopped."""
        self._stopping.wait()

    def perform(self, data: bytes) -> tuple[int, bytes]:
        """Do what a request asks for: HTTP status and answer."""
        message = ""
        try:
            if len(data) > MAX_ENVELOPE:
                raise too_large(MAX_ENVELOPE)
            request = parse(data)
            message = request.message
            self.manners.before(request)
            return 200, answer(f"{request.action}Response", message, self._body(request))
        except Fault as fault:
            return 500, refused(message, fault)

    def _body(self, request: Request) -> str:
        if request.operation == "create":
            return created(self.shells.create(request))
        if request.operation == "command":
            return started(self.shells.command(request))
        if request.operation == "receive":
            return received(*self.shells.receive(request))
        if request.operation == "send":
            self.shells.send(request)
            return "<r:SendResponse/>"
        if request.operation == "signal":
            self.shells.signal(request)
            return "<r:SignalResponse/>"
        if request.operation == "delete":
            self.shells.delete(request)
            return ""
        raise Fault(2150858753, f"The action {request.action} is not supported.", "s:Sender", "a:ActionNotSupported")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    endpoint: Endpoint

    def setup(self) -> None:
        super().setup()
        self.login = Login(self.endpoint.accounts)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        manners = self.endpoint.manners
        if manners.redirect:
            self._reply(307, Location=manners.redirect)
            return
        headers = self._logged_in()
        if headers is None:
            return
        if manners.status is not None:
            self._reply(manners.status, b"no message", "text/plain", **headers)
            return
        if not data:
            self._reply(200, **headers)
            return
        kind = self.headers.get("Content-Type", "")
        sealed = "multipart/encrypted" in kind
        try:
            if sealed:
                data = self.login.open_message(data)
            elif not isinstance(self.connection, ssl.SSLSocket):
                raise NotEncrypted
        except (NotEncrypted, SpnegoError):
            self._reply(500, b"unencrypted traffic is disabled", "text/plain", **headers)
            return
        try:
            status, body = self.endpoint.perform(data)
        except Hang:
            self.endpoint.hang()
            return
        except Cut:
            self.close_connection = True
            return
        kind_of_answer = SOAP
        if sealed and not manners.answers_in_clear:
            protocol = kind.split('protocol="')[1].split('"')[0]
            body, kind_of_answer = self.login.seal_message(body, protocol)
        self._reply(status, body, kind_of_answer, **headers)

    def _logged_in(self) -> dict[str, str] | None:
        """Headers for the answer; None when the client is not logged in yet and has its answer."""
        said = self.headers.get("Authorization", "")
        if said == CERTIFICATE_LOGIN and isinstance(self.connection, ssl.SSLSocket):
            if self.connection.getpeercert():
                return {}
            self._reply(401)
            return None
        if self.login.complete and not said:
            return {}
        if not said.startswith(("Negotiate ", "NTLM ", "Kerberos ")):
            self._reply(401, **{"WWW-Authenticate": "Negotiate"})
            return None
        try:
            out = self.login.step(said)
        except PermissionError:
            self._reply(401, **{"WWW-Authenticate": "Negotiate"})
            return None
        headers = {"WWW-Authenticate": out} if out else {}
        if not self.login.complete:
            self._reply(401, **headers)
            return None
        return headers

    def _reply(self, status: int, body: bytes = b"", kind: str = SOAP, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
