# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ProCall client for Windows: what its users and administrators have set, in the registry and below %APPDATA%."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .options import choice, list_of, option
from .windows_options import SHADOW_COPY_MODES, folder_below, names_of_users, program_name, registry_key

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
