# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands between pywinrm and the network, and holds what pywinrm and requests do not.

Answers are of bounded size, redirects and proxies do not exist, an answer to an encrypted message must be encrypted
(pywinrm would take a clear one), a login counts for one connection, and another thread can cut it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .._errors import ConnectionFailed, ConnectionLost, OutputTooLarge

try:
    import requests.adapters
    import urllib3
except ImportError:
    if not TYPE_CHECKING:
        requests = urllib3 = None

LARGEST_ANSWER = 2 * 2**20
"""Bytes. pywinrm asks for 150 KiB at most."""
_SEALED = "multipart/encrypted"


class Wire:
    """An adapter for a requests session that reaches one host by one connection. Timeouts in seconds."""

    def __init__(self, host: str, connect_timeout: float, answer_timeout: float) -> None:
        self._host = host
        self._connect_timeout = connect_timeout
        self._answer_timeout = answer_timeout
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._adapter = requests.adapters.HTTPAdapter(max_retries=0)
        self._adapter.poolmanager.pool_classes_by_scheme = {
            "http": _remembering(urllib3.HTTPConnectionPool, self._remember),
            "https": _remembering(urllib3.HTTPSConnectionPool, self._remember),
        }
        self.settled = False
        """Whether somebody is logged in: then a new connection would be one without a login."""
        self.was_cut = False

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request as a session asks, by our rules. Raises what requests raises, and RecoveryError."""
        waiting = self._answer_timeout if self.settled else self._connect_timeout
        options.update(timeout=(self._connect_timeout, waiting), proxies={})
        response: Any = self._adapter.send(request, **options)
        response.connection = self
        if response.is_redirect:
            raise ConnectionFailed(
                "The host sends us to another place, which WinRM never does",
                host=self._host,
                hint="Is the port the one of WinRM?",
            )
        sealed = request.headers.get("Content-Type", "").startswith(_SEALED)
        if sealed and response.status_code != 401 and _SEALED not in response.headers.get("Content-Type", ""):
            raise ConnectionFailed(
                f"The host answers an encrypted message without encryption (HTTP status {response.status_code})",
                host=self._host,
                hint="Look who answers at that address.",
            )
        self._limit(response)
        return response

    def close(self) -> None:
        """Give everything back. Never raises."""
        with contextlib.suppress(Exception):
            self._adapter.close()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()

    @property
    def is_quiet(self) -> bool:
        """Whether the connection stands, and nothing has come that nobody waits for: the host's goodbye, say."""
        waiting = select.poll()
        with self._lock:
            for each in self._sockets:
                waiting.register(each, select.POLLIN)
            return bool(self._sockets) and not self.was_cut and not waiting.poll(0)

    def cut(self) -> None:
        """End the connection under whoever waits at it. From any thread, more than once, never raises."""
        self.was_cut = True
        with self._lock:
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _remember(self, opened: socket.socket) -> None:
        if self.settled or self.was_cut:
            opened.close()
            raise ConnectionLost("The connection broke", host=self._host)
        with self._lock:
            # A copy: TLS takes the socket itself away from its object.
            self._sockets.append(opened.dup())

    def _limit(self, response: Any) -> None:
        pieces = response.iter_content

        def limited(*arguments: Any, **options: Any) -> Iterator[bytes]:
            size = 0
            for piece in pieces(*arguments, **options):
                size += len(piece)
                if size > LARGEST_ANSWER:
                    raise OutputTooLarge("The host's answer is larger than any of WinRM's", host=self._host)
                yield piece

        response.iter_content = limited


def _remembering(pool: Any, remember: Callable[[socket.socket], None]) -> Any:
    """A class of connection pools that shows each new socket."""

    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            opened: socket.socket = super()._new_conn()
            remember(opened)
            return opened

    return type("Pool", (pool,), {"ConnectionCls": Connection})
