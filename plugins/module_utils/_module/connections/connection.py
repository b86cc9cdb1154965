# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a kind of way to a host is, and what all kinds share. Times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._transport.base import Transport
from ..._transport.proof import Shown
from ..argspec import ArgumentSpec

Params = Mapping[str, Any]

USER_KNOWN_HOSTS = "~/.ssh/known_hosts"
"""Where the keys of hosts are looked for when nothing else is said."""

TIMEOUTS: dict[str, dict[str, Any]] = {
    "connect_timeout": {"type": "int", "default": 15},
    "silence_timeout": {"type": "int", "default": 60},
    "total_timeout": {"type": "int", "default": 3600},
}


@dataclass(frozen=True)
class Connection:
    """A kind of way to a host. What it needs is imported when it is asked for, so that a backup host needs the
    libraries of what it does and no others.

    :param name: how results and reports call it
    :param groups: its option groups
    :param connect: the transport to the host that the options name; it connects on first use. Raises OptionInvalid,
        LibraryMissing
    :param shown: the host keys and certificates that the host shows before it gets any secret; empty where this way
        knows none. Raises ConnectionFailed, OptionInvalid, LibraryMissing
    """

    name: str
    groups: Sequence[Callable[[], ArgumentSpec]]
    connect: Callable[[Params], Transport]
    shown: Callable[[Params], list[Shown]]

    def spec(self) -> ArgumentSpec:
        """Its options."""
        return ArgumentSpec().merge(*(group() for group in self.groups))


def host_of(params: Params) -> str:
    """Where the host is: its address, or else its name as a source."""
    return str(params["host"] or params["source"])


def times(params: Params) -> dict[str, Any]:
    """The options of TIMEOUTS, as every transport takes them."""
    return {name: params[name] for name in TIMEOUTS}
