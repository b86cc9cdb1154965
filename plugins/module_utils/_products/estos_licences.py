# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The licence keys of what estos has installed on a machine, in one list.

Source: estos Datensicherungskonzept, March 2024, "Lizenzen": the keys of all installed applications and components are
to be kept at one place. Where they stand is not public: see :mod:`procall_discovery`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._compare.registry import fold, is_below, long_key
from .._errors import ConnectionFailed, RecoveryError
from .._items.licence_list import LicenceList
from .._items.windows_host import read_keys
from .._transport.base import Transport
from .._transport.windows import windows
from .base import Probe
from .licence_options import LicenceOptions
from .procall_discovery import licence_keys
from .procall_files import ProcallFiles
from .procall_settings import Setting, registry_settings

ESTOS_KEYS = (r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS", r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ESTOS")
ITEM = "licences"
NONE_FOUND = "No licence key was found; name the places in licence_values, or the keys themselves in licences."
_UNREAD = "licences_unread"


def add_licences(probe: Probe, transport: Transport, config: Iterable[Setting], options: LicenceOptions) -> None:
    """Look for the keys of a product that has no other use for what estos keeps in the registry. What cannot be read
    is a remark and does not end a backup.

    :param config: settings of the product's files
    """
    registered: list[Setting] = []
    try:
        for tree in read_keys(transport, ESTOS_KEYS).values():
            registered += registry_settings(tree)
    except ConnectionFailed:
        raise
    except RecoveryError as error:
        probe.facts[_UNREAD] = error.message
    probe.licences = licences_of(transport, [*registered, *config], options)


def licences_of(transport: Transport, settings: Sequence[Setting], options: LicenceOptions) -> list[str]:
    """Those that the settings tell of, those at the places that the operator names, and those that stand nowhere on the
    machine. What is not at such a place is left out."""
    places = [value for value in options.licence_values if "#" not in value]
    wanted = {fold(long_key(place)) for place in places}
    known = [*settings, *_settings_elsewhere(transport, places)]
    keys = set(licence_keys(settings))
    keys |= {_line(one) for one in known if one.value and fold(f"{one.place}\\{one.name}") in wanted}
    in_files = [value for value in options.licence_values if "#" in value]
    if in_files:
        keys |= {_line(one) for one in ProcallFiles(windows(transport)).texts(in_files)}
    return [*sorted(keys), *options.licences]


def licence_list(probe: Probe) -> LicenceList:
    """The item that keeps them; nothing demands that there are some."""
    return LicenceList(ITEM, "voip_config", required=False, order=90, keys=list(probe.licences))


def licence_remarks(probe: Probe) -> list[str]:
    """What to say when there are none, or when not all places could be looked at."""
    unread = probe.facts.get(_UNREAD)
    remarks = [f"Licence keys could not be looked for in the registry: {unread}."] if unread else []
    return remarks if probe.licences else [*remarks, NONE_FOUND]


def _settings_elsewhere(transport: Transport, places: Iterable[str]) -> list[Setting]:
    """What stands in the keys of places that are not estos' own."""
    keys = {long_key(place).rpartition("\\")[0] for place in places}
    others = sorted(key for key in keys if key and not any(is_below(key, estos) for estos in ESTOS_KEYS))
    trees = read_keys(transport, others) if others else {}
    return [setting for tree in trees.values() for setting in registry_settings(tree)]


def _line(setting: Setting) -> str:
    return f"{setting.place}\\{setting.name}: {setting.value}"
