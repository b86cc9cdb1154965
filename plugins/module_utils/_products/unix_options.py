# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that every product on a Unix host has: where its tree is, as whom it is read, how its services are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import OptionInvalid
from .._items.services import Service
from .declared_counters import DeclaredCounter, declared_counter
from .options import absolute_path, days, flag, list_of, option, parse_options, text, words

REREAD_DAYS = 7


def _service(value: Any) -> Service:
    if not isinstance(value, Mapping):
        return Service(text(value))
    parsed = parse_options(_OneService, value)
    if not parsed.name:
        raise ValueError("a list of names, or of name with start, stop and status")
    return Service(parsed.name, tuple(parsed.start), tuple(parsed.stop), tuple(parsed.status))


@dataclass(frozen=True)
class _OneService:
    name: str = option(text, "")
    start: Sequence[str] = option(words, ())
    stop: Sequence[str] = option(words, ())
    status: Sequence[str] = option(words, ())


@dataclass(frozen=True)
class UnixOptions:
    """``root``: the folder that counts as / on the target. ``become``: read and write as root.

    ``services``: names, or name with the commands ``start``, ``stop`` and ``status`` where neither systemd nor
    /etc/init.d knows the service. ``start_command``, ``stop_command``, ``status_command``: the same for the only
    service. ``stop_services_for_backup``: stop them while everything is gathered. ``counters``: what else is counted of
    the host's work, see :class:`DeclaredCounter`. ``reread_days``: see :attr:`.base.Product.reread_days`.
    """

    root: str = option(absolute_path, "/")
    become: bool = option(flag, False)
    services: Sequence[Service] | None = option(list_of(_service), None)
    start_command: Sequence[str] = option(words, ())
    stop_command: Sequence[str] = option(words, ())
    status_command: Sequence[str] = option(words, ())
    stop_services_for_backup: bool = option(flag, False)
    counters: Sequence[DeclaredCounter] = option(list_of(declared_counter), ())
    reread_days: int = option(days, REREAD_DAYS)

    def services_or(self, default: Sequence[str]) -> list[Service]:
        """The services in stop order. Raises OptionInvalid when commands do not fit to them."""
        services = [Service(name) for name in default] if self.services is None else list(self.services)
        commands = (self.start_command, self.stop_command, self.status_command)
        if not any(commands):
            return services
        if len(services) != 1:
            raise OptionInvalid(
                "start_command, stop_command and status_command are for exactly one service",
                hint="Give each entry of services its own start, stop and status.",
            )
        return [Service(services[0].name, *(tuple(command) for command in commands))]
