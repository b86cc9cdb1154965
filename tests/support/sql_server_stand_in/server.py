# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire of the stand-in: greeting, TLS within TDS, the login by SQL or NTLM, then one statement after another."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from . import wire
from .engine import Engine, HangUp, Session, Silence

TDS_74 = 0x74000004
PRODUCT = "Microsoft SQL Server"
_PATIENCE = 30
"""Seconds after which a connection that a test forgot ends by itself."""


class StandIn:
    """A server on an address of its own, with a thread for each connection.

    :param encryption: ``on``, ``not`` (has no certificate) or ``required`` (of everybody, which is how it answers then)
    :param context: its certificate
    :param channel_binding: whether a Windows login must be tied to its TLS connection (extended protection)

    ``route``: where it sends those who are logged in. ``clear_bytes``: what came to it unencrypted.
    """

    def __init__(
        self,
        engine: Engine,
        context: ssl.SSLContext | None,
        *,
        address: str = "127.0.0.1",
        encryption: str = "on",
        channel_binding: bool = False,
    ) -> None:
        self.engine = engine
        if context is not None:
            # as SQL Server: what is newer comes only with TDS 8
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._context = context
        self._encryption = encryption
        self._channel_binding = channel_binding
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()
        self.logins: list[wire.Login] = []
        self.clear_bytes = b""
        self.route: tuple[str, int] | None = None
        self.troubles: list[str] = []
        self._listener = socket.create_server((address, 0))
        self.address, self.port = self._listener.getsockname()[:2]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """End at once, whatever is open."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in [self._accepting, *self._threads]:
            thread.join(10)

    def hang_up(self) -> None:
        """Cut every connection."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self._connections.add(connection)
        connection.settimeout(_PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = None
        try:
            line = _Line(connection, self)
            if not self._greet(line):
                return
            session = self._log_in(line)
            if session is not None:
                self._answer(line, session)
        except (OSError, HangUp, ssl.SSLError):
            pass
        except Silence:
            self._stopping.wait(_PATIENCE)
        except Exception as error:
            self.troubles.append(repr(error))
            raise
        finally:
            if session is not None:
                self.engine.leave(session)
            self._connections.discard(connection)
            connection.close()

    # --- before the login --------------------------------------------------------------------------------------------
    def _greet(self, line: _Line) -> bool:
        told = wire.read_message(line.receive)
        if told is None or told[0] != wire.PRELOGIN:
            return False
        wanted = wire.parse_prelogin(told[1])[wire.ENCRYPTION_TOKEN][0]
        offered = {
            "not": wire.ENCRYPT_NOT,
            "on": wire.ENCRYPT_NOT if wanted == wire.ENCRYPT_NOT else wanted,
            "required": wire.ENCRYPT_REQUIRED if wanted != wire.ENCRYPT_ON else wire.ENCRYPT_ON,
        }[self._encryption]
        version = [int(part) for part in self.engine.version.split(".")]
        answer = {
            wire.VERSION_TOKEN: struct.pack(">BBHH", version[0], version[1], version[2], 0),
            wire.ENCRYPTION_TOKEN: bytes([offered]),
            wire.INSTANCE_TOKEN: b"\0",
            wire.THREAD_TOKEN: b"",
            wire.MARS_TOKEN: b"\0",
        }
        line.send(wire.packets(wire.REPLY, wire.prelogin(answer)))
        if offered == wire.ENCRYPT_NOT:
            return True
        if offered == wire.ENCRYPT_REQUIRED and wanted == wire.ENCRYPT_NOT:
            return False
        if self._context is None:
            raise ValueError("this stand-in encrypts and has no certificate")
        line.encrypt(self._context)
        return True

    # --- the login ---------------------------------------------------------------------------------------------------
    def _log_in(self, line: _Line) -> Session | None:
        told = wire.read_message(line.receive)
        if told is None or told[0] != wire.LOGIN:
            return None
        login = wire.parse_login(told[1])
        self.logins.append(login)
        engine = self.engine
        if login.integrated:
            user = self._windows_user(line, login)
        else:
            password, _sid = engine.logins.get(login.user, (None, ""))
            user = login.user if password is not None and password == login.password else None
        if user is None:
            text = f"Login failed for user '{login.user}'."
            self._refuse(line, 18456, text)
            return None
        database = login.database or "master"
        if database != "master" and database not in engine.databases:
            self._refuse(line, 4060, f'Cannot open database "{database}" requested by the login. The login failed.')
            return None
        version = [int(part) for part in engine.version.split(".")]
        session = engine.enter(user, login.host, login.program, database)
        line.send(
            wire.packets(
                wire.REPLY,
                wire.changed(1, database, "master")
                + wire.message(5701, 10, f"Changed database context to '{database}'.", engine.server_name, state=2)
                + wire.changed_collation()
                + wire.login_ack(TDS_74, PRODUCT, (version[0], version[1], version[2]))
                + wire.changed(4, str(wire.PACKET), str(wire.PACKET))
                + (wire.routed(*self.route) if self.route else b"")
                + wire.done(),
            )
        )
        return session

    def _refuse(self, line: _Line, number: int, text: str) -> None:
        answer = wire.message(number, 14, text, self.engine.server_name) + wire.done(wire.DONE_ERROR)
        line.send(wire.packets(wire.REPLY, answer))

    def _windows_user(self, line: _Line, login: wire.Login) -> str | None:
        import spnego
        import spnego.channel_bindings

        bindings = None
        if self._channel_binding:
            unique = line.channel_binding
            bindings = spnego.channel_bindings.GssChannelBindings(application_data=b"tls-unique:" + (unique or b""))
        with self._known_accounts():
            context = spnego.server(protocol="ntlm", channel_bindings=bindings)
            try:
                challenge = context.step(login.sspi)
                line.send(wire.packets(wire.REPLY, wire.sspi(challenge or b"")))
                told = wire.read_message(line.receive)
                # MS-TDS has a kind of packet for it, python-tds goes on with that of the login: both are taken
                if told is None or told[0] not in (wire.SSPI, wire.LOGIN):
                    return None
                context.step(told[1])
            except spnego.exceptions.SpnegoError:
                return None
        return str(context.client_principal)

    @contextlib.contextmanager
    def _known_accounts(self) -> Iterator[None]:
        """Where pyspnego looks for accounts: ``DOMAIN:USER:PASSWORD`` in the file that the environment names."""
        lines = [f"{name.replace(chr(92), ':')}:{word}" for name, word in self.engine.windows_accounts.items()]
        with tempfile.TemporaryDirectory(prefix="ucops-ntlm-") as folder:
            file = pathlib.Path(folder, "accounts")
            file.write_text("\n".join(lines) + "\n")
            before = os.environ.get("NTLM_USER_FILE")
            os.environ["NTLM_USER_FILE"] = str(file)
            try:
                yield
            finally:
                if before is None:
                    del os.environ["NTLM_USER_FILE"]
                else:
                    os.environ["NTLM_USER_FILE"] = before

    # --- statements --------------------------------------------------------------------------------------------------
    def _answer(self, line: _Line, session: Session) -> None:
        while True:
            told = wire.read_message(line.receive)
            if told is None:
                return
            kind, content = told
            if kind == wire.ATTENTION:
                line.send(wire.packets(wire.REPLY, wire.done(0x20), session.spid))
                continue
            if kind != wire.BATCH:
                self.engine.violations.append(f"a message of the kind {kind}")
                return
            if session.spid not in self.engine.sessions:
                return  # it was thrown out
            answer = _Answer(line, session.spid)
            # FreeTDS ends a batch with a line break
            for token in self.engine.execute(session, wire.batch_text(content).removesuffix("\n")):
                answer.add(token)
            answer.end()


class _Answer:
    """Sends tokens as they come, so that progress is seen while something runs; the last packet says so."""

    def __init__(self, line: _Line, spid: int) -> None:
        self._line = line
        self._spid = spid
        self._number = 0
        self._held = b""

    def add(self, token: bytes) -> None:
        if self._held:
            self._send(self._held, 0)
        self._held = token

    def end(self) -> None:
        self._send(self._held, wire.LAST)

    def _send(self, content: bytes, status: int) -> None:
        room = wire.PACKET - wire.HEADER.size
        parts = [content[at : at + room] for at in range(0, len(content), room)]
        for at, part in enumerate(parts, 1):
            self._number += 1
            last = status if at == len(parts) else 0
            self._line.send(wire.HEADER.pack(wire.REPLY, last, len(part) + 8, self._spid, self._number % 256) + part)


class _Line:
    """A connection, in the clear or encrypted."""

    def __init__(self, connection: socket.socket, server: StandIn) -> None:
        self._connection = connection
        self._server = server
        self._tls: ssl.SSLObject | None = None
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()

    @property
    def channel_binding(self) -> bytes | None:
        return self._tls.get_channel_binding("tls-unique") if self._tls else None

    def encrypt(self, context: ssl.SSLContext) -> None:
        """The handshake, wrapped in PRELOGIN packets."""
        tls = context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                data = self._out.read()
                if data:
                    self.send(wire.packets(wire.PRELOGIN, data))
                told = wire.read_message(self.receive)
                if told is None or told[0] != wire.PRELOGIN:
                    raise HangUp from None
                self._in.write(told[1])
            except ssl.SSLError:
                self.send(wire.packets(wire.PRELOGIN, self._out.read()))
                raise HangUp from None
        rest = self._out.read()
        if rest:
            self.send(wire.packets(wire.PRELOGIN, rest))
        self._tls = tls

    def receive(self, size: int) -> bytes:
        if self._tls is None:
            data = self._connection.recv(size)
            self._server.clear_bytes += data
            return data
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                data = self._connection.recv(65536)
                if not data:
                    return b""
                self._in.write(data)
            except ssl.SSLZeroReturnError:
                return b""

    def send(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._out.read()
        self._connection.sendall(data)
