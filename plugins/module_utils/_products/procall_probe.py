# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look at a UCServer: which edition and version, where it is, what it is configured for, which keys it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._compare.registry import RegistryTree
from .._items.file_version import file_version
from .._items.windows_host import Installed, WindowsLook, look_at_windows, read_keys
from .._transport.windows import WindowsTransport
from .base import Probe
from .estos_licences import ESTOS_KEYS, licences_of
from .procall_discovery import ACTIVE_DIRECTORY, INTERNAL, Discovered, discover
from .procall_files import ConfigFiles, ProcallFiles
from .procall_options import (
    CONFIGURATION,
    JOURNAL,
    MEDIA_SERVER,
    UCSERVER,
    WEB_SERVER,
    ProcallServerOptions,
    SqlDatabase,
)
from .procall_services import UcService, uc_services
from .procall_settings import registry_settings
from .windows_discovery import is_below, same_path
from .windows_product import host_probe

SERVER_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
ADMIN_KEY = r"HKEY_CURRENT_USER\SOFTWARE\ESTOS\UCServer4\Admin"
DOMAIN_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"

_SERVER_PROGRAM = re.compile(
    r"\bUC ?server\b|\bprocall\b.*\b(business|enterprise|data ?center|infinity|server)\b", re.I
)
_MEDIA_PROGRAM = re.compile(r"\bUC ?media ?server\b", re.I)
_OTHER_PROGRAM = re.compile(r"client|meta ?directory|ecsta|\btools\b|\bsnap-?in\b|analytics", re.I)
_EDITIONS = (
    ("datacenter", re.compile(r"data ?center|infinity", re.I)),
    ("business", re.compile(r"business", re.I)),
    ("enterprise", re.compile(r"enterprise", re.I)),
)
"""ProCall Infinity is what ProCall DataCenter is called since 2026 (support.estos.de)."""


@dataclass(frozen=True)
class _Seen:
    """What was looked at, on the way to a probe."""

    look: WindowsLook
    services: Sequence[UcService]
    programs: Sequence[Installed]
    components: Sequence[str]
    root: str
    media_root: str

    def of(self, component: str) -> list[UcService]:
        return [service for service in self.services if service.component == component]


def probe_procall(host: WindowsTransport, options: ProcallServerOptions) -> Probe:
    """Look at the host without changing anything."""
    look = look_at_windows(host)
    files = ProcallFiles(host)
    trees = read_keys(host, [*ESTOS_KEYS, DOMAIN_KEY])
    network = trees.pop(DOMAIN_KEY, RegistryTree())
    seen = _seen(look, files, options)
    reads_config = bool(seen.root) and (UCSERVER in seen.components or WEB_SERVER in seen.components)
    config = files.config(seen.root) if reads_config else ConfigFiles()
    registered = [setting for tree in trees.values() for setting in registry_settings(tree)]
    of_server = [one for one in registered if is_below(one.place + "\\", SERVER_KEY)]
    discovered = discover([*of_server, *config.settings])
    probe = host_probe(look, [service.name for service in seen.services])
    probe.version = _version(host, seen)
    probe.release = f"UCServer {probe.version}" if probe.version else ""
    probe.facts.update(_place_facts(seen, files, discovered, options))
    if UCSERVER in seen.components:
        probe.facts.update(_server_facts(seen, files, config, discovered, options, probe.facts))
        probe.facts["domain"] = discovered.domain or network.text(DOMAIN_KEY, "Domain")
        probe.counts = _counts(config, probe.facts)
    probe.licences = licences_of(host, [*registered, *config.settings], options)
    return probe


# --- what and where --------------------------------------------------------------------------------------------------
def _seen(look: WindowsLook, files: ProcallFiles, options: ProcallServerOptions) -> _Seen:
    services = uc_services(look, options.services)
    programs = [one for one in look.programs if _is_ours(one)]
    of_ucserver = [one for one in services if one.component != MEDIA_SERVER]
    locations = [one.location.strip('"').rstrip("\\") for one in programs if one.location.strip('"')]
    root = options.root or files.server_root(of_ucserver, locations)
    of_media = [one for one in services if one.component == MEDIA_SERVER]
    media_root = options.media_server_root or files.media_root(of_media, root)
    components = list(options.components) or [
        UCSERVER,
        *([MEDIA_SERVER] if of_media or media_root else []),
        *([WEB_SERVER] if any(one.component == WEB_SERVER for one in services) else []),
    ]
    kept = [one for one in services if one.component in components]
    return _Seen(look, kept, programs, components, root, media_root)


def _is_ours(program: Installed) -> bool:
    name = program.name
    return bool(_SERVER_PROGRAM.search(name) or _MEDIA_PROGRAM.search(name)) and not _OTHER_PROGRAM.search(name)


def _version(host: WindowsTransport, seen: _Seen) -> str:
    """Of the installed program whose folder it is, of one that is called so, or of the service's own program."""
    place = seen.root if UCSERVER in seen.components or WEB_SERVER in seen.components else seen.media_root
    here = [one for one in seen.programs if place and same_path(one.location.strip('"'), place)]
    installed = next((one.version for one in (*here, *seen.programs) if one.version), "")
    if installed:
        return installed
    services = seen.of(UCSERVER) or list(seen.services)
    return next(filter(None, (_program_version(host, service.program) for service in services)), "")


