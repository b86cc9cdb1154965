# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pywinrm and the libraries below it raise, in our words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    OptionInvalid,
    RecoveryError,
)
from .base import CommandsRefused
from .winrm_options import ANSWER_WITHIN, PORTS, WinRmOptions

try:
    import requests.exceptions
    import winrm.exceptions
except ImportError:
    if not TYPE_CHECKING:
        requests = winrm = None

LOOK_AT_IT = "Look at the host and the network, then run this again."

NO_SHELL = 2150858843
"""ERROR_WSMAN_UNEXPECTED_SELECTORS, which is what Windows says of a shell that is gone (numbers from wsmerror.h)."""
_ABORTED = {995, 2147943395}
"""ERROR_OPERATION_ABORTED, as a Win32 error and as an HRESULT."""
_DENIED = {5, 2147942405, 2150859180}
"""Access denied as a Win32 error and as an HRESULT; ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED."""
_QUOTAS = {2150858815, *range(2150859173, 2150859177), 2150859179, *range(2150859236, 2150859243)}
"""ERROR_WSMAN_QUOTA_*: shells, processes, operations of a user or of all."""
_TOO_LARGE = {2150858823, 2150858824, 2150858825}
_TOO_LONG = {206, 2147942606}


class DeadlineOfHost(DeadlineExceeded):
    """The host itself says that it could not do in time what was asked; of a command's output: there is none yet."""


class ShellGone(ConnectionLost):
    """The host knows the shell no more: it was idle for too long, or WinRM was restarted."""


