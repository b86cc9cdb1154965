# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read table files of Kamailio's text database: a line of columns, then one row a line, fields between colons."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .tables import Row

_COLUMN = re.compile(
    r"([A-Za-z_]\w*)\s*\(\s*(?:int|integer|double|str|string|blob|time|datetime|date)[^()\n]*\)", re.IGNORECASE
)
_HEADER = re.compile(rf"[ \t]*{_COLUMN.pattern}(?:[ \t]+{_COLUMN.pattern})*[ \t\r]*(?=\n|$)", re.IGNORECASE)
_FIELD = re.compile(r"(?:[^:\\\n]|\\.)*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def is_table(text: str) -> bool:
    """Whether a text is such a table file."""
    return bool(_HEADER.match(text))


def columns_of(text: str) -> tuple[str, ...]:
    """The names of the columns in their order; empty when this is no table file."""
    header = _HEADER.match(text)
    return tuple(_COLUMN.findall(header[0])) if header else ()


def rows(table: str, text: str) -> Iterator[Row]:
    """The rows of one table file; empty lines are skipped. A field without content is given as None."""
    columns = columns_of(text)
    header = _HEADER.match(text)
    at = header.end() if header else 0
    while at < len(text):
        if text[at] == "\n":
            at += 1
            continue
        spans = []
        while True:
            field = _FIELD.match(text, at)
            spans.append(field.span() if field else (at, at))
            at = spans[-1][1]
            if not text.startswith(":", at):
                break
            at += 1
        if at < len(text) and text[at] != "\n":  # a lone backslash at the end of the text
            spans[-1] = (spans[-1][0], len(text))
            at = len(text)
        values = tuple(_ESCAPE.sub(_unescaped, text[a:b]) if b > a else None for a, b in spans)
        yield Row(table, columns, values, tuple(spans))


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[1])
