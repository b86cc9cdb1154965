# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands behind the wire: databases, sessions, locks, history, and SQL Server's own errors.

Numbers and severities are those of ``sys.messages``; texts are the English ones, shortened.
"""

from __future__ import annotations

import datetime
import errno
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import backup_file
from .disk import Disk
from .grammar import Statement, Violation, parse
from .wire import DONE_COUNT, DONE_ERROR, Column, done, message, result

ONLINE, RESTORING = "ONLINE", "RESTORING"
MULTI, SINGLE = "MULTI_USER", "SINGLE_USER"
EXPRESS = 4


class Refused(Exception):
    """The statement ends with errors: number, severity, text."""

    def __init__(self, *errors: tuple[int, int, str]) -> None:
        super().__init__(errors)
        self.errors = errors


class HangUp(Exception):
    """The server is gone in the middle of an answer."""


class Silence(Exception):
    """The server says nothing more."""


Happening = Callable[["Engine"], None]
"""What a test lets happen in the middle of a statement. May raise Refused, HangUp or Silence."""


@dataclass(frozen=True)
class File:
    """A file of a database. ``kind``: D or L."""

    logical: str
    physical: str
    kind: str = "D"
    size: int = 8 * 2**20


@dataclass(frozen=True)
class User:
    """A user of a database, known by the SID of its login."""

    name: str
    sid: str


@dataclass
class Database:
    """A database. ``tables``: name with schema -> rows. ``certificate``: thumbprint in hex, when it is encrypted.
    ``damaged``: what a check finds."""

    name: str
    tables: dict[str, list[str]]
    files: list[File]
    users: list[User] = field(default_factory=list)
    recovery_model: str = "FULL"
    compatibility_level: int = 150
    collation: str = "Latin1_General_CI_AS"
    certificate: str = ""
    state: str = ONLINE
    access: str = MULTI
    damaged: str = ""
    single_user: int = 0

    @property
    def content(self) -> dict[str, Any]:
        """What is in a backup of it."""
        return {
            "tables": {name: list(rows) for name, rows in self.tables.items()},
            "users": [[user.name, user.sid] for user in self.users],
            "recovery_model": self.recovery_model,
            "compatibility_level": self.compatibility_level,
            "collation": self.collation,
        }


@dataclass
class Session:
    """Somebody who is logged in. ``database``: the one that it is in."""

    spid: int
    login: str
    host: str
    program: str
    database: str = "master"


@dataclass(frozen=True)
class Restored:
    """A row of the history of restores."""

    database: str
    backup_set: str


class Engine:
    """One instance of SQL Server. ``rights``: what its logins have on the server. ``statements``: all that came.

    ``violations``: those of them that nobody may send. ``happen``: statement's kind -> what happens in its middle,
    once. ``backup_folder`` None: a version that does not tell it.
    """

    def __init__(
        self, disk: Disk, databases: Sequence[Database] = (), *, version: str = "15.0.4430.1", engine_edition: int = 2
    ) -> None:
        self.disk = disk
        self.databases = {database.name: database for database in databases}
        self.version = version
        self.engine_edition = engine_edition
        self.server_name = "SQL1\\UC"
        self.edition = "Express Edition (64-bit)" if engine_edition == EXPRESS else "Standard Edition (64-bit)"
        self.compresses = engine_edition != EXPRESS
        self.backup_folder: str | None = "C:\\Backup"
        self.data_folder = "C:\\Data"
        self.log_folder = "C:\\Log"
        self.folders = {"C:\\Data", "C:\\Log", "C:\\Backup"}
        self.logins = {"backup": ("Kennwort-1", "0x01")}
        self.windows_accounts: dict[str, str] = {}
        self.other_sids: set[str] = set()
        self.certificates: set[str] = set()
        self.rights = {"VIEW SERVER STATE", "VIEW ANY DEFINITION"}
        self.sessions: dict[int, Session] = {}
        self.locks: dict[str, int] = {}
        self.restored: list[Restored] = []
        self.statements: list[str] = []
        self.violations: list[str] = []
        self.happen: dict[str, Happening] = {}
        self.may_write = self.may_check = self.may_read_msdb = self.sees_tables = True
        self.may_back_up = True
        self.guard = threading.RLock()
        self._next_spid = 51

    # --- sessions ----------------------------------------------------------------------------------------------------
    def enter(self, login: str, host: str, program: str, database: str = "master") -> Session:
        """Somebody logs in."""
        with self.guard:
            session = Session(self._next_spid, login, host, program, database)
            self._next_spid += 1
            self.sessions[session.spid] = session
            return session

    def leave(self, session: Session) -> None:
        """Somebody is gone, and its locks with it."""
        with self.guard:
            self.sessions.pop(session.spid, None)
            self.locks = {name: owner for name, owner in self.locks.items() if owner != session.spid}
            for database in self.databases.values():
                if database.single_user == session.spid:
                    database.single_user = 0

    # --- statements --------------------------------------------------------------------------------------------------
    def execute(self, session: Session, sql: str) -> Iterator[bytes]:
        """The answer, token by token."""
        self.statements.append(sql)
        try:
            statement = parse(sql)
        except Violation as violation:
            self.violations.append(str(violation))
            yield self._error(102, 15, "Incorrect syntax, says the stand-in")
            yield done(DONE_ERROR)
            return
        try:
            yield from getattr(self, f"_{statement.kind}")(session, statement)
        except Refused as refused:
            for number, severity, text in refused.errors:
                yield self._error(number, severity, text)
            yield done(DONE_ERROR)

    def _error(self, number: int, severity: int, text: str) -> bytes:
        return message(number, severity, text, self.server_name)

    def _rows(self, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Iterator[bytes]:
        yield result(columns, rows)
        yield done(DONE_COUNT, len(rows))

    def _halfway(self, kind: str) -> Iterator[bytes]:
        yield message(3211, 10, "50 percent processed.", self.server_name)
        happening = self.happen.pop(kind, None)
        if happening is not None:
            happening(self)

    def _there(self, name: str) -> Database:
        database = self._find(name)
        if database is None:
            raise Refused((911, 16, f"Database '{name}' does not exist. Make sure that the name is entered correctly."))
        return database

    def _find(self, name: str) -> Database | None:
        """As the server's collation compares names."""
        return next((one for one in self.databases.values() if one.name.casefold() == name.casefold()), None)

    def _usable(self, name: str) -> Database:
        database = self._there(name)
        if database.state == RESTORING:
            raise Refused((927, 14, f"Database '{name}' cannot be opened. It is in the middle of a restore."))
        return database

    # --- looking -----------------------------------------------------------------------------------------------------
    def _server(self, session: Session, statement: Statement) -> Iterator[bytes]:
        known = {
            "ServerName": self.server_name,
            "MachineName": self.server_name.partition("\\")[0],
            "ComputerNamePhysicalNetBIOS": "NODE-A",
            "ProductVersion": self.version,
            "Edition": self.edition,
            "EngineEdition": self.engine_edition,
            "Collation": "Latin1_General_CI_AS",
            "InstanceDefaultBackupPath": self.backup_folder,
            "InstanceDefaultDataPath": self.data_folder + "\\",
            "InstanceDefaultLogPath": self.log_folder + "\\",
        }
        aliases = re.findall(r" AS (\w+)(?:,|\Z)", self.statements[-1])
        kinds = ["int" if name == "EngineEdition" else "nvarchar" for name in statement.words]
        columns = [Column(alias, kind) for alias, kind in zip(aliases, kinds)]
        yield from self._rows(columns, [[known[name] for name in statement.words]])

    def _database(self, session: Session, statement: Statement) -> Iterator[bytes]:
        name, *columns = statement.words
        database = self._find(name)
        kinds = {"compatibility_level": "tinyint", "is_encrypted": "bit"}
        rows = []
        if database is not None:
            facts = {
                "name": database.name,
                "state_desc": database.state,
                "user_access_desc": database.access,
                "recovery_model_desc": database.recovery_model,
                "compatibility_level": database.compatibility_level,
                "collation_name": database.collation if database.state == ONLINE else None,
                "is_encrypted": bool(database.certificate),
            }
            rows.append([facts[column] for column in columns])
        yield from self._rows([Column(column, kinds.get(column, "nvarchar")) for column in columns], rows)

    def _files(self, session: Session, statement: Statement) -> Iterator[bytes]:
        database = self._find(statement.words[0])
        rows = [[one.logical, one.physical] for one in database.files] if database else []
        yield from self._rows([Column("name"), Column("physical_name")], rows)

    def _tables(self, session: Session, statement: Statement) -> Iterator[bytes]:
        database = self._usable(statement.words[0])
        if not self.sees_tables:
            self.violations.append("tables were asked for by a login that does not see them all")
        columns = [Column("schema_name"), Column("table_name"), Column("row_count", "bigint")]
        rows = [[*name.split(".", 1), len(rows)] for name, rows in database.tables.items()]
        yield from self._rows(columns, rows)

    def _used(self, session: Session, statement: Statement) -> Iterator[bytes]:
        database = self._usable(statement.words[0])
        size = sum(len(row) for rows in database.tables.values() for row in rows) + 2**20
        yield from self._rows([Column("bytes", "bigint")], [[size]])

    def _sessions(self, session: Session, statement: Statement) -> Iterator[bytes]:
        others = self._in(statement.words[0], session) if "VIEW SERVER STATE" in self.rights else []
        columns = [Column("session_id", "smallint"), *map(Column, ("login_name", "host_name", "program_name"))]
        yield from self._rows(columns, [[one.spid, one.login, one.host, one.program] for one in others])

    def _may(self, session: Session, statement: Statement) -> Iterator[bytes]:
        yield from self._rows([Column("may", "int")], [[int(statement.words[0] in self.rights)]])

    def _may_see_all(self, session: Session, statement: Statement) -> Iterator[bytes]:
        database = self._find(statement.words[0].removeprefix("[").removesuffix("]").replace("]]", "]"))
        there = database is not None and database.state == ONLINE
        yield from self._rows([Column("may", "int")], [[int(self.sees_tables) if there else None]])

    def _may_back_up(self, session: Session, statement: Statement) -> Iterator[bytes]:
        there = self._find(statement.words[0].removeprefix("[").removesuffix("]").replace("]]", "]")) is not None
        yield from self._rows([Column("may", "int")], [[int(self.may_back_up) if there else None]])

    def _last_restored(self, session: Session, statement: Statement) -> Iterator[bytes]:
        if not self.may_read_msdb:
            raise Refused((229, 14, "The SELECT permission was denied on the object 'restorehistory'."))
        sets = [one.backup_set for one in self.restored if one.database.casefold() == statement.words[0].casefold()]
        yield from self._rows([Column("backup_set")], [[sets[-1]]] if sets else [])

    def _users_without_login(self, session: Session, statement: Statement) -> Iterator[bytes]:
        known = {sid for _password, sid in self.logins.values()} | self.other_sids
        users = self._usable(statement.words[0]).users
        yield from self._rows([Column("name")], [[user.name] for user in users if user.sid not in known])

    def _in(self, name: str, but: Session) -> list[Session]:
        inside = [one for one in self.sessions.values() if one.database.casefold() == name.casefold()]
        return [one for one in inside if one is not but]

    # --- locks -------------------------------------------------------------------------------------------------------
    def _lock(self, session: Session, statement: Statement) -> Iterator[bytes]:
        with self.guard:
            owner = self.locks.setdefault(statement.words[0], session.spid)
        yield from self._rows([Column("result", "int")], [[0 if owner == session.spid else -1]])

    def _unlock(self, session: Session, statement: Statement) -> Iterator[bytes]:
        if self.locks.pop(statement.words[0], None) != session.spid:
            raise Refused((1223, 16, "Cannot release the application lock because it is not currently held."))
        yield done()

    # --- backup ------------------------------------------------------------------------------------------------------
    def _backup(self, session: Session, statement: Statement) -> Iterator[bytes]:
        name, path = statement.words
        abnormal = (3013, 16, "BACKUP DATABASE is terminating abnormally.")
        database = self._usable(name)
        if "COMPRESSION" in statement.options and not self.compresses:
            raise Refused((1844, 16, f"BACKUP DATABASE WITH COMPRESSION is not supported on {self.edition}."), abnormal)
        if not self.may_write:
            text = f"Cannot open backup device '{path}'. Operating system error 5(Access is denied.)."
            raise Refused((3201, 16, text), abnormal)
        header = self._header_of(database)
        raw = backup_file.write(header, database.content, compressed="COMPRESSION" in statement.options)
        self._put(path, raw[: len(raw) // 2], abnormal)
        yield from self._halfway("backup")
        self._put(path, raw, abnormal)
        yield message(3211, 10, "100 percent processed.", self.server_name)
        yield message(4035, 0, f"Processed 312 pages for database '{database.name}'.", self.server_name)
        yield message(3014, 0, "BACKUP DATABASE successfully processed 314 pages.", self.server_name)
        yield done()

    def _put(self, path: str, raw: bytes, abnormal: tuple[int, int, str]) -> None:
        try:
            self.disk.write(path, raw)
        except FileNotFoundError:
            text = f"Cannot open backup device '{path}'. Operating system error 3(The system cannot find the path"
            raise Refused((3201, 16, text + " specified.)."), abnormal) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            text = f'Write on "{path}" failed: 112(There is not enough space on the disk.)'
            raise Refused((3202, 16, text), abnormal) from None

    def _header_of(self, database: Database) -> dict[str, Any]:
        return {
            "backup_set": str(uuid.uuid4()).upper(),
            "database": database.name,
            "server": self.server_name,
            "version": [int(part) for part in self.version.split(".")[:3]],
            "database_version": 904,
            "recovery_model": database.recovery_model,
            "compatibility_level": database.compatibility_level,
            "collation": database.collation,
            "certificate": database.certificate,
            "files": [[one.logical, one.physical, one.kind, one.size] for one in database.files],
            "finished": datetime.datetime(2026, 1, 31, 12, 0, 0).isoformat(),
        }

    # --- reading backups ---------------------------------------------------------------------------------------------
    def _raw(self, path: str, what: str) -> bytes:
        abnormal = (3013, 16, f"{what} is terminating abnormally.")
        try:
            return self.disk.read(path)
        except FileNotFoundError:
            text = f"Cannot open backup device '{path}'. Operating system error 2(The system cannot find the file"
            raise Refused((3201, 16, text + " specified.)."), abnormal) from None

    def _whole(self, path: str, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
        abnormal = (3013, 16, f"{what} is terminating abnormally.")
        raw = self._raw(path, what)
        try:
            return backup_file.read(raw)
        except backup_file.NoBackup:
            text = f"The media family on device '{path}' is incorrectly formed. SQL Server cannot process it."
            raise Refused((3241, 16, text), abnormal) from None
        except backup_file.Damaged:
            raise Refused((3203, 16, f'Read on "{path}" failed: 38(Reached the end of the file.)'), abnormal) from None

    def _told(self, path: str, what: str) -> dict[str, Any]:
        abnormal = (3013, 16, f"{what} is terminating abnormally.")
        try:
            return backup_file.read_header(self._raw(path, what))
        except (backup_file.NoBackup, backup_file.Damaged):
            text = f"The media family on device '{path}' is incorrectly formed. SQL Server cannot process it."
            raise Refused((3241, 16, text), abnormal) from None

    def _verify(self, session: Session, statement: Statement) -> Iterator[bytes]:
        header, _content = self._whole(statement.words[0], "VERIFY DATABASE")
        self._demand_certificate(header, "VERIFY DATABASE")
        yield from self._halfway("verify")
        yield message(3262, 0, "The backup set on file 1 is valid.", self.server_name)
        yield done()

    def _header(self, session: Session, statement: Statement) -> Iterator[bytes]:
        told = self._told(statement.words[0], "RESTORE HEADERONLY")
        finished = datetime.datetime.fromisoformat(told["finished"])
        lsn = "37000000051200001"
        row: dict[str, tuple[str, Any]] = {
            "BackupName": ("nvarchar", None),
            "BackupDescription": ("nvarchar", None),
            "BackupType": ("smallint", 1),
            "ExpirationDate": ("datetime", None),
            "Compressed": ("tinyint", int(told["stored_size"] != told["size"])),
            "Position": ("smallint", 1),
            "DeviceType": ("tinyint", 2),
            "UserName": ("nvarchar", session.login),
            "ServerName": ("nvarchar", told["server"]),
            "DatabaseName": ("nvarchar", told["database"]),
            "DatabaseVersion": ("int", told["database_version"]),
            "DatabaseCreationDate": ("datetime", finished),
            "BackupSize": ("numeric", told["size"]),
            "FirstLSN": ("numeric", lsn),
            "LastLSN": ("numeric", lsn),
            "CheckpointLSN": ("numeric", lsn),
            "DatabaseBackupLSN": ("numeric", 0),
            "BackupStartDate": ("datetime", finished),
            "BackupFinishDate": ("datetime", finished),
            "SortOrder": ("smallint", 0),
            "CodePage": ("smallint", 0),
            "UnicodeLocaleId": ("int", 1033),
            "UnicodeComparisonStyle": ("int", 196609),
            "CompatibilityLevel": ("tinyint", told["compatibility_level"]),
            "SoftwareVendorId": ("int", 4608),
            "SoftwareVersionMajor": ("int", told["version"][0]),
            "SoftwareVersionMinor": ("int", told["version"][1]),
            "SoftwareVersionBuild": ("int", told["version"][2]),
            "MachineName": ("nvarchar", "SQL1"),
            "Flags": ("int", 528),
            "BindingID": ("uniqueidentifier", uuid.UUID(int=1)),
            "RecoveryForkID": ("uniqueidentifier", uuid.UUID(int=2)),
            "Collation": ("nvarchar", told["collation"]),
            "FamilyGUID": ("uniqueidentifier", uuid.UUID(int=3)),
            "HasBulkLoggedData": ("bit", 0),
            "IsSnapshot": ("bit", 0),
            "IsReadOnly": ("bit", 0),
            "IsSingleUser": ("bit", 0),
            "HasBackupChecksums": ("bit", 1),
            "IsDamaged": ("bit", 0),
            "BeginsLogChain": ("bit", 0),
            "HasIncompleteMetaData": ("bit", 0),
            "IsForceOffline": ("bit", 0),
            "IsCopyOnly": ("bit", 1),
            "FirstRecoveryForkID": ("uniqueidentifier", uuid.UUID(int=2)),
            "ForkPointLSN": ("numeric", None),
            "RecoveryModel": ("nvarchar", told["recovery_model"]),
            "DifferentialBaseLSN": ("numeric", None),
            "DifferentialBaseGUID": ("uniqueidentifier", None),
            "BackupTypeDescription": ("nvarchar", "Database"),
            "BackupSetGUID": ("uniqueidentifier", told["backup_set"]),
            "CompressedBackupSize": ("bigint", told["stored_size"]),
            "containment": ("tinyint", 0),
            "KeyAlgorithm": ("nvarchar", None),
            "EncryptorThumbprint": ("varbinary", None),
            "EncryptorType": ("nvarchar", None),
        }
        columns = [Column(name, kind) for name, (kind, _value) in row.items()]
        yield from self._rows(columns, [[value for _kind, value in row.values()]])

    def _file_list(self, session: Session, statement: Statement) -> Iterator[bytes]:
        told = self._told(statement.words[0], "RESTORE FILELIST")
        certificate = bytes.fromhex(told["certificate"]) or None
        columns = [
            Column("LogicalName"),
            Column("PhysicalName"),
            Column("Type", "char"),
            Column("FileGroupName"),
            Column("Size", "numeric"),
            Column("MaxSize", "numeric"),
            Column("FileId", "bigint"),
            Column("IsPresent", "bit"),
            Column("TDEThumbprint", "varbinary"),
        ]
        rows = [
            [name, place, kind, "PRIMARY" if kind == "D" else None, size, 2**44, number, 1, certificate]
            for number, (name, place, kind, size) in enumerate(told["files"], 1)
        ]
        yield from self._rows(columns, rows)

    def _demand_certificate(self, header: dict[str, Any], what: str) -> None:
        thumbprint = header["certificate"]
        if thumbprint and thumbprint not in self.certificates:
            raise Refused(
                (33111, 16, f"Cannot find server certificate with thumbprint '0x{thumbprint}'."),
                (3013, 16, f"{what} is terminating abnormally."),
            )

    # --- restore -----------------------------------------------------------------------------------------------------
    def _restore(self, session: Session, statement: Statement) -> Iterator[bytes]:
        name, path = statement.words
        abnormal = (3013, 16, "RESTORE DATABASE is terminating abnormally.")
        header, content = self._whole(path, "RESTORE DATABASE")
        if header["version"][0] > int(self.version.partition(".")[0]):
            text = "The database was backed up on a server running a newer version than this server."
            raise Refused((3169, 16, text), abnormal)
        self._demand_certificate(header, "RESTORE DATABASE")
        files = self._placed(name, header, dict(statement.moves), abnormal)
        database = self._find(name)
        if database is not None and self._in(name, session):
            raise Refused(
                (3101, 16, "Exclusive access could not be obtained because the database is in use."), abnormal
            )
        if database is None:
            database = self.databases[name] = Database(name, {}, files)
        database.state, database.tables = RESTORING, {}
        yield from self._halfway("restore")
        self.databases[database.name] = replace(
            database,
            tables={table: list(rows) for table, rows in content["tables"].items()},
            users=[User(*user) for user in content["users"]],
            recovery_model=content["recovery_model"],
            compatibility_level=content["compatibility_level"],
            collation=content["collation"],
            certificate=header["certificate"],
            files=files,
            state=ONLINE,
        )
        self.restored.append(Restored(database.name, header["backup_set"]))
        yield message(3014, 0, "RESTORE DATABASE successfully processed 314 pages.", self.server_name)
        yield done()

    def _placed(
        self, name: str, header: dict[str, Any], moves: dict[str, str], abnormal: tuple[int, int, str]
    ) -> list[File]:
        logical = [one[0] for one in header["files"]]
        for moved in moves:
            if moved not in logical:
                text = f"Logical file '{moved}' is not part of database '{name}'. Use RESTORE FILELISTONLY."
                raise Refused((3234, 16, text), abnormal)
        others = {
            one.physical.casefold()
            for database in self.databases.values()
            if database.name.casefold() != name.casefold()
            for one in database.files
        }
        files = []
        for one, place, kind, size in header["files"]:
            physical = moves.get(one, place)
            if physical.casefold() in others:
                text = f"The file '{physical}' cannot be overwritten. It is being used by another database."
                raise Refused((1834, 16, text), abnormal)
            if physical.rpartition("\\")[0] not in self.folders:
                text = f'Directory lookup for the file "{physical}" failed with the operating system error 3(...).'
                raise Refused((5133, 16, text), (3156, 16, f"File '{one}' cannot be restored."), abnormal)
            files.append(File(one, physical, kind, size))
        return files

    # --- who may be in -----------------------------------------------------------------------------------------------
    def _single_user(self, session: Session, statement: Statement) -> Iterator[bytes]:
        database = self._alterable(statement.words[0])
        with self.guard:
            for other in self._in(database.name, session):
                del self.sessions[other.spid]
            database.access, database.single_user = SINGLE, session.spid
        yield message(5060, 10, "Nonqualified transactions are being rolled back.", self.server_name)
        yield done()

    def _multi_user(self, session: Session, statement: Statement) -> Iterator[bytes]:
        happening = self.happen.pop("multi_user", None)
        if happening is not None:
            happening(self)
        database = self._alterable(statement.words[0])
        database.access, database.single_user = MULTI, 0
        yield done()

    def _alterable(self, name: str) -> Database:
        database = self._there(name)
        if database.state != ONLINE:
            raise Refused(
                (5052, 16, "ALTER DATABASE is not permitted while a database is in the Restoring state."),
                (5069, 16, "ALTER DATABASE statement failed."),
            )
        return database

    def _check(self, session: Session, statement: Statement) -> Iterator[bytes]:
        database = self._usable(statement.words[0])
        if not self.may_check:
            raise Refused(
                (7983, 14, f"User 'backup' does not have permission to run DBCC checkdb for '{database.name}'.")
            )
        if database.damaged:
            raise Refused((8928, 16, database.damaged), (8990, 16, "CHECKDB found 1 consistency errors."))
        yield done()
