# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""estos MetaDirectory: its three folders, and the services that run from its installation folder.

Source: estos Datensicherungskonzept, March 2024, "MetaDirectory Enterprise".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._compare.mask import Masker
from .._compare.semantic import SemanticChange
from .._compare.xml_document import LARGEST, XmlRefused, count_elements
from .._errors import RestoreRefused
from .._items.base import Item
from .._items.windows_host import look_at_windows
from .._transport.base import Transport
from .._transport.windows import WindowsTransport, windows
from .base import Probe, View
from .estos_licences import add_licences, licence_list, licence_remarks
from .identical_release import IdenticalRelease
from .licence_options import LicenceOptions
from .not_gatherable import NotGatherable
from .options import choice, list_of, option, parse_options, text
from .procall_files import ProcallFiles
from .windows_discovery import Sought, find_installation, same_path
from .windows_options import SHADOW_COPY_MODES, WindowsOptions, windows_folder
from .windows_product import WindowsProduct, host_probe
from .windows_semantic import windows_changes

CONFIG_FILE = "config\\MetaDirectoryServer.xml"
"""Source: support.estos.de, "Passwort des MetaDirectory Administrator zuruecksetzen"; it holds that password."""
METADIRECTORY = Sought(
    name=re.compile(r"meta ?directory", re.IGNORECASE),
    publisher=re.compile(r"\bestos\b", re.IGNORECASE),
    marker=CONFIG_FILE,
)
FOLDERS = (("config", "voip_config"), ("database", "user_data"), ("wwwroot", "voip_config"))
"""The vendor's list; what is in ``database`` are contacts of people."""
LIVING = ("config", "database")
"""What MetaDirectory writes while it runs; of ``config`` this is an assumption."""
REPLICATORS = ("replicator", "metareplicator", "replicatorconfig", "replicatorsettings")
"""What an element of the configuration is called that stands for one replicator. The schema is not public: this is an
assumption, and where it does not hold the count is 0."""
NO_SERVICE = (
    "no service of MetaDirectory is found on this host; name it in the option services, or set services to [] if there"
    " is none"
)
NOT_STOPPED = "No service of MetaDirectory is known, so none is stopped; if one runs, name it in the option services."
READ_LIVE = (
    "The database is read file by file while MetaDirectory may write into it; shadow_copy auto or required, or"
    " stop_services_for_backup, read it as it was at one moment."
)
NO_FOLDER = "MetaDirectory is not found on this host; say with the option root where it is"


@dataclass(frozen=True)
class MetadirectoryOptions(LicenceOptions, WindowsOptions):
    """``root``: where it is installed, if that cannot be discovered. ``services``: its services, likewise.
    ``exclude``: what is left out of its folders. ``paths``: more files and folders that belong to it. ``shadow_copy``:
    if it is not said, one of the database is taken where the host makes one.
    """

    shadow_copy: str = option(choice(*SHADOW_COPY_MODES), "")
    root: str = option(windows_folder, "")
    exclude: Sequence[str] = option(list_of(text), ())
    paths: Sequence[str] = option(list_of(windows_folder), ())


class MetaDirectory(IdenticalRelease, WindowsProduct):
    """An estos MetaDirectory server. :class:`MetadirectoryOptions` tells its options."""

    name = "metadirectory"
    title = "MetaDirectory"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(MetadirectoryOptions, options)
        super().__init__(
            shadow_copy=self.options.shadow_copy or "never",
            passwords=self.options.service_passwords,
            stop_for_backup=self.options.stop_services_for_backup,
        )

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        host = windows(transport)
        look = look_at_windows(transport)
        found = find_installation(host, look, METADIRECTORY, self.options.root, self.options.services)
        probe = host_probe(look, self.options.services or [service.name for service in found.services])
        probe.release = f"MetaDirectory {found.version}" if found.version else ""
        probe.version = found.version
        probe.facts["install_folder"] = found.root
        if found.display_name:
            probe.facts["installed_as"] = found.display_name
        replicators = _replicators(host, f"{found.root}\\{CONFIG_FILE}") if found.root else None
        if replicators is not None:
            probe.counts["replicators"] = replicators
        config = ProcallFiles(host).config(found.root).settings if found.root else []
        add_licences(probe, transport, config, self.options)
        return probe

    # --- what is gathered --------------------------------------------------------------------------------------------
    def items(self, probe: Probe) -> list[Item]:
        root = str(probe.facts.get("install_folder") or "")
        if not root:
            lost = [NotGatherable(name=name, data_class=data_class, reason=NO_FOLDER) for name, data_class in FOLDERS]
            return [*lost, licence_list(probe)]
        exclude = tuple(self.options.exclude)
        items: list[Item] = [
            self.tree(
                name,
                [f"{root}\\{name}"],
                data_class,
                exclude=exclude,
                sensitive=name == "config",
                lives=name in LIVING,
                shadow_copy=self._copied(name),
            )
            for name, data_class in FOLDERS
        ]
        if self.options.paths:
            items.append(self.tree("additional-paths", self.options.paths, exclude=exclude))
        items += self.definitions(probe.facts.get("services", ()))
        if self._lacks_services(probe):
            items.append(NotGatherable(name="service-of-metadirectory", data_class="system_config", reason=NO_SERVICE))
        return [*items, licence_list(probe)]

    def _copied(self, folder: str) -> str:
        """Whether this folder is read from a shadow copy. Each one costs seconds, so without a word only what would not
        fit together otherwise: files of one database."""
        at_rest = folder != "database" or self.options.stop_services_for_backup
        return self.options.shadow_copy or ("never" if at_rest else "auto")

    def _lacks_services(self, probe: Probe) -> bool:
        return not probe.facts.get("services") and self.options.services is None

    # --- guards ------------------------------------------------------------------------------------------------------
    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        was, is_now = (str(probe.facts.get("install_folder") or "") for probe in (then, now))
        if was and is_now and not same_path(was, is_now):
            raise RestoreRefused(
                f"MetaDirectory was in {was} and is in {is_now} now; its files would go where it does not look",
                host=transport.host,
                hint=f"Nothing was touched. Install it in {was}.",
            )
        warnings = super().refuse_restore(transport, then, now, items)
        is_unknown = items and self._lacks_services(then) and self._lacks_services(now)
        return [*warnings, NOT_STOPPED] if is_unknown else warnings

    def remarks(self, probe: Probe) -> list[str]:
        return [
            *super().remarks(probe),
            *licence_remarks(probe),
            *([READ_LIVE] if self._copied("database") == "never" and not self.options.stop_services_for_backup else []),
            "Data that replicators copy stay where they come from; that source needs a backup of its own.",
        ]

    # --- differences -------------------------------------------------------------------------------------------------
    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        kinds = dict.fromkeys(REPLICATORS, "replicator")
        return windows_changes(old, new, masker, kinds=kinds, hide_values=True)


def _replicators(host: WindowsTransport, path: str) -> int | None:
    """How many there are, None when that cannot be told."""
    try:
        return count_elements(b"".join(_bounded(host, path)), REPLICATORS)
    except (OSError, XmlRefused):
        return None


def _bounded(host: WindowsTransport, path: str) -> Iterator[bytes]:
    read = 0
    for chunk in host.files.read(path):
        read += len(chunk)
        yield chunk
        if read > LARGEST:
            return
