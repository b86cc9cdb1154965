# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""STARFACE: its REST interface, SSH, and what it pushes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._transport.base import Transport
from ..._transport.proof import Shown
from ..argspec import ArgumentSpec
from ..option_types import SECRET
from .connection import Connection, Params, host_of, times
from .http import http, http_transport, shown_by_http
from .landing import landing
from .ssh import SSH_EXCLUSIVE, ssh_login, ssh_login_spec

if TYPE_CHECKING:
    from ..._transport.ssh import SshOptions


def starface() -> ArgumentSpec:
    """Which way leads to a STARFACE's backups, and how long is waited on it."""
    return ArgumentSpec(
        {
            "mode": {"type": "str", "choices": ["auto", "rest", "landing", "ssh_pull"], "default": "auto"},
            "api_base": {"type": "str"},
            "authentication": {"type": "str", "choices": ["auto", "oauth", "nonce"], "default": "auto"},
            "client_id": {"type": "str", "default": "rest-client-headless"},
            "client_secret": SECRET,
            "oauth_scope": {"type": "str", "default": "login"},
            "job_poll_interval": {"type": "int", "default": 3},
            "job_timeout": {"type": "int", "default": 7200},
            "busy_wait": {"type": "int", "default": 300},
            "busy_timeout": {"type": "int", "default": 4500},
            "restart_timeout": {"type": "int", "default": 1800},
            "ssh": {
                "type": "dict",
                "options": {
                    "host": {"type": "str"},
                    **ssh_login_spec(),
                    "use_agent": {"type": "bool", "default": False},
                },
                "mutually_exclusive": SSH_EXCLUSIVE,
            },
        },
        required_if=[("mode", "ssh_pull", ["ssh"]), ("mode", "landing", ["landing"])],
    )


def _connect(params: Params) -> Transport:
    from ..._products.starface_login import Credentials, login_for
    from ..._products.starface_rest import Patience, StarfaceRest, demand_base
    from ..._products.starface_ways import StarfaceWays
    from ..._transport.system_log import tell

    host = host_of(params)
    rest = None
    if params["username"] and params["password"]:
        transport = http_transport(params)
        who = Credentials(
            params["username"],
            params["password"],
            params["client_id"],
            params["client_secret"] or "",
            params["oauth_scope"],
        )
        rest = StarfaceRest(
            transport,
            lambda base: login_for(params["authentication"], transport, who, base),
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
    ssh_transport = _ssh(login["host"] or host, login, params) if login else None
    return StarfaceWays(host, rest, ssh_transport, params["mode"])


def _ssh(host: str, login: Params, params: Params) -> Transport:
    from ..._transport.ssh import SshTransport

    return SshTransport(_ssh_options(host, login, params))


def _ssh_options(host: str, login: Params, params: Params) -> SshOptions:
    """From the option ssh of a STARFACE."""
    from ..._transport.ssh import SshOptions

    return SshOptions(host=host, use_agent=login["use_agent"], **times(params), **ssh_login(login))


def _shown(params: Params) -> list[Shown]:
    from ..._transport.ssh import shown_host_keys

    shown = shown_by_http(params) if params["username"] and params["password"] else []
    login = params["ssh"]
    if login:
        shown += shown_host_keys(_ssh_options(login["host"] or host_of(params), login, params))
    return shown


STARFACE_WAYS = Connection("starface", (http, landing, starface), _connect, _shown)
