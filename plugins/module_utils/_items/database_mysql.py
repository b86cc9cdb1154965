# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MySQL and MariaDB, through their own client programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._transport.base import CommandResult, CommandStream
from .._transport.quoting import quote
from .database_engine import END, QUIET, Engine, Selection, Survey, Table, section
from .sql_split import MYSQL

# The options (user, password, socket) come first on standard input and reach the client program through a pipe: they
# are never an argument, a variable of the environment or a file. printf is part of the shell.
_PRELUDE = r"""
options=
while IFS= read -r line && [ -n "$line" ]; do options="$options$line
"; done
tool() {
  for one; do command -v "$one" && return; done
  echo "error: none of $* is installed" >&2
  exit 127
}
"""
_CLIENT = r"""
client=$(tool mariadb mysql) || exit
exec 4<&0
printf '%s' "$options" | "$client" --defaults-extra-file=/dev/fd/3 --batch --skip-column-names --binary-mode \
  --default-character-set=utf8mb4 --max-allowed-packet=1G "$@" 3<&0 0<&4 4<&-
"""
_DUMP = r"""
dump=$(tool mariadb-dump mysqldump) || exit
case $("$dump" --version) in *MariaDB*) more= ;; *) more='--set-gtid-purged=OFF --column-statistics=0' ;; esac
run() {
  printf '%s' "$options" | "$dump" --defaults-extra-file=/dev/stdin --single-transaction --hex-blob --skip-dump-date \
    --order-by-primary --skip-extended-insert --complete-insert --no-autocommit --no-tablespaces --comments \
    --default-character-set=utf8mb4 --max-allowed-packet=1G $more "$@"
}
"""
_SURVEY = """
SELECT 'schema', DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, '' FROM information_schema.SCHEMATA
  WHERE SCHEMA_NAME = {0};
SELECT 'table', HEX(CONVERT(TABLE_NAME USING utf8mb4)), TABLE_TYPE, '' FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = {0} ORDER BY TABLE_NAME;
SELECT 'other', HEX(CONVERT(ROUTINE_NAME USING utf8mb4)), ROUTINE_TYPE, '' FROM information_schema.ROUTINES
  WHERE ROUTINE_SCHEMA = {0} AND ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE');
SELECT 'other', HEX(CONVERT(EVENT_NAME USING utf8mb4)), 'EVENT', '' FROM information_schema.EVENTS
  WHERE EVENT_SCHEMA = {0};
"""
_KINDS = {"BASE TABLE": "table", "VIEW": "view", "SYSTEM VIEW": "view", "SEQUENCE": "sequence"}


class MySql(Engine):
    dialect = MYSQL
    completed = b"\n-- Dump completed"

    def survey(self) -> Survey | None:
        result = self._client(_SURVEY.format(_text(self.connection.database)).encode("utf-8"))
        if result.rc != 0:
            raise self.failed("The database cannot be read", result)
        survey = Survey([])
        for line in result.text.splitlines():
            what, first, second, _rest = line.split("\t")
            if what == "schema":
                survey.facts = {"character_set": first, "collation": second}
            elif what == "table":
                survey.tables.append(Table(_unhex(first), _KINDS.get(second, "table")))
            else:
                survey.others.append((second, _unhex(first)))
        return survey if survey.facts else None

    def dump(self, selection: Selection, survey: Survey) -> CommandStream:
        database = self.connection.database
        script = self._prelude() + _DUMP
        if selection.whole:
            others = [*selection.schema_only, *selection.rest]
            ignored = [f"--ignore-table={database}.{table.name}" for table in others]
            script += _run(["--routines", "--events", "--triggers", *ignored, "--", database])
        elif selection.full:
            script += _run(["--triggers", "--", database, *(table.name for table in selection.full)])
        for table in selection.schema_only:
            script += f"printf %s {quote(section(table)).decode('utf-8')}\n"
            script += _run(["--no-data", "--skip-add-drop-table", "--skip-triggers", "--", database, table.name])
        script += f"printf %s {quote(END).decode('ascii')}\n"
        return self.transport.open(["sh", "-c", script], input=self._options(), become=self.become, silence=QUIET)

    def make_ready(self, facts: Mapping[str, Any]) -> Survey | None:
        admin = self.connection.as_admin()
        if admin is None:
            return None
        one = self.connection
        character_set = str(facts.get("character_set", "utf8mb4"))
        collation = str(facts.get("collation", ""))
        sql = f"CREATE DATABASE IF NOT EXISTS {_name(one.database)} CHARACTER SET {_text(character_set)}"
        sql += f" COLLATE {_text(collation)};\n" if collation else ";\n"
        for host in _client_hosts(one.host) if one.username else ():
            user = f"{_text(one.username)}@{_text(host)}"
            granted = _name(one.database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%"))
            sql += f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY {_text(one.password)};\n"
            sql += f"GRANT ALL PRIVILEGES ON {granted}.* TO {user};\n"
        engine = MySql(self.transport, admin, self.become)
        result = engine._client(sql.encode("utf-8"))
        if result.rc != 0:
            raise self.failed("The database and its user cannot be made", result)
        return self.survey()

    def opening(self, survey: Survey, selection: Selection) -> Iterator[bytes]:
        yield b"SET FOREIGN_KEY_CHECKS=0;\n"
        for kind in ("view", "table", "sequence"):
            for table in selection.full:
                if table.kind == kind:
                    yield f"DROP {kind.upper()} IF EXISTS {_name(table.name)};\n".encode()
        for kind, name in survey.others if selection.whole else ():
            yield f"DROP {kind} IF EXISTS {_name(name)};\n".encode()

    def closing(self) -> bytes:
        return b""

    def load(self, sql: Iterable[bytes], facts: Mapping[str, Any]) -> CommandResult:
        return self._client(sql, self.connection.database)

    def _client(self, sql: bytes | Iterable[bytes], *arguments: str) -> CommandResult:
        def stream() -> Iterator[bytes]:
            yield self._options()
            if isinstance(sql, bytes):
                yield sql
            else:
                yield from sql

        command = ["sh", "-c", self._prelude() + _CLIENT, "sh", *arguments]
        return self.transport.run(command, input=stream(), become=self.become, silence=QUIET)

    def _options(self) -> bytes:
        one = self.connection
        values = {
            "user": one.username,
            "password": one.password,
            "host": one.host,
            "port": str(one.port) if one.port else "",
            "socket": one.socket,
        }
        lines = [f"{key}={_option(value)}\n" for key, value in values.items() if value]
        return ("[client]\n" + "".join(lines) + "\n").encode("utf-8")

    def _prelude(self) -> str:
        # With a login of its own the account's ~/.my.cnf must not have the last word.
        alone = "HOME=/nonexistent; export HOME\n" if self.connection.username else ""
        return alone + _PRELUDE


def _run(arguments: Sequence[str]) -> str:
    words = b" ".join(quote(argument) for argument in arguments).decode("utf-8", "surrogateescape")
    return f"run {words} || exit\n"


def _client_hosts(server: str) -> tuple[str, ...]:
    return ("localhost", "127.0.0.1", "::1") if server in ("", "localhost", "127.0.0.1", "::1") else ("%",)


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _option(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unhex(text: str) -> str:
    return bytes.fromhex(text).decode("utf-8", "replace")
