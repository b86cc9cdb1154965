# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a product is installed on a Windows host and which services are its own.

Vendors rename and move things, so nothing is believed that is not found: uninstall keys of both views, the programs of
services, and a file that only the product has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .._errors import OptionInvalid
from .._items.file_version import file_version
from .._items.windows_host import Installed, WindowsLook, WindowsService, program_of
from .._transport.windows import WindowsTransport

_ABSOLUTE = re.compile(r"[A-Za-z]:\\")


@dataclass(frozen=True)
class Sought:
    """How a product is recognised.

    ``name``: found in the display name of the installed program or of a service, or in the name of its folder.
    ``publisher``: found in the publisher; without a fitting name it is a hint that ``marker`` has to confirm.
    ``marker``: a path below the product's root that nothing else has.
    """

    name: re.Pattern[str]
    publisher: re.Pattern[str]
    marker: str


@dataclass(frozen=True)
class Installation:
    """A product on a host. ``version`` is what its uninstall key says, or else the version of a service's program."""

    root: str = ""
    version: str = ""
    display_name: str = ""
    services: tuple[WindowsService, ...] = ()


def find_installation(
    transport: WindowsTransport,
    look: WindowsLook,
    sought: Sought,
    root: str = "",
    services: Sequence[str] | None = None,
) -> Installation:
    """The product on this host; an empty one when there is none.

    :param root: where it is, when the operator says so
    :param services: names of its services, when the operator says so
    :raises OptionInvalid: it is there more than once, so that the operator has to say which one is meant
    """
    folder = root or _found_root(transport, look, sought)
    if services is None:
        own = services_of(look, folder, sought.name)
    else:
        own = [service for service in map(look.service, services) if service]
    entry = _uninstall_entry(look, sought, folder)
    version = entry.version if entry else ""
    if not version:
        programs = (program_of(service.image_path, look.system_root) for service in own)
        version = next(filter(None, (_version_of(transport, program) for program in programs)), "")
    if not folder and not entry and not own:
        return Installation()
    return Installation(folder, version, entry.name if entry else "", tuple(own))


def services_of(look: WindowsLook, folder: str, name: re.Pattern[str]) -> list[WindowsService]:
    """The services whose program lies in a folder, or that are called so; those that others need come last."""
    own = [
        service
        for service in look.services.values()
        if (folder and is_below(program_of(service.image_path, look.system_root), folder))
        or name.search(service.display_name)
    ]
    return in_stop_order(own)


def in_stop_order(services: Sequence[WindowsService]) -> list[WindowsService]:
    """The same services, each one before those that it depends on."""
    left = {service.name.lower(): service for service in services}
    out = []
    while left:
        needed = {name.lower() for service in left.values() for name in service.depends}
        # in a circle, which Windows would not start, any order is as good
        free = [name for name in left if name not in needed] or list(left)
        out += [left.pop(name) for name in sorted(free)]
    return out


def is_below(path: str, folder: str) -> bool:
    """Whether a path lies in a folder, whatever the case of its letters."""
    return path.lower().startswith(folder.rstrip("\\").lower() + "\\")


def same_path(one: str, other: str) -> bool:
    """Whether two paths are one, whatever the case of their letters."""
    return one.rstrip("\\").lower() == other.rstrip("\\").lower()


def exists(transport: WindowsTransport, path: str) -> bool:
    """Whether something stands at a path."""
    try:
        transport.files.stat(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    return True


def _version_of(transport: WindowsTransport, program: str) -> str:
    """The file version of a program, empty when it has none or cannot be read."""
    try:
        return (file_version(transport.files, program) or "") if _ABSOLUTE.match(program) else ""
    except OSError:
        return ""


# ---------------------------------------------------------------------------------------------------------------------
def _found_root(transport: WindowsTransport, look: WindowsLook, sought: Sought) -> str:
    """The folder where the product is: one that has the marker, or else one that bears its name and has lost it."""
    by_name = _unlike(_places_by_name(look, sought))
    by_vendor = _unlike(entry.location for entry in look.programs if sought.publisher.search(entry.publisher))
    by_program = _unlike(
        _folders_above(program_of(service.image_path, look.system_root) for service in look.services.values())
    )
    for places in (by_name, by_vendor, by_program):
        marked = [folder for folder in places if exists(transport, f"{folder}\\{sought.marker}")]
        if len(marked) > 1:
            raise OptionInvalid(
                f"It is installed more than once: {', '.join(marked)}",
                host=transport.host,
                hint="Say with the option root which one is meant.",
            )
        if marked:
            return marked[0]
    return by_name[0] if by_name else ""


def _places_by_name(look: WindowsLook, sought: Sought) -> Iterator[str]:
    """Folders that an uninstall key or a service with the product's name tells of."""
    for entry in look.programs:
        if sought.name.search(entry.name):
            yield entry.location
    for service in look.services.values():
        program = program_of(service.image_path, look.system_root)
        if sought.name.search(service.display_name) or sought.name.search(program):
            folders = list(_folders_above([program]))
            yield from [folder for folder in folders if sought.name.search(folder.rpartition("\\")[2])] or folders[:1]


def _folders_above(programs: Iterable[str]) -> Iterator[str]:
    r"""The folders in which programs lie, and the ones above: ``D:\x\bin\a.exe`` gives ``D:\x\bin`` and ``D:\x``."""
    for program in programs:
        if not _ABSOLUTE.match(program) or "\\windows\\" in program.lower():
            continue  # what comes with Windows
        folder = program.rpartition("\\")[0]
        for _step in range(2):
            if len(folder) > 3 and "\\" in folder:
                yield folder
            folder = folder.rpartition("\\")[0]


def _unlike(folders: Iterable[str]) -> list[str]:
    """Each folder once, in order."""
    found: dict[str, str] = {}
    for folder in folders:
        tidy = folder.strip().strip('"').rstrip("\\")
        if _ABSOLUTE.match(tidy):
            found.setdefault(tidy.lower(), tidy)
    return list(found.values())


def _uninstall_entry(look: WindowsLook, sought: Sought, folder: str) -> Installed | None:
    """The uninstall key of the product: the one that names its folder, or else that bears its name."""
    fitting = [entry for entry in look.programs if folder and same_path(entry.location.strip('"'), folder)]
    fitting = fitting or [entry for entry in look.programs if sought.name.search(entry.name)]
    named = [entry for entry in fitting if sought.name.search(entry.name)]
    return next((entry for entry in (*named, *fitting) if entry.version), None)
