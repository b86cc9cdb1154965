# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the three database engines have in common: how one is surveyed, dumped and loaded."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._entries import path_from_text, path_to_text
from .._errors import CommandFailed, OptionInvalid
from .._transport.base import Become, CommandResult, CommandStream, Transport
from .sql_split import Statement

QUIET = 900
"""Seconds in which a dump or a load may move nothing: building one large index is silent work."""

END = b"-- ucops.recovery: end of dump\n"
_SECTION = re.compile(rb"-- ucops\.recovery: table (\S+), made only where it is missing\s*\Z")
_ERROR = re.compile(r"^\s*(?:ERROR|FATAL|Error|Parse error|Runtime error|\w[\w-]*: (?:error|Got error|Couldn't))")
_QUOTE = re.compile(r"['\"]")
_QUOTED = re.compile(r"(?!(?<=n)'t\b)['\"](?:.*['\"]|.*)")
_QUOTED_ON = re.compile(r"(?!(?<=n)'t\b)['\"].*")
"""The same where the quoted text goes on in the next line."""
_CAUSE = re.compile(r" ?\((?:Errcode|errno): \d+(?: \"[A-Za-z ]{1,60}\")?\)\.?\Z")
"""What MariaDB puts last: the operating system's own words."""
_LOGIN = re.compile(r"\A[\w-]+: error: connection to server\b")
_WORD = re.compile(r"\"[^\"]*\"")
"""PostgreSQL quotes names and places in what it says of a login, and nothing that has quotes in it."""
_MESSAGE = re.compile(r"[A-Z]{4,}\b|[\w-]+: ")
_PROMPT = re.compile(r"^(?:Password: )+")


@dataclass(frozen=True)
class DatabaseConnection:
    """Where a database is and who reads it.

    ``engine``: ``sqlite``, ``mysql`` (MariaDB too) or ``postgresql``. ``path``: the file of SQLite. ``socket``: the
    socket of MySQL, the socket's folder of PostgreSQL. ``run_as``: the system account that the client programs run
    under, for logins without a password (``"postgres"``, or True for root). The ``admin_*`` login is only used by a
    restore that finds no database, no user or no rights; ``admin_run_as`` None: there is none.
    """

    engine: str
    database: str = ""
    path: str | bytes = ""
    host: str = ""
    port: int = 0
    socket: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    run_as: Become = False
    admin_username: str = ""
    admin_password: str = field(default="", repr=False)
    admin_run_as: Become | None = None

    def __post_init__(self) -> None:
        texts = (self.database, self.host, self.socket, self.username, self.password, self.admin_username)
        if any(mark in text for text in (*texts, self.admin_password) for mark in "\n\r\0"):
            raise OptionInvalid("A value of the database connection holds a line break", item=self.database)
        if self.engine not in ("sqlite", "mysql", "postgresql"):
            raise OptionInvalid(f"There is no database engine {self.engine!r}", item=self.database)
        if not (self.path if self.engine == "sqlite" else self.database):
            raise OptionInvalid("It is not said which database")

    def as_admin(self) -> DatabaseConnection | None:
        """The same server with the admin's login; None when there is none."""
        if self.admin_run_as is None and not self.admin_username:
            return None
        # who is let in for the account he is comes through the socket
        by_account = not self.admin_password and self.host in ("localhost", "127.0.0.1", "::1")
        return DatabaseConnection(
            engine=self.engine,
            database=self.database,
            host="" if by_account else self.host,
            port=self.port,
            socket=self.socket,
            username=self.admin_username,
            password=self.admin_password,
            run_as=self.admin_run_as or False,
        )


@dataclass(frozen=True)
class Table:
    """A table, view or sequence. ``belongs_to``: the table that a sequence serves."""

    name: str
    kind: str = "table"
    schema: str = ""
    belongs_to: str | None = None


