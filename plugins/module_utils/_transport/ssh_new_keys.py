# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps paramiko's own thread from waiting for itself while new keys are agreed on.

After each 512 MiB both sides agree on new keys, and nobody may send anything else until they have. paramiko lets
whoever wants to send wait for that, its own thread too, which answers when the host closes a channel. But this thread
takes part in the agreement: it waits for itself, and gives the connection up after 30 seconds. A command that ends
right at such a moment is lost with it.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import paramiko


def let_it_answer(transport: paramiko.Transport) -> None:
    """What paramiko's thread wants to send while keys are agreed on goes out right after that, in order."""
    internals: Any = transport
    internals._send_user_message = _Answers(internals).send


class _Answers:
    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._send = transport._send_user_message
        self._waiting: deque[paramiko.Message] = deque()
        self._lock = threading.Lock()

    def send(self, message: paramiko.Message) -> None:
        if threading.get_ident() != self._transport.ident:
            self._send(message)
            return
        with self._lock:
            if not self._waiting and self._transport.clear_to_send.is_set():
                at_once = True
            else:
                at_once = False
                self._waiting.append(message)
                if len(self._waiting) == 1:
                    threading.Thread(target=self._send_waiting, name="ucops-answers", daemon=True).start()
        if at_once:
            self._send(message)

    def _send_waiting(self) -> None:
        while True:
            with self._lock:
                message = self._waiting[0]
            with contextlib.suppress(Exception):  # the connection is gone: its other users are told
                self._send(message)
            with self._lock:
                self._waiting.popleft()
                if not self._waiting:
                    return
