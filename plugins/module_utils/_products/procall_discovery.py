# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""What UCServer is configured for: databases, user administration, UCConnect, licences.

Where UCServer keeps these settings is not public. :data:`PLACES` is the table of what is looked for in its registry key
and in the XML below ``config``, each with its basis; options override all of it, and what nothing is found for is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .procall_options import CONFIGURATION, JOURNAL, SqlDatabase
from .procall_settings import Setting, by_place

ACTIVE_DIRECTORY = "active_directory"
INTERNAL = "internal"


@dataclass(frozen=True)
class Place:
    """What is looked for. ``names``: of settings. ``basis``: who says so, or that it is an assumption."""

    names: re.Pattern[str]
    basis: str


def _place(expression: str, basis: str) -> Place:
    return Place(re.compile(expression, re.IGNORECASE), basis)


_ASSUMED = "assumption: estos publishes no names of settings; the words are those of UCServer Verwaltung"
SQL_SERVER = _place(
    r"\A(sql|ms_?sql|db|database|datenbank)?[ _-]?(server|host|data_?source)[ _-]?(name)?\Z",
    "page Datenbank asks for a server name (help.estos.com, IDH_SERVERDATABASE.htm); name of the setting assumed",
)
SQL_DATABASE = _place(
    r"\A((sql|ms_?sql)[ _-]?)?(db|database|datenbank|catalog|initial[ _-]?catalog)[ _-]?(name)?\Z",
    "page Datenbank asks for a database name (help.estos.com, IDH_SERVERDATABASE.htm); name of the setting assumed",
)
SQL_CONFIGURATION = _place(
    r"multi[ _-]?server|datacenter|config(uration)?[ _-]?(db|database|datenbank)|cluster",
    "page Multi-Server-Datenbank (estos Datensicherungskonzept); name of the setting assumed",
)
DATABASE_FOLDER = _place(
    r"(database|datenbank|sqlite|\bdb).*(dir|directory|path|folder|verzeichnis|pfad)|\A(sqlite|database_?location)\Z",
    "page Datenbank asks for a folder of the SQLite files (help.estos.com, IDH_SERVERDATABASE.htm); name assumed",
)
USER_DATABASE = _place(
    r"user[ _-]?(database|db|management|admin\w*)[ _-]?(type|mode|source)?\Z|benutzerdatenbank|user_?store", _ASSUMED
)
USE_DIRECTORY = _place(
    r"\A(use|enable|is)?[ _-]?(active[ _-]?directory|ads?|ldap)[ _-]?(enabled|active|mode)?\Z", _ASSUMED
)
DIRECTORY_DOMAIN = _place(r"\A(ad|ads|active_?directory|ldap)?[ _-]?(dns_?)?domain[ _-]?(name)?\Z", _ASSUMED)
UCCONNECT_ID = _place(r"\Auc[ _-]?connect[ _-]?(system|tenant|server)?[ _-]?id\Z", _ASSUMED)
LICENCE = _place(
    r"(licen[sc]e|lizenz|serial|product|registration)s?[ _-]?(key|code|number|nr|no|schl(ü|ue)ssel)?\d*\Z", _ASSUMED
)
PLACES = (
    SQL_SERVER,
    SQL_DATABASE,
    SQL_CONFIGURATION,
    DATABASE_FOLDER,
    USER_DATABASE,
    USE_DIRECTORY,
    DIRECTORY_DOMAIN,
    UCCONNECT_ID,
    LICENCE,
)

SQLITE_FILES = re.compile(r"\ACtiServerDatabase\w+\.db\Z", re.IGNORECASE)
"""support.estos.de, "Datenmigration der UCServer-Datenbank": CtiServerDatabasechat.db, ...journal.db, ...task.db ..."""
DIRECTORY_CACHE = "adcontacts.db"
r"""support.estos.de, "Active Directory Benutzersynchronisation des UCServers": users of the directory are kept in
``<root>\database\adcontacts.db`` meanwhile. So it tells that Active Directory is in use, or was once."""
USER_FILES = re.compile(r"_clientcontent\.xml\Z", re.IGNORECASE)
r"""support.estos.de, "Projektbeispiel: Upgrade ProCall 6 auf 7": one for each user, in ``<root>\config\users``."""

_ABSOLUTE = re.compile(r"[A-Za-z]:\\[^\0<>\"|?*]*\Z")
_PAIR = re.compile(r"\s*([^=;]+?)\s*=\s*(\"[^\"]*\"|'[^']*'|\{[^}]*\}|[^;]*)\s*(?:;|\Z)")
_SERVER_KEYS = ("data source", "server", "address", "addr", "network address")
_DATABASE_KEYS = ("initial catalog", "database")
_OTHER_ENGINES = re.compile(r"sqlite|oracle|mysql|maria|postgres|jet\.|ace\.|msdasql|redis|firebird", re.IGNORECASE)
_YES = frozenset(("1", "true", "yes", "ja", "on"))
_DIRECTORY_WORDS = re.compile(r"\A(active[ _-]?directory|ads?|ms_?ad|ldap)\b", re.IGNORECASE)
_INTERNAL_WORDS = re.compile(r"\A(intern(al)?|integrated|integriert\w*|local|sqlite|ucserver)\b", re.IGNORECASE)
_LICENCE_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+/=_.-]{7,255}\Z")
_LICENCE_PLACE = re.compile(r"\\[^\\]*(licen[sc]|lizenz)[^\\]*\Z", re.IGNORECASE)
_CODE = re.compile(r"(?=.*\d)[A-Z0-9]{3,8}(-[A-Z0-9]{3,8}){2,}\Z", re.IGNORECASE)
_NO_LICENCE = re.compile(r"\d{1,12}\Z|true\Z|false\Z|.*\.(exe|dll|xml|txt|pdf|rtf)\Z", re.IGNORECASE)


