# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One login at one SMB server, opened when it is first needed and again when it broke, and the shares in it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._errors import ConnectionFailed, OptionInvalid
from . import smb_messages as smb
from .smb_channel import Channel
from .smb_login import Login, log_in
from .smb_share import Share
from .smb_status import SUCCESS, share_error
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
        self._shares: dict[str, Share] = {}
        self._lock = threading.RLock()
        _judge(options)

    def connect(self) -> None:
        """Log in, unless that was done and still holds. Raises ConnectionFailed, AuthenticationFailed."""
        with self._lock:
            if self._channel is not None and (self._channel.broken or self._channel.gone()):
                self.close()
            if self._channel is None:
                self._channel, self._login = self._open()

    def share(self, drive: str) -> Share:
        """The share that a drive letter stands for, in a connection that holds."""
        with self._lock:
            self.connect()
            letter = drive.upper()
            if letter not in self._shares:
                self._shares[letter] = self._connect_share(letter)
            return self._shares[letter]

    def settle(self) -> None:
        """Wait until nothing is open any more that was closed without waiting for it."""
        with self._lock:
            channel = self._channel
        if channel is not None and not channel.broken:
            with contextlib.suppress(ConnectionFailed):
                channel.settle(time.monotonic() + self._options.silence_timeout)

    def close(self) -> None:
        """Log off and close the connection."""
        with self._lock:
            channel, self._channel = self._channel, None
            self._shares = {}
        if channel is not None:
            with contextlib.suppress(ConnectionFailed):
                if not channel.broken:
                    channel.exchange(0, [smb.log_off()], deadline=time.monotonic() + 2)
            channel.close()

    def _open(self) -> tuple[Channel, Login]:
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
        return Channel(wire, login), login

    def _connect_share(self, letter: str) -> Share:
        channel, login = self._channel, self._login
        if channel is None or login is None:
            raise ConnectionFailed("There is no SMB connection", host=self.host)
        named = {name.upper().rstrip(":"): value for name, value in self._options.shares.items()}
        name = named.get(letter, f"{letter}$")
        deadline = time.monotonic() + self._options.total_timeout
        answer = channel.exchange(0, [smb.connect_tree(rf"\\{self.host}\{name}")], deadline=deadline)[0]
        if answer.status != SUCCESS:
            raise share_error(answer.status, self.host, name)
        share = Share(channel, smb.tree_of(answer.message), login, self._options.total_timeout)
        if login.negotiated is not None:
            self._confirm(share, login.negotiated)
        return share

    def _confirm(self, share: Share, negotiated: bytes) -> None:
        """Let a server older than SMB 3.1.1 repeat what it had said before the login; newer ones signed it."""
        confirmed = share.login.confirmed
        answer = share.exchange(smb.control(smb.VALIDATE_NEGOTIATE, negotiated, len(confirmed), ALL_FILES))[0]
        if answer.status != SUCCESS or smb.output_of(answer.message) != confirmed:
            share.channel.close()
            raise ConnectionFailed(
                "The host does not confirm what was agreed on before the login",
                host=self.host,
                hint="Somebody may stand between the backup host and this host and weaken the connection: look at the"
                " network.",
            )


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
