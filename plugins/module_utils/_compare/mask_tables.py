# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in the rows of SQL dumps and text tables."""

from __future__ import annotations

from collections.abc import Iterator

from . import dbtext, sqldump
from .tables import Span, secret_values


def sql_rows(text: str) -> Iterator[Span]:
    """The secret columns of every row; from where a dump cannot be followed, everything."""
    try:
        for row in sqldump.rows(text):
            for at in secret_values(row):
                if row.values[at] is not None:
                    yield _inside_quotes(text, row.spans[at])
    except sqldump.SqlDumpMalformed as error:
        yield error.at, len(text)


def dbtext_rows(text: str) -> Iterator[Span]:
    """The secret columns of a table file of Kamailio's text database; of any other text nothing."""
    if not dbtext.is_table(text):
        return
    for row in dbtext.rows("", text):
        for at in secret_values(row):
            yield row.spans[at]


def _inside_quotes(text: str, span: Span) -> Span:
    begin, end = span
    quoted = end - begin >= 2 and text[begin] == "'" == text[end - 1]
    return (begin + 1, end - 1) if quoted else span
