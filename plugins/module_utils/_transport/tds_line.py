# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line to a SQL Server: reached, encrypted and verified before a client library says its first word on it.

TDS wraps the handshake of TLS into packets of its own (MS-TDS 2.2.6.5). python-tds does the same, but knows neither the
addresses nor all names that a certificate may hold, and asks pyOpenSSL for what its newest releases lack. So the line
does it with Python's own ``ssl``, and answers python-tds that no encryption is needed any more.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import time
from dataclasses import dataclass
from typing import Any

from .._errors import CertificateRejected, ConnectionFailed, ConnectionLost, DeadlineExceeded

PRELOGIN = 0x12
REPLY = 0x04
LAST_PACKET = 0x01
_HEADER = struct.Struct(">BBHHBx")
_PACKET = 4096
_LONGEST_HANDSHAKE = 256 * 1024
"""Bytes of one message of the handshake; nobody's certificates need more."""

_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS, _END = 0, 1, 2, 3, 4, 0xFF
_ENCRYPT_ON, _ENCRYPT_NOT, _ENCRYPT_REQUIRED = 1, 2, 3

KEEPALIVE = 10
DEAD_AFTER = 30
"""Seconds after which a peer that acknowledges nothing is given up by the kernel."""
_LOOK_AT_IT = "Look at the SQL Server and the network, then run this again."


@dataclass(frozen=True)
class Limits:
    """Seconds: without a sign of life, and altogether."""

    silence: float
    total: float


