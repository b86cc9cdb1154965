# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows hosts: WinRM for commands, SMB for bytes."""

from __future__ import annotations

from typing import Any

from ..._transport.base import Transport
from ..._transport.proof import Shown
from ..._transport.windows import WindowsTransport
from ..._transport.windows_files import WindowsFiles
from ..argspec import ArgumentSpec
from ..option_types import SECRET
from .connection import TIMEOUTS, Connection, Params, host_of, times
from .tls import shown_by_tls

SMB: dict[str, dict[str, Any]] = {"smb_port": {"type": "int", "default": 445}, "smb_shares": {"type": "dict"}}


def winrm_endpoint(*authentications: str) -> dict[str, dict[str, Any]]:
    """Where WinRM is, and how it may be logged in to."""
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
            "password": SECRET,
            **winrm_endpoint("ntlm", "kerberos", "certificate"),
            "ca_file": {"type": "path"},
            "client_certificate_file": {"type": "path"},
            "client_key_file": {"type": "path"},
            "kerberos_cache_file": {"type": "path"},
            **TIMEOUTS,
        },
        required_if=[
            ("winrm_authentication", "ntlm", ["username", "password"]),
            ("winrm_authentication", "certificate", ["client_certificate_file", "client_key_file"]),
        ],
    )


def smb() -> ArgumentSpec:
    """How bytes come from a Windows host: signed and encrypted, which is no option. Logs in as the group winrm does."""
    return ArgumentSpec(SMB)


def windows_host(
    host: str, params: Params, username: str | None, password: str | None, kerberos: bool
) -> WindowsTransport:
    """Both clients, with one login."""
    from ..._transport.winrm import WinRm, WinRmOptions

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
            **times(params),
        )
    )
    return WindowsTransport(commands, windows_files(host, params, username, password, kerberos))


def windows_files(
    host: str, params: Params, username: str | None, password: str | None, kerberos: bool
) -> WindowsFiles:
    """The client for files alone."""
    from ..._transport.smb import SmbFiles, SmbOptions

    return SmbFiles(
        SmbOptions(
            host=host,
            port=params["smb_port"],
            username=username or "",
            password=password,
            authentication="kerberos" if kerberos else "ntlm",
            kerberos_cache_file=params["kerberos_cache_file"],
            shares=params["smb_shares"] or {},
            **times(params),
        )
    )


def _connect(params: Params) -> Transport:
    kerberos = params["winrm_authentication"] == "kerberos"
    return windows_host(host_of(params), params, params["username"], params["password"], kerberos)


def _shown(params: Params) -> list[Shown]:
    """Without TLS each message of WinRM is encrypted by the login, and nothing can be shown before it."""
    if params["winrm_scheme"] != "https":
        return []
    return shown_by_tls(params, params["winrm_port"] or 5986)


WINRM_AND_SMB = Connection("windows", (winrm, smb), _connect, _shown)
