# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every statement that a SQL Server is sent, as text; one more is the transport's own, about its folder of backups.

All run in ``master`` and name databases in full.

Columns and options are those of Microsoft's reference; the rights that they need stand in docs/products/mssql.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._transport.tds import quoted_name, quoted_text

PROGRESS = "STATS = 5"
"""A message for every twentieth part: a sign of life."""

_SERVER_PROPERTIES = {
    "server_name": ("ServerName", "nvarchar(256)"),
    "machine_name": ("MachineName", "nvarchar(256)"),
    "physical_host": ("ComputerNamePhysicalNetBIOS", "nvarchar(256)"),
    "version": ("ProductVersion", "nvarchar(128)"),
    "edition": ("Edition", "nvarchar(128)"),
    "engine_edition": ("EngineEdition", "int"),
    "collation": ("Collation", "nvarchar(128)"),
    "data_folder": ("InstanceDefaultDataPath", "nvarchar(260)"),
    "log_folder": ("InstanceDefaultLogPath", "nvarchar(260)"),
}

SERVER = "SELECT " + ", ".join(
    f"CAST(SERVERPROPERTY('{name}') AS {kind}) AS {alias}" for alias, (name, kind) in _SERVER_PROPERTIES.items()
)
"""Facts of the server. What a version does not know yet is NULL."""


def database_facts(database: str) -> str:
    """Its name as the server spells it, its state and its settings."""
    return (
        "SELECT name, state_desc, user_access_desc, recovery_model_desc, compatibility_level, collation_name,"
        f" is_encrypted FROM sys.databases WHERE name = {quoted_text(database)}"
    )


def database_files(database: str) -> str:
    """Where its files are: logical and physical names."""
    return f"SELECT name, physical_name FROM sys.master_files WHERE database_id = DB_ID({quoted_text(database)})"


def table_names(database: str) -> str:
    """Its tables with the rows that the server counts for them."""
    name = quoted_name(database)
    return (
        f"SELECT s.name AS schema_name, t.name AS table_name, SUM(p.rows) AS row_count FROM {name}.sys.tables AS t"
        f" INNER JOIN {name}.sys.schemas AS s ON s.schema_id = t.schema_id"
        f" INNER JOIN {name}.sys.partitions AS p ON p.object_id = t.object_id AND p.index_id IN (0, 1)"
        " WHERE t.is_ms_shipped = 0 GROUP BY s.name, t.name"
    )


def used_bytes(database: str) -> str:
    """Bytes of its allocated pages: about as much as a backup without compression writes."""
    return f"SELECT SUM(total_pages) * 8192 AS bytes FROM {quoted_name(database)}.sys.allocation_units"


def backup(database: str, path: str, compression: bool | None) -> str:
    """Write a backup that no chain of differential or log backups knows of.

    :param compression: None: say nothing of it, for editions that cannot
    """
    choice = {True: ", COMPRESSION", False: ", NO_COMPRESSION", None: ""}[compression]
    return (
        f"BACKUP DATABASE {quoted_name(database)} TO DISK = {quoted_text(path)}"
        f" WITH COPY_ONLY, CHECKSUM, INIT, FORMAT, {PROGRESS}{choice}"
    )


def verify(path: str) -> str:
    """Read a backup to its end and check all its checksums."""
    return f"RESTORE VERIFYONLY FROM DISK = {quoted_text(path)} WITH CHECKSUM, {PROGRESS}"


def header(path: str) -> str:
    """What the backups in a file are: one row each."""
    return f"RESTORE HEADERONLY FROM DISK = {quoted_text(path)}"


def file_list(path: str) -> str:
    """The files of the database in the backup."""
    return f"RESTORE FILELISTONLY FROM DISK = {quoted_text(path)} WITH FILE = 1"


def restore(database: str, path: str, places: Mapping[str, str]) -> str:
    """Put a backup in the place of the database.

    :param places: logical name -> physical name
    """
    moves = "".join(f", MOVE {quoted_text(name)} TO {quoted_text(place)}" for name, place in places.items())
    return (
        f"RESTORE DATABASE {quoted_name(database)} FROM DISK = {quoted_text(path)}"
        f" WITH FILE = 1, REPLACE, RECOVERY, CHECKSUM, {PROGRESS}{moves}"
    )


def single_user(database: str) -> str:
    """Throw everybody out and let nobody in but us."""
    return f"ALTER DATABASE {quoted_name(database)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE"


def multi_user(database: str) -> str:
    """Let everybody in again."""
    return f"ALTER DATABASE {quoted_name(database)} SET MULTI_USER WITH ROLLBACK IMMEDIATE"


def check(database: str) -> str:
    """Read every page and check what holds them together."""
    return f"DBCC CHECKDB ({quoted_text(database)}) WITH PHYSICAL_ONLY, NO_INFOMSGS"


def sessions(database: str) -> str:
    """Who else is in the database."""
    return (
        "SELECT session_id, login_name, host_name, program_name FROM sys.dm_exec_sessions"
        f" WHERE is_user_process = 1 AND session_id <> @@SPID AND database_id = DB_ID({quoted_text(database)})"
    )


def may(right: str) -> str:
    """1 when the login has a right on the server."""
    return f"SELECT HAS_PERMS_BY_NAME(NULL, NULL, {quoted_text(right)}) AS may"


def may_see_all(database: str) -> str:
    """1 when the login sees every table of a database; NULL when it may not enter."""
    name = quoted_text(quoted_name(database))
    return f"SELECT HAS_PERMS_BY_NAME({name}, N'DATABASE', N'VIEW DEFINITION') AS may"


def may_back_up(database: str) -> str:
    """1 when the login may back a database up; NULL when it may not even look at it."""
    name = quoted_text(quoted_name(database))
    return f"SELECT HAS_PERMS_BY_NAME({name}, N'DATABASE', N'BACKUP DATABASE') AS may"


def last_restored(database: str) -> str:
    """The backup that the database was restored from last."""
    return (
        "SELECT TOP (1) CAST(b.backup_set_uuid AS nvarchar(36)) AS backup_set FROM msdb.dbo.restorehistory AS r"
        " INNER JOIN msdb.dbo.backupset AS b ON b.backup_set_id = r.backup_set_id"
        f" WHERE r.destination_database_name = {quoted_text(database)} ORDER BY r.restore_history_id DESC"
    )


def users_without_login(database: str) -> str:
    """Users of the database whose login this server does not have."""
    return (
        f"SELECT p.name FROM {quoted_name(database)}.sys.database_principals AS p"
        " LEFT JOIN sys.server_principals AS s ON s.sid = p.sid"
        " WHERE p.principal_id > 4 AND p.authentication_type_desc = N'INSTANCE' AND s.sid IS NULL"
    )


def lock(name: str) -> str:
    """Take a lock that ends with the session; negative when somebody else has it."""
    return (
        f"DECLARE @result int; EXEC @result = sys.sp_getapplock @Resource = {quoted_text(name)},"
        " @LockMode = N'Exclusive', @LockOwner = N'Session', @LockTimeout = 0; SELECT @result AS result"
    )


def unlock(name: str) -> str:
    """Give the lock back."""
    return f"EXEC sys.sp_releaseapplock @Resource = {quoted_text(name)}, @LockOwner = N'Session'"
