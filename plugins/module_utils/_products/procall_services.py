# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Which services of a Windows host are UCServer, UC Media Server and UC Web Server.

Their names are not public (only ``eucsrv`` for UCServer is), and brands of estos' partners may have others. So they are
told by what the service is called in the list of services ("estos UCServer", "UC Media Server", "WebServer") or else by
where its program lies. The vendor's pages write MediaServer and WebServer with and without a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

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
_PROGRAM = re.compile(r"(?P<program>.*?\.(?:exe|com|cmd|bat))(?:\s|\Z)", re.IGNORECASE | re.DOTALL)
_DRIVE = re.compile(r"[A-Za-z]:\\")
_STOP_ORDER = (WEB_SERVER, MEDIA_SERVER, UCSERVER)
"""Those that others do not need first."""
_SYSTEM_ACCOUNTS = re.compile(
    r"\A(localsystem|\.\\localsystem|nt authority\\.*|nt service\\.*|nt-autorit.t\\.*|.*\$)?\Z", re.IGNORECASE
)


class KnownService(Protocol):
    """What is read of a service's key."""

    @property
    def name(self) -> str:
        """Its name, which is the key's."""

    @property
    def display_name(self) -> str:
        """What the list of services shows."""

    @property
    def image_path(self) -> str:
        """Its command line."""

    @property
    def account(self) -> str:
        """As whom it runs."""

    @property
    def depends(self) -> Sequence[str]:
        """Names of services that must run before."""


@dataclass(frozen=True)
class UcService:
    """A service that belongs to a component. ``program``: the path of its program, empty when it cannot be told.

    ``needs_password``: it runs as an account whose password only its owner knows.
    """

    component: str
    name: str
    display_name: str
    program: str
    account: str
    depends: Sequence[str] = ()

    @property
    def needs_password(self) -> bool:
        return not _SYSTEM_ACCOUNTS.match(self.account)

    def facts(self) -> dict[str, object]:
        """What the probe keeps of it."""
        return {
            "component": self.component,
            "name": self.name,
            "display_name": self.display_name,
            "account": self.account,
            "needs_password": self.needs_password,
        }


def uc_services(services: Iterable[KnownService], variables: Mapping[str, str] | None = None) -> list[UcService]:
    """The services of UCServer and its components, in the order in which they are to be stopped.

    :param variables: environment variables of the host in capital letters, for paths like ``%ProgramFiles%\\estos``
    """
    found = []
    for service in services:
        program = program_path(service.image_path, variables or {})
        component = component_of(service.display_name, program)
        if component:
            found.append(
                UcService(
                    component, service.name, service.display_name, program, service.account, tuple(service.depends)
                )
            )
    return stop_order(found)


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


def program_path(image_path: str, variables: Mapping[str, str]) -> str:
    r"""The program of a service's command line: without quotes, arguments and ``\??\``, with variables filled in.

    Without quotes Windows takes the shortest beginning that names a program; so do we.
    """
    text = image_path.strip()
    if text.startswith('"'):
        text = text[1:].partition('"')[0]
    else:
        found = _PROGRAM.match(text)
        text = found["program"] if found else text.partition(" ")[0]
    text = re.sub(r"%([^%]+)%", lambda found: variables.get(found[1].upper(), found[0]), text)
    text = text.removeprefix("\\??\\").replace("/", "\\")
    return text if _DRIVE.match(text) else ""


def folders_above(program: str, most: int = 4) -> list[str]:
    """The folders that a program lies in, the innermost first, without the drive itself."""
    parts = program.split("\\")[:-1]
    return ["\\".join(parts[:length]) for length in range(len(parts), 1, -1)][:most]
