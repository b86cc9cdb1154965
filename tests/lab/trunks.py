# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trunks on loopback: one that nobody reaches, and those that give a sign of life."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Trunks:
    """Each is an address of its own, all with one port: of the first one all packets vanish, the second one answers TCP
    alone, the third one UDP alone, the last one refuses both."""

    port: int
    silent: str = "127.77.0.1"
    caller: str = "127.77.0.2"
    phone: str = "127.77.0.3"
    refusing: str = "127.77.0.4"


@contextlib.contextmanager
def listening() -> Iterator[Trunks]:
    """Trunks on a port that was free."""
    with socket.create_server((Trunks.silent, 0)) as server:
        trunks = Trunks(server.getsockname()[1])
    stopping = threading.Event()
    with contextlib.ExitStack() as opened:
        for address in (trunks.silent, trunks.phone):
            # the kernel drops what asks for a connection as long as nobody takes the one that waits
            place = (address, trunks.port)
            opened.enter_context(socket.create_server(place, backlog=0))
            opened.enter_context(socket.create_connection(place, timeout=5))
        opened.enter_context(socket.create_server((trunks.caller, trunks.port)))
        for address in (trunks.silent, trunks.caller):
            _phone(opened, address, trunks.port)
        phone = _phone(opened, trunks.phone, trunks.port)
        answering = threading.Thread(target=_answer, args=(phone, stopping), daemon=True)
        answering.start()
        try:
            yield trunks
        finally:
            stopping.set()
            answering.join()


def _phone(opened: contextlib.ExitStack, address: str, port: int) -> socket.socket:
    phone = opened.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    phone.bind((address, port))
    return phone


def _answer(phone: socket.socket, stopping: threading.Event) -> None:
    phone.settimeout(0.2)
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            _request, sender = phone.recvfrom(4096)
            phone.sendto(b"SIP/2.0 200 OK\r\n\r\n", sender)
