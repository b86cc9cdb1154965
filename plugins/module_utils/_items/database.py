# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases as dumps: consistent, checked to their last line, loaded back as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._compare.normalise import sql_dump
from .._entries import Entry, Gathered, ItemReport
from .._errors import CommandFailed, HostileContent, ItemTruncated, OptionInvalid, RestoreFailed, RestoreRefused
from .._transport.base import CommandStream, Transport
from .base import Extent, Item, LineNormaliser
from .database_engine import END, DatabaseConnection, Engine, Selection, Survey, Table, first_error, section_of
from .database_mysql import MySql
from .database_postgresql import PostgreSql
from .database_sqlite import Sqlite
from .globs import name_globs
from .sql_judge import judged

__all__ = ["DatabaseConnection", "DatabaseDump"]

_ENGINES: dict[str, type[Engine]] = {"sqlite": Sqlite, "mysql": MySql, "postgresql": PostgreSql}


@dataclass
class DatabaseDump(Item):
    """One database, or some tables of it, as an entry of kind ``dump`` and path ``/@database/<item>.sql``.

    ``tables``: names or globs; None: all, with functions, events and types. ``exclude``: of these, not.
    ``schema_only``: tables whose rows are worthless tomorrow (registrations): kept without rows, and a restore makes
    them only where they are missing. So several items can share one database, each with its own data class.

    A restore removes what the item means and loads the dump, in one transaction where the engine can (SQLite,
    PostgreSQL). It makes database, user and rights where they are missing and an admin's login is given.
    """

    consistency: str = "dump"
    connection: DatabaseConnection | None = None
    tables: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    schema_only: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.connection is None:
            raise OptionInvalid("It is not said which database", item=self.name)
        self._meant = name_globs([*(self.tables or ()), *self.schema_only])
        self._left_out = name_globs(self.exclude)
        self._without_rows = name_globs(self.schema_only)

    @property
    def path(self) -> bytes:
        """The path of its one entry."""
        return b"/@database/" + self.name.encode("utf-8") + b".sql"

    def covers(self, path: bytes) -> bool:
        return path == self.path

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return sql_dump()

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        engine = self._engine(transport)
        survey = engine.survey()
        selection = self._select(survey) if survey is not None else None
        if survey is None or selection is None or not (selection.whole or selection.full or selection.schema_only):
            report.found = False
            return
        with engine.dump(selection, survey) as stream:
            chunks = engine.content(stream.chunks(), selection)
            first = _first(chunks, self.path, report)
            if not first:
                result = stream.finish()
                report.problem(self.path, f"the dump is empty: {first_error(result)}")
                return
            entry = Entry(
                item=self.name,
                data_class=self.data_class,
                kind="dump",
                path=self.path,
                sensitive=self.sensitive,
                extra={"engine": engine.connection.engine, **survey.facts},
            )
            ending = _Ending(engine.completed, engine.runs(selection))
            yield entry, self._content(first, chunks, stream, ending, report)

    def measure(self, transport: Transport, report: ItemReport) -> Extent:
        """Whether the database is there and the login may look into it; how long its dump is tells the dump alone."""
        survey = self._engine(transport).survey()
        selection = self._select(survey) if survey is not None else None
        report.found = selection is not None and bool(selection.whole or selection.full or selection.schema_only)
        return Extent(int(report.found), None)

    def judge(self, wanted: Sequence[Entry]) -> None:
        super().judge(wanted)
        if any(entry.kind != "dump" for entry in wanted):
            raise HostileContent("This is no dump of this database; nothing was written", item=self.name)

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        entries = list(wanted)
        if not entries:
            if any(self.covers(entry.path) for entry in current):
                raise RestoreRefused("The generation holds no dump of this database", item=self.name)
            return
        self.judge([entry for entry, _content in entries])
        entry, content = entries[-1]
        engine = self._engine(transport)
        survey = self._ready(engine, entry.extra)
        selection = self._select(survey)
        load = _Load(engine, survey, selection, content)
        result = engine.load(load.sql(), entry.extra)
        if result.rc != 0 or not load.complete:
            raise RestoreFailed(
                f"The dump cannot be loaded: {first_error(result)}",
                host=transport.host,
                item=self.name,
                hint="Check the rights of the database user and the space on the server.",
            )

    def _engine(self, transport: Transport) -> Engine:
        if self.connection is None:
            raise OptionInvalid("It is not said which database", item=self.name)
        return _ENGINES[self.connection.engine](transport, self.connection, self.become)

    def _ready(self, engine: Engine, facts: Mapping[str, Any]) -> Survey:
        """What is in the database before the load; it is made when it is missing."""
        refusal: CommandFailed | None = None
        try:
            survey = engine.survey()
        except CommandFailed as error:
            survey, refusal = None, error
        if survey is None:
            try:
                survey = engine.make_ready(facts)
            except CommandFailed as error:
                refusal = error
        if survey is None:
            raise RestoreRefused(
                refusal.message if refusal else "There is no such database, and no admin's login to make it",
                host=engine.transport.host,
                item=self.name,
                hint="Make the database and its user by hand, or give the login of a database admin.",
            )
        return survey

    def _select(self, survey: Survey) -> Selection:
        full: list[Table] = []
        without_rows: list[Table] = []
        rest: list[Table] = []
        for table in survey.tables:
            name = table.belongs_to or table.name
            if self._left_out.match(name) or (self.tables is not None and not self._meant.match(name)):
                rest.append(table)
            elif self._without_rows.match(name):
                (without_rows if table.kind == "table" else rest).append(table)
            else:
                full.append(table)
        return Selection(self.tables is None, full, without_rows, rest)

    def _content(
        self, first: bytes, chunks: Iterator[bytes], stream: CommandStream, ending: _Ending, report: ItemReport
    ) -> Iterator[bytes]:
        data = first
        while data:
            ending.see(data)
            yield data
            data = _first(chunks, self.path, report)
        result = stream.finish()
        if result.rc != 0:
            report.problem(self.path, f"the dump broke off: {first_error(result)}")
        elif not ending.complete:
            report.problem(self.path, "the dump ends before its end")


