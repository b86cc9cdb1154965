# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS for ldap3 as Python's own ssl does it: chain and host name are checked while the connection is made, before a
byte of a login is sent. ldap3 looks at the name only afterwards, and by rules of its own."""

from __future__ import annotations

import ssl
import warnings
from typing import TYPE_CHECKING, Any

from .._errors import ConnectionFailed
from .tls_context import verifying_context

try:
    with warnings.catch_warnings():
        # ldap3 uses names that newer pyasn1 complains about at every import.
        warnings.simplefilter("ignore")
        from ldap3.core.tls import Tls
except ImportError:
    if not TYPE_CHECKING:
        Tls = object

_NAME_MISMATCH = (62, 64)
_OUT_OF_DATE = (9, 10)
_UNKNOWN_AUTHORITY = (2, 7, 18, 19, 20, 21)
"""OpenSSL's numbers for X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_CERT_HAS_EXPIRED, and so on. 7, a wrong signature, is
what an authority gets that was made anew under its old name."""


class VerifiedTls(Tls):
    """The TLS of one connection.

    :param host: the name that the certificate must be made for
    :param ca_file: who may have signed it; None: the authorities that this machine trusts
    :raises OptionInvalid: ``ca_file`` cannot be read or holds no certificate
    """

    def __init__(self, host: str, ca_file: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = host
        self._context = verifying_context(ca_file)
        self.failure: ConnectionFailed | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """What ldap3 calls to secure a connection. ``failure`` keeps what went wrong: ldap3 makes exceptions anew."""
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)
        except (ssl.SSLError, ssl.CertificateError, ConnectionError, EOFError) as error:
            self.failure = _named(error, self._host)
            raise OSError("TLS failed") from None


def is_secured(line: object) -> bool:
    """Whether a connection's socket speaks TLS."""
    return isinstance(line, ssl.SSLSocket)


def _named(error: Exception, host: str) -> ConnectionFailed:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    if code in _NAME_MISMATCH:
        return ConnectionFailed(
            f"The directory's certificate is not made for the name {host}",
            host=host,
            hint="Set host to the name of the domain controller that stands in its certificate.",
        )
    if code in _UNKNOWN_AUTHORITY:
        return ConnectionFailed(
            "The directory's certificate is signed by an authority (CA) that is not trusted here",
            host=host,
            hint="Give the certificate of that CA in ca_file, after you made sure that it is the right one.",
        )
    if code in _OUT_OF_DATE:
        return ConnectionFailed(
            "The directory's certificate has expired or is not valid yet",
            host=host,
            hint="Renew it, and check the clocks.",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionFailed(f"The directory's certificate is refused: {error.verify_message}", host=host)
    return ConnectionFailed(
        "The port does not speak TLS with us",
        host=host,
        hint="Is this the port of the directory, and has the domain controller a certificate?",
    )
