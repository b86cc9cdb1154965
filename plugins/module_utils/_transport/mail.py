# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending one mail: encrypted, to a server whose certificate is verified, with a login or without."""

from __future__ import annotations

import ipaddress
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from .._errors import AuthenticationFailed, CertificateRejected, ConnectionFailed, OptionInvalid

STARTTLS, TLS, NONE = "starttls", "tls", "none"
SECURITY = (STARTTLS, TLS, NONE)
_PORT = {STARTTLS: 587, TLS: 465, NONE: 25}
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_HINT = "Look at smtp_host, smtp_port and smtp_security, and at the mail server's log."


@dataclass(frozen=True)
class MailOptions:
    """Which server takes the mail. ``port`` None: the usual one of the security. ``timeout`` is in seconds and holds
    for every step.

    :raises OptionInvalid: addresses or combinations that cannot be
    """

    host: str
    sender: str
    recipients: Sequence[str]
    port: int | None = None
    security: str = STARTTLS
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    timeout: float = 30

    def __post_init__(self) -> None:
        for address in (self.sender, *self.recipients):
            if not _ADDRESS.fullmatch(address):
                raise OptionInvalid(f"{address[:80]!r} is no address of a mail")
        if not self.recipients:
            raise OptionInvalid("There is nobody to send the mail to")
        if bool(self.username) != bool(self.password):
            raise OptionInvalid("A login at the mail server needs smtp_username and smtp_password")
        if self.security == NONE and (self.password or not _is_here(self.host)):
            raise OptionInvalid(
                "Without encryption a mail goes only to this machine's own server, and without a login",
                hint="Set smtp_security to starttls or tls.",
            )


def compose(options: MailOptions, subject: str, text: str) -> EmailMessage:
    """A mail of plain text. What stands in the subject can make no header of its own."""
    message = EmailMessage()
    message["From"] = options.sender
    message["To"] = ", ".join(options.recipients)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=options.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, charset="utf-8", cte="quoted-printable")
    return message


def send(options: MailOptions, message: EmailMessage) -> list[str]:
    """Give a mail to the server. Returns the recipients that it did not take, when it took some.

    :raises ConnectionFailed: the server cannot be reached, offers no encryption, or refuses the mail
    :raises CertificateRejected: its certificate is not to be trusted
    :raises AuthenticationFailed: it refuses the login
    """
    try:
        with _connected(options) as server:
            if options.username and options.password:
                server.login(options.username, options.password)
            refused = server.send_message(message, options.sender, list(options.recipients))
    except ssl.SSLCertVerificationError as error:
        raise CertificateRejected(
            f"The mail server's certificate is not to be trusted ({error.verify_message})",
            host=options.host,
            hint="Give the file of its authority as smtp_ca_file, and the name that stands in it as smtp_host.",
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        raise AuthenticationFailed(
            f"The mail server refuses the login ({error.smtp_code})",
            host=options.host,
            hint="Check smtp_username and smtp_password.",
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        raise _failed(
            options, f"takes no mail for {', '.join(sorted(error.recipients))} ({_said(code, reason)})"
        ) from None
    except smtplib.SMTPNotSupportedError as error:
        what = (
            "offers no encryption" if options.security == STARTTLS and "STARTTLS" in str(error) else "offers no login"
        )
        raise _failed(options, what) from None
    except smtplib.SMTPResponseException as error:
        raise _failed(options, f"refuses the mail ({_said(error.smtp_code, error.smtp_error)})") from None
    except (OSError, smtplib.SMTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _failed(options, f"cannot be reached or broke off ({why})") from None
    return sorted(refused)


def _connected(options: MailOptions) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=options.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    port = options.port or _PORT[options.security]
    if options.security == TLS:
        return smtplib.SMTP_SSL(options.host, port, timeout=options.timeout, context=context)
    server = smtplib.SMTP(options.host, port, timeout=options.timeout)
    if options.security == STARTTLS:
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _failed(options: MailOptions, what: str) -> ConnectionFailed:
    return ConnectionFailed(f"The mail server {what}", host=options.host, hint=_HINT)


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())[:200]}"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
