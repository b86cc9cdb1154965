# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a product's host shows of itself on each way to it, before it gets any secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .._transport.proof import Shown
from .connecting import (
    CONNECTION_OF,
    Params,
    appliance_ssh_options,
    host_of,
    ssh_options,
    tds_options,
)


def shown_by(params: Params, product: str) -> list[Shown]:
    """Host keys and certificates; empty where the way to the host knows none.

    Raises ConnectionFailed, OptionInvalid, LibraryMissing.
    """
    return _LOOK[CONNECTION_OF[product]](params)


def _ssh(params: Params) -> list[Shown]:
    from .._transport.ssh import shown_host_keys

    return shown_host_keys(ssh_options(params))


def _windows(params: Params) -> list[Shown]:
    """Without TLS each message of WinRM is encrypted by the login, and nothing can be shown before it."""
    if params["winrm_scheme"] != "https":
        return []
    return _tls(params, params["winrm_port"] or 5986)


def _mssql(params: Params) -> list[Shown]:
    from .._transport.tds import shown_by_sql_server

    return shown_by_sql_server(tds_options(params))


def _ldap(params: Params) -> list[Shown]:
    from .._transport.ldap import PORTS

    security = params["ldap_security"]
    return _tls(params, params["port"] or PORTS[security], starttls=security == "starttls")


def _http(params: Params) -> list[Shown]:
    return _tls(params, params["port"])


def _starface(params: Params) -> list[Shown]:
    from .._transport.ssh import shown_host_keys

    shown = _http(params) if params["username"] and params["password"] else []
    login = params["ssh"]
    if login:
        shown += shown_host_keys(appliance_ssh_options(login["host"] or host_of(params), login, params))
    return shown


def _nothing(params: Params) -> list[Shown]:
    """What is pushed lies here."""
    return []


def _tls(params: Params, port: int, *, starttls: bool = False) -> list[Shown]:
    from .._transport.tls_context import verifying_context
    from .._transport.tls_proof import ldap_starttls, shown_certificate

    host, context, timeout = host_of(params), verifying_context(params["ca_file"]), params["connect_timeout"]
    return [shown_certificate(host, port, context, timeout, ldap_starttls if starttls else lambda line: None)]


_LOOK: Mapping[str, Callable[[Params], list[Shown]]] = {
    "http": _http,
    "landing": _nothing,
    "ldap": _ldap,
    "mssql": _mssql,
    "ssh": _ssh,
    "starface": _starface,
    "windows": _windows,
}
"""Kind of connection -> how it is looked at."""
