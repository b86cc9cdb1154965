# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of the groups C(source) and C(ssh) to a way to the host."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._transport.base import Transport
from .._transport.ssh import SshOptions, SshTransport

USER_KNOWN_HOSTS = "~/.ssh/known_hosts"


def transport_of(params: Mapping[str, Any]) -> Transport:
    """The transport to the host that the options name; it connects on first use. Raises OptionInvalid."""
    jump = params["jump_host"]
    return SshTransport(
        SshOptions(
            host=params["host"] or params["source"],
            jump=SshOptions(host=jump["host"], **_login(jump)) if jump else None,
            use_agent=params["use_agent"],
            become_password=params["become_password"],
            connect_timeout=params["connect_timeout"],
            silence_timeout=params["silence_timeout"],
            total_timeout=params["total_timeout"],
            **_login(params),
        )
    )


def _login(params: Mapping[str, Any]) -> dict[str, Any]:
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
