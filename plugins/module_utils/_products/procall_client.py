# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ProCall client for Windows: what its users and administrators have set, in the registry and below %APPDATA%.

Source: estos Datensicherungskonzept, March 2024, "ProCall Windows Client".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import CommandFailed, RestoreRefused
from .._items.base import Item
from .._items.windows_host import WindowsLook, look_at_windows, read_keys
from .._items.windows_profiles import Profile, named
from .._transport.base import Transport
from .base import Probe
from .identical_release import IdenticalRelease
from .not_gatherable import NotGatherable
from .options import choice, list_of, option, parse_options
from .windows_options import SHADOW_COPY_MODES, folder_below, names_of_users, program_name, registry_key
from .windows_processes import running_programs
from .windows_product import REGISTRY_ORDER, WindowsProduct, host_probe

MACHINE_KEYS = ("HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\ESTOS\\UCServer4\\Client",)
USER_KEYS = ("HKEY_CURRENT_USER\\SOFTWARE\\ESTOS\\UCServer4\\Client",)
APPDATA_FOLDERS = ("estos\\ProCall *",)
CLIENT_PROGRAMS = ("ECtiClient.exe",)
"""Source: support.estos.de, "ProCall Enterprise AppData Verzeichnisstruktur"."""


@dataclass(frozen=True)
class ProcallClientOptions:
    """``users``: whose settings are taken, by name or SID; nobody named means everybody.

    ``folders``: below %APPDATA%. ``machine_keys``, ``user_keys``: in the registry; a client that is sold under another
    brand has others. ``client_programs``: a restore is refused while one of them runs.
    """

    users: Sequence[str] = option(names_of_users, ())
    folders: Sequence[str] = option(list_of(folder_below), APPDATA_FOLDERS)
    machine_keys: Sequence[str] = option(list_of(registry_key), MACHINE_KEYS)
    user_keys: Sequence[str] = option(list_of(registry_key), USER_KEYS)
    client_programs: Sequence[str] = option(list_of(program_name), CLIENT_PROGRAMS)
    shadow_copy: str = option(choice(*SHADOW_COPY_MODES), "never")


_SHELL_FOLDERS = "HKEY_USERS\\{sid}\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\User Shell Folders"
_APPDATA = "AppData"
_BELOW_PROFILE = "AppData\\Roaming"
_IN_PROFILE = f"\\{_BELOW_PROFILE}"
_USER_PROFILE = re.compile(r"%userprofile%", re.IGNORECASE)
_LOCAL = re.compile(r"[A-Za-z]:\\[^%]*")
_PEOPLE = re.compile(r"S-1-5-21-|S-1-12-1-")
"""Accounts of a machine, of a domain, and of Entra ID; the others are those of services."""
_CLIENT = re.compile(r"\bprocall\b(?!.*(server|analytics|web))", re.IGNORECASE)


class ProcallClient(IdenticalRelease, WindowsProduct):
    """The ProCall client of one machine. :class:`ProcallClientOptions` tells its options."""

    name = "procall_client"
    title = "The ProCall client"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(ProcallClientOptions, options)
        super().__init__(shadow_copy=self.options.shadow_copy)

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        look = look_at_windows(transport)
        chosen, unknown = _chosen(look, self.options.users)
        appdata = _appdata(transport, chosen)
        installed = [entry for entry in look.programs if _CLIENT.search(entry.name) and entry.version]
        probe = host_probe(look)
        probe.version = installed[0].version if installed else ""
        probe.release = f"{installed[0].name} {installed[0].version}" if installed else ""
        probe.facts.update(
            appdata=sorted(folder for folder in appdata.values() if _LOCAL.fullmatch(folder)),
            elsewhere=sorted(name for name, folder in appdata.items() if not _LOCAL.fullmatch(folder)),
            unknown_users=unknown,
        )
        probe.counts["users"] = len(chosen)
        return probe

    # --- what is gathered --------------------------------------------------------------------------------------------
    def items(self, probe: Probe) -> list[Item]:
        options, facts = self.options, probe.facts
        items: list[Item] = []
        folders = [f"{appdata}\\{folder}" for appdata in facts.get("appdata", ()) for folder in options.folders]
        if folders:
            homes = [one[: -len(_IN_PROFILE)] for one in facts["appdata"] if one.lower().endswith(_IN_PROFILE.lower())]
            items.append(self.tree("user-folders", folders, any_of=True, homes=tuple(homes)))
        elif options.folders:
            items.append(_unreachable("user-folders", _NOBODY))
        if options.machine_keys:
            items.append(self.registry("machine-settings", options.machine_keys))
        if options.user_keys:
            items.append(self.registry("user-settings", options.user_keys, users=tuple(options.users)))
        items += [_unreachable(f"folder-of-{user}", _ELSEWHERE) for user in facts.get("elsewhere", ())]
        items += [_unreachable(f"user-{user}", _UNKNOWN) for user in facts.get("unknown_users", ())]
        return items

    # --- guards ------------------------------------------------------------------------------------------------------
    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        """Source: "Während dieses Schrittes darf der UCClient nicht ausgeführt werden"."""
        if not items:
            return []
        try:
            running = running_programs(transport)
        except CommandFailed as error:
            raise RestoreRefused(
                f"Nobody can tell whether the client runs: {error.message}", host=transport.host
            ) from error
        found = [name for name in self.options.client_programs if name.lower() in running]
        if found:
            raise RestoreRefused(
                f"The client runs ({', '.join(found)}); it would write its own settings over what is put back",
                host=transport.host,
                hint="Nothing was touched. End it in all sessions, log its users off, and restore again.",
            )
        return super().refuse_restore(transport, then, now, items)

    def remarks(self, probe: Probe) -> list[str]:
        return [
            *super().remarks(probe),
            "ProCall Mobile (Android, iOS) keeps nothing on the telephone that needs a backup; its users need their"
            " UCConnect ID, which the backup of UCServer keeps.",
            "The ProCall client for macOS keeps nothing on the machine.",
            "What the client's setup writes comes back with an installation or its repair, not from here.",
        ]


_ELSEWHERE = "%APPDATA% of this user is redirected to another machine; keep it where it is"
_NOBODY = "nobody has a profile on the host; set folders to [] if that is meant"
_UNKNOWN = "no profile of this user is on the host"


def _unreachable(name: str, reason: str) -> Item:
    return NotGatherable(name=name, data_class="voip_config", order=REGISTRY_ORDER, reason=reason)


def _chosen(look: WindowsLook, users: Sequence[str]) -> tuple[list[Profile], list[str]]:
    """The profiles of these users, or of all people, and the users that have none."""
    if users:
        return named(look.profiles, users)
    return [profile for profile in look.profiles if _PEOPLE.match(profile.sid)], []


def _appdata(transport: Transport, profiles: Sequence[Profile]) -> dict[str, str]:
    """%APPDATA% by the name of the profile: as the user's registry says, if that is loaded, or where it usually is."""
    keys = {profile.sid: _SHELL_FOLDERS.format(sid=profile.sid) for profile in profiles if profile.loaded}
    trees = read_keys(transport, list(keys.values())) if keys else {}
    found = {}
    for profile in profiles:
        key = keys.get(profile.sid, "")
        told = trees[key].text(key, _APPDATA) if key in trees else ""
        folder = told or f"{profile.folder}\\{_BELOW_PROFILE}"
        found[profile.name] = profile.folder.join(_USER_PROFILE.split(folder)).rstrip("\\")
    return found
