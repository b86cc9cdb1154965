# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kamailio: its configuration, its databases, its TLS material, and how it is started.

This is the product to read before another one is added. Options, probe, items, proofs and semantic difference are
declared here; how each is done stands in the files that it imports.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from .._compare.mask import Masker
from .._compare.mask_rules import KAMAILIO, Rules, rules_for
from .._compare.semantic import SemanticChange
from .._items.base import Item
from .._items.database import DatabaseDump
from .._items.packages import Packages, installed_version
from .._transport.base import Transport
from .base import Check, Probe, View
from .dbtext_schema import EmptyTables
from .demanded_files import DemandedFiles
from .kamailio_checks import check_answer, check_syntax
from .kamailio_config import KamailioConfig, parse
from .kamailio_counters import COUNTED, count
from .kamailio_database import (
    DBTEXT,
    SQL_ENGINES,
    AdminLogin,
    KamailioDatabase,
    admin_login,
    configured,
    declared,
    labels,
    unknown,
)
from .kamailio_files import files_referenced, find_main_file, included_outside, is_below, tls_files
from .kamailio_script import ReadFile
from .kamailio_semantic import TOPICS, Tables, compare, compare_dumps, dumps_in, read_tables
from .kamailio_startup import Startup, read_startup
from .kamailio_tables import TableClasses, table_classes
from .not_gatherable import NotGatherable
from .options import absolute_path, choice, list_of, option, parse_options, port, text, words
from .unix_host import TextReader, existing, look_at_host
from .unix_options import UnixOptions
from .unix_product import UnixProduct

PROGRAM = ("kamailio",)
CONTROL = ("kamcmd",)
STARTUP_FILES = (
    "/etc/default/kamailio",
    "/etc/default/kamailio.d",
    "/etc/sysconfig/kamailio",
    "/etc/systemd/system/kamailio.service",
    "/etc/systemd/system/kamailio.service.d",
    "/etc/systemd/system/kamailio@.service.d",
    "/etc/logrotate.d/kamailio",
    "/etc/rsyslog.d/*kamailio*",
)
_VERSION = re.compile(r"version: kamailio (?P<version>[0-9][\w.+~-]*)")


def _database(value: Any) -> str | list[KamailioDatabase]:
    return str(value) if value in ("auto", "none") else declared(value)


def _unread(files: Mapping[str, str]) -> NotGatherable:
    """They may name databases, keys and more that nobody knows of."""
    reason = "; ".join(f"{path} cannot be read, nor what it names ({why})" for path, why in files.items())
    return NotGatherable(name="unread-files", data_class="voip_config", reason=reason)


def _unknown(reasons: Sequence[str]) -> NotGatherable:
    """There may be databases that nobody would miss until they are needed."""
    reason = f"{'; '.join(reasons)}. Say with databases which there are, or set database to none"
    return NotGatherable(name="unknown-databases", data_class="voip_config", reason=reason)


@dataclass(frozen=True)
class KamailioOptions(UnixOptions):
    """``config_dir``, ``config_file``: where the configuration is. ``exclude``: what is left out of ``config_dir``.
    ``paths``: more files and folders that belong to this Kamailio. ``defines``: what its command line defines (``-A``).
    ``command``: how its program is called; ``control_command``: how it is asked what it does now.

    ``database``: ``auto`` takes the databases that the configuration names, ``none`` takes none, a list declares them.
    ``database_admin``: whose login a restore uses that finds no database or no user.
    ``log_tables``, ``user_data_tables``, ``volatile_tables``: tables of these kinds beyond the known ones.

    ``sip_host``, ``sip_port``, ``sip_transport``: where it is asked for its health; by default the first address on
    which it listens.
    """

    config_dir: str = option(absolute_path, "/etc/kamailio")
    config_file: str = option(absolute_path, "")
    exclude: Sequence[str] = option(list_of(text), ())
    paths: Sequence[str] = option(list_of(absolute_path), ())
    defines: Sequence[str] = option(list_of(text), ())
    command: Sequence[str] = option(words, PROGRAM)
    control_command: Sequence[str] = option(words, CONTROL)
    database: str | Sequence[KamailioDatabase] = option(_database, "auto")
    database_admin: AdminLogin | None = option(admin_login, None)
    log_tables: Sequence[str] = option(list_of(text), ())
    user_data_tables: Sequence[str] = option(list_of(text), ())
    volatile_tables: Sequence[str] = option(list_of(text), ())
    sip_host: str | None = option(text, None)
    sip_port: int | None = option(port, None)
    sip_transport: str | None = option(choice("udp", "tcp", "tls"), None)

    @property
    def main_file(self) -> str:
        """The main configuration file."""
        return self.config_file or posixpath.join(self.config_dir, "kamailio.cfg")


