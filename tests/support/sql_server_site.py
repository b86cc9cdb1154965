# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for SQL Server with a database, its host's disk in memory, and the way to both."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._items.sql_server import SqlServerBackup
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tds import SqlServerTransport, TdsOptions
from support.certificates import Authority
from support.sql_server_stand_in import Database, Engine, File, StandIn, User
from support.sql_server_stand_in.disk import MemoryDisk
from support.windows_files import MemoryWindowsFiles

PASSWORD = "Kennwort-ä'1"
ROWS = [f"{1000 + number},{1001 + number},gestern" for number in range(3000)]


def chat(**facts: Any) -> Database:
    """A database of UCServer."""
    tables = {"dbo.Journal": list(ROWS), "dbo.Chat": ["hallo"]}
    files = [File("CHAT", "C:\\Data\\CHAT.mdf"), File("CHAT_log", "C:\\Log\\CHAT_log.ldf", "L")]
    return Database("CHAT", tables, files, **{"users": [User("ucserver", "0x05")], **facts})


@dataclass
class SqlServerSite:
    """One SQL Server. After each test nothing may be left in its backup folder, and nothing may have been sent to it
    that nobody may send."""

    engine: Engine
    server: StandIn
    files: MemoryWindowsFiles
    authority: Authority
    transports: list[SqlServerTransport] = field(default_factory=list)

    def transport(self, **options: Any) -> SqlServerTransport:
        """A new connection."""
        partners = options.pop("partners", ())
        files = options.pop("files", self.files)
        known = {"username": "backup", "password": PASSWORD, "ca_file": str(self.authority.file)}
        chosen = TdsOptions(host=self.server.address, port=self.server.port, **{**known, **options})
        self.transports.append(SqlServerTransport(chosen, files, partners))
        return self.transports[-1]

    @staticmethod
    def item(**options: Any) -> SqlServerBackup:
        """The item of its database, that never really waits."""
        known = {"name": "database", "data_class": "user_data", "database": "CHAT", "sleep": lambda seconds: None}
        return SqlServerBackup(**{**known, **options})

    @property
    def database(self) -> Database:
        """The database as it is now."""
        return self.engine.databases["CHAT"]

    def sent(self, beginning: str) -> list[str]:
        """The statements so far that begin with these words."""
        return [one for one in self.engine.statements if one.startswith(beginning)]

    def left_over(self) -> list[str]:
        """What lies in the backup folder."""
        return [one.name for one in self.files.list_folder("C:\\Backup")]


@contextlib.contextmanager
def sql_server_site(folder: pathlib.Path, **engine_facts: Any) -> Iterator[SqlServerSite]:
    """A site for one test."""
    authority = Authority(folder)
    files = MemoryWindowsFiles()
    files.add("C:\\Backup", None)
    engine = Engine(MemoryDisk(files), [chat()], **engine_facts)
    engine.logins["backup"] = (PASSWORD, "0x01")
    engine.other_sids.add("0x05")
    with StandIn(engine, authority.server("127.0.0.1", "localhost")) as server:
        site = SqlServerSite(engine, server, files, authority)
        try:
            yield site
            assert engine.violations == []
            assert server.troubles == []
        finally:
            for transport in site.transports:
                transport.close()