class TdsLine:
    """A socket, as python-tds uses one. Every wait ends at the limits that :meth:`allow` set last.

    :param context: how the server's certificate is verified; None: nothing is encrypted
    :raises ConnectionFailed, DeadlineExceeded: it cannot be reached, offers no encryption, or cannot prove who it is
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, connect_timeout: float) -> None:
        self._host = host
        self._limits = Limits(connect_timeout, connect_timeout)
        self._until = time.monotonic() + connect_timeout
        self._socket = _reach(host, port, connect_timeout)
        self._tls: ssl.SSLObject | None = None
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._prepared = b""
        self._greeted = False
        self.logged_in = False
        try:
            version = self._agree(context)
            if context is not None:
                self._encrypt(context)
        except BaseException:
            self.close()
            raise
        self._greeting = _prelogin({_VERSION: version, _ENCRYPTION: bytes([_ENCRYPT_NOT]), _MARS: b"\0"})

    @property
    def channel_binding(self) -> bytes | None:
        """What ties a login to this one TLS connection: SQL Server's extended protection wants ``tls-unique``.

        Source: impacket's ``tds.py``, which was tested against SQL Server.
        """
        return self._tls.get_channel_binding("tls-unique") if self._tls is not None else None

    @property
    def certificate(self) -> bytes:
        """What the server showed, as DER; empty when nothing is encrypted."""
        return (self._tls.getpeercert(binary_form=True) or b"") if self._tls is not None else b""

    def allow(self, limits: Limits) -> None:
        """Set how long the next request may take, from now on."""
        self._limits = limits
        self._until = time.monotonic() + limits.total

    # --- as a socket -------------------------------------------------------------------------------------------------
    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all. The first message is the library's own greeting, which was said already."""
        data = bytes(data)
        if not self._greeted:
            kind, status, *_rest = _HEADER.unpack_from(data)
            if kind == PRELOGIN:
                if status & LAST_PACKET:
                    self._greeted = True
                    self._prepared = _packet(REPLY, self._greeting)
                return
        if self._tls is None:
            self._send(data)
            return
        self._tls.write(data)
        self._send(self._to_server.read())

    def recv(self, size: int, flags: int = 0) -> bytes:
        """At least one byte, at most ``size``."""
        if self._prepared:
            data, self._prepared = self._prepared[:size], self._prepared[size:]
            return data
        if self._tls is None:
            return self._receive(size)
        while True:
            try:
                data = self._tls.read(size)
            except ssl.SSLWantReadError:
                self._from_server.write(self._receive(65536))
                continue
            except ssl.SSLError:
                data = b""
            if not data:
                raise self._lost()
            return data

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        """Like :meth:`recv`, into a buffer."""
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def settimeout(self, timeout: float | None) -> None:
        """Nothing: the limits are set by :meth:`allow`."""

    def gettimeout(self) -> float | None:
        """Nothing, see :meth:`settimeout`."""
        return None

    def setsockopt(self, *words: Any) -> None:
        """Nothing: the options are set."""

    def cut(self) -> None:
        """Let whoever waits for the server fail at once. May be called from another thread, never raises."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up. SQL Server ends and undoes what still runs for us.

        :raises ConnectionFailed: python-tds leaves, without an error, before it is logged in: the server sent it to
            another one, where it would log in without encryption
        """
        with contextlib.suppress(OSError):
            self._socket.close()
        if not self.logged_in and self._greeted and sys.exc_info()[0] is None:
            raise ConnectionFailed(
                "The SQL Server sends us to another one",
                host=self._host,
                hint="Set host and port to the server itself, not to a gateway or a read-only listener.",
            )

    # --- reaching an agreement ---------------------------------------------------------------------------------------
    def _agree(self, context: ssl.SSLContext | None) -> bytes:
        """Greet the server and see whether it encrypts as we want; its version, raw."""
        wanted = _ENCRYPT_NOT if context is None else _ENCRYPT_ON
        greeting = {
            _VERSION: bytes(6),
            _ENCRYPTION: bytes([wanted]),
            _INSTANCE: b"\0",
            _THREAD: bytes(4),
            _MARS: b"\0",
        }
        self._send(_packet(PRELOGIN, _prelogin(greeting)))
        kind, answer = self._message()
        told = _parse_prelogin(answer) if kind == REPLY else {}
        if _VERSION not in told or not told.get(_ENCRYPTION):
            raise self._stranger()
        offered = told[_ENCRYPTION][0]
        if context is not None and offered not in (_ENCRYPT_ON, _ENCRYPT_REQUIRED):
            raise ConnectionFailed(
                "The SQL Server offers no encryption",
                host=self._host,
                hint="Give it a certificate, or set mssql_encryption to off and allow_unencrypted: true, which shows"
                " everything to whoever listens.",
            )
        if context is None and offered != _ENCRYPT_NOT:
            raise ConnectionFailed(
                "The SQL Server demands encryption", host=self._host, hint="Set mssql_encryption to required."
            )
        return told[_VERSION]

    def _encrypt(self, context: ssl.SSLContext) -> None:
        tls = context.wrap_bio(self._from_server, self._to_server, server_hostname=self._host)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._send(_packet(PRELOGIN, self._to_server.read()))
                kind, data = self._message()
                if kind not in (PRELOGIN, REPLY):
                    raise self._stranger() from None
                self._from_server.write(data)
            except ssl.SSLCertVerificationError as error:
                raise CertificateRejected(
                    f"The SQL Server's certificate is not trusted: {error.verify_message}",
                    host=self._host,
                    hint="Set ca_file to who signed it, and host to a name or an address that stands in it.",
                ) from None
            except ssl.SSLError as error:
                raise ConnectionFailed(
                    f"The SQL Server agrees on no encryption with us ({error.reason or 'TLS failed'})",
                    host=self._host,
                    hint="It must speak TLS 1.2.",
                ) from None
        rest = self._to_server.read()
        if rest:
            self._send(_packet(PRELOGIN, rest))
        self._tls = tls

    def _message(self) -> tuple[int, bytes]:
        """The next message while nothing is encrypted: its kind and content."""
        content = b""
        while True:
            kind, status, length, _spid, _number = _HEADER.unpack(self._exactly(_HEADER.size))
            if length < _HEADER.size or len(content) + length > _LONGEST_HANDSHAKE:
                raise self._stranger()
            content += self._exactly(length - _HEADER.size)
            if status & LAST_PACKET:
                return kind, content

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._receive(size - len(data))
        return data

    # --- bytes and deadlines -----------------------------------------------------------------------------------------
    def _send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._wait())
            self._socket.sendall(data)
        except socket.timeout:
            raise self._late() from None
        except OSError:
            raise self._lost() from None

    def _receive(self, size: int) -> bytes:
        try:
            self._socket.settimeout(self._wait())
            data = self._socket.recv(size)
        except socket.timeout:
            raise self._late() from None
        except OSError:
            raise self._lost() from None
        if not data:
            raise self._lost()
        return data

    def _wait(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._late()
        return min(left, self._limits.silence)

    def _late(self) -> DeadlineExceeded:
        if time.monotonic() >= self._until:
            message = f"The SQL Server took longer than {self._limits.total:g} s"
        else:
            message = f"The SQL Server was silent for {self._limits.silence:g} s"
        return DeadlineExceeded(message, host=self._host, hint=_LOOK_AT_IT)

    def _lost(self) -> ConnectionLost:
        return ConnectionLost("The connection to the SQL Server broke", host=self._host, hint=_LOOK_AT_IT)

    def _stranger(self) -> ConnectionFailed:
        return ConnectionFailed(
            "What answers there is no SQL Server", host=self._host, hint="Check the options host and port."
        )


def _reach(host: str, port: int, timeout: float) -> socket.socket:
    try:
        line = socket.create_connection((host, port), timeout=timeout)
    except socket.gaierror:
        raise ConnectionFailed(
            "The SQL Server's name cannot be resolved",
            host=host,
            hint="Check the host option and the name service; an instance is chosen by its port.",
        ) from None
    except socket.timeout:
        raise DeadlineExceeded(
            f"Port {port} did not answer within {timeout:g} s",
            host=host,
            hint="Is the SQL Server up, and does a firewall let us in?",
        ) from None
    except OSError as error:
        raise ConnectionFailed(
            f"Port {port} cannot be reached: {error.strerror}",
            host=host,
            hint="Is the SQL Server up, and is TCP/IP enabled in its configuration manager?",
        ) from None
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", DEAD_AFTER * 1000),
    ):
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return line


def _packet(kind: int, content: bytes) -> bytes:
    """One message in as many packets as it needs."""
    room = _PACKET - _HEADER.size
    parts = [content[at : at + room] for at in range(0, len(content), room)] or [b""]
    return b"".join(
        _HEADER.pack(kind, LAST_PACKET if number == len(parts) else 0, len(part) + _HEADER.size, 0, number % 256) + part
        for number, part in enumerate(parts, 1)
    )


def _prelogin(options: dict[int, bytes]) -> bytes:
    """Options of a PRELOGIN message (MS-TDS 2.2.6.5)."""
    place = 5 * len(options) + 1
    index = b""
    for token, value in options.items():
        index += struct.pack(">BHH", token, place, len(value))
        place += len(value)
    return index + bytes([_END]) + b"".join(options.values())


def _parse_prelogin(message: bytes) -> dict[int, bytes]:
    """The reverse of :func:`_prelogin`; what is not understood is left out."""
    found = {}
    at = 0
    while at + 5 <= len(message) and message[at] != _END:
        token, place, size = struct.unpack_from(">BHH", message, at)
        value = message[place : place + size]
        if len(value) == size:
            found[token] = value
        at += 5
    return found
