# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that must not run while something is done to their data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from .._errors import CommandFailed, ConnectionFailed, RecoveryError
from .._items.services import Service, ServiceControl


def running(control: ServiceControl, services: Sequence[Service]) -> list[Service]:
    """Those of the services that the host knows and that run, in the given order."""
    return [service for service in services if control.exists(service) and control.is_active(service)]


def start_again(control: ServiceControl, services: Sequence[Service]) -> None:
    """Start services in the reverse order of their stopping; every one is tried, unless the host is lost.

    :raises CommandFailed: it names all that are left stopped
    """
    first: RecoveryError | None = None
    left: list[str] = []
    for service in reversed(services):
        if not isinstance(first, ConnectionFailed):
            try:
                control.start(service)
                continue
            except RecoveryError as error:
                first = first or error
        left.append(service.name)
    if first is not None:
        raise CommandFailed(
            f"{', '.join(left)} {'was' if len(left) == 1 else 'were'} stopped and cannot be started again:"
            f" {first.message}",
            host=first.host,
            hint="Look at the host and its logs, and start by hand what is left stopped.",
        ) from first


@contextmanager
def stopped(
    control: ServiceControl, services: Sequence[Service], stopping: Callable[[float], object] = lambda seconds: None
) -> Iterator[None]:
    """What runs of the services is stopped inside the block, and started again however it ends.

    :param stopping: is told before, in how many seconds all of them are running again once the block has ended
    """
    before = running(control, services) if services else []
    stopping(len(before) * control.longest if before else 0.0)
    try:
        for service in before:
            control.stop(service)
        yield
    finally:
        start_again(control, before)
