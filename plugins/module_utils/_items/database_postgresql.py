# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL, through psql and pg_dump."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._transport.base import CommandResult, CommandStream
from .._transport.quoting import quote
from .database_engine import END, QUIET, Engine, Selection, Survey, Table, section
from .sql_split import POSTGRESQL, Statement

# A password is asked for with -W and read from standard input, because setsid leaves the program without a terminal: it
# is never an argument, a variable of the environment or a file.
_DUMP = r"""
[ -z "$1" ] || IFS= read -r password
shift
run() {
  if [ -n "$password" ]; then printf '%s\n' "$password" | setsid -w pg_dump -W "$@"; else pg_dump -w "$@"; fi
}
"""
_SURVEY = """
SELECT 'database', pg_encoding_to_char(encoding), datcollate, datctype, '' FROM pg_database
  WHERE datname = current_database();
SELECT 'table', n.nspname, c.relname, c.relkind, coalesce((SELECT o.relname FROM pg_depend d
    JOIN pg_class o ON o.oid = d.refobjid WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S' LIMIT 1), '')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT coalesce(c.relispartition, false) AND {own} ORDER BY 2, 3;
SELECT 'other', 'ROUTINE', c.oid::regprocedure::text, '', ''
  FROM pg_proc c JOIN pg_namespace n ON n.oid = c.pronamespace WHERE {own_routine} ORDER BY 3;
SELECT 'other', CASE WHEN c.typtype = 'd' THEN 'DOMAIN' ELSE 'TYPE' END, c.oid::regtype::text, '', ''
  FROM pg_type c JOIN pg_namespace n ON n.oid = c.typnamespace LEFT JOIN pg_class r ON r.oid = c.typrelid
  WHERE (c.typtype IN ('e', 'd', 'r') OR c.typtype = 'c' AND r.relkind = 'c') AND {own_type} ORDER BY 3;
"""
_OWN = (
    "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT 1 FROM pg_depend e"
    " WHERE e.classid = '{0}'::regclass AND e.objid = c.oid AND e.deptype = 'e')"
)
_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "S": "sequence", "f": "foreign table"}


