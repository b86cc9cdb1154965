# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option groups of the ways to a host: ssh, winrm and smb, mssql, ldap, http, and the landing zone of what a host
pushes. Times are in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._items.landing.grouping import GROUPINGS, TEMPORARY
from .argspec import ArgumentSpec

_SECRET: dict[str, Any] = {"type": "str", "no_log": True}
_SMB: dict[str, dict[str, Any]] = {"smb_port": {"type": "int", "default": 445}, "smb_shares": {"type": "dict"}}
_TIMEOUTS: dict[str, dict[str, Any]] = {
    "connect_timeout": {"type": "int", "default": 15},
    "silence_timeout": {"type": "int", "default": 60},
    "total_timeout": {"type": "int", "default": 3600},
}


def _ssh_login() -> dict[str, dict[str, Any]]:
    return {
        "port": {"type": "int", "default": 22},
        "username": {"type": "str"},
        "password": _SECRET,
        "private_key": _SECRET,
        "private_key_file": {"type": "path"},
        "private_key_passphrase": _SECRET,
        "known_hosts_file": {"type": "path"},
        "host_key": {"type": "str", "no_log": False},
        "legacy_algorithms": {"type": "bool", "default": False},
    }


_SSH_EXCLUSIVE = [["private_key", "private_key_file"], ["known_hosts_file", "host_key"]]


def ssh() -> ArgumentSpec:
    """How a target is reached with SSH."""
    return ArgumentSpec(
        {
            **_ssh_login(),
            "use_agent": {"type": "bool", "default": False},
            "become": {"type": "bool", "default": False},
            "become_password": _SECRET,
            "jump_host": {
                "type": "dict",
                "options": {"host": {"type": "str", "required": True}, **_ssh_login()},
                "mutually_exclusive": _SSH_EXCLUSIVE,
            },
            **_TIMEOUTS,
        },
        mutually_exclusive=_SSH_EXCLUSIVE,
    )


def _winrm_endpoint(*authentications: str) -> dict[str, dict[str, Any]]:
    return {
        "winrm_port": {"type": "int"},
        "winrm_scheme": {"type": "str", "choices": ["https", "http"], "default": "https"},
        "winrm_authentication": {"type": "str", "choices": list(authentications), "default": "ntlm"},
    }


def winrm() -> ArgumentSpec:
    """How commands reach a Windows host. There is no basic authentication, and HTTP only with encrypted messages."""
    return ArgumentSpec(
        {
            "username": {"type": "str"},
            "password": _SECRET,
            **_winrm_endpoint("ntlm", "kerberos", "certificate"),
            "ca_file": {"type": "path"},
            "client_certificate_file": {"type": "path"},
            "client_key_file": {"type": "path"},
            "kerberos_cache_file": {"type": "path"},
            **_TIMEOUTS,
        },
        required_if=[
            ("winrm_authentication", "ntlm", ["username", "password"]),
            ("winrm_authentication", "certificate", ["client_certificate_file", "client_key_file"]),
        ],
    )


def smb() -> ArgumentSpec:
    """How bytes come from a Windows host: signed and encrypted, which is no option. Logs in as the group winrm does."""
    return ArgumentSpec(_SMB)


def mssql() -> ArgumentSpec:
    """How a SQL Server is reached, and the host that it writes its backups to."""
    return ArgumentSpec(
        {
            "port": {"type": "int", "default": 1433},
            "mssql_authentication": {"type": "str", "choices": ["sql", "ntlm", "kerberos"], "default": "sql"},
            "username": {"type": "str"},
            "password": _SECRET,
            "kerberos_cache_file": {"type": "path"},
            "mssql_encryption": {"type": "str", "choices": ["required", "off"], "default": "required"},
            "allow_unencrypted": {"type": "bool", "default": False},
            "ca_file": {"type": "path"},
            "backup_folder": {"type": "str"},
            "smb_host": {"type": "str"},
            "smb_username": {"type": "str"},
            "smb_password": _SECRET,
            **_SMB,
            **_winrm_endpoint("ntlm", "kerberos"),
            **_TIMEOUTS,
        },
        required_if=[
            ("mssql_authentication", "sql", ["username", "password"]),
            ("mssql_authentication", "ntlm", ["username", "password"]),
        ],
        required_together=[("smb_username", "smb_password")],
    )


