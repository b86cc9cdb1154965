# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real mail server on loopback that keeps what it is given: aiosmtpd, with TLS and a login as asked."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class MailServer(Controller):
    """Takes mail on C(port) while its block lasts.

    ``answers``: recipient or C(DATA) -> the answer that it gets instead of OK. ``without``: ways to log in that it does
    not offer. ``utf8``: whether it takes addresses of any characters.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        starttls: bool = True,
        login: tuple[str, str] | None = None,
        answers: Mapping[str, str] | None = None,
        without: Sequence[str] = (),
        utf8: bool = False,
    ) -> None:
        self.mails: list[tuple[str, list[str], EmailMessage]] = []
        self.logins = 0
        self._login = login
        self._answers = answers or {}
        self._without = list(without)
        self._utf8 = utf8
        self._starttls = context if starttls else None
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=_free_port(),
            ssl_context=None if starttls else context,
        )

    def __enter__(self) -> MailServer:
        self.start()
        return self

    def __exit__(self, *_what: object) -> None:
        self.stop()

    def factory(self) -> SMTP:
        return SMTP(
            self.handler,
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            authenticator=self._authenticate,
            auth_required=self._login is not None,
            auth_exclude_mechanism=self._without,
            enable_SMTPUTF8=self._utf8,
            auth_require_tls=self.ssl_context is None,
        )

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _how: str, said: Any) -> AuthResult:
        self.logins += 1
        fits = isinstance(said, LoginPassword) and (said.login.decode(), said.password.decode()) == self._login
        return AuthResult(success=fits, handled=False)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self._answers:
            return self._answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if "DATA" in self._answers:
            return self._answers["DATA"]
        content = envelope.content.replace(b"\r\n", b"\n")
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, message))  # type: ignore[arg-type]
        return "250 OK"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
