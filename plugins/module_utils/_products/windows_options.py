# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that products on Windows hosts have, and what counts as a path, a registry key and a service there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .options import choice, flag, list_of, option, text

SHADOW_COPY_MODES = ("never", "auto", "required")
_DRIVE = re.compile(r"[A-Za-z]:\\")
_NOT_IN_A_PATH = re.compile(r'[\0-\x1f<>:"|]')
_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
}
_NOT_IN_A_SERVICE = re.compile(r"[\0-\x1f/\\\"]")
_LONGEST_SERVICE = 256


def windows_folder(value: Any) -> str:
    r"""An absolute path on a drive, like ``C:\Program Files\estos``, with backslashes and without one at its end."""
    words = "an absolute path with a drive letter, without .."
    if not isinstance(value, str):
        raise ValueError(words)
    path = value.replace("/", "\\")
    if not _DRIVE.match(path) or _NOT_IN_A_PATH.search(path, 2):
        raise ValueError(words)
    names = [name for name in path[3:].split("\\") if name not in ("", ".")]
    if ".." in names:
        raise ValueError(words)
    return path[0].upper() + ":\\" + "\\".join(names)


def folder_below(value: Any) -> str:
    """A relative path like ``estos\\ProCall *``, without .., ``*`` and ``?`` stand for characters of a name."""
    names = value.replace("/", "\\").split("\\") if isinstance(value, str) else []
    if not names or any(name in ("", ".", "..") or _NOT_IN_A_PATH.search(name) for name in names):
        raise ValueError("a relative path, without ..")
    return "\\".join(names)


def program_name(value: Any) -> str:
    """The name of a program's file, like ``ECtiClient.exe``."""
    if not isinstance(value, str) or not value or "\\" in value or "/" in value or _NOT_IN_A_PATH.search(value):
        raise ValueError("the name of a program's file, without a folder")
    return value


def registry_key(value: Any) -> str:
    r"""A key below a hive, with the hive's long name: ``HKLM\SOFTWARE\x`` is ``HKEY_LOCAL_MACHINE\SOFTWARE\x``.

    What regedit shows (``Computer\HKEY_...``) may be pasted. ``*`` stands for any characters of the last name only.
    """
    words = r"a key like HKEY_LOCAL_MACHINE\SOFTWARE\Example, in HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER or HKEY_USERS"
    if not isinstance(value, str) or re.search(r"[\0-\x1f]", value):
        raise ValueError(words)
    parts = [part for part in value.split("\\") if part]
    if parts and parts[0].lower() == "computer":
        del parts[0]
    if len(parts) < 2:
        raise ValueError(words)
    hive = parts[0].upper()
    hive = _HIVES.get(hive, hive)
    if hive not in _HIVES.values() or any("*" in part for part in parts[:-1]) or parts[1:] == ["*"]:
        raise ValueError(words)
    return "\\".join((hive, *parts[1:]))


def service_name(value: Any) -> str:
    """The name of a service, which is not what the list of services shows."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_SERVICE or _NOT_IN_A_SERVICE.search(value):
        raise ValueError("the name of a service, without slashes")
    return value


def service_names(value: Any) -> list[str]:
    """Names of services, each once."""
    names = [str(name) for name in list_of(service_name)(value)]
    if len({name.lower() for name in names}) < len(names):
        raise ValueError("a list of services, each once")
    return names


def names_of_users(value: Any) -> list[str]:
    """Names or SIDs of users."""
    return [str(name) for name in list_of(text)(value)]


def passwords(value: Any) -> dict[str, str]:
    """A mapping of account or service to its password."""
    if not isinstance(value, Mapping) or not all(
        isinstance(one, str) and one for pair in value.items() for one in pair
    ):
        raise ValueError("a mapping of accounts or services to passwords")
    return dict(value)


@dataclass(frozen=True)
class WindowsOptions:
    """``services``: names of services, in the order in which they are stopped. What else they are for, each product
    says. ``service_passwords``: passwords of the accounts that services run as, by account or service; no host gives
    them back. ``shadow_copy``: read files from a shadow copy of their volume. ``stop_services_for_backup``: stop the
    services while everything is gathered.
    """

    services: Sequence[str] | None = option(service_names, None)
    service_passwords: Mapping[str, str] = option(passwords, {}, secret=True)
    shadow_copy: str = option(choice(*SHADOW_COPY_MODES), "never")
    stop_services_for_backup: bool = option(flag, False)