def _program_version(host: WindowsTransport, program: str) -> str:
    try:
        return (file_version(host.files, program) if program else None) or ""
    except OSError:
        return ""


def _edition(seen: _Seen, discovered: Discovered, options: ProcallServerOptions) -> str:
    if options.edition != "auto":
        return options.edition
    names = " ".join(one.name for one in seen.programs)
    by_name = next((edition for edition, word in _EDITIONS if word.search(names)), "")
    if not by_name and any(one.role == CONFIGURATION for one in discovered.databases):
        return "datacenter"
    return by_name


def _place_facts(
    seen: _Seen, files: ProcallFiles, discovered: Discovered, options: ProcallServerOptions
) -> dict[str, Any]:
    undiscovered = []
    log_targets: list[str] = []
    if MEDIA_SERVER in seen.components and seen.media_root:
        named = files.media_log_folders(seen.media_root)
        log_targets = named or []
        if named == []:
            undiscovered.append(
                f"{seen.media_root}\\logparams.txt names no folder that is understood; if UC Media Server writes its"
                " logs elsewhere, name the folder in log_folders."
            )
    edition = _edition(seen, discovered, options)
    if UCSERVER in seen.components and not edition:
        undiscovered.append("The edition cannot be told from the installed programs; say it with the option edition.")
    return {
        "components": list(seen.components),
        "edition": edition,
        "root": seen.root,
        "media_server_root": seen.media_root if MEDIA_SERVER in seen.components else "",
        "uc_services": [service.facts() for service in seen.services],
        "media_log_folders": log_targets,
        "export_zip": options.export_zip,
        "partner_servers": [partner.host for partner in options.partner_servers],
        "undiscovered": undiscovered,
    }


# --- what it is configured for ---------------------------------------------------------------------------------------
def _server_facts(
    seen: _Seen,
    files: ProcallFiles,
    config: ConfigFiles,
    discovered: Discovered,
    options: ProcallServerOptions,
    known: Mapping[str, Any],
) -> dict[str, Any]:
    undiscovered = list(known["undiscovered"])
    undiscovered += [f"What is set in this file cannot be told: {one}." for one in config.unread]
    default = f"{seen.root}\\database"
    told = [one for one in discovered.database_folders if files.is_there(one)]
    undiscovered += [
        f"A setting names {one} as a folder of databases, and there is no such folder."
        for one in discovered.database_folders
        if one not in told
    ]
    named = [*options.database_folders, *told]
    elsewhere = _unlike(one for one in named if not same_path(one, default))
    folders = [default, *elsewhere] if seen.root else elsewhere
    sqlite = files.sqlite_files(folders)
    databases, from_where = _databases(discovered, options, str(known["edition"]))
    if not databases and not sqlite:
        undiscovered.append(
            "Neither SQLite files of UCServer nor a SQL Server database were found: it is not known where chats and"
            " journal are. Say it with database_folders or databases."
        )
    elif sqlite and not elsewhere and not discovered.database_folders:
        undiscovered.append(
            f"No setting tells where the SQLite databases lie; there are some in {default}, so it is believed to be the"
            " place. If page Datenbank of UCServer Verwaltung names another one, name it in database_folders."
        )
    mode, because = _user_database(files.has_directory_cache(folders), discovered, options)
    return {
        "database_folders": elsewhere,
        "has_sqlite": bool(sqlite),
        "databases": [_database_facts(one, discovered.databases.get(one, "")) for one in databases],
        "databases_known_from": from_where,
        "user_database": mode,
        "user_database_because": because,
        "directory": {"source": options.directory_source, "instance": options.directory_instance},
        "ucconnect_id": options.ucconnect_id or discovered.ucconnect_id,
        "because": list(discovered.because),
        "undiscovered": undiscovered,
    }


def _databases(discovered: Discovered, options: ProcallServerOptions, edition: str) -> tuple[list[SqlDatabase], str]:
    """The SQL Server databases. DataCenter has both by the vendor's word, whatever they are called."""
    if options.databases is not None:
        return list(options.databases), "option"
    databases = list(discovered.databases)
    if edition == "datacenter":
        told = {one.role for one in databases}
        databases += [SqlDatabase(role) for role in (JOURNAL, CONFIGURATION) if role not in told]
    return databases, "discovery" if databases else ""


def _database_facts(database: SqlDatabase, place: str) -> dict[str, str]:
    return {
        "role": database.role,
        "server": database.server,
        "database": database.database,
        "source": database.source,
        "instance": database.instance or database.database,
        "found_in": place,
    }


def _user_database(has_cache: bool, discovered: Discovered, options: ProcallServerOptions) -> tuple[str, str]:
    if options.user_database != "auto":
        return options.user_database, "the option user_database says so"
    if discovered.user_database:
        return discovered.user_database, "a setting says so"
    if has_cache:
        return ACTIVE_DIRECTORY, "its copy of the directory, adcontacts.db, is there"
    return INTERNAL, "no setting tells, and there is no copy of a directory, adcontacts.db"


def _counts(config: ConfigFiles, facts: Mapping[str, Any]) -> dict[str, int]:
    counts = {"databases": len(facts["databases"])}
    if config.users is not None:
        counts["users"] = config.users
    if facts["edition"] == "datacenter" or facts["partner_servers"]:
        counts["servers"] = 1 + len(facts["partner_servers"])
    return counts


def _unlike(folders: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for folder in folders:
        found.setdefault(folder.lower(), folder)
    return list(found.values())
