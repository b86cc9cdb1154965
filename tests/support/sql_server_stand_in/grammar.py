# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every statement that a SQL Server may be sent, told once more and independently of the code that sends them.

Names of columns, properties and options are those of Microsoft's reference. What is not listed here is a violation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAME = r"\[((?:[^\]]|\]\])+)\]"
TEXT = r"N'((?:[^']|'')*)'"

SERVER_PROPERTIES = (
    "Collation",
    "ComputerNamePhysicalNetBIOS",
    "Edition",
    "EngineEdition",
    "InstanceDefaultBackupPath",
    "InstanceDefaultDataPath",
    "InstanceDefaultLogPath",
    "MachineName",
    "ProductVersion",
    "ServerName",
)
COLUMNS_OF_DATABASES = (
    "name",
    "state_desc",
    "user_access_desc",
    "recovery_model_desc",
    "compatibility_level",
    "collation_name",
    "is_encrypted",
)
_PROPERTY = r"CAST\(SERVERPROPERTY\('(\w+)'\) AS (nvarchar\(\d+\)|int)\) AS (\w+)"
PROPERTY = re.compile(_PROPERTY)

_STATEMENTS: Mapping[str, str] = {
    "server": rf"SELECT {_PROPERTY}(?:, {_PROPERTY})*",
    "database": rf"SELECT ((?:\w+, )*\w+) FROM sys\.databases WHERE name = {TEXT}",
    "files": rf"SELECT name, physical_name FROM sys\.master_files WHERE database_id = DB_ID\({TEXT}\)",
    "tables": rf"SELECT s\.name AS schema_name, t\.name AS table_name, SUM\(p\.rows\) AS row_count"
    rf" FROM {NAME}\.sys\.tables AS t"
    rf" INNER JOIN {NAME}\.sys\.schemas AS s ON s\.schema_id = t\.schema_id"
    rf" INNER JOIN {NAME}\.sys\.partitions AS p ON p\.object_id = t\.object_id AND p\.index_id IN \(0, 1\)"
    r" WHERE t\.is_ms_shipped = 0 GROUP BY s\.name, t\.name",
    "used": rf"SELECT SUM\(total_pages\) \* 8192 AS bytes FROM {NAME}\.sys\.allocation_units",
    "backup": rf"BACKUP DATABASE {NAME} TO DISK = {TEXT} WITH (.+)",
    "verify": rf"RESTORE VERIFYONLY FROM DISK = {TEXT} WITH CHECKSUM, STATS = \d+",
    "header": rf"RESTORE HEADERONLY FROM DISK = {TEXT}",
    "file_list": rf"RESTORE FILELISTONLY FROM DISK = {TEXT} WITH FILE = 1",
    "restore": rf"RESTORE DATABASE {NAME} FROM DISK = {TEXT} WITH (.+)",
    "single_user": rf"ALTER DATABASE {NAME} SET SINGLE_USER WITH ROLLBACK IMMEDIATE",
    "multi_user": rf"ALTER DATABASE {NAME} SET MULTI_USER WITH ROLLBACK IMMEDIATE",
    "check": rf"DBCC CHECKDB \({TEXT}\) WITH PHYSICAL_ONLY, NO_INFOMSGS",
    "sessions": r"SELECT session_id, login_name, host_name, program_name FROM sys\.dm_exec_sessions"
    rf" WHERE is_user_process = 1 AND session_id <> @@SPID AND database_id = DB_ID\({TEXT}\)",
    "may": rf"SELECT HAS_PERMS_BY_NAME\(NULL, NULL, {TEXT}\) AS may",
    "may_see_all": rf"SELECT HAS_PERMS_BY_NAME\({TEXT}, N'DATABASE', N'VIEW DEFINITION'\) AS may",
    "may_back_up": rf"SELECT HAS_PERMS_BY_NAME\({TEXT}, N'DATABASE', N'BACKUP DATABASE'\) AS may",
    "last_restored": r"SELECT TOP \(1\) CAST\(b\.backup_set_uuid AS nvarchar\(36\)\) AS backup_set"
    r" FROM msdb\.dbo\.restorehistory AS r"
    r" INNER JOIN msdb\.dbo\.backupset AS b ON b\.backup_set_id = r\.backup_set_id"
    rf" WHERE r\.destination_database_name = {TEXT} ORDER BY r\.restore_history_id DESC",
    "users_without_login": rf"SELECT p\.name FROM {NAME}\.sys\.database_principals AS p"
    r" LEFT JOIN sys\.server_principals AS s ON s\.sid = p\.sid"
    r" WHERE p\.principal_id > 4 AND p\.authentication_type_desc = N'INSTANCE' AND s\.sid IS NULL",
    "lock": rf"DECLARE @result int; EXEC @result = sys\.sp_getapplock @Resource = {TEXT},"
    r" @LockMode = N'Exclusive', @LockOwner = N'Session', @LockTimeout = 0; SELECT @result AS result",
    "unlock": rf"EXEC sys\.sp_releaseapplock @Resource = {TEXT}, @LockOwner = N'Session'",
}
_COMPILED = {name: re.compile(pattern, re.DOTALL) for name, pattern in _STATEMENTS.items()}

