# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ECSTA, estos' TAPI drivers: their whole configuration is in the registry.

Source: estos Datensicherungskonzept, March 2024, "ECSTA".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._items.base import Item
from .._items.host_registry import HostRegistry
from .._items.windows_host import look_at_windows
from .._transport.base import Transport
from .base import Probe
from .estos_licences import add_licences, licence_list, licence_remarks
from .identical_release import IdenticalRelease
from .item_names import named_after, refuse_same_names
from .licence_options import LicenceOptions
from .options import list_of, option, parse_options
from .windows_options import registry_key, service_names
from .windows_product import WindowsProduct, host_probe

KEYS = ("HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS\\ECSTA*", "HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\ESTOS\\ECSTA*")


@dataclass(frozen=True)
class EcstaOptions(LicenceOptions):
    """``keys``: where the drivers keep their configuration. ``services``: what is stopped for a restore and started
    after it, so that a driver reads what was put back."""

    keys: Sequence[str] = option(list_of(registry_key), KEYS)
    services: Sequence[str] = option(service_names, ())


_DRIVER = re.compile(r"\becsta", re.IGNORECASE)
_VIEW_32 = "\\wow6432node\\"
PHONE_DRIVER_OPTIONS = (
    'What people do after this restore: add an instance of each driver in "Phone Driver Options Advanced", unless it is'
    " still there. The module ecsta_restore_plan lists all steps."
)
TAPI_RESTART = (
    "A driver reads its configuration when TAPI starts. Restart the service Telephony, or name it (TapiSrv) in the"
    " option services, so that a restore does."
)


class Ecsta(IdenticalRelease, WindowsProduct):
    """All ECSTA drivers of one machine. :class:`EcstaOptions` tells its options."""

    name = "ecsta"
    title = "ECSTA"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(EcstaOptions, options)
        super().__init__()

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        look = look_at_windows(transport)
        keys = _matching_keys(transport, self.options.keys)
        installed = sorted({f"{entry.name} {entry.version}" for entry in look.programs if _DRIVER.search(entry.name)})
        versions = {entry.version for entry in look.programs if _DRIVER.search(entry.name) and entry.version}
        probe = host_probe(look, self.options.services)
        probe.release = ", ".join(installed)
        probe.version = versions.pop() if len(versions) == 1 else ""
        probe.facts["drivers"] = [
            {"name": key.rpartition("\\")[2], "version": probe.version if len(keys) == 1 else "", "key": key}
            for key in keys
        ]
        probe.counts["drivers"] = len(keys)
        add_licences(probe, transport, (), self.options)
        return probe

    # --- what is gathered --------------------------------------------------------------------------------------------
    def items(self, probe: Probe) -> list[Item]:
        """A driver that TAPI starts may write into its own key; what it writes is not publicly known."""
        drivers = probe.facts.get("drivers", ())
        if not drivers:
            return [self.registry("configuration", self.options.keys, lives=True), licence_list(probe)]
        known = {driver["key"].lower() for driver in drivers}
        gone = [key for key in self.options.keys if not set("*?") & set(key) and key.lower() not in known]
        items = [
            self.registry(_item_of(key), [key], lives=True) for key in (*(driver["key"] for driver in drivers), *gone)
        ]
        refuse_same_names((item.name for item in items), "keys")
        return [*items, licence_list(probe)]

    def remarks(self, probe: Probe) -> list[str]:
        return [*super().remarks(probe), *licence_remarks(probe)]

    # --- guards ------------------------------------------------------------------------------------------------------
    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        warnings = super().refuse_restore(transport, then, now, items)
        if items:
            warnings += [PHONE_DRIVER_OPTIONS, *([] if self.options.services else [TAPI_RESTART])]
        return warnings


def _item_of(key: str) -> str:
    name = named_after(key.rpartition("\\")[2])
    return f"{name}-32bit" if _VIEW_32 in key.lower() else name


def _matching_keys(transport: Transport, wanted: Sequence[str]) -> list[str]:
    """The keys on the host that the wanted ones name, in the host's own spelling."""
    found: dict[str, str] = {}
    with HostRegistry(transport) as registry:
        for key in wanted:
            parent, _slash, name = key.rpartition("\\")
            fits = re.compile(re.escape(name).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE | re.DOTALL)
            for there in registry.subkeys(parent) or ():
                if fits.fullmatch(there):
                    found.setdefault(f"{parent}\\{there}".lower(), f"{parent}\\{there}")
    return list(found.values())
