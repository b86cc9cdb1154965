# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQLite, through the sqlite3 program or, where it is missing, python3 on the host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._errors import ItemTruncated
from .._transport.base import Argument, CommandResult, CommandStream
from .database_engine import END, QUIET, Engine, Selection, Survey, Table, section
from .sql_split import SQLITE, Statement, statements

_TOOL = r"""
database=$1
if command -v sqlite3 >/dev/null 2>&1; then tool=sqlite3
elif command -v python3 >/dev/null 2>&1; then tool=python3
else echo 'error: neither sqlite3 nor python3 is installed (install the package sqlite3)' >&2; exit 127
fi
"""
_SURVEY = (
    r"""
[ -e "$1" ] || { echo absent; exit 0; }
stat -L -c '%a %u %g %U %G' -- "$1" "$(dirname -- "$1")" || exit
"""
    + _TOOL
    + r"""
if [ $tool = sqlite3 ]; then
  sqlite3 -readonly -batch -bail -list -separator ' ' -cmd '.timeout 10000' "$database" "$2"
else
  python3 -c 'import pathlib, sqlite3, sys
database = sqlite3.connect(pathlib.Path(sys.argv[1]).as_uri() + "?mode=ro", uri=True, timeout=10)
for query in filter(None, (one.strip() for one in sys.argv[2].split(";"))):
    for row in database.execute(query):
        print(*row)' "$database" "$2"
fi
"""
)
_QUERIES = (
    "SELECT 'version', user_version FROM pragma_user_version;"
    "SELECT 'application', application_id FROM pragma_application_id;"
    "SELECT type, hex(name), hex(tbl_name) FROM sqlite_master ORDER BY name;"
)
_DUMP = (
    _TOOL
    + r"""
if [ $tool = sqlite3 ]; then
  sqlite3 -readonly -batch -bail -cmd '.timeout 10000' "$database" .dump || exit
else
  python3 -c 'import pathlib, sqlite3, sys
database = sqlite3.connect(pathlib.Path(sys.argv[1]).as_uri() + "?mode=ro", uri=True, timeout=10, isolation_level=None)
database.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
database.execute("BEGIN")
for line in database.iterdump():
    sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")' "$database" || exit
fi
printf %s "$2"
"""
)
_LOAD = (
    _TOOL
    + r"""
fresh=
if [ ! -e "$database" ]; then
  fresh=yes
  folder=$(dirname -- "$database")
  if [ ! -d "$folder" ] && [ -n "$5" ]; then
    mkdir -p -- "$folder" && { chown -- "$6" "$folder" 2>/dev/null || chown -- "$7" "$folder"; } &&
      chmod -- "$5" "$folder" || exit
  fi
  umask 077
fi
if [ $tool = sqlite3 ]; then
  sqlite3 -batch -bail "$database"
else
  python3 -c 'import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
text = ""
for line in sys.stdin.buffer:
    text += line.decode("utf-8", "surrogateescape")
    if sqlite3.complete_statement(text):
        database.execute(text)
        text = ""' "$database"
fi
rc=$?
if [ -n "$fresh" ] && [ $rc = 0 ] && [ -n "$2" ]; then
  { chown -- "$3" "$database" 2>/dev/null || chown -- "$4" "$database"; } && chmod -- "$2" "$database" || rc=1
elif [ -n "$fresh" ] && [ $rc != 0 ]; then
  rm -f -- "$database"
fi
exit $rc
"""
)
_HEAD = re.compile(
    rb"\s*(?:(?P<table>CREATE\s+(?:VIRTUAL\s+)?TABLE(?:\s+IF\s+NOT\s+EXISTS)?|INSERT\s+INTO|CREATE\s+VIEW)\s+"
    rb"|(?P<on>CREATE\s+(?:UNIQUE\s+)?(?:INDEX|TRIGGER)\b))",
    re.IGNORECASE,
)
_NAME = rb"(?:\"((?:[^\"]|\"\")*)\"|'((?:[^']|'')*)'|`((?:[^`]|``)*)`|\[([^\]]*)\]|([\w$\x80-\xff]+))"
_FIRST_NAME = re.compile(_NAME)
_ON = re.compile(rb"\bON\s+" + _NAME, re.IGNORECASE)
_SEQUENCE = re.compile(rb"\s*INSERT\s+INTO\s+\"?sqlite_sequence\"?\s+VALUES\s*\(\s*'((?:[^']|'')*)'", re.IGNORECASE)
_CLEARING = re.compile(rb"\s*DELETE\s+FROM\s+sqlite_sequence\s*\Z", re.IGNORECASE)
_CLEARING_QUOTED = re.compile(rb"\s*DELETE\s+FROM\s+\"sqlite_sequence\"\s*;", re.IGNORECASE)
_FRAME = re.compile(rb"\s*(BEGIN|COMMIT|END|ROLLBACK)\b", re.IGNORECASE)


