# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a product and its options to a way to its host.

What a kind of connection needs is imported when it is asked for, so that a backup host needs the libraries of what it
does and no others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._transport.base import Transport
from .argspec import ArgumentSpec
from .connection_groups import ldap, mssql, smb, ssh, winrm

USER_KNOWN_HOSTS = "~/.ssh/known_hosts"

Params = Mapping[str, Any]


def connection_spec(product: str) -> ArgumentSpec:
    """The options of the ways to a product's host."""
    return ArgumentSpec().merge(*(group() for group in _GROUPS[CONNECTION_OF[product]]))


def transport_of(params: Params, product: str) -> Transport:
    """The transport to the host that the options name; it connects on first use.

    Raises OptionInvalid, LibraryMissing.
    """
    return _CONNECT[CONNECTION_OF[product]](params)


def _ssh(params: Params) -> Transport:
    from .._transport.ssh import SshOptions, SshTransport

    jump = params["jump_host"]
    return SshTransport(
        SshOptions(
            host=params["host"] or params["source"],
            jump=SshOptions(host=jump["host"], **_ssh_login(jump)) if jump else None,
            use_agent=params["use_agent"],
            become_password=params["become_password"],
            connect_timeout=params["connect_timeout"],
            silence_timeout=params["silence_timeout"],
            total_timeout=params["total_timeout"],
            **_ssh_login(params),
        )
    )


def _ssh_login(params: Params) -> dict[str, Any]:
    known_hosts = params["known_hosts_file"]
    if not known_hosts and not params["host_key"]:
        known_hosts = os.path.expanduser(USER_KNOWN_HOSTS)
    return {
        "port": params["port"],
        "username": params["username"] or "root",
        "password": params["password"],
        "private_key": params["private_key"] or params["private_key_file"],
        "private_key_passphrase": params["private_key_passphrase"],
        "known_hosts_file": known_hosts,
        "host_key": params["host_key"],
        "legacy_algorithms": params["legacy_algorithms"],
    }


CONNECTION_OF = {
    "ad_attributes": "ldap",
    "ecsta": "windows",
    "kamailio": "ssh",
    "linux": "ssh",
    "metadirectory": "windows",
    "mssql": "mssql",
    "procall_client": "windows",
    "procall_server": "windows",
    "windows": "windows",
}
"""Product -> kind of connection."""

_GROUPS: Mapping[str, Sequence[Callable[[], ArgumentSpec]]] = {
    "ldap": [ldap],
    "mssql": [mssql],
    "ssh": [ssh],
    "windows": [winrm, smb],
}
"""Kind of connection -> its option groups."""

_CONNECT: Mapping[str, Callable[[Params], Transport]] = {"ssh": _ssh}
"""Kind of connection -> how it is made of their options."""
