# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a TCP port tells without being asked anything: whether something listens there, and what it says by itself."""

from __future__ import annotations

import errno
import socket
import time

from .._errors import ConnectionFailed, DeadlineExceeded, OutputTooLarge

_PATIENCE = 5.0


def listens(host: str, port: int, *, timeout: float = _PATIENCE) -> bool | None:
    """True: a connection was accepted. False: the host itself refused it, so nothing listens. None: there was no
    answer, which says nothing. Nothing is sent.

    :param timeout: seconds
    """
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError as error:
        return False if error.errno == errno.ECONNREFUSED else None


def read_all(host: str, port: int, *, limit: int, connect_timeout: float, total_timeout: float) -> bytes:
    """What the port sends to whoever connects, to its end. Nothing is sent. Times in seconds.

    :raises ConnectionFailed: nothing listens there, or the connection broke
    :raises DeadlineExceeded: it took too long
    :raises OutputTooLarge: it sends more than ``limit`` bytes
    """
    until = time.monotonic() + total_timeout
    received = bytearray()
    try:
        with socket.create_connection((host, port), timeout=connect_timeout) as line:
            while True:
                left = until - time.monotonic()
                if left <= 0:
                    raise socket.timeout
                line.settimeout(left)
                piece = line.recv(65536)
                if not piece:
                    return bytes(received)
                received += piece
                if len(received) > limit:
                    raise OutputTooLarge(f"Port {port} sends more than {limit} bytes", host=host)
    except socket.timeout:
        raise DeadlineExceeded(
            f"Port {port} did not answer to the end within {total_timeout:g} s",
            host=host,
            hint="Look at the service there, and at the network.",
        ) from None
    except OSError as error:
        raise ConnectionFailed(
            f"Port {port} cannot be read: {error.strerror or type(error).__name__}",
            host=host,
            hint="Does the service run there, and does a firewall let this host in?",
        ) from None
