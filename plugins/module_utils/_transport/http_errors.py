# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What requests and the libraries below it raise, in our words."""

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
    RecoveryError,
)

try:
    import requests.exceptions
except ImportError:
    if not TYPE_CHECKING:
        requests = None

LOOK_AT_IT = "Look at the host and the network, then run this again."

_NAME_MISMATCH = (62, 64)
_OUT_OF_DATE = (9, 10)
"""OpenSSL's numbers for X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_CERT_HAS_EXPIRED, and so on."""
_WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA")
"""What a server's alert is called that does not like our certificate, or that we have none."""


def named(error: Exception, host: str, port: int, connected: bool, patience: float) -> RecoveryError:
    """The error as one of ours.

    :param connected: whether the other side had been reached
    :param patience: seconds of the limit that a timeout means
    """
    chain = list(_chain(error))
    own = next((one for one in chain if isinstance(one, RecoveryError)), None)
    if own is not None:
        return own
    certificate = next((one for one in chain if isinstance(one, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return _rejected(certificate, host)
    tls = next((one for one in chain if isinstance(one, ssl.SSLError)), None)
    if tls is not None and tls.reason and any(word in tls.reason for word in _WANTS_CERTIFICATE):
        return AuthenticationFailed(
            "The host wants a client certificate, and takes none or not this one",
            host=host,
            hint="Check client_certificate_file, and whom the host trusts.",
        )
    if isinstance(error, (requests.exceptions.Timeout, TimeoutError, socket.timeout)) or _timed_out(chain):
        did = "was silent for more than" if connected else "did not let us in within"
        return DeadlineExceeded(f"The host {did} {patience:g} s", host=host, hint=LOOK_AT_IT)
    if connected:
        return ConnectionLost("The connection broke", host=host, hint=LOOK_AT_IT)
    if tls is not None:
        return ConnectionFailed(
            f"Port {port} does not speak TLS with us",
            host=host,
            hint="Is it the port of HTTPS, and does the host offer TLS 1.2?",
        )
    if any(isinstance(one, socket.gaierror) for one in chain):
        return ConnectionFailed("The host's name cannot be resolved", host=host, hint="Check the host option.")
    reason = next((one.strerror for one in chain if isinstance(one, OSError) and one.strerror), "no connection")
    return ConnectionFailed(
        f"Port {port} cannot be reached: {reason}", host=host, hint="Is the host up, and does it listen there?"
    )


def _rejected(error: ssl.SSLCertVerificationError, host: str) -> CertificateRejected:
    if error.verify_code in _NAME_MISMATCH:
        return CertificateRejected(
            "The certificate belongs to another name",
            host=host,
            hint="Call the host by a name that stands in its certificate, or give it a fitting one.",
        )
    if error.verify_code in _OUT_OF_DATE:
        return CertificateRejected(
            f"The certificate is not valid today ({error.verify_message})",
            host=host,
            hint="Renew it, and check the clocks.",
        )
    return CertificateRejected(
        f"Nobody whom we trust has signed the certificate ({error.verify_message})",
        host=host,
        hint="Set ca_file to the certificate of the authority that signed it, after you made sure that it is right.",
    )


def _timed_out(chain: list[BaseException]) -> bool:
    return any(isinstance(one, (TimeoutError, socket.timeout)) or "Timeout" in type(one).__name__ for one in chain)


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
