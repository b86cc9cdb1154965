# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host shows where it is reached by TLS."""

from __future__ import annotations

from ..._transport.proof import Shown
from .connection import Params, host_of


def shown_by_tls(params: Params, port: int, *, starttls: bool = False) -> list[Shown]:
    """Its certificate. ``starttls``: LDAP begins in the clear. Raises ConnectionFailed, LibraryMissing."""
    from ..._transport.tls_context import verifying_context
    from ..._transport.tls_proof import ldap_starttls, shown_certificate

    host, context, timeout = host_of(params), verifying_context(params["ca_file"]), params["connect_timeout"]
    return [shown_certificate(host, port, context, timeout, ldap_starttls if starttls else lambda line: None)]
