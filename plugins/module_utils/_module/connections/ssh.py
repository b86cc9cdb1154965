# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SSH."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..._transport.base import Transport
from ..._transport.proof import Shown
from ..argspec import ArgumentSpec
from ..option_types import SECRET
from .connection import TIMEOUTS, USER_KNOWN_HOSTS, Connection, Params, host_of, times

if TYPE_CHECKING:
    from ..._transport.ssh import SshOptions

SSH_EXCLUSIVE = [["private_key", "private_key_file"], ["known_hosts_file", "host_key"]]


def ssh_login_spec() -> dict[str, dict[str, Any]]:
    """The options of one login; a jump host has its own."""
    return {
        "port": {"type": "int", "default": 22},
        "username": {"type": "str"},
        "password": SECRET,
        "private_key": SECRET,
        "private_key_file": {"type": "path"},
        "private_key_passphrase": SECRET,
        "known_hosts_file": {"type": "path"},
        "host_key": {"type": "str", "no_log": False},
        "legacy_algorithms": {"type": "bool", "default": False},
    }


def ssh() -> ArgumentSpec:
    """How a target is reached with SSH."""
    return ArgumentSpec(
        {
            **ssh_login_spec(),
            "use_agent": {"type": "bool", "default": False},
            "become": {"type": "bool", "default": False},
            "become_password": SECRET,
            "jump_host": {
                "type": "dict",
                "options": {"host": {"type": "str", "required": True}, **ssh_login_spec()},
                "mutually_exclusive": SSH_EXCLUSIVE,
            },
            **TIMEOUTS,
        },
        mutually_exclusive=SSH_EXCLUSIVE,
    )


def _options(params: Params) -> SshOptions:
    """From the option group ssh."""
    from ..._transport.ssh import SshOptions

    jump = params["jump_host"]
    return SshOptions(
        host=host_of(params),
        jump=SshOptions(host=jump["host"], **ssh_login(jump)) if jump else None,
        use_agent=params["use_agent"],
        become_password=params["become_password"],
        **times(params),
        **ssh_login(params),
    )


def ssh_login(params: Params) -> dict[str, Any]:
    """What SshOptions takes of the options of one login."""
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


def _connect(params: Params) -> Transport:
    from ..._transport.ssh import SshTransport

    return SshTransport(_options(params))


def _shown(params: Params) -> list[Shown]:
    from ..._transport.ssh import shown_host_keys

    return shown_host_keys(_options(params))


SSH = Connection("ssh", (ssh,), _connect, _shown)
