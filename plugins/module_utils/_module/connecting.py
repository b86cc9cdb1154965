# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a product and its options to a way to its host.

What a kind of connection needs is imported when it is asked for, so that a backup host needs the libraries of what it
does and no others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid
from .._transport.base import Transport
from .._transport.windows import WindowsTransport
from .._transport.windows_files import WindowsFiles
from .argspec import ArgumentSpec
from .connection_groups import http, landing, ldap, mssql, smb, ssh, starface, winrm

if TYPE_CHECKING:
    from .._transport.ssh import SshOptions
    from .._transport.tds import TdsOptions

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
    from .._transport.ssh import SshTransport

    return SshTransport(ssh_options(params))


def ssh_options(params: Params) -> SshOptions:
    """From the option group ssh."""
    from .._transport.ssh import SshOptions

    jump = params["jump_host"]
    return SshOptions(
        host=host_of(params),
        jump=SshOptions(host=jump["host"], **_ssh_login(jump)) if jump else None,
        use_agent=params["use_agent"],
        become_password=params["become_password"],
        **_times(params),
        **_ssh_login(params),
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


def _windows(params: Params) -> Transport:
    kerberos = params["winrm_authentication"] == "kerberos"
    return _windows_host(host_of(params), params, params["username"], params["password"], kerberos)


def _windows_host(
    host: str, params: Params, username: str | None, password: str | None, kerberos: bool
) -> WindowsTransport:
    from .._transport.winrm import WinRm, WinRmOptions

    commands = WinRm(
        WinRmOptions(
            host=host,
            port=params["winrm_port"],
            scheme=params["winrm_scheme"],
            authentication=params["winrm_authentication"],
            username=username,
            password=password,
            ca_file=params["ca_file"],
            client_certificate_file=params.get("client_certificate_file"),
            client_key_file=params.get("client_key_file"),
            kerberos_cache_file=params["kerberos_cache_file"],
            **_times(params),
        )
    )
    return WindowsTransport(commands, _files(host, params, username, password, kerberos))


def _files(host: str, params: Params, username: str | None, password: str | None, kerberos: bool) -> WindowsFiles:
    from .._transport.smb import SmbFiles, SmbOptions

    return SmbFiles(
        SmbOptions(
            host=host,
            port=params["smb_port"],
            username=username or "",
            password=password,
            authentication="kerberos" if kerberos else "ntlm",
            kerberos_cache_file=params["kerberos_cache_file"],
            shares=params["smb_shares"] or {},
            **_times(params),
        )
    )


def tds_options(params: Params) -> TdsOptions:
    """From the option group mssql."""
    from .._transport.tds import TdsOptions

    return TdsOptions(
        host=host_of(params),
        port=params["port"],
        authentication=params["mssql_authentication"],
        username=params["username"] or "",
        password=params["password"] or "",
        kerberos_cache_file=params["kerberos_cache_file"],
        encryption=params["mssql_encryption"],
        allow_unencrypted=params["allow_unencrypted"],
        ca_file=params["ca_file"],
        backup_folder=params["backup_folder"],
        **_times(params),
    )


def _mssql(params: Params) -> Transport:
    from .._transport.tds import SqlServerTransport

    host, how = host_of(params), params["mssql_authentication"]
    username, password = params["smb_username"], params["smb_password"]
    if not username and how == "sql":
        raise OptionInvalid(
            "The server writes its backups to its own disk, and its login is none of Windows",
            host=host,
            hint="Give smb_username and smb_password of an account that may fetch and remove files there.",
        )
    kerberos = how == "kerberos" and not username
    login = (username or params["username"], password or params["password"])
    options = tds_options(params)
    partners = [_windows_host(partner, params, *login, kerberos) for partner in params["partner_hosts"] or ()]
    return SqlServerTransport(options, _files(params["smb_host"] or host, params, *login, kerberos), partners)


def _ldap(params: Params) -> Transport:
    from .._transport.ldap import LdapOptions, LdapTransport

    return LdapTransport(
        LdapOptions(
            host=host_of(params),
            port=params["port"],
            username=params["username"],
            password=params["password"],
            security=params["ldap_security"],
            ca_file=params["ca_file"],
            kerberos_cache_file=params["kerberos_cache_file"],
            **_times(params),
        )
    )


def _http(params: Params) -> Transport:
    from .._transport.http import HttpOptions, HttpTransport

    return HttpTransport(
        HttpOptions(
            host=host_of(params),
            port=params["port"],
            username=params["username"],
            password=params["password"],
            ca_file=params["ca_file"],
            client_certificate_file=params["client_certificate_file"],
            client_key_file=params["client_key_file"],
            **_times(params),
        )
    )


def _landing(params: Params) -> Transport:
    """What was pushed lies on the host that runs the module."""
    from .._transport.local import LocalTransport

    return LocalTransport(host_of(params))


def _starface(params: Params) -> Transport:
    from .._products.starface_login import Credentials, login_for
    from .._products.starface_rest import Patience, StarfaceRest, demand_base
    from .._products.starface_ways import StarfaceWays
    from .._transport.http import HttpTransport
    from .._transport.system_log import tell

    host = host_of(params)
    rest = None
    if params["username"] and params["password"]:
        http_transport = _http(params)
        if not isinstance(http_transport, HttpTransport):
            raise OptionInvalid("This is no connection to a REST interface", host=host)
        who = Credentials(
            params["username"],
            params["password"],
            params["client_id"],
            params["client_secret"] or "",
            params["oauth_scope"],
        )
        rest = StarfaceRest(
            http_transport,
            lambda base: login_for(params["authentication"], http_transport, who, base),
            base=demand_base(params["api_base"]) if params["api_base"] else "",
            patience=Patience(
                poll=params["job_poll_interval"],
                job=params["job_timeout"],
                busy_wait=params["busy_wait"],
                busy=params["busy_timeout"],
                restart=params["restart_timeout"],
            ),
            tell=lambda line: tell(f"{host}: {line}"),
        )
    login = params["ssh"]
    ssh_transport = _ssh_of_appliance(login["host"] or host, login, params) if login else None
    return StarfaceWays(host, rest, ssh_transport, params["mode"])


def _ssh_of_appliance(host: str, login: Params, params: Params) -> Transport:
    from .._transport.ssh import SshTransport

    return SshTransport(appliance_ssh_options(host, login, params))


def appliance_ssh_options(host: str, login: Params, params: Params) -> SshOptions:
    """From the option ssh of a STARFACE."""
    from .._transport.ssh import SshOptions

    return SshOptions(host=host, use_agent=login["use_agent"], **_times(params), **_ssh_login(login))


def host_of(params: Params) -> str:
    """Where the host is: its address, or else its name as a source."""
    return str(params["host"] or params["source"])


def _times(params: Params) -> dict[str, Any]:
    return {name: params[name] for name in ("connect_timeout", "silence_timeout", "total_timeout")}


CONNECTION_OF = {
    "ad_attributes": "ldap",
    "ecsta": "windows",
    "ejbca_configdump": "http",
    "kamailio": "ssh",
    "keyfactor_appliance": "landing",
    "linux": "ssh",
    "metadirectory": "windows",
    "mssql": "mssql",
    "procall_client": "windows",
    "procall_server": "windows",
    "pushed": "landing",
    "starface": "starface",
    "windows": "windows",
}
"""Product -> kind of connection."""

_GROUPS: Mapping[str, Sequence[Callable[[], ArgumentSpec]]] = {
    "http": [http],
    "landing": [landing],
    "ldap": [ldap],
    "mssql": [mssql],
    "ssh": [ssh],
    "starface": [http, landing, starface],
    "windows": [winrm, smb],
}
"""Kind of connection -> its option groups."""

_CONNECT: Mapping[str, Callable[[Params], Transport]] = {
    "http": _http,
    "landing": _landing,
    "ldap": _ldap,
    "mssql": _mssql,
    "ssh": _ssh,
    "starface": _starface,
    "windows": _windows,
}
"""Kind of connection -> how it is made of their options."""