class Sqlite(Engine):
    dialect = SQLITE
    completed = b"\nCOMMIT;\n"

    def survey(self) -> Survey | None:
        result = self.transport.run(["sh", "-c", _SURVEY, "sh", self._path, _QUERIES], become=self.become)
        if result.rc == 0 and result.text == "absent\n":
            return None
        if result.rc != 0:
            raise self.failed("The database cannot be read", result)
        lines = result.text.splitlines()
        survey = Survey([], facts={"file": _ownership(lines[0]), "folder": _ownership(lines[1])})
        for line in lines[2:]:
            words = line.split(" ")
            if words[0] in ("version", "application"):
                survey.facts[words[0]] = int(words[1])
                continue
            name = bytes.fromhex(words[1]).decode("utf-8", "replace")
            if words[0] in ("table", "view") and not name.lower().startswith("sqlite_"):
                survey.tables.append(Table(name, words[0]))
        return survey

    def dump(self, selection: Selection, survey: Survey) -> CommandStream:
        self._facts = survey.facts
        command: list[Argument] = ["sh", "-c", _DUMP, "sh", self._path, END]
        return self.transport.open(command, become=self.become, silence=QUIET)

    def runs(self, selection: Selection) -> int:
        return 1

    def content(self, chunks: Iterable[bytes], selection: Selection) -> Iterator[bytes]:
        """What of the whole dump the selection means; tables without rows come behind, each in its section."""
        full = {table.name.lower() for table in selection.full}
        without_rows: dict[str, list[bytes]] = {table.name.lower(): [] for table in selection.schema_only}
        yield f"PRAGMA application_id={self._facts['application']};\n".encode()
        yield f"PRAGMA user_version={self._facts['version']};\n".encode()
        done = False
        for statement in statements(chunks, SQLITE):
            if b"ERROR: (" in statement.raw and statement.kind == "comment":
                raise ItemTruncated("The database could not be read to its end")
            if statement.kind == "comment" and statement.raw.strip() == END.strip():
                done = True
                break
            if _CLEARING_QUOTED.match(statement.raw):
                yield b"\nDELETE FROM sqlite_sequence;"
                continue
            name = _table_of(statement)
            if name is None or name in full:
                yield statement.raw
            elif name in without_rows and not _is_insert(statement):
                without_rows[name].append(statement.raw.lstrip())
        yield b"\n"
        for table in selection.schema_only:
            yield section(table) + b"\n".join(without_rows[table.name.lower()]) + b"\n"
        if done:
            yield END

    def make_ready(self, facts: Mapping[str, Any]) -> Survey | None:
        return Survey([])  # the load itself makes the file

    def opening(self, survey: Survey, selection: Selection) -> Iterator[bytes]:
        yield b"PRAGMA busy_timeout=10000;\nPRAGMA foreign_keys=OFF;\nBEGIN IMMEDIATE;\n"
        for kind in ("view", "table"):
            for table in selection.full:
                if table.kind == kind:
                    quoted = table.name.replace('"', '""')
                    yield f'DROP {kind.upper()} IF EXISTS "{quoted}";\n'.encode()

    def fitted(self, statement: Statement) -> bytes:
        if _FRAME.match(statement.code):
            return b""
        if _CLEARING.match(statement.code):
            return b""  # other items' tables have their counters there too
        counter = _SEQUENCE.match(statement.raw)
        if counter is not None:
            clearing = b"DELETE FROM sqlite_sequence WHERE name='" + counter[1] + b"';\n"
            return clearing + statement.raw.strip() + b"\n"
        return statement.raw.strip() + b"\n"

    def closing(self) -> bytes:
        return b"COMMIT;\n"

    def load(self, sql: Iterable[bytes], facts: Mapping[str, Any]) -> CommandResult:
        file, folder = facts.get("file") or {}, facts.get("folder") or {}
        owners = [*_owner_words(file), *_owner_words(folder)]
        return self.transport.run(
            ["sh", "-c", _LOAD, "sh", self._path, *owners], input=sql, become=self.become, silence=QUIET
        )

    @property
    def _path(self) -> bytes:
        path = self.connection.path
        return path.encode("utf-8", "surrogateescape") if isinstance(path, str) else path


def _table_of(statement: Statement) -> str | None:
    """The table that a statement of a dump belongs to, in small letters; None for what belongs to the whole."""
    if statement.kind != "sql":
        return None
    sequence = _SEQUENCE.match(statement.raw)
    if sequence is not None:
        return sequence[1].replace(b"''", b"'").decode("utf-8", "replace").lower()
    head = _HEAD.match(statement.raw)
    if head is None:
        return None
    pattern = _ON if head["on"] else _FIRST_NAME
    found = pattern.search(statement.raw, head.end())
    if found is None:
        return None
    double, single, backtick, bracket, plain = found.groups()[-5:]
    name: bytes = next(one for one in (double, single, backtick, bracket, plain) if one is not None)
    text = name.replace(b'""', b'"').decode("utf-8", "replace").lower()
    return None if text.startswith("sqlite_") else text


def _is_insert(statement: Statement) -> bool:
    return statement.code.split(None, 1)[0].upper() == b"INSERT"


def _ownership(line: str) -> dict[str, str]:
    mode, uid, gid, user, group = line.split(" ")
    return {"mode": mode, "ids": f"{uid}:{gid}", "names": f"{user}:{group}"}


def _owner_words(facts: Mapping[str, Any]) -> list[str]:
    return [str(facts.get("mode", "")), str(facts.get("names", "")), str(facts.get("ids", ""))]