class Kamailio(UnixProduct):
    """A Kamailio SIP server. :class:`KamailioOptions` tells its options."""

    name = "kamailio"
    topics = TOPICS
    own_counters = ("services", *COUNTED)
    routes_calls_in_words = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(KamailioOptions, options)
        super().__init__(self.options, default_services=("kamailio",))

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        read = TextReader(transport, self.root, self.become)
        there = partial(existing, transport, self.root, self.become)
        host = look_at_host(transport, self.root, self.become)
        config, lacking = self._known_config(transport, read)
        tls = tls_files(config, read)
        databases = self._databases(config)
        classes = self._table_classes(config)
        version = self._version(transport)
        return Probe(
            release=f"kamailio {version}" if version else "",
            version=version,
            identity=host.identity,
            facts={
                **host.facts(),
                "config_paths": there([self.options.config_dir]),
                "included_files": included_outside(config, self.options.config_dir),
                "missing_includes": config.missing,
                "unread_files": read.unread,
                "tls_files": there(self._outside(tls)),
                "referenced_files": there(self._outside(files_referenced(config, tls)), files_only=True),
                "listens": config.listens,
                "unknown_databases": lacking,
                "databases": [database.facts() for database in databases],
                "tables": {
                    "logs": list(classes.logs),
                    "user_data": list(classes.user_data),
                    "volatile": list(classes.volatile),
                },
            },
            private={"databases": [database.to_json() for database in databases]},
        )

    # --- what is gathered --------------------------------------------------------------------------------------------
    def items(self, probe: Probe) -> list[Item]:
        facts = probe.facts
        databases = [KamailioDatabase(**known) for known in probe.private.get("databases", ())]
        classes = TableClasses(**{kind: tuple(names) for kind, names in facts.get("tables", {}).items()})
        config_paths = facts.get("config_paths") or [self.options.config_dir]
        kept_elsewhere = [path for database in databases for path in database.files()]
        items: list[Item] = [
            self.tree("configuration", config_paths, order=20, exclude=(*self.options.exclude, *kept_elsewhere)),
            self.tree("startup", STARTUP_FILES, "system_config", order=30, required=False),
        ]
        if facts.get("included_files"):
            items.append(self.tree("included-files", facts["included_files"], order=20, kind=DemandedFiles))
        if facts.get("tls_files"):
            items.append(self.tree("tls-files", facts["tls_files"], order=20, kind=DemandedFiles, sensitive=True))
        if facts.get("referenced_files"):
            items.append(self.tree("referenced-files", facts["referenced_files"], order=20, required=False))
        if self.options.paths:
            items.append(self.tree("additional-paths", self.options.paths, order=20, exclude=self.options.exclude))
        if facts.get("unread_files"):
            items.append(_unread(facts["unread_files"]))
        if facts.get("unknown_databases"):
            items.append(_unknown(facts["unknown_databases"]))
        for label, database in zip(labels(databases), databases):
            name = "database" if len(databases) == 1 else f"database-{label}"
            items.extend(self._database_items(name, database, classes))
        items.append(Packages(name="packages", data_class="system_config", required=False, order=90, root=self.root))
        return items

    def _database_items(self, name: str, database: KamailioDatabase, tables: TableClasses) -> list[Item]:
        if database.engine == DBTEXT:
            return self._text_tables(name, database.path, tables)
        if database.engine not in SQL_ENGINES or not database.is_named:
            reason = f"This database of {database.engine} cannot be dumped; say with the option database what to do"
            return [NotGatherable(name=name, data_class="voip_config", reason=reason)]
        dump = partial(
            DatabaseDump,
            consistency="dump",
            become=self.become,
            connection=database.connection(self.root, self.options.database_admin),
        )
        not_config = (*tables.logs, *tables.user_data)
        return [
            dump(name=name, data_class="voip_config", order=40, exclude=not_config, schema_only=tables.volatile),
            dump(name=f"{name}-accounting", data_class="logs", order=45, required=False, tables=tables.logs),
            dump(name=f"{name}-user-data", data_class="user_data", order=45, required=False, tables=tables.user_data),
        ]

    def _text_tables(self, name: str, folder: str, tables: TableClasses) -> list[Item]:
        logs, user_data, volatile = (
            [posixpath.join(folder, table) for table in names]
            for names in (tables.logs, tables.user_data, tables.volatile)
        )
        return [
            self.tree(name, [folder], order=40, exclude=(*logs, *user_data, *volatile)),
            self.tree(f"{name}-accounting", logs, "logs", order=45, required=False),
            self.tree(f"{name}-user-data", user_data, "user_data", order=45, required=False),
            self.tree(f"{name}-volatile", volatile, order=45, required=False, kind=EmptyTables),
        ]

    # --- proofs ------------------------------------------------------------------------------------------------------
    def validate(self, transport: Transport, probe: Probe) -> list[Check]:
        options = self.options
        check = check_syntax(transport, options.command, options.defines, self.root, options.main_file, self.become)
        if check.ok is False and self._may_be_another_program:
            return [Check(check.name, None, f"cannot be judged by the host's own program: {check.detail}")]
        return [check]

    def health(self, transport: Transport, probe: Probe) -> list[Check]:
        options, listens = self.options, probe.facts.get("listens", [])
        return [
            *self.service_checks(transport, self.services(probe)),
            check_answer(transport, listens, options.sip_host, options.sip_port, options.sip_transport),
        ]

    def counters(self, transport: Transport, probe: Probe) -> dict[str, int]:
        return {**super().counters(transport, probe), **count(transport, self.options.control_command, self.become)}

    def release_must_match(self, then: Probe, now: Probe) -> bool:
        """Parameters and table versions may change with every release but those that only mend, like 5.6.2 to 5.6.3."""
        if not then.version or not now.version:
            return False
        return then.version.split(".")[:2] != now.version.split(".")[:2]

    # --- differences -------------------------------------------------------------------------------------------------
    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        old_dumps, new_dumps = dumps_in(old), dumps_in(new)
        old_config, old_tables = self._state(old, old_dumps & new_dumps, masker)
        new_config, new_tables = self._state(new, old_dumps & new_dumps, masker)
        changes = compare(old_config, new_config, old_tables, new_tables, masker)
        return [*compare_dumps(old_dumps, new_dumps), *changes]

    def mask_rules(self, path: bytes) -> Rules:
        return KAMAILIO if path.endswith(b".cfg") or path == self.options.main_file.encode() else rules_for(path)

    def _state(self, view: View, dumps: Set[bytes], masker: Masker) -> tuple[KamailioConfig, Tables]:
        main_file = find_main_file(view, self.options.main_file)
        config = self._parse(lambda path: view.get(path.encode("utf-8", "surrogateescape")), main_file)
        folders = [database.path for database in self._databases(config) if database.engine == DBTEXT]
        return config, read_tables(view, config, dumps, folders, self._table_classes(config), masker)

    # --- the configuration -------------------------------------------------------------------------------------------
    def _known_config(self, transport: Transport, read: ReadFile) -> tuple[KamailioConfig, list[str]]:
        """The configuration, and why it may have databases that are not known. How Kamailio is started is looked at
        only where the configuration alone does not tell its databases."""
        config = self._parse(read, self.options.main_file)
        if self.options.database != "auto" or (configured(config) and not unknown(config)):
            return config, []
        startup = read_startup(transport, self.root, self.become)
        if startup.environment or startup.defines:
            config = self._parse(read, self.options.main_file, startup)
        return config, unknown(config)

    def _parse(self, read: ReadFile, main_file: str, startup: Startup | None = None) -> KamailioConfig:
        startup = startup or Startup()
        declared_defines = dict(define.partition("=")[::2] for define in self.options.defines)
        return parse(main_file, read, {**startup.defines, **declared_defines}, startup.environment)

    def _databases(self, config: KamailioConfig) -> list[KamailioDatabase]:
        if isinstance(self.options.database, str):
            return [] if self.options.database == "none" else configured(config)
        return list(self.options.database)

    def _table_classes(self, config: KamailioConfig) -> TableClasses:
        options = self.options
        return table_classes(config, options.log_tables, options.user_data_tables, options.volatile_tables)

    def _outside(self, paths: Sequence[str]) -> list[str]:
        return [path for path in paths if not is_below(path, self.options.config_dir)]

    @property
    def _may_be_another_program(self) -> bool:
        """Below another root the host's own Kamailio says nothing of the one there, unless ``command`` names it."""
        return self.root != "/" and tuple(self.options.command) == PROGRAM

    def _version(self, transport: Transport) -> str:
        version = "" if self._may_be_another_program else self._version_of_program(transport)
        return version or self._version_of_package(transport)

    def _version_of_program(self, transport: Transport) -> str:
        found = _VERSION.search(transport.run([*self.options.command, "-v"], become=self.become).text)
        return found["version"] if found else ""

    def _version_of_package(self, transport: Transport) -> str:
        version = installed_version(transport, "kamailio", self.root) or ""
        return version.rpartition(":")[2].partition("-")[0]
