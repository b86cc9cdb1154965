# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the rows of a dump that mysqldump, mariadb-dump, pg_dump or the shell of SQLite wrote.

The whole text is followed statement by statement, so that a text inside of a value can never pass for a statement.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from re import Pattern
from typing import Callable

from .tables import Row, Span

MYSQL = "mysql"
POSTGRESQL = "postgresql"
SQLITE = "sqlite"

_MARKS = (
    (POSTGRESQL, re.compile(r"^-- PostgreSQL database (cluster )?dump", re.MULTILINE)),
    (
        MYSQL,
        re.compile(
            r"^-- (MySQL|MariaDB) dump |^/\*M?!\d{5}|^(CREATE TABLE|INSERT INTO|DROP TABLE IF EXISTS) `", re.MULTILINE
        ),
    ),
)
_HEAD = 64 * 1024

_PLAIN_STRING = r"'[^']*(?:''[^']*)*'"
_BACKSLASH_STRING = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'"
_NAME = r"(?:[A-Za-z_][\w$]*|`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\")"
_QUALIFIED = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_COMMENT = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|\\[A-Za-z][^\n]*(?:\n|$)|/\*(?:(?!M?!)|M?!999999).*?\*/)+", re.DOTALL)
_INSERT = re.compile(
    rf"(?:INSERT(?:\s+OR\s+\w+|\s+IGNORE)?|REPLACE)\s+INTO\s+(?P<table>{_QUALIFIED})\s*(?P<columns>\([^()]*\))?\s*VALUES\s*(?=\()",
    re.IGNORECASE,
)
_CREATE = re.compile(
    rf"CREATE\s+(?:TEMP(?:ORARY)?\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<table>{_QUALIFIED})\s*\(",
    re.IGNORECASE,
)
_COPY = re.compile(rf"COPY\s+(?P<table>{_QUALIFIED})\s*(?P<columns>\([^()]*\))?\s+FROM\s+stdin;\n", re.IGNORECASE)
_DELIMITER = re.compile(r"DELIMITER\s+(?P<mark>\S+)[^\n]*(?:\n|$)", re.IGNORECASE)
_TRIGGER = re.compile(r"CREATE\s+(?:TEMP(?:ORARY)?\s+)?TRIGGER\b", re.IGNORECASE)
_TRIGGER_END = re.compile(r"\bEND\s*;", re.IGNORECASE)
_DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")
_COPY_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_STRING_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v"}
_NO_COLUMN = {
    SQLITE: re.compile(r"(PRIMARY|UNIQUE|CONSTRAINT|FOREIGN|CHECK)\b", re.IGNORECASE),
    POSTGRESQL: re.compile(r"(PRIMARY|UNIQUE|CONSTRAINT|FOREIGN|CHECK|EXCLUDE|LIKE)\b", re.IGNORECASE),
    MYSQL: re.compile(r"[^`]"),
}


class SqlDumpMalformed(ValueError):
    """The text cannot be followed from the position ``at`` on."""

    def __init__(self, at: int) -> None:
        super().__init__(f"SQL cannot be followed from character {at} on")
        self.at = at


def dialect_of(text: str) -> str:
    """Which engine's rules for strings and names a dump follows."""
    for dialect, mark in _MARKS:
        if mark.search(text, 0, _HEAD):
            return dialect
    return SQLITE


def rows(text: str, wanted: Callable[[str], bool] | None = None) -> Iterator[Row]:
    """Every row of every table in the order of the dump.

    Rows of tables that are not ``wanted`` are given without values, to be counted. Raises SqlDumpMalformed.
    """
    dump = _Dump(text, wanted or (lambda table: True))
    return dump.rows()


