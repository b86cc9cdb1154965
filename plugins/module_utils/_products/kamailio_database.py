# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Kamailio keeps its data: the databases that its configuration names, or that the operator declares."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .._errors import OptionInvalid
from .._items.database import DatabaseConnection
from .kamailio_config import KamailioConfig
from .options import absolute_path, choice, option, parse_options, port, text

SQL_ENGINES = ("mysql", "postgresql", "sqlite")
DBTEXT = "dbtext"
ENGINES = (*SQL_ENGINES, DBTEXT)

_SCHEMES = {"mysql": "mysql", "postgres": "postgresql", "postgresql": "postgresql", "sqlite": "sqlite", "text": DBTEXT}
_OTHER_SCHEMES = ("unixodbc", "oracle", "berkeley", "mongodb", "cassandra", "perlvdb", "redis")
_URL = re.compile(rf"(?P<scheme>{'|'.join((*_SCHEMES, *_OTHER_SCHEMES))})://(?P<rest>.*)", re.DOTALL)
_URL_PARAMETER = re.compile(r"(_url|^url|^sqlcon|^connection|^con|^db)$")


_DATABASE_PARAMETER = re.compile(r"db_url|^sqlcon$")
_NO_DATABASE = ("cluster://", "flatstore:")
"""Values that name other connections, which have parameters of their own, or plain files of records."""
_NAME_OF_VALUE = re.compile(r"[A-Za-z_]\w*|\$(?:env|def|defn)\(\w+\)")
_DRIVERS = {
    "db_mysql": "mysql",
    "db_postgres": "postgresql",
    "db_sqlite": "sqlite",
    "db_text": DBTEXT,
    "db_unixodbc": "unixodbc",
    "db_oracle": "oracle",
    "db_berkeley": "berkeley",
    "db_mongodb": "mongodb",
    "db_cassandra": "cassandra",
}
_ALWAYS = (
    *("alias_db", "auth_db", "cfg_db", "dialplan", "domain", "domainpolicy", "drouting", "group", "imc", "lcr"),
    *("matrix", "msilo", "mtree", "pdt", "prefix_route", "speeddial", "uid_auth_db", "uid_avp_db", "uid_domain"),
    *("uid_gflags", "uid_uri_db", "uri_db", "userblocklist"),
)
"""Modules that use a database as soon as they are loaded, and have the URL of one compiled in: found in the modules of
Kamailio 5.6.3."""
_WITH_MODE = ("usrloc", "dialog")
"""The same, where their ``db_mode`` is not 0."""


def _run_as(value: Any) -> bool | str:
    return value if isinstance(value, bool) else text(value)


def _text_or_empty(value: Any) -> str:
    return "" if value == "" else text(value)


PACKAGED_ADMINS: Mapping[str, bool | str] = {"mysql": True, "postgresql": "postgres"}
"""The system account that a database on the target lets in without a password; True is root."""


@dataclass(frozen=True)
class KamailioDatabase:
    """One database. ``engine`` is one of ENGINES, or the scheme of a URL that nobody here can dump.

    ``path`` is for sqlite (file) and dbtext (folder), ``database`` for the others. ``run_as``: the user of the host
    as whom the database lets in without a password.
    """

    engine: str = option(choice(*ENGINES), "")
    database: str = option(text, "")
    path: str = option(absolute_path, "")
    host: str = option(_text_or_empty, "")
    port: int = option(port, 0)
    socket: str = option(absolute_path, "")
    username: str = option(text, "")
    password: str = field(default="", repr=False, metadata={"check": _text_or_empty})
    run_as: bool | str = option(_run_as, False)

    @property
    def label(self) -> str:
        """A short name, for items."""
        name = self.database or posixpath.basename(self.path).partition(".")[0] or self.engine
        return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or self.engine

    @property
    def place(self) -> tuple[str, str, int, str, str]:
        """What makes it another database than others."""
        host = "" if self.host in ("localhost", "127.0.0.1", "::1") else self.host
        return self.engine, host, self.port, self.database, self.path

    @property
    def is_named(self) -> bool:
        """Whether it is said which database it is."""
        return bool(self.path if self.engine in ("sqlite", DBTEXT) else self.database)

    def facts(self) -> dict[str, Any]:
        """What may be shown of it."""
        shown = {"engine": self.engine, "database": self.database, "path": self.path, "host": self.host}
        return {key: value for key, value in shown.items() if value}

    def to_json(self) -> dict[str, Any]:
        """Everything, the password included."""
        return {key: value for key, value in asdict(self).items() if value not in ("", 0, None)}

    def files(self) -> list[str]:
        """The files that are the database, so that no tree takes them as they are just being written."""
        if not self.path:
            return []
        beside = ("-journal", "-wal", "-shm") if self.engine == "sqlite" else ()
        return [self.path, *(self.path + end for end in beside)]

    def connection(self, root: str, admin: AdminLogin | None) -> DatabaseConnection:
        """How its dump tool connects. Without a word about it, the admin is whom the engine's packages let in."""
        is_local = self.place[1] == ""
        admin = admin or AdminLogin(run_as=PACKAGED_ADMINS.get(self.engine) if is_local else None)
        return DatabaseConnection(
            engine=self.engine,
            database=self.database,
            path=posixpath.join(root, self.path.lstrip("/")) if self.path else "",
            host=self.host,
            port=self.port,
            socket=self.socket,
            username=self.username,
            password=self.password,
            run_as=self.run_as,
            admin_username=admin.username,
            admin_password=admin.password,
            admin_run_as=admin.run_as,
        )