class PostgreSql(Engine):
    dialect = POSTGRESQL
    completed = b"\n-- PostgreSQL database dump complete\n"

    def survey(self) -> Survey | None:
        sql = _SURVEY.format(
            own=_OWN.format("pg_class"), own_routine=_OWN.format("pg_proc"), own_type=_OWN.format("pg_type")
        )
        result = self._psql(self.connection.database, sql.encode("utf-8"), "-z", "-0")
        if result.rc != 0:
            if self._is_missing():
                return None
            raise self.failed("The database cannot be read", result)
        survey = Survey([])
        fields = result.text.split("\0")
        for at in range(0, len(fields) - 4, 5):
            what, first, second, third, fourth = fields[at : at + 5]
            if what == "database":
                survey.facts = {"encoding": first, "collate": second, "ctype": third}
            elif what == "table":
                survey.tables.append(Table(second, _KINDS.get(third, "table"), first, fourth or None))
            else:
                survey.others.append((first, second))
        return survey

    def dump(self, selection: Selection, survey: Survey) -> CommandStream:
        options = ["--column-inserts", "--encoding=UTF8", "--no-tablespaces"]
        script = _DUMP
        if selection.whole:
            others = [*selection.schema_only, *selection.rest]
            script += self._run([*options, *(f"--exclude-table={_qualified(table)}" for table in others)])
        elif selection.full:
            script += self._run([*options, *(f"--table={_qualified(table)}" for table in selection.full)])
        for table in selection.schema_only:
            script += f"printf %s {quote(section(table)).decode('utf-8')}\n"
            script += self._run([*options, "--schema-only", f"--table={_qualified(table)}"])
        script += f"printf %s {quote(END).decode('ascii')}\n"
        password = "yes" if self.connection.password else ""
        return self.transport.open(
            ["sh", "-c", script, "sh", password], input=self._secret(), become=self.become, silence=QUIET
        )

    def make_ready(self, facts: Mapping[str, Any]) -> Survey | None:
        admin = self.connection.as_admin()
        if admin is None:
            return None
        one = self.connection
        engine = PostgreSql(self.transport, admin, self.become)
        wanted = f"SELECT 'role' FROM pg_roles WHERE rolname = {_text(one.username)};\n"
        wanted += f"SELECT 'database' FROM pg_database WHERE datname = {_text(one.database)};\n"
        result = engine._psql("postgres", wanted.encode("utf-8"))
        there = result.text.split()
        sql = ""
        if one.username and "role" not in there:
            secret = f" PASSWORD {_text(one.password)}" if one.password else ""
            sql += f"CREATE ROLE {_name(one.username)} LOGIN{secret};\n"
        if "database" not in there:
            owner = f" OWNER {_name(one.username)}" if one.username else ""
            encoding = f" ENCODING {_text(str(facts['encoding']))}" if facts.get("encoding") else ""
            locale = "".join(
                f" LC_{key.upper()} {_text(str(facts[key]))}" for key in ("collate", "ctype") if facts.get(key)
            )
            sql += f"CREATE DATABASE {_name(one.database)} TEMPLATE template0{owner}{encoding}{locale};\n"
        elif one.username:
            sql += f"GRANT ALL ON DATABASE {_name(one.database)} TO {_name(one.username)};\n"
        if result.rc == 0:
            result = engine._psql("postgres", sql.encode("utf-8"))
        if result.rc != 0:
            raise self.failed("The database and its user cannot be made", result)
        return self.survey()

    def opening(self, survey: Survey, selection: Selection) -> Iterator[bytes]:
        yield b"BEGIN;\n"
        for table in selection.full:
            if table.belongs_to is None:
                yield f"DROP {table.kind.upper()} IF EXISTS {_qualified(table)} CASCADE;\n".encode()
        for kind, name in survey.others if selection.whole else ():
            yield f"DROP {kind} IF EXISTS {name} CASCADE;\n".encode()

    def fitted(self, statement: Statement) -> bytes:
        if statement.kind == "special":
            return b""
        if statement.code.split()[:2] == [b"CREATE", b"SCHEMA"]:
            return statement.raw.replace(b"CREATE SCHEMA ", b"CREATE SCHEMA IF NOT EXISTS ", 1)
        return statement.raw

    def closing(self) -> bytes:
        return b"\nCOMMIT;\n"

    def load(self, sql: Iterable[bytes], facts: Mapping[str, Any]) -> CommandResult:
        return self._psql(self.connection.database, sql)

    def _is_missing(self) -> bool:
        """Whether the server, asked elsewhere, says that it has no such database."""
        sql = f"SELECT count(*) FROM pg_database WHERE datname = {_text(self.connection.database)};\n".encode()
        result = self._psql("postgres", sql)
        return result.rc == 0 and result.text.strip() == "0"

    def _psql(self, database: str, sql: bytes | Iterable[bytes], *arguments: str) -> CommandResult:
        def stream() -> Iterator[bytes]:
            yield self._secret()
            if isinstance(sql, bytes):
                yield sql
            else:
                yield from sql

        start = ["setsid", "-w", "psql", "-W"] if self.connection.password else ["psql", "-w"]
        command = [*start, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments, *self._server(database)]
        return self.transport.run(command, input=stream(), become=self.become, silence=QUIET)

    def _run(self, arguments: Sequence[str]) -> str:
        words = b" ".join(quote(one) for one in (*arguments, *self._server(self.connection.database)))
        return f"run {words.decode('utf-8', 'surrogateescape')} || exit\n"

    def _server(self, database: str) -> list[str]:
        one = self.connection
        place = one.socket or one.host
        words = [f"--host={place}"] if place else []
        words += [f"--port={one.port}"] if one.port else []
        words += [f"--username={one.username}"] if one.username else []
        return [*words, f"--dbname={_conninfo(database)}"]

    def _secret(self) -> bytes:
        return self.connection.password.encode("utf-8") + b"\n" if self.connection.password else b""


def _conninfo(database: str) -> str:
    return "dbname='" + database.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _qualified(table: Table) -> str:
    return f"{_name(table.schema)}.{_name(table.name)}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    escaped = text.replace("'", "''")
    return "E'" + escaped.replace("\\", "\\\\") + "'" if "\\" in text else f"'{escaped}'"