def named(error: Exception, options: WinRmOptions, logged_in: bool) -> RecoveryError:
    """The error as one of ours."""
    if isinstance(error, RecoveryError):
        return error
    found = _own(error)
    if found is not None:
        return found
    host = options.host
    if isinstance(error, winrm.exceptions.WSManFaultError):
        return fault(error, options)
    if isinstance(error, (winrm.exceptions.InvalidCredentialsError, PermissionError)):
        return _login_refused(options)
    if isinstance(error, winrm.exceptions.WinRMTransportError):
        return _status(error.code, host)
    if isinstance(error, winrm.exceptions.WinRMOperationTimeoutError):
        return DeadlineOfHost("The host did not do in time what was asked", host=host, hint=LOOK_AT_IT)
    if "erberos" in type(error).__module__ or "erberos" in type(error).__name__ or type(error).__name__ == "GSSError":
        return AuthenticationFailed(
            f"Kerberos does not log in ({_last(error)})",
            host=host,
            hint="Get a ticket with kinit into kerberos_cache_file, and call the host by its full name.",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return _tls(error, options)
    if isinstance(error, (requests.exceptions.Timeout, TimeoutError, socket.timeout)):
        return late(ANSWER_WITHIN if logged_in else options.connect_timeout, host, logged_in)
    if isinstance(error, (requests.exceptions.RequestException, OSError, EOFError)):
        return _network(error, options, logged_in)
    return ConnectionFailed(
        f"The host does not speak WinRM as it should ({type(error).__name__})", host=host, hint="Is it WinRM's port?"
    )


def late(seconds: float, host: str, logged_in: bool) -> DeadlineExceeded:
    """Nothing came in time."""
    did = "answer" if logged_in else "let us in"
    return DeadlineExceeded(f"WinRM did not {did} within {seconds:g} s", host=host, hint=LOOK_AT_IT)


def fault(error: Any, options: WinRmOptions) -> RecoveryError:
    """A SOAP fault, by its number."""
    host, number = options.host, error.wsman_fault_code
    if number == NO_SHELL:
        return ShellGone("The host has ended its shell", host=host, hint=LOOK_AT_IT)
    if number in _ABORTED:
        return ConnectionLost("The host has ended the command", host=host, hint=LOOK_AT_IT)
    if number in _DENIED:
        return CommandsRefused(
            "The login works, but the account may run nothing by WinRM",
            host=host,
            hint="It must be an administrator; one of the host itself needs LocalAccountTokenFilterPolicy.",
        )
    if number in _QUOTAS:
        return ConnectionFailed(
            f"WinRM's quota of shells or commands is used up (fault {number})",
            host=host,
            hint="End what uses WinRM there, or raise MaxShellsPerUser and MaxProcessesPerShell.",
        )
    if number in _TOO_LARGE:
        return ConnectionFailed(
            f"A message is larger than WinRM takes (fault {number})",
            host=host,
            hint="Raise MaxEnvelopeSizekb on the host to 500, which is its default.",
        )
    if number in _TOO_LONG:
        return OptionInvalid("The command line is longer than the host takes", host=host)
    said = _printable(str(error.reason))
    return ConnectionFailed(f"WinRM refuses (fault {number}: {said})", host=host, hint=LOOK_AT_IT)


def _login_refused(options: WinRmOptions) -> AuthenticationFailed:
    if options.authentication == "certificate":
        return AuthenticationFailed(
            "The host refuses the login (certificate)",
            host=options.host,
            hint="Check client_certificate_file, and which account it is mapped to on the host.",
        )
    who = f" of {options.username}" if options.username else ""
    return AuthenticationFailed(
        f"The host refuses the login{who} ({options.authentication})",
        host=options.host,
        hint="Check the user name and the password, and whether the account is locked.",
    )


def _status(status: int, host: str) -> ConnectionFailed:
    if status == 404:
        return ConnectionFailed("There is no WinRM at that port", host=host, hint="Check winrm_port.")
    if status == 503:
        return ConnectionFailed("WinRM is overloaded or just starting (HTTP status 503)", host=host, hint=LOOK_AT_IT)
    return ConnectionFailed(
        f"The host refuses with HTTP status {status}",
        host=host,
        hint="Check WinRM's listener and whom its configuration lets in (winrm get winrm/config).",
    )


def _tls(error: Exception, options: WinRmOptions) -> ConnectionFailed:
    host, text = options.host, str(error)
    certificate = next((one for one in _chain(error) if isinstance(one, ssl.SSLCertVerificationError)), None)
    said = getattr(certificate, "verify_message", "") or ""
    if "match" in said.lower() or "doesn't match" in text:
        return CertificateRejected(
            "The certificate belongs to another name",
            host=host,
            hint="Call the host by a name that stands in its certificate, or give it a fitting one.",
        )
    if "expired" in said or "not yet valid" in said:
        return CertificateRejected(
            f"The certificate is not valid today ({said})", host=host, hint="Renew it, or set the clock."
        )
    if certificate is not None:
        return CertificateRejected(
            f"Nobody whom we trust has signed the certificate ({said})",
            host=host,
            hint="Set ca_file to the certificate of the authority that signed it.",
        )
    if options.authentication == "certificate" and ("alert" in text.lower() or "EOF" in text):
        return _login_refused(options)
    return ConnectionFailed(
        "TLS cannot be agreed on",
        host=host,
        hint=f"Is it the port of WinRM with TLS (mostly {PORTS['https']}), and does the host offer TLS 1.2?",
    )


def _network(error: Exception, options: WinRmOptions, logged_in: bool) -> ConnectionFailed:
    host = options.host
    chain = list(_chain(error))
    names = {type(one).__name__ for one in chain}
    if logged_in:
        return ConnectionLost("The connection broke", host=host, hint=LOOK_AT_IT)
    if "gaierror" in names or "NameResolutionError" in names:
        return ConnectionFailed("The host's name cannot be resolved", host=host, hint="Check the host option.")
    port = options.port or PORTS[options.scheme]
    if "NewConnectionError" in names:
        reason = next((one.strerror for one in chain if isinstance(one, OSError) and one.strerror), "no connection")
        return ConnectionFailed(
            f"Port {port} cannot be reached: {reason}", host=host, hint="Is the host up, and does WinRM listen there?"
        )
    if options.authentication == "certificate":
        return _login_refused(options)  # the alert about ours may get lost in the end of the connection
    return ConnectionFailed(
        f"Port {port} does not speak WinRM with us", host=host, hint="Check winrm_port and winrm_scheme."
    )


def _own(error: BaseException) -> RecoveryError | None:
    """One of ours that a library has wrapped."""
    return next((one for one in _chain(error) if isinstance(one, RecoveryError)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and everything that it was made from."""
    waiting: list[Any] = [error]
    seen: list[Any] = []
    while waiting and len(seen) < 50:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _last(error: BaseException) -> str:
    """What Kerberos says last in its nest of tuples."""
    found = ""
    waiting: list[Any] = list(error.args)
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, (tuple, list)):
            waiting += one
        elif isinstance(one, str):
            found = one
    return _printable(found)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text).strip()[:200]
