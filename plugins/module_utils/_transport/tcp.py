# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether something listens at a TCP port, asked from the backup host."""

from __future__ import annotations

import errno
import socket

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
