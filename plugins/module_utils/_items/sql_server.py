# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database of a SQL Server as the backup that the server itself writes, and back in its place."""

from __future__ import annotations

import contextlib
import ntpath
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._entries import Entry, Gathered, ItemReport
from .._errors import (
    CommandFailed,
    HostileContent,
    OptionInvalid,
    RecoveryError,
    RestoreFailed,
    RestoreRefused,
    VersionMismatch,
)
from .._transport.base import Transport
from .._transport.tds import SqlServerTransport, sql_server
from . import sql_statements
from .base import Extent, Item, LineNormaliser
from .sql_backup_file import HEADERS, BackupFile, alone
from .sql_facts import (
    EXPRESS,
    MULTI_USER,
    ONLINE,
    BackupFacts,
    DatabaseFacts,
    ServerFacts,
    look_at_backup,
    look_at_database,
    look_at_server,
    major_of,
    tables_of,
)

RESERVE = 64 * 2**20
"""Bytes that must stay free on the server's disk: for the log that a backup takes along, and for the server."""
COMPRESSED_TO = 3
"""SQL Server itself sets a third of the database aside when it begins a compressed backup."""
NO_COMPRESSION_HERE = 1844
_TRIES = 3


@dataclass
class SqlServerBackup(Item):
    """One database as an entry of kind ``dump`` and path ``/@mssql/<database>.bak``.

    A backup is a container that is different each time, and nothing that SQL Server tells says whether what is in it
    changed: log sequence numbers move with every checkpoint, the map of changed extents counts an extent once, and
    checksums of tables miss columns and collide. So whether the content changed stays unknown (``comparable``). A
    restored database counts as the backup that it was restored from when RESTORE verified and took it without an
    error, the tables are those of the backup (where the login sees them), and the server's history names that backup as
    the last one restored.

    ``compression`` None: where the edition can. ``certificate_kept``: the certificate of an encrypted database is kept
    elsewhere; without that word its backup counts as incomplete, as no other server can read it.
    """

    consistency: str = "dump"
    comparable: bool = False
    database: str = ""
    compression: bool | None = None
    certificate_kept: bool = False
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.database:
            raise OptionInvalid("It is not said which database", item=self.name)
        self._restored_from = ""

    @property
    def path(self) -> bytes:
        """The path of its one entry."""
        name = self.database.replace("%", "%25").replace("/", "%2F")
        return b"/@mssql/" + name.encode("utf-8") + b".bak"

    def covers(self, path: bytes) -> bool:
        return path == self.path

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return _Opaque(str(entry.extra.get("state", "")))

    # --- backup ------------------------------------------------------------------------------------------------------
    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        server = sql_server(transport)
        database = look_at_database(server, self.database)
        if database is None:
            report.found = False
            return
        if database.state != ONLINE:
            report.problem(self.path, f"the database is {database.state} and cannot be backed up")
            return
        about = look_at_server(server)
        with alone(server, database.name):
            file = self._file(server)
            file.sweep()
            try:
                if self._has_room(server, about, database, file, report):
                    yield self._backed_up(server, about, database, file, report)
            finally:
                left = file.remove()
                if left is not None:
                    report.problem(self.path, f"{file.path} could not be removed from the SQL Server's host: {left}")

    def measure(self, transport: Transport, report: ItemReport) -> Extent:
        """The pages in use, which a compressed backup stays below; and whether the login may make one, and reach it."""
        server = sql_server(transport)
        database = look_at_database(server, self.database)
        if database is None:
            report.found = False
            return Extent(0, 0)
        if database.state != ONLINE:
            report.problem(self.path, f"the database is {database.state} and cannot be backed up")
            return Extent(0, None)
        if server.execute(sql_statements.may_back_up(database.name)).value != 1:
            report.problem(self.path, "the login may not back the database up: make it a member of db_backupoperator")
        self._has_room(server, look_at_server(server), database, self._file(server), report)
        return Extent(1, int(server.execute(sql_statements.used_bytes(database.name)).value or 0))

    def _has_room(
        self,
        server: SqlServerTransport,
        about: ServerFacts,
        database: DatabaseFacts,
        file: BackupFile,
        report: ItemReport,
    ) -> bool:
        used = int(server.execute(sql_statements.used_bytes(database.name)).value or 0)
        needed = (used // COMPRESSED_TO if self._compresses(about) else used) + RESERVE
        free = file.free_space()
        if free < needed:
            report.problem(
                self.path, f"there are {free} bytes free in the backup folder, the backup takes up to {needed}"
            )
        return free >= needed

    def _backed_up(
        self,
        server: SqlServerTransport,
        about: ServerFacts,
        database: DatabaseFacts,
        file: BackupFile,
        report: ItemReport,
    ) -> Gathered:
        tables = tables_of(server, database.name)
        self._write(server, about, database, file.path)
        server.execute(sql_statements.verify(file.path), patient=True)
        facts = look_at_backup(server, file.path)
        if facts.certificate and not self.certificate_kept:
            report.problem(
                self.path,
                f"the database is encrypted, and without the certificate {facts.certificate} and its private key no"
                " other SQL Server can restore it; keep both, and say so with certificate_kept",
            )
        extra: dict[str, Any] = {
            "engine": "mssql",
            "edition": about.edition,
            **facts.to_json(),
            "state": self._state(server, database, facts),
        }
        if tables is not None and tables == tables_of(server, database.name):
            extra["tables"] = tables
        entry = Entry(
            item=self.name,
            data_class=self.data_class,
            kind="dump",
            path=self.path,
            sensitive=self.sensitive,
            extra=extra,
        )
        return entry, self._content(file, facts, report)

    def _write(self, server: SqlServerTransport, about: ServerFacts, database: DatabaseFacts, path: str) -> None:
        try:
            server.execute(sql_statements.backup(database.name, path, self._compresses(about)), patient=True)
        except CommandFailed as error:
            if self.compression is not None or error.details.get("number") != NO_COMPRESSION_HERE:
                raise
            server.execute(sql_statements.backup(database.name, path, None), patient=True)

    def _compresses(self, about: ServerFacts) -> bool | None:
        """Whether the server is told to; None where it cannot even be told not to."""
        if self.compression is None:
            return None if about.engine_edition == EXPRESS else True
        return self.compression

    def _state(self, server: SqlServerTransport, database: DatabaseFacts, facts: BackupFacts) -> str:
        """What the content counts as: the backup itself, or the one that we restored it from a moment ago."""
        if self._restored_from:
            last = server.execute(sql_statements.last_restored(database.name)).value
            if str(last or "").upper() == self._restored_from:
                return self._restored_from
        return facts.backup_set

    def _content(self, file: BackupFile, facts: BackupFacts, report: ItemReport) -> Iterator[bytes]:
        size = file.size()
        beginning, taken = b"", 0
        try:
            for chunk in file.read():
                beginning += chunk[: 8 - len(beginning)]
                taken += len(chunk)
                yield chunk
        except OSError as error:
            report.problem(self.path, f"the backup cannot be read to its end: {error.strerror or 'it is lost'}")
            return
        if not beginning.startswith(HEADERS):
            report.problem(self.path, "the file does not begin as a backup does")
        if taken != size or taken < facts.stored_size:
            report.problem(
                self.path, f"the backup has {taken} bytes of {max(size, facts.stored_size)}: it ends before its end"
            )

    # --- restore -----------------------------------------------------------------------------------------------------
    def judge(self, wanted: Sequence[Entry]) -> None:
        super().judge(wanted)
        if any(entry.kind != "dump" or entry.extra.get("engine") != "mssql" for entry in wanted):
            raise HostileContent("This is no backup of this database; nothing was written", item=self.name)

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        entries = list(wanted)
        if not entries:
            if any(self.covers(entry.path) for entry in current):
                raise RestoreRefused("The generation holds no backup of this database", item=self.name)
            return
        self.judge([entry for entry, _content in entries])
        entry, content = entries[-1]
        server = sql_server(transport)
        about = look_at_server(server)
        self._refuse_older(about, entry.extra, server.host)
        self._refuse_blind(server)
        with alone(server, self.database):
            file = self._file(server)
            file.sweep()
            try:
                facts = self._delivered(server, file, entry, content)
                self._replace(server, about, file, facts, entry.extra)
            finally:
                left = file.remove()
            if left is not None:
                raise RestoreFailed(
                    f"The database is restored, but {file.path} could not be removed: {left}",
                    host=server.host,
                    item=self.name,
                    hint="Remove that file: it holds all of the database.",
                )
        self._restored_from = facts.backup_set

    def _refuse_older(self, about: ServerFacts, then: Mapping[str, Any], host: str) -> None:
        version = str(then.get("server_version", ""))
        if major_of(version) > about.major:
            raise VersionMismatch(
                f"The backup was made on SQL Server {version}, and {about.version} cannot read it",
                host=host,
                item=self.name,
                hint="Nothing was touched. Restore it to the same or a newer version.",
            )

    def _refuse_blind(self, server: SqlServerTransport) -> None:
        """What is not seen before would not be seen afterwards, and a good restore would count as a bad one."""
        try:
            server.execute(sql_statements.last_restored(self.database))
        except CommandFailed as error:
            raise RestoreRefused(
                f"The history of restores cannot be read: {error.message}",
                host=server.host,
                item=self.name,
                hint="Nothing was touched. Make the login a db_datareader in msdb.",
            ) from error

    def _delivered(
        self, server: SqlServerTransport, file: BackupFile, entry: Entry, content: Iterable[bytes]
    ) -> BackupFacts:
        """Put the backup where the server reads it, and let the server judge it. The database is not touched yet."""
        free = file.free_space()
        if free < entry.size:
            raise RestoreRefused(
                f"There are {free} bytes free in the backup folder, the backup has {entry.size}",
                host=server.host,
                item=self.name,
                hint="Make room there, or set backup_folder to another one.",
            )
        file.write(content)
        facts = look_at_backup(server, file.path)
        if facts.backup_set != entry.extra.get("backup_set"):
            raise HostileContent(
                "The file is another backup than the generation says; the database was not touched",
                host=server.host,
                item=self.name,
            )
        server.execute(sql_statements.verify(file.path), patient=True)
        return facts

    def _replace(
        self,
        server: SqlServerTransport,
        about: ServerFacts,
        file: BackupFile,
        facts: BackupFacts,
        then: Mapping[str, Any],
    ) -> None:
        present = look_at_database(server, self.database)
        name = present.name if present is not None else self.database
        places = self._places(server, about, facts)
        with self._nobody_else(server, present):
            server.execute(sql_statements.restore(name, file.path, places), patient=True)
            before, now = then.get("tables"), tables_of(server, name)
            if before is not None and now is not None and set(before) != set(now):
                raise CommandFailed("The restored database has other tables than the backup", host=server.host)

    @contextlib.contextmanager
    def _nobody_else(self, server: SqlServerTransport, present: DatabaseFacts | None) -> Iterator[None]:
        """Single-user mode, and out of it again whatever happens."""
        try:
            if present is not None and present.state == ONLINE:
                server.execute(sql_statements.single_user(present.name))
            yield
        except BaseException as error:
            left = self._open_to_all(server)
            if not isinstance(error, RecoveryError):
                raise
            raise RestoreFailed(
                f"The database cannot be restored: {error.message}{'; ' + left if left else ''}",
                host=server.host,
                item=self.name,
                hint=error.hint,
                **error.details,
            ) from error
        left = self._open_to_all(server)
        if left is not None:
            raise RestoreFailed(f"The database was restored, but {left}", host=server.host, item=self.name)

    def _open_to_all(self, server: SqlServerTransport) -> str | None:
        """Leave single-user mode, on a new connection if need be; a clause when the database serves nobody."""
        story = ""
        for _try in range(_TRIES):
            try:
                database = look_at_database(server, self.database)
                if database is not None and database.state == ONLINE and database.access != MULTI_USER:
                    server.execute(sql_statements.multi_user(database.name))
                    database = look_at_database(server, self.database)
                if database is None:
                    return "there is no database any more"
                if database.state != ONLINE:
                    return f"the database is left in the state {database.state}"
                if database.access == MULTI_USER:
                    return None
                story = f"it stays in the mode {database.access}"
            except RecoveryError as error:
                story = error.message
                self.sleep(1)
        return f"the database could not be opened to everybody again: {story}"

    def _places(self, server: SqlServerTransport, about: ServerFacts, facts: BackupFacts) -> dict[str, str]:
        """Where each file goes: where it is now, else into the server's own folder under its old name."""
        rows = server.execute(sql_statements.database_files(self.database)).rows
        now = {str(row["name"]).casefold(): str(row["physical_name"]) for row in rows}
        places = {}
        for one in facts.files:
            folder = about.log_folder if one.is_log else about.data_folder
            place = now.get(one.name.casefold()) or (ntpath.join(folder, ntpath.basename(one.place)) if folder else "")
            if place:
                places[one.name] = place
        return places

    def _file(self, server: SqlServerTransport) -> BackupFile:
        return BackupFile(server, self.database, server.backup_folder(), sleep=self.sleep)


class _Opaque:
    """Reduces a backup to the name of the state that is in it."""

    def __init__(self, state: str) -> None:
        self._state = state

    def feed(self, data: bytes) -> bytes:
        return b""

    def finish(self) -> bytes:
        return self._state.encode("utf-8")