@dataclass
class Survey:
    """What is in a database. ``others``: kind and signature of functions, procedures, events, types. ``facts`` go
    into the entry: what making the database anew needs."""

    tables: list[Table]
    others: list[tuple[str, str]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """What of a database one item means. ``whole``: functions, events and types too."""

    whole: bool
    full: Sequence[Table]
    schema_only: Sequence[Table]
    rest: Sequence[Table]


class Engine(ABC):
    """One database behind a transport. Errors are CommandFailed and what the transport raises."""

    dialect: str
    completed: bytes
    """The line that the dump tool writes last, with the line break before it."""

    def __init__(self, transport: Transport, connection: DatabaseConnection, become: Become) -> None:
        self.transport = transport
        self.connection = connection
        self.become = connection.run_as or become

    @abstractmethod
    def survey(self) -> Survey | None:
        """What is there; None when there is no such database."""

    @abstractmethod
    def dump(self, selection: Selection, survey: Survey) -> CommandStream:
        """Start the dump. It ends with :data:`END`, written only when every step succeeded."""

    def runs(self, selection: Selection) -> int:
        """How often the dump tool runs for a selection."""
        return bool(selection.whole or selection.full) + len(selection.schema_only)

    def content(self, chunks: Iterable[bytes], selection: Selection) -> Iterator[bytes]:
        """What of the dump is kept."""
        yield from chunks

    @abstractmethod
    def make_ready(self, facts: Mapping[str, Any]) -> Survey | None:
        """Make database, user and rights where they are missing, with the admin's login; what is there then."""

    @abstractmethod
    def opening(self, survey: Survey, selection: Selection) -> Iterator[bytes]:
        """SQL before the load: remove what the selection means, begin a transaction where that helps."""

    def fitted(self, statement: Statement) -> bytes:
        """A statement as it is loaded."""
        return statement.raw

    @abstractmethod
    def closing(self) -> bytes:
        """SQL after the load."""

    @abstractmethod
    def load(self, sql: Iterable[bytes], facts: Mapping[str, Any]) -> CommandResult:
        """Run SQL, stop at the first error."""

    def failed(self, what: str, result: CommandResult) -> CommandFailed:
        """The error that tells why a client program failed."""
        return CommandFailed(
            f"{what}: {first_error(result)}",
            host=self.transport.host,
            item=self.connection.database or path_to_text(_raw(self.connection.path)),
            hint="Check the access to the database, and that its client programs are installed on the host.",
        )


def first_error(result: CommandResult) -> str:
    """The first line of an error output that says what is wrong. From its first quote to its last it is blanked: what
    is quoted may be a secret, and servers quote statements with quotes in them."""
    lines = [_PROMPT.sub("", line).strip() for line in result.stderr.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line] or [f"exit status {result.rc}"]
    at = next((at for at, line in enumerate(lines) if _ERROR.match(line)), len(lines) - 1)
    following = lines[at + 1] if at + 1 < len(lines) else ""
    goes_on = _QUOTE.search(following) is not None and not _MESSAGE.match(following)
    if _LOGIN.match(lines[at]):
        return _WORD.sub("'...'", lines[at])[:300]
    if goes_on:
        return _QUOTED_ON.sub("'...'", lines[at])[:300]
    cause = _CAUSE.search(lines[at])
    end = cause.start() if cause is not None else len(lines[at])
    return (_QUOTED.sub("'...'", lines[at][:end])[:200] + lines[at][end:])[:300]


def section(table: Table) -> bytes:
    """The line that stands before the definition of a table whose rows are not kept."""
    name = f"{table.schema}.{table.name}" if table.schema else table.name
    shown = path_to_text(name.encode("utf-8")).replace(" ", "%20")
    return f"-- ucops.recovery: table {shown}, made only where it is missing\n".encode()


def section_of(comment: bytes) -> str | None:
    """The table that such a line names; None for another comment."""
    found = _SECTION.search(comment)
    return path_from_text(found[1].decode("utf-8", "replace")).decode("utf-8", "replace") if found else None


def _raw(path: str | bytes) -> bytes:
    return path.encode("utf-8", "surrogateescape") if isinstance(path, str) else path
