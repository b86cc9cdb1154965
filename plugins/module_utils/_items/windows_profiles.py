# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has a profile on a Windows host."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .._compare.registry import fold
from .host_registry import HostRegistry

WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
PROFILES = WINDOWS + r"\ProfileList"
DEFAULT_ROOT = r"C:\Windows"
SID = re.compile(r"S-1-\d+(?:-\d+)+\Z", re.IGNORECASE)
_VARIABLE = re.compile(r"%([^%]+)%")


@dataclass(frozen=True)
class Profile:
    r"""An account that has a profile. ``name`` is the name of its folder, which mostly is the account's. ``loaded``:
    its part of the registry is there as ``HKEY_USERS\<SID>``, because it is logged on or runs something."""

    sid: str
    name: str
    folder: str
    loaded: bool

    def is_called(self, user: str) -> bool:
        r"""Whether this is meant by a SID, a name, or ``DOMAIN\name``, for which Windows may have called the folder
        ``name.DOMAIN``."""
        domain, _separator, name = user.rpartition("\\")
        names = [self.sid, user, name, f"{name}.{domain}"] if domain else [self.sid, user]
        return fold(user) == fold(self.sid) or fold(self.name) in map(fold, names)


def read_profiles(registry: HostRegistry, system_root: str) -> list[Profile]:
    """Every profile, those of the system's own accounts too, sorted by SID.

    :raises CommandFailed: the list cannot be read
    """
    loaded = {fold(name) for name in registry.loaded_users()}
    tree = registry.read(PROFILES)
    found = []
    for sid in tree.subkeys(PROFILES) if tree is not None else ():
        folder = tree.text(f"{PROFILES}\\{sid}", "ProfileImagePath") if tree is not None else ""
        if SID.match(sid) and folder:
            folder = expand(folder, system_root).rstrip("\\")
            found.append(Profile(sid, folder.rpartition("\\")[2], folder, fold(sid) in loaded))
    return sorted(found, key=lambda profile: profile.sid)


def named(profiles: Iterable[Profile], users: Iterable[str]) -> tuple[list[Profile], list[str]]:
    """The profiles that are meant by names or SIDs, and the names that mean none. No names: all profiles."""
    profiles, users = list(profiles), list(users)
    if not users:
        return profiles, []
    chosen = [profile for profile in profiles if any(profile.is_called(user) for user in users)]
    return chosen, [user for user in users if not any(profile.is_called(user) for profile in profiles)]


def system_root(registry: HostRegistry) -> str:
    r"""The folder of Windows, mostly ``C:\Windows``."""
    return registry.texts(WINDOWS).get("systemroot") or DEFAULT_ROOT


def expand(text: str, root: str) -> str:
    """A path with the variables replaced that are the same for everybody; others stay."""
    drive = root[:2]
    known = {
        "SYSTEMROOT": root,
        "WINDIR": root,
        "SYSTEMDRIVE": drive,
        "PROGRAMFILES": drive + r"\Program Files",
        "PROGRAMFILES(X86)": drive + r"\Program Files (x86)",
        "PROGRAMDATA": drive + r"\ProgramData",
    }
    return _VARIABLE.sub(lambda found: known.get(fold(found[1]), found[0]), text)