@dataclass
class Discovered:
    """What was found. ``because``: for each thing, where and on which basis; fit to be shown. ``databases``: with the
    place of each."""

    databases: dict[SqlDatabase, str] = field(default_factory=dict)
    user_database: str = ""
    domain: str = ""
    database_folders: list[str] = field(default_factory=list)
    ucconnect_id: str = ""
    because: list[str] = field(default_factory=list)


def discover(settings: Sequence[Setting]) -> Discovered:
    """What the settings tell."""
    found = Discovered()
    for place, group in by_place(settings).items():
        for database in _databases(place, group):
            if database not in found.databases:
                found.databases[database] = place
                found.because.append(f"{database.role} database {database.database}: {place} ({SQL_DATABASE.basis})")
        for setting in group:
            _take(found, setting)
    return found


def licence_keys(settings: Iterable[Setting], root: str = "") -> list[str]:
    """The licence keys, each behind the place and name that it has: a secret. Some programs make the key the name of a
    value; that is taken below a key whose name tells of licences.

    :param root: a folder or key that is not repeated in front of each place
    """
    keys = []
    for setting in settings:
        place = setting.place.removeprefix(root)
        if LICENCE.names.search(setting.name) and is_licence(setting.value):
            keys.append(f"{place}\\{setting.name}: {setting.value}")
        elif _LICENCE_PLACE.search(place) and _CODE.match(setting.name):
            keys.append(f"{place}: {setting.name}")
    return sorted(set(keys))


def is_licence(value: str) -> bool:
    """Whether a value may be a licence key: letters and digits, neither a path nor a number nor a word of yes or no."""
    return bool(_LICENCE_VALUE.match(value)) and not _NO_LICENCE.match(value) and any(map(str.isdigit, value))


def _take(found: Discovered, setting: Setting) -> None:
    name, value = setting.name, setting.value.strip()
    if not value:
        return
    if DATABASE_FOLDER.names.search(name) and _ABSOLUTE.match(value):
        folder = value.rstrip("\\")
        if folder.lower() not in map(str.lower, found.database_folders):
            found.database_folders.append(folder)
            found.because.append(f"folder {folder}: {setting.place} ({DATABASE_FOLDER.basis})")
    mode = _user_database(name, value)
    if mode and found.user_database != ACTIVE_DIRECTORY:
        found.user_database = mode
        found.because.append(f"user database {mode}: {setting.place} ({USER_DATABASE.basis})")
    if not found.domain and DIRECTORY_DOMAIN.names.search(name) and re.fullmatch(r"[\w.-]+", value):
        found.domain = value
    if not found.ucconnect_id and UCCONNECT_ID.names.search(name):
        found.ucconnect_id = value
        found.because.append(f"UCConnect ID: {setting.place} ({UCCONNECT_ID.basis})")


def _user_database(name: str, value: str) -> str:
    if USER_DATABASE.names.search(name):
        if _DIRECTORY_WORDS.match(value):
            return ACTIVE_DIRECTORY
        if _INTERNAL_WORDS.match(value):
            return INTERNAL
    if USE_DIRECTORY.names.search(name) and value.lower() in _YES:
        return ACTIVE_DIRECTORY
    return ""


def _databases(place: str, group: Sequence[Setting]) -> Iterator[SqlDatabase]:
    for setting in group:
        known = connection_string(setting.value)
        if known is not None:
            server, database = known
            yield SqlDatabase(_role(place, [setting.name]), server, database)
    servers = _named(group, SQL_SERVER)
    databases = _named(group, SQL_DATABASE)
    names = [setting.name for setting in group]
    told = [_own_place(place), *names, *(setting.value for setting in group)]
    if servers and databases and not any(_OTHER_ENGINES.search(word) for word in told):
        yield SqlDatabase(_role(place, names), servers[0], databases[0])


def _named(group: Sequence[Setting], place: Place) -> list[str]:
    return [
        setting.value.strip()
        for setting in group
        if setting.value.strip() and place.names.search(setting.name) and not _ABSOLUTE.match(setting.value)
    ]


def _role(place: str, names: Sequence[str]) -> str:
    told = [_own_place(place), *names]
    return CONFIGURATION if any(SQL_CONFIGURATION.names.search(word) for word in told) else JOURNAL


def _own_place(place: str) -> str:
    """The file's name and the way to the element, or the last two names of a key: what is above says nothing."""
    file, mark, way = place.partition("#")
    return file.rpartition("\\")[2] + mark + way if mark else "\\".join(place.split("\\")[-2:])


def connection_string(value: str) -> tuple[str, str] | None:
    """Server and database of a connection string for SQL Server (ADO, ODBC, .NET), None when it is none."""
    if "=" not in value or ";" not in value:
        return None
    pairs: Mapping[str, str] = {
        found[1].lower(): found[2].strip("\"'{} ") for found in _PAIR.finditer(value) if found[2].strip()
    }
    server = next((pairs[key] for key in _SERVER_KEYS if key in pairs), "")
    database = next((pairs[key] for key in _DATABASE_KEYS if key in pairs), "")
    engine = " ".join(pairs.get(key, "") for key in ("provider", "driver"))
    if not server or not database or _OTHER_ENGINES.search(engine) or _ABSOLUTE.match(database):
        return None
    return server, database
