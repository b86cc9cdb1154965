# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a ProCall UCServer, and the values in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .licence_options import LicenceOptions
from .options import choice, flag, list_of, option, parse_options, port, text
from .windows_options import names_of_users, passwords, service_name, windows_folder

UCSERVER = "ucserver"
MEDIA_SERVER = "media_server"
WEB_SERVER = "web_server"
COMPONENTS = (UCSERVER, MEDIA_SERVER, WEB_SERVER)

FOLDERS = ("client-install", "config", "database", "linestates", "pending", "userstates", "logs")
"""The folders of the vendor's list, as the items are called."""
EDITION_TITLES = {
    "business": "ProCall Business",
    "enterprise": "ProCall Enterprise",
    "datacenter": "ProCall DataCenter",
}
EDITIONS = tuple(EDITION_TITLES)
JOURNAL = "journal"
CONFIGURATION = "configuration"

DATABASE_PAGES = {JOURNAL: "Datenbank", CONFIGURATION: "Multi-Server-Datenbank"}
"""The pages of UCServer Verwaltung that name the SQL Server databases (estos Datensicherungskonzept)."""

CTI_PORT = 7222
"""Where UCServer listens for its clients unless it is set otherwise (estos MetaDirectory help, "Benutzerdatenbank")."""


@dataclass(frozen=True)
class SqlDatabase:
    """A SQL Server database that UCServer uses.

    ``role``: journal (page "Datenbank": chat, journal and more) or configuration (page "Multi-Server-Datenbank", only
    DataCenter). ``server`` and ``database`` as UCServer is told them. ``source`` and ``instance``: under which name the
    product mssql keeps it; any source, and the database's name as instance, when they are not given.
    """

    role: str = option(choice(JOURNAL, CONFIGURATION), JOURNAL)
    server: str = option(text, "")
    database: str = option(text, "")
    source: str = option(text, "")
    instance: str = option(text, "")


@dataclass(frozen=True)
class PartnerServer:
    """Another UCServer of the multi-server environment, and the port at which it answers while it runs."""

    host: str = option(text, "")
    port: int = option(port, CTI_PORT)


@dataclass(frozen=True)
class DemandedCompanion:
    """A generation of another product that the operator wants to belong to each one of this UCServer."""

    product: str = option(text, "")
    source: str = option(text, "")
    instance: str = option(text, "")
    why: str = option(text, "the option demanded_companions asks for it")


def _database(value: Any) -> SqlDatabase:
    database = parse_options(SqlDatabase, value) if isinstance(value, Mapping) else None
    if database is None or not database.database:
        raise ValueError("a list of mappings with database, and role, server, source, instance as needed")
    return database


def _partner(value: Any) -> PartnerServer:
    partner = parse_options(PartnerServer, value) if isinstance(value, Mapping) else PartnerServer(text(value))
    if not partner.host:
        raise ValueError("a list of host names, or of mappings with host and port")
    return partner


def _companion(value: Any) -> DemandedCompanion:
    companion = parse_options(DemandedCompanion, value) if isinstance(value, Mapping) else None
    if companion is None or not companion.product:
        raise ValueError("a list of mappings with product, and source, instance, why as needed")
    return companion


@dataclass(frozen=True)
class ProcallServerOptions(LicenceOptions):
    r"""``edition``: ``auto`` reads it from the installed programs. ``components``: what is demanded of this machine;
    none named: UCServer, and the others where they are installed beside it.

    ``root``, ``media_server_root``: where UCServer and UC Media Server are installed, when the services do not tell.
    ``database_folders``: where its SQLite databases lie beside ``<root>\database``. ``log_folders``: more folders of
    logs. ``optional_folders``: of the vendor's list, those that this installation may lack. ``exclude``: globs that are
    left out of the folders. ``export_zip``: the archive of "Datenexport", a path, may hold globs. ``administrators``:
    whose settings of "UCServer Verwaltung" are kept (names or SIDs), none named: of everybody who has some.

    ``databases``: the SQL Server databases in use; not given: as discovered; an empty list: none.
    ``user_database``: where users are kept. ``directory_source``, ``directory_instance``: under which name the product
    ad_attributes keeps them. ``demanded_companions``: more generations that belong to each one of this
    product. (Snapshots and images of the machine are declared with the option C(companions) of every backup.)

    ``ucconnect_id``: when it is not discovered.

    ``consistency``: how files are read that are written meanwhile. ``services``: names of the services in the order in
    which they are stopped, when they are not discovered. ``service_passwords``: passwords of the accounts that services
    run as, by account or service; no host gives them back. ``partner_servers``: the other UCServers of the environment;
    ``allow_running_partners``: restore although one of them runs. ``cti_port``: asked for an answer after a restore.
    """

    edition: str = option(choice("auto", *EDITIONS), "auto")
    components: Sequence[str] = option(list_of(choice(*COMPONENTS)), ())
    root: str = option(windows_folder, "")
    media_server_root: str = option(windows_folder, "")
    database_folders: Sequence[str] = option(list_of(windows_folder), ())
    log_folders: Sequence[str] = option(list_of(windows_folder), ())
    optional_folders: Sequence[str] = option(list_of(choice(*FOLDERS)), ())
    exclude: Sequence[str] = option(list_of(text), ())
    export_zip: str = option(windows_folder, "")
    administrators: Sequence[str] = option(names_of_users, ())
    databases: Sequence[SqlDatabase] | None = option(list_of(_database), None)
    user_database: str = option(choice("auto", "internal", "active_directory"), "auto")
    directory_source: str = option(text, "")
    directory_instance: str = option(text, "")
    demanded_companions: Sequence[DemandedCompanion] = option(list_of(_companion), ())
    ucconnect_id: str = option(text, "")
    consistency: str = option(choice("shadow_copy", "stop", "none"), "shadow_copy")
    services: Sequence[str] | None = option(list_of(service_name), None)
    service_passwords: Mapping[str, str] = option(passwords, {}, secret=True)
    partner_servers: Sequence[PartnerServer] = option(list_of(_partner), ())
    allow_running_partners: bool = option(flag, False)
    cti_port: int | None = option(port, None)
