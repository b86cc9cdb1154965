# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ProCall UCServer with UC Media Server and UC Web Server: Business, Enterprise, DataCenter.

Source: estos Datensicherungskonzept, March 2024. What a look at the host tells is in :mod:`procall_probe`, what is
gathered in :mod:`procall_items`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._compare.mask import Masker
from .._compare.semantic import SemanticChange
from .._errors import RestoreRefused
from .._items.base import Item
from .._transport.base import Transport
from .._transport.tcp import listens
from .._transport.windows import windows
from .base import Check, Companion, Probe, View
from .estos_licences import licence_remarks
from .identical_release import IdenticalRelease
from .options import parse_options
from .procall_discovery import ACTIVE_DIRECTORY
from .procall_items import ProcallItems
from .procall_options import DATABASE_PAGES, EDITION_TITLES, JOURNAL, UCSERVER, ProcallServerOptions
from .procall_partners import refuse_running_partners
from .procall_probe import probe_procall
from .procall_semantic import TOPICS, procall_changes
from .windows_discovery import same_path
from .windows_product import WindowsProduct


class ProcallServer(IdenticalRelease, WindowsProduct):
    """A UCServer and its components. :class:`ProcallServerOptions` tells its options."""

    name = "procall_server"
    topics = TOPICS
    title = "UCServer"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(ProcallServerOptions, options)
        super().__init__(passwords=self.options.service_passwords, stop_for_backup=self.options.consistency == "stop")

    # --- what is there and what is gathered --------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        return probe_procall(windows(transport), self.options)

    def items(self, probe: Probe) -> list[Item]:
        return ProcallItems(self, self.options, probe).all()

    def companions(self, probe: Probe) -> list[Companion]:
        wanted = [Companion(one.product, one.why, one.source, one.instance) for one in self.options.demanded_companions]
        demanded = [_database_companion(one) for one in probe.facts.get("databases", []) if one.get("database")]
        if probe.facts.get("user_database") == ACTIVE_DIRECTORY:
            directory = self._directory_companion(probe)
            if directory.source or directory.instance or not any(one.product == directory.product for one in wanted):
                demanded.append(directory)
        return list(dict.fromkeys([*demanded, *wanted]))

    @staticmethod
    def _directory_companion(probe: Probe) -> Companion:
        directory = probe.facts.get("directory", {})
        return Companion(
            "ad_attributes",
            f"UCServer keeps its users in Active Directory: {probe.facts.get('user_database_because', '')}",
            str(directory.get("source", "")),
            str(directory.get("instance", "")),
        )

    def remarks(self, probe: Probe) -> list[str]:
        undiscovered = [str(one) for one in probe.facts.get("undiscovered", [])]
        remarks = [*super().remarks(probe), *undiscovered, *licence_remarks(probe)]
        if UCSERVER not in probe.facts.get("components", [UCSERVER]):
            return remarks
        if probe.facts.get("edition") == "datacenter":
            remarks.append("What is in Redis is volatile and needs no backup.")
        known = (
            "is recorded" if probe.facts.get("ucconnect_id") else "is not found; say it with the option ucconnect_id"
        )
        remarks.append(f"ProCall Mobile keeps nothing that needs a backup; the UCConnect ID {known}.")
        remarks.append("ProCall for macOS keeps nothing on the machine and needs no backup.")
        if not probe.facts.get("export_zip") and probe.facts.get("edition") != "datacenter":
            remarks.append(
                'No archive of "Datenexport" is named in export_zip; the folders and the registry are kept instead.'
            )
        return remarks

    # --- guards and proofs -------------------------------------------------------------------------------------------
    def release_verdict(self, then: Probe, now: Probe) -> str | None:
        was, is_now = (str(probe.facts.get("edition") or "") for probe in (then, now))
        verdict = super().release_verdict(then, now)
        if verdict is None and was and is_now and was != is_now:
            return f"it was {EDITION_TITLES[was]} and is {EDITION_TITLES[is_now]} now"
        return verdict

    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        for fact, title, name in (("root", "UCServer", "root"), ("media_server_root", "UC Media Server", "media")):
            was, is_now = (str(probe.facts.get(fact) or "") for probe in (then, now))
            if was and is_now and not same_path(was, is_now) and items:
                raise RestoreRefused(
                    f"{title} was in {was} and is in {is_now} now; its files would go where it does not look",
                    host=transport.host,
                    item=name,
                    hint=f"Nothing was touched. Install it in {was}.",
                )
        warnings = super().refuse_restore(transport, then, now, items)
        if items and UCSERVER in then.facts.get("components", [UCSERVER]):
            warnings += self._partner_warnings(transport, then)
        return warnings

    def _partner_warnings(self, transport: Transport, then: Probe) -> list[str]:
        partners = self.options.partner_servers
        if not partners and then.facts.get("edition") == "datacenter":
            return ["No partner server is named in partner_servers, so nobody looked whether one runs."]
        allowed = self.options.allow_running_partners
        return refuse_running_partners(partners, allowed=allowed, host=transport.host)

    def health(self, transport: Transport, probe: Probe) -> list[Check]:
        checks = super().health(transport, probe)
        port = self.options.cti_port
        if port is None:
            return checks
        answer = listens(transport.host, port)
        details = {True: "answers", False: "nothing listens", None: "gives no answer to the backup host"}
        return [*checks, Check(f"port {port}", answer, details[answer])]

    # --- differences -------------------------------------------------------------------------------------------------
    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        return procall_changes(old, new, masker)


def _database_companion(database: Mapping[str, str]) -> Companion:
    page = DATABASE_PAGES[database.get("role", JOURNAL)]
    on = f" on {database['server']}" if database.get("server") else ""
    place = f"; found in {database['found_in']}" if database.get("found_in") else ""
    why = f'UCServer uses {database["database"]}{on} (page "{page}" of UCServer Verwaltung{place})'
    return Companion("mssql", why, database.get("source", ""), database.get("instance", ""))
