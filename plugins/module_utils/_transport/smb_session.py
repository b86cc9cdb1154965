# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One login at one SMB server, opened when it is first needed and again when it broke, and the shares in it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .._errors import ConnectionFailed, OptionInvalid
from . import smb_messages as smb
from .smb_channel import Answer, Channel
from .smb_login import Login, log_in
from .smb_messages import Message
from .smb_status import SUCCESS, file_error, share_error
from .smb_wire import Wire

AUTHENTICATIONS = ("ntlm", "kerberos")
ALL_FILES = b"\xff" * 16
"""The handle of a request that concerns no file."""


@dataclass(frozen=True)
class SmbOptions:
    r"""How to reach a file server and who to be there. Timeouts in seconds; the password never shows in ``repr``.

    ``username`` may name its domain (C(DOMAIN\name), C(name@REALM)). ``shares``: drive letter -> share, where it is not
    the administrative one (C$). Encryption and signing are no options: they are always demanded.
    """

    host: str
    port: int = 445
    username: str = ""
    password: str | None = field(default=None, repr=False)
    authentication: str = "ntlm"
    kerberos_cache_file: str | None = None
    shares: Mapping[str, str] = field(default_factory=dict)
    connect_timeout: float = 15
    silence_timeout: float = 60
    total_timeout: float = 3600


class SmbSession:
    """Raises OptionInvalid for options that cannot be. Everything else raises what stands at WindowsFiles."""

    def __init__(self, options: SmbOptions) -> None:
        self.host = options.host
        self._options = options
        self._channel: Channel | None = None
        self._login: Login | None = None
        self._trees: dict[str, int] = {}
        self._lock = threading.RLock()
        _judge(options)

    @property
    def channel(self) -> Channel:
        """The encrypted session; a new one when there is none or it broke."""
        with self._lock:
            if self._channel is None or self._channel.broken:
                self.close()
                self._channel = self._open()
            return self._channel

    @property
    def largest_read(self) -> int:
        """Bytes that one READ may ask for."""
        return self._login.largest_read if self._login is not None else smb.UNIT

    @property
    def largest_write(self) -> int:
        """Bytes that one WRITE may carry."""
        return self._login.largest_write if self._login is not None else smb.UNIT

    def deadline(self) -> float:
        """When something that begins now must have ended, in :func:`time.monotonic`'s seconds."""
        return time.monotonic() + self._options.total_timeout

    def tree(self, drive: str) -> int:
        """The number of the share that a drive letter stands for."""
        with self._lock:
            channel = self.channel
            letter = drive.upper()
            if letter not in self._trees:
                self._trees[letter] = self._connect_tree(channel, letter)
            return self._trees[letter]

    def run(self, tree: int, path: str, messages: Sequence[Message]) -> list[Answer]:
        """Requests on one file: the first opens it, the last closes it. Raises the error of the first that fails."""
        channel = self.channel
        answers = channel.exchange(tree, messages, deadline=self.deadline())
        if answers[0].status == SUCCESS and answers[-1].status != SUCCESS:
            self.let_close(tree, smb.created(answers[0].body)[0])
        for answer in answers:
            if answer.status != SUCCESS:
                raise file_error(answer.status, path)
        return answers

    def close_handles(self, tree: int, handles: Sequence[bytes]) -> None:
        """Close handles, and wait until nobody sees them any more."""
        with contextlib.suppress(ConnectionFailed):
            channel = self._channel
            if channel is not None and not channel.broken:
                tickets = [channel.submit(tree, [smb.close(handle)]) for handle in handles]
                for ticket in tickets:
                    channel.collect(ticket, self.deadline())

    def let_close(self, tree: int, handle: bytes) -> None:
        """Close a handle without waiting for it."""
        with contextlib.suppress(ConnectionFailed):
            channel = self._channel
            if channel is not None and not channel.broken:
                channel.forget(channel.submit(tree, [smb.close(handle)]))

    def close(self) -> None:
        """Log off and close the connection."""
        with self._lock:
            channel, self._channel = self._channel, None
            self._trees = {}
        if channel is not None:
            with contextlib.suppress(ConnectionFailed):
                if not channel.broken:
                    channel.exchange(0, [smb.log_off()], deadline=time.monotonic() + 2)
            channel.close()

    def _open(self) -> Channel:
        options = self._options
        wire = Wire(options.host, options.port, options.connect_timeout)
        try:
            login = log_in(
                wire, options.username, options.password, options.authentication, options.kerberos_cache_file
            )
        except BaseException:
            wire.close()
            raise
        wire.silence = options.silence_timeout
        self._login = login
        return Channel(wire, login)

    def _connect_tree(self, channel: Channel, letter: str) -> int:
        share = {name.upper().rstrip(":"): value for name, value in self._options.shares.items()}.get(
            letter, f"{letter}$"
        )
        answer = channel.exchange(0, [smb.connect_tree(rf"\\{self.host}\{share}")], deadline=self.deadline())[0]
        if answer.status != SUCCESS:
            raise share_error(answer.status, self.host, share)
        tree = int(smb.HEADER.unpack_from(answer.message)[10])
        self._confirm(channel, tree)
        return tree

    def _confirm(self, channel: Channel, tree: int) -> None:
        """Let a server older than SMB 3.1.1 repeat what it had said before the login; newer ones signed it."""
        login = self._login
        if login is None or login.negotiated is None:
            return
        question = smb.control(smb.VALIDATE_NEGOTIATE, login.negotiated, len(login.confirmed), ALL_FILES)
        answer = channel.exchange(tree, [question], deadline=self.deadline())[0]
        if answer.status != SUCCESS or smb.output_of(answer.message) != login.confirmed:
            channel.close()
            raise ConnectionFailed(
                "The host does not confirm what was agreed on before the login",
                host=self.host,
                hint="Somebody may stand between the backup host and this host and weaken the connection: look at the"
                " network.",
            )


@contextlib.contextmanager
def opened(session: SmbSession, tree: int, path: str, create: Message) -> Iterator[tuple[bytes, smb.Facts]]:
    """A handle and its facts, closed on every path."""
    answer = session.channel.exchange(tree, [create], deadline=session.deadline())[0]
    if answer.status != SUCCESS:
        raise file_error(answer.status, path)
    handle, facts = smb.created(answer.body)
    try:
        yield handle, facts
    finally:
        session.let_close(tree, handle)


def _judge(options: SmbOptions) -> None:
    if options.authentication not in AUTHENTICATIONS:
        raise OptionInvalid(
            f"SMB knows no authentication {options.authentication!r}",
            host=options.host,
            hint=f"It knows {' and '.join(AUTHENTICATIONS)}.",
        )
    if options.authentication == "ntlm" and (not options.username or options.password is None):
        raise OptionInvalid("SMB needs a user name and a password", host=options.host)
    wrong = [drive for drive in options.shares if len(drive.rstrip(":")) != 1 or not drive[:1].isalpha()]
    if wrong:
        raise OptionInvalid(
            f"{wrong[0]!r} is no drive letter", host=options.host, hint="smb_shares is like {'D': 'Data$'}."
        )
