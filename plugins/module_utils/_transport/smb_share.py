# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One share in one session: requests on its files, and handles that are closed on every path.

It belongs to one connection. When that breaks, what was open in it is gone, and so is the share: a handle's number
could mean another file in the next connection.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .._errors import ConnectionFailed
from . import smb_messages as smb
from .smb_channel import Answer, Channel, Ticket
from .smb_login import Login
from .smb_messages import Facts, Message
from .smb_status import SUCCESS, file_error


@dataclass(frozen=True)
class Share:
    """``tree``: its number. ``patience``: seconds that one operation may take as a whole."""

    channel: Channel
    tree: int
    login: Login
    patience: float

    def deadline(self) -> float:
        """When something that begins now must have ended, in :func:`time.monotonic`'s seconds."""
        return time.monotonic() + self.patience

    def submit(self, messages: Sequence[Message]) -> Ticket:
        """Send requests as one compound, each on the handle of the one before."""
        return self.channel.submit(self.tree, messages)

    def collect(self, ticket: Ticket, deadline: float | None = None) -> list[Answer]:
        """Wait for their answers."""
        return self.channel.collect(ticket, deadline if deadline is not None else self.deadline())

    def forget(self, ticket: Ticket) -> None:
        """Nobody wants the answers any more."""
        self.channel.forget(ticket)

    def exchange(self, *messages: Message) -> list[Answer]:
        """Send requests and wait. A failing one is an answer, not an error."""
        return self.collect(self.submit(messages))

    def drop(self, ticket: Ticket) -> None:
        """Nobody wants the answers any more, and what the first request opened is closed."""
        with contextlib.suppress(ConnectionFailed):
            opened = self.collect(ticket)[0]
            if opened.status == SUCCESS:
                self.let_close(smb.created(opened.body)[0])

    def run(self, path: str, *messages: Message) -> list[Answer]:
        """Requests on one file: the first opens it, the last closes it. Raises the error of the first that fails."""
        answers = self.exchange(*messages)
        if answers[0].status == SUCCESS and answers[-1].status != SUCCESS:
            self.let_close(smb.created(answers[0].body)[0])
        for answer in answers:
            if answer.status != SUCCESS:
                raise file_error(answer.status, path)
        return answers

    @contextlib.contextmanager
    def opened(self, path: str, create: Message) -> Iterator[tuple[bytes, Facts]]:
        """A handle and its facts."""
        answer = self.exchange(create)[0]
        if answer.status != SUCCESS:
            raise file_error(answer.status, path)
        handle, facts = smb.created(answer.body)
        try:
            yield handle, facts
        finally:
            self.close([handle])

    def close(self, handles: Sequence[bytes]) -> None:
        """Close handles, and wait until nobody sees them any more."""
        with contextlib.suppress(ConnectionFailed):
            tickets = [self.submit([smb.close(handle)]) for handle in handles]
            for ticket in tickets:
                self.collect(ticket)

    def let_close(self, handle: bytes) -> None:
        """Close a handle without waiting for it."""
        with contextlib.suppress(ConnectionFailed):
            self.forget(self.submit([smb.close(handle)]))
