# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look at a Windows host: who it is, what is installed, who has a profile, which services there are.

Everything comes from exports of narrow registry keys, so it is the same in every language of Windows. Nothing is
changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._compare.registry import RegistryTree
from .._transport.base import Transport


@dataclass(frozen=True)
class Installed:
    r"""A program as the uninstall keys tell it. ``location`` is its folder, often empty. ``view``: ``64``, or ``32``
    for what stands below ``WOW6432Node``."""

    name: str
    version: str
    publisher: str
    location: str
    view: str


@dataclass(frozen=True)
class Profile:
    r"""An account that has a profile. ``name`` is the name of its folder, which mostly is the account's. ``loaded``:
    its part of the registry is there as ``HKEY_USERS\<SID>``, because it is logged on or runs something."""

    sid: str
    name: str
    folder: str
    loaded: bool


@dataclass(frozen=True)
class WindowsService:
    """A service as its registry key tells it. ``start`` is one of boot, system, automatic, delayed, manual, disabled.
    ``image_path`` is the command line as it stands there, variables included: see :func:`program_of`."""

    name: str
    display_name: str
    image_path: str
    account: str
    start: str
    depends: Sequence[str] = ()


@dataclass(frozen=True)
class WindowsLook:
    """What a look tells. ``build`` is like ``20348.2340``; ``system_root`` like ``C:\\Windows``. What is not known is
    empty."""

    hostname: str = ""
    machine_id: str = ""
    product: str = ""
    build: str = ""
    architecture: str = ""
    system_root: str = ""
    programs: Sequence[Installed] = ()
    profiles: Sequence[Profile] = ()
    services: Mapping[str, WindowsService] = field(default_factory=dict)
    """By name in lower case."""

    def service(self, name: str) -> WindowsService | None:
        """A service by its name, whatever its case."""
        return self.services.get(name.lower())


def look_at_windows(transport: Transport) -> WindowsLook:
    """Look at the host.

    :raises OptionInvalid: the transport leads to no Windows host
    :raises CommandFailed: the registry cannot be read at all
    """
    raise NotImplementedError


def read_keys(transport: Transport, keys: Sequence[str]) -> dict[str, RegistryTree]:
    r"""Export keys and read them: key as it was asked for -> its tree. What is not there is not in the result.

    ``keys`` are like ``HKLM\SOFTWARE\ESTOS``; the 32 bit view is named by its explicit path with ``WOW6432Node``.

    :raises CommandFailed: a key is there and cannot be exported
    """
    raise NotImplementedError


def program_of(image_path: str) -> str:
    r"""The program of a service's command line, without quotes and arguments: ``C:\x\eucsrv.exe``."""
    raise NotImplementedError
