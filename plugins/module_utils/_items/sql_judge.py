# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which statements of a dump are loaded.

A dump is data from a host. The client that loads it obeys more than SQL (psql runs ``\\! command``, mysql ``system``,
sqlite3 ``.shell``), and SQL itself reaches beyond the database (``COPY ... FROM PROGRAM``, ``ATTACH``). Only what the
dump tools write is let through. This does not make the code of a strange database safe to run: its functions and
triggers come back with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import Pattern

from .._errors import HostileContent
from .sql_split import MYSQL, POSTGRESQL, SQLITE, Statement, statements


def _heads(*alternatives: str) -> Pattern[bytes]:
    text = "|".join(alternative.replace(" ", r"\s+") for alternative in alternatives)
    return re.compile(rb"\s*(?:" + text.encode() + rb")(?![\w.])", re.IGNORECASE)


_ALLOWED = {
    SQLITE: _heads(
        *(
            "PRAGMA",
            "BEGIN",
            "COMMIT",
            "INSERT INTO",
            "INSERT OR IGNORE INTO",
            "DELETE FROM sqlite_sequence",
            "ANALYZE",
        ),
        *("CREATE (?:UNIQUE )?INDEX", "CREATE (?:VIRTUAL )?TABLE", "CREATE TRIGGER", "CREATE VIEW"),
    ),
    MYSQL: _heads(
        *("SET", "INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO", "LOCK TABLES", "UNLOCK TABLES", "COMMIT"),
        *("DROP (?:TEMPORARY )?(?:TABLE|VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|SEQUENCE)", "ALTER (?:TABLE|DATABASE)"),
        *("CREATE (?:TABLE|SEQUENCE|VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|ALGORITHM|DEFINER|OR REPLACE)",),
        *("DO SETVAL", "SELECT SETVAL"),
    ),
    POSTGRESQL: _heads(
        *("SET", "SELECT pg_catalog.set_config", "SELECT pg_catalog.setval", "INSERT INTO", "COMMENT ON"),
        *("CREATE (?!ROLE|USER|DATABASE|TABLESPACE|SUBSCRIPTION|SERVER|FOREIGN|LANGUAGE|EVENT|GROUP|CAST)[A-Z]+",),
        *("ALTER (?!SYSTEM|ROLE|USER|DATABASE|TABLESPACE|SUBSCRIPTION|SERVER|FOREIGN|GROUP|EVENT)[A-Z]+",),
        *("GRANT", "REVOKE", "DROP (?!ROLE|USER|DATABASE|TABLESPACE|OWNED)[A-Z]+", "REFRESH MATERIALIZED VIEW"),
    ),
}
_REFUSED = {
    SQLITE: re.compile(
        rb"\b(?:load_extension|readfile|writefile|edit|fts3_tokenizer)\s*\(|^\s*(?:\.|go\s*$|/\s*$)",
        re.IGNORECASE | re.MULTILINE,
    ),
    MYSQL: re.compile(
        rb"\\|\b(?:LOAD_FILE|OUTFILE|DUMPFILE|SONAME)\b"
        rb"|\A\s*(?:INSERT|REPLACE|LOCK|ALTER\s+TABLE|(?:CREATE|DROP)\s+TABLE)\b[^(]*``\s*\.",
        re.IGNORECASE,
    ),
    POSTGRESQL: re.compile(
        rb"\\|\A\s*SET\s+(?:LOCAL\s+|SESSION\s+)?(?:ROLE|AUTHORIZATION)\b|\A\s*(?:GRANT|REVOKE)\b(?!.*\bON\b)|/\*[^*]*/\*",
        re.IGNORECASE | re.DOTALL,
    ),
}


def judged(chunks: Iterable[bytes], dialect: str) -> Iterator[Statement]:
    """The statements of a dump, in order. Raises HostileContent at the first that no dump tool writes."""
    allowed, refused = _ALLOWED[dialect], _REFUSED[dialect]
    for statement in statements(chunks, dialect):
        code = statement.code
        if statement.kind == "sql" and code.strip() and (not allowed.match(code) or refused.search(code)):
            shown = " ".join(code.decode("utf-8", "replace").split())[:60]
            raise HostileContent(
                f"The dump holds what no dump tool writes: {shown!r}",
                hint="Look at where this generation comes from before you restore anything of it.",
            )
        yield statement