def ldap() -> ArgumentSpec:
    """How a directory is reached: TLS or Kerberos with signing and sealing, never in the clear."""
    return ArgumentSpec(
        {
            "port": {"type": "int"},
            "username": {"type": "str"},
            "password": _SECRET,
            "ldap_security": {"type": "str", "choices": ["ldaps", "starttls", "kerberos"], "default": "ldaps"},
            "ca_file": {"type": "path"},
            "kerberos_cache_file": {"type": "path"},
            **_TIMEOUTS,
        },
        required_if=[
            ("ldap_security", "ldaps", ["username", "password"]),
            ("ldap_security", "starttls", ["username", "password"]),
        ],
    )


def http() -> ArgumentSpec:
    """How a product's HTTPS interface is reached. That its certificate is verified is no option."""
    return ArgumentSpec(
        {
            "port": {"type": "int", "default": 443},
            "username": {"type": "str"},
            "password": _SECRET,
            "ca_file": {"type": "path"},
            "client_certificate_file": {"type": "path"},
            "client_key_file": {"type": "path"},
            **_TIMEOUTS,
        },
        required_by={"client_key_file": ["client_certificate_file"]},
    )


def landing() -> ArgumentSpec:
    """Where a product's own backups arrive on the host that runs the module, and when one has arrived."""
    return ArgumentSpec(
        {
            "landing": {"type": "path"},
            "patterns": {"type": "list", "elements": "str", "default": ["*"]},
            "exclude": {"type": "list", "elements": "str", "default": list(TEMPORARY)},
            "group_by": {"type": "str", "choices": list(GROUPINGS), "default": "file"},
            "group_pattern": {"type": "str"},
            "polls": {"type": "int", "default": 3},
            "poll_interval": {"type": "int", "default": 20},
            "quiet_period": {"type": "int", "default": 60},
            "wait_timeout": {"type": "int", "default": 900},
            "max_size": {"type": "int", "default": 2**40},
            "ignore_writers": {"type": "list", "elements": "str", "default": []},
            "expected_every": {"type": "str"},
            "grace": {"type": "str", "default": "1h"},
            "accept_repeated": {"type": "bool", "default": False},
            "after": {"type": "str", "choices": ["remove", "keep"]},
            "keep": {"type": "int", "default": 5},
        },
        required_if=[("group_by", "pattern", ["group_pattern"])],
    )


def starface() -> ArgumentSpec:
    """Which way leads to a STARFACE's backups, and how long is waited on it."""
    return ArgumentSpec(
        {
            "mode": {"type": "str", "choices": ["auto", "rest", "landing", "ssh_pull"], "default": "auto"},
            "api_base": {"type": "str"},
            "authentication": {"type": "str", "choices": ["auto", "oauth", "nonce"], "default": "auto"},
            "client_id": {"type": "str", "default": "rest-client-headless"},
            "client_secret": _SECRET,
            "oauth_scope": {"type": "str", "default": "login"},
            "job_poll_interval": {"type": "int", "default": 3},
            "job_timeout": {"type": "int", "default": 7200},
            "busy_wait": {"type": "int", "default": 300},
            "busy_timeout": {"type": "int", "default": 4500},
            "restart_timeout": {"type": "int", "default": 1800},
            "ssh": {
                "type": "dict",
                "options": {"host": {"type": "str"}, **_ssh_login(), "use_agent": {"type": "bool", "default": False}},
                "mutually_exclusive": _SSH_EXCLUSIVE,
            },
        },
        required_if=[("mode", "ssh_pull", ["ssh"]), ("mode", "landing", ["landing"])],
    )


CONNECTION_GROUPS: dict[str, Callable[[], ArgumentSpec]] = {
    "ssh": ssh,
    "winrm": winrm,
    "smb": smb,
    "mssql.connection": mssql,
    "ldap": ldap,
    "https": http,
    "landing": landing,
    "starface.connection": starface,
}
"""Documentation fragment -> builder. A product has the groups of its own kind of connection, never all of them."""