def _first(chunks: Iterator[bytes], path: bytes, report: ItemReport) -> bytes:
    """The next piece that is not empty; empty at the end, also when the dump breaks off there."""
    try:
        return next((chunk for chunk in chunks if chunk), b"")
    except (ItemTruncated, HostileContent) as error:
        report.problem(path, error.message)
        return b""


class _Ending:
    """Watches for the last lines that the dump tool and our script write."""

    def __init__(self, completed: bytes, runs: int) -> None:
        self._completed = completed
        self._runs = runs
        self._tail = b"\n"

    def see(self, data: bytes) -> None:
        whole = self._tail + data
        keep = max(len(self._completed), len(END)) - 1
        self._runs -= whole.count(self._completed) - self._tail.count(self._completed)
        self._tail = whole[-keep - 1 :]

    @property
    def complete(self) -> bool:
        return self._runs <= 0 and self._tail.endswith(END)


class _Load:
    """The SQL of one restore, judged while it flows."""

    def __init__(self, engine: Engine, survey: Survey, selection: Selection, content: Iterable[bytes]) -> None:
        self._engine = engine
        self._survey = survey
        self._selection = selection
        self._content = content
        self.complete = False

    def sql(self) -> Iterator[bytes]:
        """Raises HostileContent or ItemTruncated, which cuts the load off before it is committed."""
        yield from self._engine.opening(self._survey, self._selection)
        there = {_qualified(table) for table in self._survey.tables}
        skip = False
        for statement in judged(self._content, self._engine.dialect):
            if statement.kind == "comment":
                table = section_of(statement.raw)
                skip = table in there if table is not None else skip
                self.complete = self.complete or statement.raw.strip() == END.strip()
            elif self.complete and statement.code.strip():
                raise HostileContent("There is SQL behind the end of the dump")
            elif not skip and (statement.kind == "special" or statement.code.strip()):
                yield self._engine.fitted(statement)
        if not self.complete:
            raise ItemTruncated("The dump ends before its end, it is not loaded")
        yield self._engine.closing()


def _qualified(table: Table) -> str:
    return f"{table.schema}.{table.name}" if table.schema else table.name
