# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and answers of one SMB session, all of them encrypted, many of them on their way at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import ConnectionFailed, ConnectionLost
from .smb_login import Login
from .smb_messages import ASYNC, HEADER, RELATED, RESPONSE, Message
from .smb_status import PENDING, connection_error
from .smb_wire import Wire

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
except ImportError:
    if not TYPE_CHECKING:
        InvalidTag = None

TRANSFORM = 52
"""Bytes before an encrypted message (MS-SMB2 2.2.41)."""
TAG = 16
NONCE = {"GCM": 12, "CCM": 11}
HOARD = 512
"""Credits that are kept in store: 32 MiB on the way."""
UNASKED = 2**64 - 1
"""The message id of what a server says of its own accord."""


@dataclass
class Answer:
    """What came back for one request. ``message`` is the whole of it, header included."""

    status: int
    message: memoryview

    @property
    def body(self) -> memoryview:
        """The answer without its header."""
        return self.message[HEADER.size :]


@dataclass
class Ticket:
    """Requests that are on their way."""

    numbers: Sequence[int]
    answers: dict[int, Answer] = field(default_factory=dict)
    forgotten: bool = False

    @property
    def complete(self) -> bool:
        """Whether every answer is there."""
        return len(self.answers) == len(self.numbers)


class Channel:
    """The encrypted session on a wire. Whatever is not encrypted with its key is refused."""

    def __init__(self, wire: Wire, login: Login) -> None:
        self._wire = wire
        self._login = login
        kind: Any = AESGCM if login.cipher == "GCM" else AESCCM
        self._sealer, self._opener = kind(login.encryption_key), kind(login.decryption_key)
        self._nonce = 0
        self._next = login.next_message
        self._credits = login.credits
        self._waiting: dict[int, Ticket] = {}
        self._lock = threading.RLock()
        self.host = wire.host
        self.broken = False

    def submit(self, tree: int, messages: Sequence[Message], *, related: bool = True) -> Ticket:
        """Send requests as one compound. ``related``: each works on the handle of the one before.

        :raises ConnectionLost, DeadlineExceeded: the connection is gone
        """
        with self._lock:
            if self.broken:
                raise ConnectionLost("The SMB connection is gone", host=self.host)
            cost = sum(message.charge for message in messages)
            while self._credits < cost:
                if not self._waiting:
                    raise ConnectionFailed("The host grants too few SMB credits", host=self.host)
                self._receive(None)
            ticket = Ticket([])
            numbers = []
            packed = bytearray()
            for at, message in enumerate(messages):
                last = at == len(messages) - 1
                room = HEADER.size + len(message.body)
                padding = 0 if last else -room % 8
                wanted = message.charge + max(0, min(HOARD - self._credits, 128))
                packed += HEADER.pack(
                    *(b"\xfeSMB", 64, message.charge, 0, message.command, wanted),
                    RELATED if related and at else 0,
                    *(0 if last else room + padding, self._next, 0xFEFF, tree, self._login.session, bytes(16)),
                )
                packed += message.body
                packed += bytes(padding)
                numbers.append(self._next)
                self._waiting[self._next] = ticket
                self._next += message.charge
            self._credits -= cost
            ticket.numbers = numbers
            self._send(bytes(packed))
            return ticket

    def collect(self, ticket: Ticket, deadline: float | None = None) -> list[Answer]:
        """Wait for all answers, in the order of the requests. A failing request is an answer, not an error.

        :raises ConnectionLost, DeadlineExceeded: the connection is gone, and all that was on its way with it
        """
        with self._lock:
            while not ticket.complete:
                self._receive(deadline)
            answers = [ticket.answers.pop(number) for number in ticket.numbers]
        for answer in answers:
            error = connection_error(answer.status, self.host) if answer.status else None
            if error is not None:
                self.broken = True
                raise error
        return answers

    def exchange(
        self, tree: int, messages: Sequence[Message], *, related: bool = True, deadline: float | None = None
    ) -> list[Answer]:
        """Send requests and wait for their answers."""
        return self.collect(self.submit(tree, messages, related=related), deadline)

    def forget(self, ticket: Ticket) -> None:
        """Nobody wants the answers any more."""
        ticket.forgotten = True
        ticket.answers.clear()

    def settle(self, deadline: float) -> None:
        """Wait until everything that is on its way is answered, also what nobody wants any more.

        :raises ConnectionLost, DeadlineExceeded: the connection is gone
        """
        with self._lock:
            while self._waiting:
                self._receive(deadline)

    def gone(self) -> bool:
        """Whether the host closed the connection in the meantime."""
        with self._lock:
            return not self._waiting and self._wire.gone()

    def close(self) -> None:
        """Close the connection."""
        self.broken = True
        self._wire.close()

    def _send(self, packed: bytes) -> None:
        self._nonce += 1
        nonce = self._nonce.to_bytes(NONCE[self._login.cipher], "little")
        rest = b"".join(
            (
                nonce.ljust(16, b"\0"),
                len(packed).to_bytes(4, "little"),
                b"\0\0\1\0",
                self._login.session.to_bytes(8, "little"),
            )
        )
        sealed = self._sealer.encrypt(nonce, packed, rest)
        try:
            self._wire.put(b"\xfdSMB", sealed[-TAG:], rest, sealed[:-TAG])
        except ConnectionFailed:
            self.broken = True
            raise

    def _receive(self, deadline: float | None) -> None:
        """Take in the next message, whosever answers it brings."""
        if self.broken:
            raise ConnectionLost("The SMB connection is gone", host=self.host)
        try:
            message = memoryview(self._open(self._wire.message(deadline)))
            while True:
                following = self._file(message)
                if not following:
                    return
                message = message[following:]
        except ConnectionFailed:
            self.broken = True
            self._wire.close()
            raise

    def _open(self, sealed: bytearray) -> bytes:
        if sealed[:4] != b"\xfdSMB" or len(sealed) < TRANSFORM + HEADER.size:
            raise ConnectionFailed(
                "The host answered without encryption, which we refuse",
                host=self.host,
                hint="Somebody may stand between the backup host and this host: look at the network.",
            )
        rest = bytes(sealed[20:TRANSFORM])
        nonce = rest[: NONCE[self._login.cipher]]
        sealed += sealed[4:20]
        try:
            return bytes(self._opener.decrypt(nonce, memoryview(sealed)[TRANSFORM:], rest))
        except InvalidTag:
            raise ConnectionFailed(
                "An encrypted answer was changed on the way",
                host=self.host,
                hint="Somebody may stand between the backup host and this host: look at the network.",
            ) from None

    def _file(self, message: memoryview) -> int:
        """Give one answer to whom it belongs; returns where the next one in the compound begins."""
        if len(message) < HEADER.size:
            raise ConnectionFailed("The host answers with something that is no SMB", host=self.host)
        magic, _size, _charge, status, _command, granted, flags, following, number, *_rest = HEADER.unpack_from(message)
        if magic != b"\xfeSMB" or not flags & RESPONSE or (following and not HEADER.size <= following < len(message)):
            raise ConnectionFailed("The host answers with something that is no SMB", host=self.host)
        self._credits += granted
        if number == UNASKED or (status == PENDING and flags & ASYNC):
            return int(following)
        ticket = self._waiting.pop(number, None)
        if ticket is None:
            raise ConnectionFailed("The host answers what it was not asked", host=self.host)
        if not ticket.forgotten:
            ticket.answers[number] = Answer(status, message[:following] if following else message)
        return int(following)
