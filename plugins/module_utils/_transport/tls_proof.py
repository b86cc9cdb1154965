# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that a TLS server shows, and whether it is one to believe. Nothing but handshakes is sent."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
from collections.abc import Callable

from .._errors import ConnectionFailed, DeadlineExceeded
from .proof import CERTIFICATE, Shown

Before = Callable[[socket.socket], None]
"""What has to be said on the connection before TLS begins."""

_STARTTLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
"""The request of LDAP (RFC 4511, 4.14): message 1, ExtendedRequest, its name."""
_SUCCESS = b"\x0a\x01\x00"
"""The result code of an LDAP answer that says yes."""


def blind_context(verifying: ssl.SSLContext) -> ssl.SSLContext:
    """A context with the same versions that takes any certificate: for looking at it, never for a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version, context.maximum_version = verifying.minimum_version, verifying.maximum_version
    return context


def certificate_shown(host: str, port: int, der: bytes, doubt: str) -> Shown:
    """A certificate with its fingerprint, written as OpenSSL does: SHA-256 in pairs of hex digits."""
    digits = hashlib.sha256(der).hexdigest().upper()
    fingerprint = "SHA256:" + ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    return Shown(CERTIFICATE, host, port, fingerprint, doubt, ssl.DER_cert_to_PEM_cert(der))


def shown_certificate(
    host: str, port: int, verifying: ssl.SSLContext, timeout: float, before: Before = lambda line: None
) -> Shown:
    """Look at a server's certificate, then see on a second connection whether it is believed.

    :param timeout: seconds for each step
    :raises ConnectionFailed, DeadlineExceeded: the server cannot be reached, or speaks no TLS
    """
    der = _handshake(host, port, blind_context(verifying), timeout, before)
    try:
        _handshake(host, port, verifying, timeout, before)
    except ssl.SSLCertVerificationError as error:
        return certificate_shown(host, port, der, f"Its certificate is not believed: {error.verify_message}")
    return certificate_shown(host, port, der, "")


def ldap_starttls(line: socket.socket) -> None:
    """Ask a directory to go on with TLS. Raises ConnectionFailed when it does not want to."""
    line.sendall(_STARTTLS)
    if _SUCCESS not in line.recv(4096):
        raise ConnectionFailed(
            "The directory offers no StartTLS", hint="Say ldap_security: ldaps, or give it a certificate."
        )


def _handshake(host: str, port: int, context: ssl.SSLContext, timeout: float, before: Before) -> bytes:
    try:
        with socket.create_connection((host, port), timeout=timeout) as line:
            before(line)
            with context.wrap_socket(line, server_hostname=host) as tls:
                der = tls.getpeercert(binary_form=True)
                with contextlib.suppress(OSError):
                    tls.unwrap()
    except ssl.SSLCertVerificationError:
        raise
    except socket.timeout:
        raise DeadlineExceeded(
            f"Port {port} did not answer within {timeout:g} s",
            host=host,
            hint="Is the host up, and does a firewall let us in?",
        ) from None
    except ssl.SSLError as error:
        raise ConnectionFailed(
            f"Port {port} speaks no TLS with us ({error.reason or 'no agreement'})",
            host=host,
            hint="Is this the right port?",
        ) from None
    except OSError as error:
        raise ConnectionFailed(
            f"Port {port} cannot be reached: {error.strerror or type(error).__name__}",
            host=host,
            hint="Is the host up, and does the service listen there?",
        ) from None
    if not der:
        raise ConnectionFailed(f"Port {port} shows no certificate", host=host)
    return der
