# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending one mail: encrypted, to a server whose certificate is verified, with a login or without.

Login and addresses may hold any characters: the one goes by AUTH PLAIN then (RFC 4616), the others need a server that
offers SMTPUTF8 (RFC 6531).
"""

from __future__ import annotations

import base64
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
        if not all(map(_is_text, (self.sender, *self.recipients, self.username or "", self.password or ""))):
            raise OptionInvalid("An address or the login of the mail server holds something that is no character")
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
    :raises OptionInvalid: it has no way for a login of these characters
    """
    try:
        with _connected(options) as server:
            if options.username and options.password:
                _log_in(server, options, options.username, options.password)
            recipients = _reachable(server, options)
            refused = {*options.recipients} - {*recipients}
            refused |= server.send_message(message, options.sender, recipients).keys()
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


def _log_in(server: smtplib.SMTP, options: MailOptions, username: str, password: str) -> None:
    """smtplib knows no characters but ASCII."""
    if username.isascii() and password.isascii():
        server.login(username, password)
        return
    server.ehlo_or_helo_if_needed()
    offered = server.esmtp_features.get("auth", "").upper().split()
    if not offered:
        raise smtplib.SMTPNotSupportedError
    if "PLAIN" not in offered:
        raise OptionInvalid(
            "The mail server offers no AUTH PLAIN, the only login for characters beyond ASCII",
            host=options.host,
            hint="Give its account a smtp_username and a smtp_password of ASCII.",
        )
    proof = base64.b64encode(f"\0{username}\0{password}".encode()).decode("ascii")
    code, said = server.docmd("AUTH", f"PLAIN {proof}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, said)


def _reachable(server: smtplib.SMTP, options: MailOptions) -> list[str]:
    """The recipients whose addresses the server can take. Raises ConnectionFailed when that is nobody."""
    server.ehlo_or_helo_if_needed()
    if server.has_extn("smtputf8"):
        return list(options.recipients)
    recipients = [one for one in options.recipients if one.isascii()]
    if recipients and options.sender.isascii():
        return recipients
    raise ConnectionFailed(
        "The mail server takes no addresses with characters beyond ASCII (it does not offer SMTPUTF8)",
        host=options.host,
        hint="Write report_to and report_from in ASCII, a domain as xn--..., or name another server as smtp_host.",
    )


def _is_text(text: str) -> bool:
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


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
