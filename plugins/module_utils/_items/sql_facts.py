# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a SQL Server tells of itself, of a database, and of a backup file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .._errors import CommandFailed
from .._transport.tds import SqlServerTransport
from . import sql_statements

ONLINE = "ONLINE"
MULTI_USER = "MULTI_USER"
EXPRESS = 4
"""SERVERPROPERTY('EngineEdition') of Express and its kin, which cannot compress backups."""
_DATABASE_BACKUP = 1
_LOG_FILE = "L"


@dataclass(frozen=True)
class ServerFacts:
    """A SQL Server. Folders are empty where its version does not tell them."""

    server_name: str
    machine_name: str
    physical_host: str
    version: str
    edition: str
    engine_edition: int
    collation: str
    data_folder: str
    log_folder: str

    @property
    def major(self) -> int:
        """The first number of the version: 16 is SQL Server 2022."""
        return major_of(self.version)


@dataclass(frozen=True)
class DatabaseFacts:
    """A database as it is now. ``name`` as the server spells it."""

    name: str
    state: str
    access: str
    recovery_model: str
    compatibility_level: int
    collation: str
    encrypted: bool


@dataclass(frozen=True)
class LogicalFile:
    """One file of a database. ``kind``: D data, L log, S filestream, F full text."""

    name: str
    place: str
    kind: str
    size: int

    @property
    def is_log(self) -> bool:
        """Whether it belongs into the folder of logs."""
        return self.kind == _LOG_FILE


@dataclass(frozen=True)
class BackupFacts:
    """What is in a backup file. ``backup_set`` names this one backup among all there are.

    ``size`` is what was read of the database, ``stored_size`` what of it stands in the file.
    """

    backup_set: str
    database: str
    server_version: str
    database_version: int
    size: int
    stored_size: int
    recovery_model: str
    compatibility_level: int
    collation: str
    certificate: str
    files: Sequence[LogicalFile]

    @property
    def major(self) -> int:
        """The first number of the version of the server that wrote it."""
        return major_of(self.server_version)

    def to_json(self) -> dict[str, Any]:
        """All of it, for the entry."""
        return asdict(self)


def major_of(version: str) -> int:
    """The first number of a version; 0 when it has none."""
    first = version.partition(".")[0]
    return int(first) if first.isdigit() else 0


def look_at_server(transport: SqlServerTransport) -> ServerFacts:
    """What the server tells of itself."""
    row = _only(transport, sql_statements.SERVER)
    return ServerFacts(
        **{name: _text(row, name) for name in ServerFacts.__dataclass_fields__ if name != "engine_edition"},
        engine_edition=_number(row, "engine_edition"),
    )


def look_at_database(transport: SqlServerTransport, database: str) -> DatabaseFacts | None:
    """The database as it is now; None when there is none of this name."""
    rows = transport.execute(sql_statements.database_facts(database)).rows
    if not rows:
        return None
    row = rows[0]
    return DatabaseFacts(
        name=_text(row, "name"),
        state=_text(row, "state_desc"),
        access=_text(row, "user_access_desc"),
        recovery_model=_text(row, "recovery_model_desc"),
        compatibility_level=_number(row, "compatibility_level"),
        collation=_text(row, "collation_name"),
        encrypted=bool(row.get("is_encrypted")),
    )


def look_at_backup(transport: SqlServerTransport, path: str) -> BackupFacts:
    """What a file holds. Raises CommandFailed unless it is exactly one whole, undamaged backup of one database."""
    row = _only(transport, sql_statements.header(path))
    if _number(row, "BackupType") != _DATABASE_BACKUP or row.get("IsDamaged"):
        raise CommandFailed("The file is no whole, undamaged backup of a database", host=transport.host, item=path)
    files = transport.execute(sql_statements.file_list(path), patient=True).rows
    certificates = [one["TDEThumbprint"] for one in files if one.get("TDEThumbprint")]
    size = _number(row, "BackupSize")
    version = [_number(row, f"SoftwareVersion{part}") for part in ("Major", "Minor", "Build")]
    return BackupFacts(
        backup_set=str(row.get("BackupSetGUID", "")).upper(),
        database=_text(row, "DatabaseName"),
        server_version=".".join(map(str, version)),
        database_version=_number(row, "DatabaseVersion"),
        size=size,
        stored_size=_number(row, "CompressedBackupSize") if row.get("CompressedBackupSize") else size,
        recovery_model=_text(row, "RecoveryModel"),
        compatibility_level=_number(row, "CompatibilityLevel"),
        collation=_text(row, "Collation"),
        certificate=certificates[0].hex().upper() if certificates else "",
        files=[
            LogicalFile(
                _text(one, "LogicalName"), _text(one, "PhysicalName"), _text(one, "Type").strip(), _number(one, "Size")
            )
            for one in files
        ],
    )


def tables_of(transport: SqlServerTransport, database: str) -> dict[str, int] | None:
    """The tables of a database by schema and name, with the rows that the server counts; None when the login may not
    see them all."""
    if transport.execute(sql_statements.may_see_all(database)).value != 1:
        return None
    rows = transport.execute(sql_statements.table_names(database)).rows
    return {f"{_text(row, 'schema_name')}.{_text(row, 'table_name')}": _number(row, "row_count") for row in rows}


def _only(transport: SqlServerTransport, sql: str) -> Mapping[str, Any]:
    rows = transport.execute(sql, patient=True).rows
    if len(rows) != 1:
        raise CommandFailed(f"The SQL Server answers with {len(rows)} rows where one is due", host=transport.host)
    return rows[0]


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _number(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    return 0 if value is None else int(value)
