# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Which services of a Windows host are UCServer, UC Media Server and UC Web Server.

Their names are not public (only ``eucsrv`` for UCServer is), and brands of estos' partners may have others. So they are
told by what the service is called in the list of services ("estos UCServer", "UC Media Server", "WebServer") or else by
where its program lies. The vendor's pages write MediaServer and WebServer with and without a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .._items.service_settings import needs_password
from .._items.windows_host import WindowsLook, WindowsService, program_of
from .procall_options import MEDIA_SERVER, UCSERVER, WEB_SERVER

_OURS = re.compile(r"\A(estos\b|procall\b|uc ?(media|web)? ?server\b)", re.IGNORECASE)
_OUR_FOLDER = re.compile(r"\\(estos|uc ?server\d*)\\", re.IGNORECASE)
_ANOTHERS = re.compile(r"meta ?directory|ecsta|call ?control|update|ixi|analytics", re.IGNORECASE)
_BY_NAME = (
    (MEDIA_SERVER, re.compile(r"\bmedia ?ser(ver|vice)|\bUC ?media", re.IGNORECASE)),
    (WEB_SERVER, re.compile(r"\bweb ?ser(ver|vice)|\bUC ?web", re.IGNORECASE)),
    (UCSERVER, re.compile(r"\bUC ?server", re.IGNORECASE)),
)
_BY_FOLDER = (
    (MEDIA_SERVER, re.compile(r"\\emswindows\\|\\(UC ?)?media ?ser(ver|vice)\\", re.IGNORECASE)),
    (WEB_SERVER, re.compile(r"\\(UC ?)?web ?ser(ver|vice)\\", re.IGNORECASE)),
    (UCSERVER, re.compile(r"\\UC ?server\\(bin\\)?[^\\]+\Z", re.IGNORECASE)),
)
_DRIVE = re.compile(r"[A-Za-z]:\\")
_STOP_ORDER = (WEB_SERVER, MEDIA_SERVER, UCSERVER)
"""Those that others do not need first."""


@dataclass(frozen=True)
class UcService:
    """A service that belongs to a component. ``program``: the path of its program, empty when it cannot be told."""

    component: str
    name: str
    display_name: str
    program: str
    account: str
    depends: Sequence[str] = ()

    def facts(self) -> dict[str, object]:
        """What the probe keeps of it."""
        return {
            "component": self.component,
            "name": self.name,
            "display_name": self.display_name,
            "account": self.account,
            "needs_password": needs_password(self.account),
        }


def uc_services(look: WindowsLook, names: Sequence[str] | None = None) -> list[UcService]:
    """The services of UCServer and its components, in the order in which they are to be stopped.

    :param names: services that the operator says are meant, in that order; whatever they look like
    """
    if names is None:
        every = ((service, _component(service, look)) for service in look.services.values())
        return stop_order(_known(service, component, look) for service, component in every if component)
    named = filter(None, map(look.service, names))
    return [_known(service, _component(service, look) or UCSERVER, look) for service in named]


def _component(service: WindowsService, look: WindowsLook) -> str | None:
    return component_of(service.display_name, program_of(service.image_path, look.system_root))


def _known(service: WindowsService, component: str, look: WindowsLook) -> UcService:
    program = program_of(service.image_path, look.system_root)
    return UcService(
        component,
        service.name,
        service.display_name,
        program if _DRIVE.match(program) else "",
        service.account,
        tuple(service.depends),
    )


def component_of(display_name: str, program: str) -> str | None:
    """What a service is; None when it is nothing of UCServer's."""
    name = display_name.strip()
    is_ours = bool(_OURS.search(name) or _OUR_FOLDER.search(program))
    if not is_ours or _ANOTHERS.search(name) or _ANOTHERS.search(program.rpartition("\\")[2]):
        return None
    by_name = next((component for component, words in _BY_NAME if words.search(name)), None)
    return by_name or next((component for component, folder in _BY_FOLDER if folder.search(program)), None)


def stop_order(services: Iterable[UcService]) -> list[UcService]:
    """Web Server, Media Server, UCServer, but always first what depends on another one."""
    waiting = sorted(services, key=lambda service: (_STOP_ORDER.index(service.component), service.name.lower()))
    ordered: list[UcService] = []
    while waiting:
        needed = {name.lower() for service in waiting for name in service.depends}
        free = [service for service in waiting if service.name.lower() not in needed]
        ordered.append((free or waiting)[0])
        waiting.remove(ordered[-1])
    return ordered


def folders_above(program: str, most: int = 4) -> list[str]:
    """The folders that a program lies in, the innermost first, without the drive itself."""
    parts = program.split("\\")[:-1]
    return ["\\".join(parts[:length]) for length in range(len(parts), 1, -1)][:most]
