# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories: LDAP."""

from __future__ import annotations

from ..._transport.base import Transport
from ..._transport.proof import Shown
from ..argspec import ArgumentSpec
from ..option_types import SECRET
from .connection import TIMEOUTS, Connection, Params, host_of, times
from .tls import shown_by_tls


def ldap() -> ArgumentSpec:
    """How a directory is reached: TLS or Kerberos with signing and sealing, never in the clear."""
    return ArgumentSpec(
        {
            "port": {"type": "int"},
            "username": {"type": "str"},
            "password": SECRET,
            "ldap_security": {"type": "str", "choices": ["ldaps", "starttls", "kerberos"], "default": "ldaps"},
            "ca_file": {"type": "path"},
            "kerberos_cache_file": {"type": "path"},
            **TIMEOUTS,
        },
        required_if=[
            ("ldap_security", "ldaps", ["username", "password"]),
            ("ldap_security", "starttls", ["username", "password"]),
        ],
    )


def _connect(params: Params) -> Transport:
    from ..._transport.ldap import LdapOptions, LdapTransport

    return LdapTransport(
        LdapOptions(
            host=host_of(params),
            port=params["port"],
            username=params["username"],
            password=params["password"],
            security=params["ldap_security"],
            ca_file=params["ca_file"],
            kerberos_cache_file=params["kerberos_cache_file"],
            **times(params),
        )
    )


def _shown(params: Params) -> list[Shown]:
    from ..._transport.ldap import PORTS

    security = params["ldap_security"]
    return shown_by_tls(params, params["port"] or PORTS[security], starttls=security == "starttls")


LDAP = Connection("ldap", (ldap,), _connect, _shown)
