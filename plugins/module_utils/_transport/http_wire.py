# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between requests and the network: one host, our own TLS, and connections that another thread can cut.

Only the adapter of requests is used and never its session: so there is no proxy, no netrc, no cookie, no redirect that
is followed, and no other authority than the ones that were meant.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import threading
import weakref
from typing import TYPE_CHECKING, Any

try:
    import requests.adapters
    import urllib3
except ImportError:
    if not TYPE_CHECKING:
        requests = urllib3 = None


class Wire:
    """Connections to one host. Timeouts in seconds.

    :param context: how TLS is spoken; it is for this host from now on
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        # urllib3 1 leaves the name out when it is an address, and then nothing could be verified.
        named = functools.partial(context.wrap_socket, server_hostname=host)
        context.wrap_socket = named  # type: ignore[method-assign]
        self._lock = threading.Lock()
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self._adapter = _adapter(context, self)
        self._was_cut = False
        self.connected = False
        """Whether a connection came up, TLS included."""

    def send(self, request: Any, connect_timeout: float, silence_timeout: float) -> Any:
        """Send a prepared request and wait for the head of the answer. Raises what requests raises."""
        return self._adapter.send(
            request, stream=True, timeout=(connect_timeout, silence_timeout), verify=True, proxies={}
        )

    def cut(self) -> None:
        """End all connections under whoever waits at them. From any thread, more than once, never raises."""
        with self._lock:
            self._was_cut = True
            for connection in list(self._connections):
                for each in (connection.raw_socket, connection.sock):
                    with contextlib.suppress(OSError, TypeError):
                        # Not the method of an SSLSocket, which would take TLS away from the thread that reads.
                        socket.socket.shutdown(each, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give everything back. Never raises."""
        with contextlib.suppress(Exception):
            self._adapter.close()

    def remember(self, connection: Any) -> None:
        """A connection that is being made. Raises ConnectionAbortedError when all are cut."""
        with self._lock:
            if self._was_cut:
                raise ConnectionAbortedError
            self._connections.add(connection)


def _adapter(context: ssl.SSLContext, wire: Wire) -> Any:
    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options, ssl_context=context)
            self.poolmanager.pool_classes_by_scheme = {"https": _cuttable(wire)}

        def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
            """Nothing: requests would add the authorities of its own list to those of the context."""
            conn.cert_reqs = "CERT_REQUIRED"

    return Adapter(pool_connections=1, pool_maxsize=1, max_retries=0)


def _cuttable(wire: Wire) -> Any:
    """A class of connection pools that shows each new connection before it shakes hands."""

    pool: Any = urllib3.HTTPSConnectionPool

    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        raw_socket: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            opened: socket.socket = super()._new_conn()
            self.raw_socket = opened
            wire.remember(self)
            return opened

        def connect(self) -> None:
            super().connect()
            wire.connected = True

    return type("Pool", (pool,), {"ConnectionCls": Connection})
