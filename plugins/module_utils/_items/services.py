# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of a host: is one running, stop it, start it, and be sure of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .._errors import CommandFailed, OptionInvalid
from .._transport.base import Argument, Become, CommandResult, Transport

_NAME = re.compile(r"[A-Za-z0-9@_.:\\-]+\Z")

_FIND = r"""
if [ -d /run/systemd/system ] && systemctl cat -- "$1" >/dev/null 2>&1; then echo systemd
elif [ -x "/etc/init.d/$1" ]; then echo sysv
else echo none; fi
"""
# Some scripts end with 0 for whatever they are asked while the service is not configured: then its process decides.
_SYSV_STATUS = r"""
said=$(service "$1" status 2>&1) || exit
case $said in
  *"not running"*|*inactive*|*stopped*|*dead*) exit 1 ;;
  *running*|*active*|*started*) exit 0 ;;
esac
command -v pidof >/dev/null 2>&1 || exit 0
pidof -x "$1" >/dev/null
"""
RUNNING = "running"
STOPPED = "stopped"


@dataclass(frozen=True)
class Service:
    """A service by its name, without a suffix.

    ``start``, ``stop`` and ``status`` are the commands of a service that neither systemd nor ``/etc/init.d`` knows: all
    three or none. ``status`` ends with 0 while it runs.
    """

    name: str
    start: Sequence[Argument] = ()
    stop: Sequence[Argument] = ()
    status: Sequence[Argument] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name) or self.name.startswith("-"):
            raise OptionInvalid(f"{self.name!r} is no name of a service")
        if len({bool(self.start), bool(self.stop), bool(self.status)}) != 1:
            raise OptionInvalid("Commands for a service are given as start, stop and status together", item=self.name)


class ServiceControl:
    """Services of one host.

    :param become: as whom they are started and stopped
    :param deadline: seconds until a service must have stopped or come up
    """

    def __init__(
        self,
        transport: Transport,
        *,
        become: Become = True,
        deadline: float = 90,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._become = become
        self._deadline = deadline
        self._clock = clock
        self._sleep = sleep
        self._kinds: dict[str, str] = {}

    @property
    def longest(self) -> float:
        """Seconds that one service may take to stop or to come up: the command for it, and what follows."""
        return 2 * self._deadline + SLACK

    def exists(self, service: Service) -> bool:
        """Whether the host knows the service, or its commands are given."""
        return self._kind(service) != "none"

    def is_active(self, service: Service) -> bool:
        """Whether it runs, or is on its way up or down. Raises CommandFailed when the host does not know it."""
        kind = self._known(service)
        if kind == "own":
            return self._run(service.status).rc == 0
        if kind == "sysv":
            return self._run(["sh", "-c", _SYSV_STATUS, "sh", service.name]).rc == 0
        state = self._run(["systemctl", "is-active", "--", service.name]).text.strip()
        return state not in ("inactive", "failed", "unknown", "")

    def is_disabled(self, service: Service) -> bool:
        """Whether the host would refuse to start it."""
        return False

    def stop(self, service: Service) -> None:
        """Stop it and wait until it is really gone. Raises CommandFailed."""
        self._change(service, "stop", service.stop, running=False)

    def start(self, service: Service) -> None:
        """Start it and wait until it runs. Raises CommandFailed."""
        self._change(service, "start", service.start, running=True)

    def _change(self, service: Service, action: str, own: Sequence[Argument], *, running: bool) -> None:
        kind = self._known(service)
        if kind == "own":
            command = own
        elif kind == "sysv":
            command = ["service", service.name, action]
        else:
            command = ["systemctl", action, "--", service.name]
        result = self._run(command)
        until = self._clock() + self._deadline
        pause = 0.05
        while self._settled(service, kind) != (RUNNING if running else STOPPED):
            if result.rc != 0 or self._clock() >= until:
                raise self._failure(service, action, result)
            self._sleep(pause)
            pause = min(2 * pause, 1.0)
        if running:
            self._sleep(FIRM_AFTER)
            if self._settled(service, kind) != RUNNING:
                raise CommandFailed(
                    "The service came up and went down again",
                    host=self._transport.host,
                    item=service.name,
                    hint="Look at its log on the host.",
                )

    def _settled(self, service: Service, kind: str) -> str:
        if kind != "systemd":
            return RUNNING if self.is_active(service) else STOPPED
        state = self._run(["systemctl", "is-active", "--", service.name]).text.strip()
        return {"active": RUNNING, "inactive": STOPPED, "failed": STOPPED, "unknown": STOPPED}.get(state, state)

    def _failure(self, service: Service, action: str, result: CommandResult) -> CommandFailed:
        if result.rc != 0:
            message = f"The service cannot be {_PAST[action]}: {result.complaint or f'exit status {result.rc}'}"
        else:
            message = f"The service was asked to {action}, but {_STILL[action]} after {self._deadline:g} s"
        return CommandFailed(
            message,
            host=self._transport.host,
            item=service.name,
            hint="Look at its log on the host.",
        )

    def _run(self, command: Sequence[Argument]) -> CommandResult:
        return self._transport.run(command, become=self._become, silence=self._deadline + SLACK)

    def _known(self, service: Service) -> str:
        kind = self._kind(service)
        if kind == "none":
            raise CommandFailed(
                "The host knows no such service",
                host=self._transport.host,
                item=service.name,
                hint="Neither systemd nor /etc/init.d has it; give commands to start, stop and query it.",
            )
        return kind

    def _kind(self, service: Service) -> str:
        if service.start:
            return "own"
        if service.name not in self._kinds:
            self._kinds[service.name] = self._run(["sh", "-c", _FIND, "sh", service.name]).text.strip()
        return self._kinds[service.name]


FIRM_AFTER = 0.5
"""Seconds after which a started service must still run."""
SLACK = 30
"""Seconds that a start or stop command may stay silent beyond the deadline."""
_PAST = {"start": "started", "stop": "stopped"}
_STILL = {"start": "does not run", "stop": "still runs"}
