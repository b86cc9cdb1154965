# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL Server, the host that it writes its backups to, and the hosts of what uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._errors import OptionInvalid
from ..._transport.base import Transport
from ..._transport.proof import Shown
from ..argspec import ArgumentSpec
from ..option_types import SECRET
from .connection import TIMEOUTS, Connection, Params, host_of, times
from .windows import SMB, windows_files, windows_host, winrm_endpoint

if TYPE_CHECKING:
    from ..._transport.tds import TdsOptions


def mssql() -> ArgumentSpec:
    """How a SQL Server is reached, and the host that it writes its backups to."""
    return ArgumentSpec(
        {
            "port": {"type": "int", "default": 1433},
            "mssql_authentication": {"type": "str", "choices": ["sql", "ntlm", "kerberos"], "default": "sql"},
            "username": {"type": "str"},
            "password": SECRET,
            "kerberos_cache_file": {"type": "path"},
            "mssql_encryption": {"type": "str", "choices": ["required", "off"], "default": "required"},
            "allow_unencrypted": {"type": "bool", "default": False},
            "ca_file": {"type": "path"},
            "backup_folder": {"type": "str"},
            "smb_host": {"type": "str"},
            "smb_username": {"type": "str"},
            "smb_password": SECRET,
            **SMB,
            **winrm_endpoint("ntlm", "kerberos"),
            **TIMEOUTS,
        },
        required_if=[
            ("mssql_authentication", "sql", ["username", "password"]),
            ("mssql_authentication", "ntlm", ["username", "password"]),
        ],
        required_together=[("smb_username", "smb_password")],
    )


def _tds_options(params: Params) -> TdsOptions:
    """From the option group mssql."""
    from ..._transport.tds import TdsOptions

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
        **times(params),
    )


def _connect(params: Params) -> Transport:
    from ..._transport.tds import SqlServerTransport

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
    options = _tds_options(params)
    partners = [windows_host(partner, params, *login, kerberos) for partner in params["partner_hosts"] or ()]
    return SqlServerTransport(options, windows_files(params["smb_host"] or host, params, *login, kerberos), partners)


def _shown(params: Params) -> list[Shown]:
    from ..._transport.tds import shown_by_sql_server

    return shown_by_sql_server(_tds_options(params))


TDS = Connection("mssql", (mssql,), _connect, _shown)
