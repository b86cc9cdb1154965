# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TCP connection of SMB: whole messages in and out, and nobody waits longer than allowed."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

from .._errors import ConnectionFailed, ConnectionLost, DeadlineExceeded

TICK = 0.05
"""Seconds after which a waiting login thread looks whether it was let go."""
LARGEST_MESSAGE = 16 * 2**20
"""Bytes of one message: its length has 24 bits."""
AHEAD = 256 * 1024
"""Bytes that are taken from the kernel at once, as small answers come in swarms."""

_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""Signs of life during a long silence of ours (a database writes its backup), so that no firewall forgets us."""

LOOK_AT_IT = "Look at the host and the network, then run this again."


class Wire:
    """One connection. smbprotocol uses it for the login (:meth:`send`, :meth:`recv`, :meth:`close`), then it is let
    go, and :meth:`message` takes over.

    :param silence: seconds in which nothing moves before the connection is given up
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.host = host
        self.connected = False
        self.silence = timeout
        self._lock = threading.Lock()
        self._let_go = False
        self._ahead = bytearray(AHEAD)
        self._start = self._end = 0
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except socket.timeout:
            raise DeadlineExceeded(
                f"Port {port} did not answer within {timeout:g} s", host=host, hint=LOOK_AT_IT
            ) from None
        except OSError as error:
            raise ConnectionFailed(
                f"Port {port} cannot be reached ({error.strerror or error})",
                host=host,
                hint="Check the address, the port (smb_port) and the firewall of the host.",
            ) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, seconds in _KEEP_ALIVE.items():
            if hasattr(socket, name):
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
        self.connected = True

    # --- what smbprotocol calls --------------------------------------------------------------------------------------
    def connect(self) -> None:
        """The connection is there already."""

    def send(self, message: object) -> None:
        """Send one message: bytes, or something of smbprotocol that packs itself."""
        pack = getattr(message, "pack", None)
        self.put(pack() if pack is not None else bytes(message))  # type: ignore[call-overload]

    def recv(self, timeout: float) -> bytes:
        """The next message; empty when there are no more to come for the login."""
        until = time.monotonic() + self.silence
        while not self._let_go and self.connected:
            if self._start < self._end or self._readable(TICK):
                return bytes(self.message())
            if time.monotonic() > until:
                raise self._too_silent()
        return b""

    def let_go(self) -> None:
        """From now on :meth:`recv` has nothing more."""
        self._let_go = True

    # --- what the channel calls --------------------------------------------------------------------------------------
    def put(self, *parts: bytes) -> None:
        """Send one message, given in parts. Raises ConnectionLost, DeadlineExceeded."""
        length = sum(len(part) for part in parts)
        with self._lock:
            try:
                self._socket.settimeout(self.silence)
                self._socket.sendall(b"".join((length.to_bytes(4, "big"), *parts)))
            except socket.timeout:
                raise self._too_silent() from None
            except OSError:
                raise self._lost() from None

    def message(self, deadline: float | None = None) -> bytearray:
        """The next whole message.

        :param deadline: when it must be there at last, in :func:`time.monotonic`'s seconds
        :raises ConnectionLost: the connection is gone
        :raises DeadlineExceeded: the host was silent for too long, or the deadline has passed
        """
        head = bytearray(4)
        self._fill(head, deadline)
        length = int.from_bytes(head, "big")
        if length > LARGEST_MESSAGE:
            raise ConnectionFailed("The host does not speak SMB with us", host=self.host)
        body = bytearray(length)
        self._fill(body, deadline)
        return body

    def gone(self) -> bool:
        """Whether the host closed the connection while nothing was asked: Windows does after a quarter of an hour."""
        if self._start < self._end:
            return False
        try:
            readable = select.select([self._socket], [], [], 0)[0]
            return bool(readable) and not self._socket.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.connected = False

    def _fill(self, target: bytearray, deadline: float | None) -> None:
        view = memoryview(target)
        filled = 0
        while filled < len(view):
            if self._start == self._end:
                wanted = len(view) - filled
                if wanted >= AHEAD:
                    filled += self._receive(view[filled:], deadline)
                    continue
                self._start, self._end = 0, self._receive(memoryview(self._ahead), deadline)
            count = min(len(view) - filled, self._end - self._start)
            view[filled : filled + count] = memoryview(self._ahead)[self._start : self._start + count]
            self._start += count
            filled += count

    def _receive(self, view: memoryview, deadline: float | None) -> int:
        patience = self.silence
        if deadline is not None:
            patience = min(patience, deadline - time.monotonic())
        if patience <= 0:
            raise DeadlineExceeded("The whole of it took too long", host=self.host, hint=LOOK_AT_IT)
        try:
            self._socket.settimeout(patience)
            count = self._socket.recv_into(view)
        except socket.timeout:
            raise self._too_silent() from None
        except OSError:
            raise self._lost() from None
        if not count:
            raise self._lost()
        return count

    def _readable(self, seconds: float) -> bool:
        try:
            return bool(select.select([self._socket], [], [], seconds)[0])
        except (OSError, ValueError):
            raise self._lost() from None

    def _too_silent(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"SMB was silent for {self.silence:g} s", host=self.host, hint=LOOK_AT_IT)

    def _lost(self) -> ConnectionLost:
        return ConnectionLost("The SMB connection broke", host=self.host, hint=LOOK_AT_IT)