@dataclass(frozen=True)
class AdminLogin:
    """Who may make databases and users anew; ``run_as``: the system account as whom no password is needed."""

    username: str = option(text, "")
    password: str = field(default="", repr=False, metadata={"check": _text_or_empty})
    run_as: bool | str | None = option(_run_as, None)


def admin_login(value: Any) -> AdminLogin:
    """An admin's login as an operator writes it. Raises ValueError or OptionInvalid."""
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of username, password and run_as")
    return parse_options(AdminLogin, value)


def declared(value: Any) -> list[KamailioDatabase]:
    """Databases as an operator writes them. Raises ValueError or OptionInvalid."""
    listed = [value] if isinstance(value, Mapping) else value
    if not isinstance(listed, (list, tuple)) or not all(isinstance(item, Mapping) for item in listed):
        raise ValueError("auto, none, or a list of databases with engine, and database or path")
    found = [parse_options(KamailioDatabase, item) for item in listed]
    for database in found:
        if not database.engine:
            raise OptionInvalid("A database needs an engine", hint=f"There are {', '.join(ENGINES)}.")
        if not database.is_named:
            needed = "path" if database.engine in ("sqlite", DBTEXT) else "database"
            raise OptionInvalid(f"A database of engine {database.engine} needs {needed}")
    return found


def configured(config: KamailioConfig) -> list[KamailioDatabase]:
    """The databases that module parameters name, each once, in the order of the configuration."""
    found: dict[tuple[str, str, int, str, str], KamailioDatabase] = {}
    for (_module, name), values in config.modparams.items():
        for value in values:
            url = _URL.search(value)
            if not url or (url["scheme"] in _OTHER_SCHEMES and not _URL_PARAMETER.search(name)):
                continue
            database = from_url(url[0])
            known = found.get(database.place)
            if known is None or (database.password and not known.password):
                found[database.place] = database
    return list(found.values())


def unknown(config: KamailioConfig) -> list[str]:
    """Why there may be databases that :func:`configured` does not find, each in a sentence without any value."""
    reasons = [
        f"{name} of {module} names a database in a way that is not understood{_named(value)}"
        for (module, name), values in config.modparams.items()
        if _DATABASE_PARAMETER.search(name)
        for value in values
        if value.strip() and not _URL.search(value) and not value.startswith(_NO_DATABASE)
    ]
    reasons += [
        f"{module} has no db_url, so it uses the database that is compiled into it"
        for module in dict.fromkeys(config.modules)
        if _uses_database(config, module) and not _parameter(config, module, "db_url")
    ]
    reasons += [
        f"nobody here can tell whether #!ifexp {one} holds, and its #!else names one" for one in config.undecided
    ]
    engines = {database.engine for database in configured(config)}
    drivers = dict.fromkeys(module for module in config.modules if module in _DRIVERS)
    return reasons or [
        f"the driver {driver} is loaded, and no parameter names a database of its kind"
        for driver in drivers
        if _DRIVERS[driver] not in engines
    ]


def _named(value: str) -> str:
    return f" ({value})" if _NAME_OF_VALUE.fullmatch(value) else ""


def _parameter(config: KamailioConfig, module: str, name: str) -> str:
    """The last value; the module of a parameter may be a pattern."""
    found = ""
    for (pattern, parameter), values in config.modparams.items():
        if parameter == name and (pattern == module or _matches(pattern, module)):
            found = values[-1]
    return found


def _matches(pattern: str, module: str) -> bool:
    try:
        return re.fullmatch(pattern, module) is not None
    except re.error:
        return False


def _uses_database(config: KamailioConfig, module: str) -> bool:
    return module in _ALWAYS or (module in _WITH_MODE and _parameter(config, module, "db_mode") not in ("", "0"))


def from_url(url: str) -> KamailioDatabase:
    """A database from ``scheme://[user[:password]@]host[:port]/database``, read as Kamailio reads it.

    The password reaches to the last @. For SQLite the path follows the third slash, for the text database the second.
    """
    scheme, _separator, rest = url.partition("://")
    engine = _SCHEMES.get(scheme, scheme)
    if engine == DBTEXT:
        return KamailioDatabase(engine=engine, path=_absolute(rest))
    if engine == "sqlite":
        return KamailioDatabase(engine=engine, path=_absolute(rest.partition("/")[2]))
    login, at, place = rest.rpartition("@")
    username, _colon, password = login.partition(":") if at else ("", "", "")
    address, _slash, database = place.partition("/")
    host, port_text = _host_and_port(address)
    return KamailioDatabase(
        engine=engine,
        database=database.partition("?")[0],
        host=host,
        port=int(port_text) if port_text.isdigit() else 0,
        username=username,
        password=password,
    )


def labels(databases: Iterable[KamailioDatabase]) -> list[str]:
    """A distinct name for each database."""
    out: list[str] = []
    for database in databases:
        label, count = database.label, 1
        while label in out:
            count += 1
            label = f"{database.label}-{count}"
        out.append(label)
    return out


def _absolute(path: str) -> str:
    return "/" + posixpath.normpath("/" + path.partition("?")[0]).lstrip("/")


def _host_and_port(address: str) -> tuple[str, str]:
    if address.startswith("["):
        host, _bracket, rest = address[1:].partition("]")
        return host, rest.lstrip(":")
    host, _colon, port_text = address.partition(":")
    return host, port_text
