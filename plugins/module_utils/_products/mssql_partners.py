# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that work with a database: whether what uses it runs there."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from .._items.windows_host import WindowsService, look_at_windows, program_of
from .._items.windows_services import WindowsServiceControl, WindowsServiceName
from .._transport.windows import WindowsTransport
from .procall_options import UCSERVER
from .procall_services import uc_services


def running_services(partner: WindowsTransport, patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The services of a host that are meant, and those of them that run.

    :param patterns: names, shown names or paths of programs, ``*`` and ``?`` allowed; none: the services of UCServer
    """
    look = look_at_windows(partner)
    if patterns:
        found = [service.name for service in look.services.values() if _is_meant(service, patterns)]
    else:
        found = [service.name for service in uc_services(look) if service.component == UCSERVER]
    control = WindowsServiceControl(partner)
    return found, [name for name in found if control.is_active(WindowsServiceName(name))]


def _is_meant(service: WindowsService, patterns: Sequence[str]) -> bool:
    told = (service.name, service.display_name, program_of(service.image_path))
    return any(fnmatchcase(text.casefold(), pattern.casefold()) for pattern in patterns for text in told if text)
