# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TCP connection of a session that is being opened, which another thread may cut meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading


class OpeningLine:
    """Knows the socket on which everything waits, from its first packet until the session stands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._is_cut = False

    def reach(self, host: str, port: int, timeout: float) -> socket.socket:
        """A connected socket, as :func:`socket.create_connection` gives it.

        :raises OSError: as that; ConnectionAbortedError when it is cut
        """
        failure: OSError | None = None
        for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
            line = socket.socket(family, kind, protocol)
            try:
                self.hold(line)
                line.settimeout(timeout)
                line.connect(address)
                return line
            except OSError as error:
                line.close()
                failure = error
        raise failure or OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    def hold(self, line: socket.socket) -> None:
        """This is the socket now. Raises ConnectionAbortedError, and closes it, when it comes too late."""
        with self._lock:
            if self._is_cut:
                line.close()
                raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
            self._line = line

    def cut(self) -> None:
        """Let whoever waits fail soon. Never raises."""
        with self._lock:
            self._is_cut = True
            if self._line is not None:
                with contextlib.suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)
