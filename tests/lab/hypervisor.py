# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who makes hosts and removes them, for playbooks that ask by HTTP as they would ask a hypervisor.

The interface is made up and small. What it makes are hosts of the fleet: a network, processes and a disk of their own,
a real sshd, and the programs of the machine.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from lab.host import Host
from lab.hosts import Fleet

PORT = 8006


class Hypervisor:
    """``PUT /NAME`` makes a host and says its address and host key, ``DELETE /NAME`` removes it if it is there.

    :param prepare: does what is left to do on a host that was made
    """

    def __init__(self, fleet: Fleet, name: str, prepare: Callable[[Host], None]) -> None:
        self.fleet, self.prepare = fleet, prepare
        self.host = fleet.add(name)
        self.asked: list[str] = []
        """Every request, such as ``DELETE /made``."""
        self.late: set[str] = set()
        """Requests that are done, and answered with 500 all the same."""
        self.lazy: set[str] = set()
        """Requests that are answered as if they were done."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host.address}:{PORT}"

    @contextlib.contextmanager
    def serve(self) -> Iterator[Hypervisor]:
        """Answer inside the block, one request after the other."""
        with self.host.network():
            server = HTTPServer((self.host.address, PORT), self._handler())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)

    def answer(self, request: str) -> tuple[int, dict[str, Any]]:
        """Do what is asked. Status and body."""
        method, _slash, name = request.partition(" /")
        self.asked.append(request)
        there = self.fleet.hosts.get(name)
        if method == "DELETE":
            if there is not None and request not in self.lazy:
                self.fleet.remove(name)
            return 204, {}
        if there is not None:
            return 409, {"error": "there is one"}
        host = self.fleet.add(name)
        self.prepare(host)
        if request in self.late:
            return 500, {"error": "something went wrong at the end"}
        return 201, {"address": host.address, "host_key": host.host_key}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hypervisor = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                status, body = hypervisor.answer(f"{self.command} {self.path}")
                content = json.dumps(body).encode() if body else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_PUT = do_DELETE = _do

            def log_message(self, *_words: Any) -> None:
                """Nobody reads it."""

        return Handler