class _Dump:
    def __init__(self, text: str, wanted: Callable[[str], bool]) -> None:
        self.text = text
        self.wanted = wanted
        self.dialect = dialect_of(text)
        self.columns: dict[str, tuple[str, ...]] = {"sqlite_sequence": ("name", "seq")}
        string = {
            MYSQL: _BACKSLASH_STRING,
            POSTGRESQL: rf"(?<![\w$])[eE]{_BACKSLASH_STRING}|{_PLAIN_STRING}",
            SQLITE: _PLAIN_STRING,
        }[self.dialect]
        bare = r"[^\s'\"`(),;]+"
        simple = rf"(?:_\w+\s+)?(?:{string})|{bare}(?:{_PLAIN_STRING})?"
        self.simple = re.compile(simple, re.DOTALL)
        self.simple_row = re.compile(rf"\(\s*(?:{simple})(?:\s*,\s*(?:{simple}))*\s*\)", re.DOTALL)
        quotes = rf"{string}|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/"
        self.quoted = re.compile(quotes, re.DOTALL)
        self.dull = re.compile(r"[^'\"`;$(),/\-eE]+")

    def rows(self) -> Iterator[Row]:
        at, end, delimiter = 0, len(self.text), ";"
        while True:
            skipped = _COMMENT.match(self.text, at)
            at = skipped.end() if skipped else at
            if at >= end:
                return
            changed = _DELIMITER.match(self.text, at)
            if changed:
                delimiter, at = changed["mark"], changed.end()
                continue
            if delimiter != ";":
                found = self.text.find(delimiter, at)
                at = end if found < 0 else found + len(delimiter)
                continue
            insert = _INSERT.match(self.text, at)
            if insert:
                at = yield from self._insert(insert)
                continue
            copy = _COPY.match(self.text, at) if self.dialect == POSTGRESQL else None
            if copy:
                at = yield from self._copy(copy)
                continue
            create = _CREATE.match(self.text, at)
            if create:
                self._remember(create)
            at = self._behind_statement(at)

    # --- statements --------------------------------------------------------------------------------------------------
    def _behind_statement(self, start: int) -> int:
        if self.dialect == SQLITE and _TRIGGER.match(self.text, start):
            found = _TRIGGER_END.search(self.text, start)
            if not found:
                raise SqlDumpMalformed(start)
            return found.end()
        for at, char in self._outside_quotes(start, start):
            if char == ";":
                return at + 1
        return len(self.text)

    def _outside_quotes(self, at: int, statement: int) -> Iterator[tuple[int, str]]:
        """Every character that is not part of a string, name in quotes or comment and may mean something."""
        text, end = self.text, len(self.text)
        while at < end:
            dull = self.dull.match(text, at)
            if dull:
                at = dull.end()
                continue
            quoted = self.quoted.match(text, at)
            if quoted:
                at = quoted.end()
                continue
            char = text[at]
            if char in "'\"`":
                raise SqlDumpMalformed(statement)
            dollar = _DOLLAR.match(text, at) if char == "$" and self.dialect == POSTGRESQL else None
            if dollar:
                close = text.find(dollar[0], dollar.end())
                if close < 0:
                    raise SqlDumpMalformed(statement)
                at = close + len(dollar[0])
                continue
            yield at, char
            at += 1

    def _parts(self, opening: int, statement: int) -> tuple[list[Span], int]:
        """What stands between the commas of a parenthesis, and the position behind it."""
        parts, depth, begin = [], 0, opening + 1
        for at, char in self._outside_quotes(opening, statement):
            if char == "(":
                depth += 1
            elif char == "," and depth == 1:
                parts.append((begin, at))
                begin = at + 1
            elif char == ")":
                depth -= 1
                if depth == 0:
                    parts.append((begin, at))
                    return parts, at + 1
        raise SqlDumpMalformed(statement)

    def _remember(self, create: re.Match[str]) -> None:
        names = []
        for begin, stop in self._parts(create.end() - 1, create.start())[0]:
            part = _COMMENT.sub(" ", self.text[begin:stop]).strip()
            if not part or _NO_COLUMN[self.dialect].match(part):
                continue
            name = re.match(_NAME, part)
            if name:
                names.append(_plain(name[0]))
        self.columns[_plain(create["table"])] = tuple(names)

    def _insert(self, insert: re.Match[str]) -> Generator[Row, None, int]:
        table = _plain(insert["table"])
        columns = _names(insert["columns"]) if insert["columns"] else self.columns.get(table, ())
        wanted, at, text = self.wanted(table), insert.end(), self.text
        while True:
            simple = self.simple_row.match(text, at)
            if simple:
                behind = simple.end()
                spans = [found.span() for found in self.simple.finditer(text, at + 1, behind - 1)] if wanted else []
            else:
                if not text.startswith("(", at):
                    raise SqlDumpMalformed(insert.start())
                spans, behind = self._parts(at, insert.start())
                spans = [_trimmed(text, span) for span in spans] if wanted else []
            yield Row(table, columns, tuple(self._value(text[a:b]) for a, b in spans), tuple(spans))
            follower = _FOLLOWER.match(text, behind)
            if not follower:
                raise SqlDumpMalformed(insert.start())
            at = follower.end()
            if follower["mark"] == ";":
                return at

    def _copy(self, copy: re.Match[str]) -> Generator[Row, None, int]:
        table = _plain(copy["table"])
        columns = _names(copy["columns"]) if copy["columns"] else self.columns.get(table, ())
        wanted, at, text = self.wanted(table), copy.end(), self.text
        while True:
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
            if text.startswith("\\.", at) and stop - at <= 3:
                return stop
            if stop >= len(text):
                raise SqlDumpMalformed(copy.start())
            spans = []
            if wanted:
                begin = at
                for field in text[at:stop].split("\t"):
                    spans.append((begin, begin + len(field)))
                    begin += len(field) + 1
            yield Row(table, columns, tuple(_copied(text[a:b]) for a, b in spans), tuple(spans))
            at = stop + 1

    # --- values ------------------------------------------------------------------------------------------------------
    def _value(self, literal: str) -> str | None:
        if literal[:1] == "'":
            inside = literal[1:-1].replace("''", "'")
            return _STRING_ESCAPE.sub(_unescaped, inside) if self.dialect == MYSQL and "\\" in inside else inside
        return None if literal.upper() == "NULL" else literal


_FOLLOWER: Pattern[str] = re.compile(
    r"\s*(?:,\s*(?=\()|(?:ON\s+CONFLICT\s+DO\s+NOTHING\s*)?(?P<mark>;))", re.IGNORECASE
)


def _trimmed(text: str, span: Span) -> Span:
    begin, end = span
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    return begin, end


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], "\0" if escape[1] == "0" else escape[1])


def _copied(field: str) -> str | None:
    if field == "\\N":
        return None
    return _COPY_ESCAPE.sub(_copy_unescaped, field) if "\\" in field else field


def _copy_unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _ESCAPES.get(code, code)


def _plain(name: str) -> str:
    """The last part of a name that may be qualified, without its quotes."""
    last = re.findall(_NAME, name)[-1]
    return last[1:-1].replace(last[0] * 2, last[0]) if last[0] in '`"' else str(last)


def _names(columns: str) -> tuple[str, ...]:
    return tuple(_plain(name) for name in re.findall(_NAME, columns))