DEMANDED_OF_BACKUP = {"COPY_ONLY", "CHECKSUM", "INIT", "FORMAT", "STATS = 5"}
ALLOWED_OF_BACKUP = DEMANDED_OF_BACKUP | {"COMPRESSION", "NO_COMPRESSION"}
DEMANDED_OF_RESTORE = {"FILE = 1", "REPLACE", "RECOVERY", "CHECKSUM", "STATS = 5"}
_MOVE = re.compile(rf"MOVE {TEXT} TO {TEXT}")


class Violation(Exception):
    """A statement that nobody may send."""


@dataclass(frozen=True)
class Statement:
    """A statement by its name in the list, and what stands in its gaps, unquoted."""

    kind: str
    words: tuple[str, ...]
    options: frozenset[str] = frozenset()
    moves: tuple[tuple[str, str], ...] = ()


_WORD = re.compile(f"{re.escape(NAME)}|{re.escape(TEXT)}")
_IS_NAME = {kind: [found[0] == NAME for found in _WORD.finditer(pattern)] for kind, pattern in _STATEMENTS.items()}


def parse(sql: str) -> Statement:
    """Raises Violation."""
    for kind, pattern in _COMPILED.items():
        found = pattern.fullmatch(sql)
        if found is None:
            continue
        groups = [group or "" for group in found.groups()]
        if kind == "server":
            names = [one[1] for one in PROPERTY.finditer(sql)]
            if not set(names) <= set(SERVER_PROPERTIES):
                raise Violation(f"an unknown server property in {sql}")
            return Statement(kind, tuple(names))
        if kind == "database":
            columns = tuple(groups[0].split(", "))
            if not set(columns) <= set(COLUMNS_OF_DATABASES):
                raise Violation(f"an unknown column in {sql}")
            return Statement(kind, (_unquoted(groups[1], False), *columns))
        if kind == "tables" and len(set(groups)) != 1:
            raise Violation(f"several databases in {sql}")
        words = tuple(_unquoted(group, is_name) for group, is_name in zip(groups, _IS_NAME[kind]))
        if kind == "backup":
            return Statement(kind, words, _backup_options(groups[-1]))
        if kind == "restore":
            return Statement(kind, words, *_restore_options(groups[-1]))
        return Statement(kind, words)
    raise Violation(sql)


def _backup_options(told: str) -> frozenset[str]:
    options = told.split(", ")
    if not DEMANDED_OF_BACKUP <= set(options) <= ALLOWED_OF_BACKUP or len(options) != len(set(options)):
        raise Violation(f"BACKUP with {told}")
    return frozenset(options)


def _restore_options(told: str) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
    moves = tuple((_unquoted(name, False), _unquoted(place, False)) for name, place in _MOVE.findall(told))
    options = frozenset(part for part in _MOVE.sub("", told).split(", ") if part)
    if options != DEMANDED_OF_RESTORE:
        raise Violation(f"RESTORE with {told}")
    return options, moves


def _unquoted(word: str, is_name: bool) -> str:
    return word.replace("]]", "]") if is_name else word.replace("''", "'")
