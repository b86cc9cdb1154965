# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look at a Windows host: who it is, what is installed, who has a profile, which services there are.

Everything comes from exports of narrow registry keys, so it is the same in every language of Windows. Nothing is
changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._compare.registry import RegistryTree
from .._errors import CommandFailed
from .._transport.base import Transport
from .host_registry import HostRegistry
from .windows_profiles import DEFAULT_ROOT, WINDOWS, Profile, expand, read_profiles

__all__ = ["Installed", "Profile", "WindowsLook", "WindowsService", "look_at_windows", "program_of", "read_keys"]

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_CRYPTOGRAPHY = r"HKLM\SOFTWARE\Microsoft\Cryptography"
_CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
_UNINSTALL = {
    "64": r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    "32": r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
}
_WIN32_SERVICE = 0x30
_DRIVERS = 0x0F
_STARTS = {0: "boot", 1: "system", 2: "automatic", 3: "manual", 4: "disabled"}
_FIRST_OF_WINDOWS_11 = 22000


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
class WindowsService:
    """A service (no driver) as its registry key tells it. ``start`` is one of boot, system, automatic, delayed, manual,
    disabled. ``image_path`` is the command line as it stands there, variables included: see :func:`program_of`."""

    name: str
    display_name: str
    image_path: str
    account: str
    start: str
    depends: Sequence[str] = ()


@dataclass(frozen=True)
class WindowsLook:
    """What a look tells. ``build`` is like ``20348.2340``; ``system_root`` like ``C:\\Windows``. What is not known is
    empty. ``services`` are found by their name in lower case."""

    hostname: str = ""
    machine_id: str = ""
    product: str = ""
    build: str = ""
    architecture: str = ""
    system_root: str = DEFAULT_ROOT
    programs: Sequence[Installed] = ()
    profiles: Sequence[Profile] = ()
    services: Mapping[str, WindowsService] = field(default_factory=dict)

    def service(self, name: str) -> WindowsService | None:
        """A service by its name, whatever its case."""
        return self.services.get(name.lower())


def look_at_windows(transport: Transport) -> WindowsLook:
    """Look at the host.

    :raises OptionInvalid: the transport leads to no Windows host
    :raises CommandFailed: the registry cannot be read
    :raises ItemTruncated, RegistryFileMalformed: it is read, and nobody can follow it
    """
    with HostRegistry(transport) as registry:
        services = registry.read(SERVICES)
        if services is None:
            raise CommandFailed(
                "There are no services in the registry of this host",
                host=transport.host,
                item=SERVICES,
                hint="The account must be an administrator of the host.",
            )
        windows = registry.texts(WINDOWS)
        root = windows.get("systemroot") or DEFAULT_ROOT
        return WindowsLook(
            hostname=_hostname(services)
            or registry.texts(_CONTROL + r"\ComputerName\ComputerName").get("computername", ""),
            machine_id=registry.texts(_CRYPTOGRAPHY).get("machineguid", "").lower(),
            product=_product(windows),
            build=_build(windows),
            architecture=registry.texts(_CONTROL + r"\Session Manager\Environment").get("processor_architecture", ""),
            system_root=root,
            programs=[one for view, key in _UNINSTALL.items() for one in _installed(registry.read(key), key, view)],
            profiles=read_profiles(registry, root),
            services={one.name.lower(): one for one in _services(services)},
        )


def read_keys(transport: Transport, keys: Sequence[str]) -> dict[str, RegistryTree]:
    r"""Export keys and read them: key as it was asked for -> its tree. What is not there is not in the result.

    ``keys`` are like ``HKLM\SOFTWARE\ESTOS``; the 32 bit view is named by its explicit path with ``WOW6432Node``.

    :raises CommandFailed: a key is there and cannot be exported
    :raises ItemTruncated, RegistryFileMalformed: an export that nobody can follow
    """
    with HostRegistry(transport) as registry:
        found = {key: registry.read(key) for key in keys}
    return {key: tree for key, tree in found.items() if tree is not None}


def program_of(image_path: str, system_root: str = DEFAULT_ROOT) -> str:
    r"""The program of a service's command line, without quotes, variables and arguments: ``C:\x y\eucsrv.exe``.

    Without quotes Windows tries one word more each time until there is such a file; here it is what ends in ``.exe``.
    """
    line = expand(image_path.strip(), system_root)
    if line.startswith('"'):
        return line[1:].partition('"')[0]
    line = line.removeprefix("\\??\\")
    program = _PROGRAM.match(line)
    return program[0] if program else line.partition(" ")[0]


_PROGRAM = re.compile(r".*?\.exe(?=\s|\Z)", re.IGNORECASE | re.DOTALL)


def _hostname(services: RegistryTree) -> str:
    parameters = SERVICES + r"\Tcpip\Parameters"
    return services.text(parameters, "Hostname") or services.text(parameters, "NV Hostname")


def _product(windows: Mapping[str, str]) -> str:
    """Windows 11 still calls itself 10 there."""
    name = windows.get("productname", "")
    number = windows.get("currentbuildnumber", "")
    if name.startswith("Windows 10") and number.isdigit() and int(number) >= _FIRST_OF_WINDOWS_11:
        return name.replace("Windows 10", "Windows 11", 1)
    return name


def _build(windows: Mapping[str, str]) -> str:
    number = windows.get("currentbuildnumber", "") or windows.get("currentbuild", "")
    try:
        revision = str(int(windows.get("ubr", ""), 16))
    except ValueError:
        revision = ""
    return f"{number}.{revision}" if number and revision else number


def _installed(tree: RegistryTree | None, top: str, view: str) -> list[Installed]:
    if tree is None:
        return []
    found = []
    for name in tree.subkeys(top):

        def text(value: str, key: str = f"{top}\\{name}") -> str:
            return tree.text(key, value).strip()

        if text("DisplayName"):
            about = (text("DisplayName"), text("DisplayVersion"), text("Publisher"), text("InstallLocation"))
            found.append(Installed(*about, view))
    return sorted(found, key=lambda one: (one.name, one.version))


def _services(tree: RegistryTree) -> list[WindowsService]:
    found = []
    for name in tree.subkeys(SERVICES):
        key = f"{SERVICES}\\{name}"
        kind, start = tree.number(key, "Type") or 0, tree.number(key, "Start")
        image_path = tree.text(key, "ImagePath")
        if not kind & _WIN32_SERVICE or kind & _DRIVERS or not image_path:
            continue
        depends = tree.value(key, "DependOnService")
        word = _STARTS.get(start if start is not None else -1, "")
        found.append(
            WindowsService(
                name=name,
                display_name=tree.text(key, "DisplayName") or name,
                image_path=image_path,
                account=tree.text(key, "ObjectName") or "LocalSystem",
                start="delayed" if word == "automatic" and tree.number(key, "DelayedAutostart") else word,
                depends=tuple(depends.texts) if depends is not None else (),
            )
        )
    return found
