# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stream of SQL, taken apart into statements, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from re import Pattern

from .._errors import HostileContent

SQLITE = "sqlite"
MYSQL = "mysql"
POSTGRESQL = "postgresql"

LARGEST_STATEMENT = 256 * 2**20
"""Bytes. A row with a large blob is one statement; beyond this no honest dump goes."""
OVERLAP = 128
"""Bytes before the end of what has come in which a token may be cut."""

_PLAIN_TEXT = rb"'[^']*(?:''[^']*)*'(?!')"
_ESCAPED_TEXT = rb"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'(?!')"
_NAME = rb'"[^"]*(?:""[^"]*)*"(?!")'
_ESCAPED_NAME = rb'"[^"\\]*(?:(?:\\.|"")[^"\\]*)*"(?!")'
_BACKTICK_NAME = rb"`[^`]*(?:``[^`]*)*`(?!`)"
_BRACKET_NAME = rb"\[[^\]]*\]"
_DOLLAR_TEXT = rb"\$(?P<tag>(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?)\$.*?\$(?P=tag)\$"
_WORD = rb"[\w\x80-\xff]+"
_LINE_COMMENT = rb"--[^\n]*(?:\n|\Z)"
_BLOCK_COMMENT = rb"/\*.*?\*/"

_FLAGS = re.DOTALL | re.MULTILINE | re.IGNORECASE


def _grammar(quoted: tuple[bytes, ...], other: bytes, comments: bytes, special: bytes) -> Pattern[bytes]:
    """``run``: code and quoted things up to something else; ``open``: the begin of something whose end has not come."""
    run = b"|".join((*quoted, other))
    return re.compile(
        rb"(?P<special>"
        + special
        + rb")|(?P<run>(?:"
        + run
        + rb")+)|(?P<comment>"
        + comments
        + rb")|(?P<end>;)|(?P<open>.)",
        _FLAGS,
    )


_NEVER = rb"(?!)"
_GRAMMARS = {
    SQLITE: _grammar(
        (_PLAIN_TEXT, _NAME, _BACKTICK_NAME, _BRACKET_NAME),
        rb"[^'\"`\[;/-]+|-(?!-)|/(?!\*)",
        _LINE_COMMENT + b"|" + _BLOCK_COMMENT,
        _NEVER,
    ),
    MYSQL: _grammar(
        (_ESCAPED_TEXT, _ESCAPED_NAME, _BACKTICK_NAME),
        # What stands in /*! */ is executed, so only the frame becomes a blank; version 999999 never comes.
        rb"(?!^delimiter[ \t])"
        + _WORD
        + rb"|[^\w\x80-\xff'\"`;/#*-]+|-(?!-[\s\x00])|/\*M?!(?!999999)\d*|/(?!\*)|\*/|\*(?!/)",
        rb"--(?=[\s\x00])[^\n]*(?:\n|\Z)|#[^\n]*(?:\n|\Z)|/\*(?:(?!M?!)|M?!999999).*?\*/",
        rb"^delimiter[ \t][^\n]*(?:\n|\Z)",
    ),
    POSTGRESQL: _grammar(
        (rb"[eE]" + _ESCAPED_TEXT, _PLAIN_TEXT, _NAME, _DOLLAR_TEXT),
        rb"(?![eE]')" + _WORD + rb"|[^\w\x80-\xff'\"$;/\\-]+|\\(?!(?:un)?restrict[ ])"
        rb"|\$(?!(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$)|-(?!-)|/(?!\*)",
        _LINE_COMMENT + b"|" + _BLOCK_COMMENT,
        rb"\\(?:un)?restrict[ ][^\n]*(?:\n|\Z)",
    ),
}
_QUOTED = {
    SQLITE: re.compile(b"|".join((_PLAIN_TEXT, _NAME, _BACKTICK_NAME, _BRACKET_NAME)), _FLAGS),
    MYSQL: re.compile(b"|".join((_ESCAPED_TEXT, _ESCAPED_NAME, _BACKTICK_NAME, rb"(?P<frame>/\*M?!\d*|\*/)")), _FLAGS),
    POSTGRESQL: re.compile(b"|".join((rb"\b[eE]" + _ESCAPED_TEXT, _PLAIN_TEXT, _NAME, _DOLLAR_TEXT)), _FLAGS),
}
_TRIGGER = re.compile(rb"\s*CREATE\s+(?:TEMP(?:ORARY)?\s+)?TRIGGER\b", re.IGNORECASE)
_TRIGGER_END = re.compile(rb";\s*END\s*\Z", re.IGNORECASE)
_DELIMITER = re.compile(rb"delimiter[ \t]+(;;?)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One statement with its end mark, or something between statements.

    ``kind``: ``sql``; ``comment``; ``special`` is a line for the client program that belongs to its dumps
    (``DELIMITER``, ``\\restrict``). ``code`` is ``raw`` with texts and quoted names emptied and comments left out,
    without the end mark.
    """

    kind: str
    raw: bytes
    code: bytes = b""


def statements(chunks: Iterable[bytes], dialect: str) -> Iterator[Statement]:
    """Take SQL apart; joined again, all that comes out is what went in.

    :raises HostileContent: a statement without an end, or larger than any honest one
    """
    splitter = _Splitter(dialect)
    for chunk in chunks:
        yield from splitter.take(chunk, last=False)
    yield from splitter.take(b"", last=True)


class _Splitter:
    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._token = _GRAMMARS[dialect]
        self._quoted = _QUOTED[dialect]
        self._waiting: list[bytes] = []
        self._size = 0
        self._needed = 0
        self._raw: list[bytes] = []
        self._code: list[bytes] = []
        self._mark = b";"

    def take(self, data: bytes, last: bool) -> Iterator[Statement]:
        self._waiting.append(data)
        self._size += len(data)
        if self._size < self._needed and not last:
            return
        buffer = b"".join(self._waiting)
        at = 0
        limit = len(buffer) if last else len(buffer) - OVERLAP
        while at < len(buffer):
            found = self._token.match(buffer, at)
            kind = found.lastgroup if found else None
            if kind == "tag":
                kind = "run"
            if found is None or kind == "open" or found.end() > limit:
                if last and (found is None or kind == "open"):
                    raise HostileContent("The dump ends in the middle of a text or a comment")
                break
            at = found.end()
            yield from self._piece(str(kind), found[0])
        self._waiting = [buffer[at:]]
        self._size = len(buffer) - at
        # What is not whole yet is looked at again only when it has doubled: the work stays in proportion to its size.
        self._needed = 2 * self._size
        if self._size + sum(map(len, self._raw)) > LARGEST_STATEMENT:
            raise HostileContent(f"The dump holds a statement of more than {LARGEST_STATEMENT} bytes")
        if last and self._raw:
            yield self._whole("sql")

    def _piece(self, kind: str, raw: bytes) -> Iterator[Statement]:
        between = not b"".join(self._code).strip()
        self._raw.append(raw)
        if kind == "run":
            self._code.append(self._quoted.sub(_emptied, raw))
        elif kind == "comment":
            if between:
                yield self._whole("comment")
            else:
                self._code.append(b" ")
        elif kind == "special":
            found = _DELIMITER.match(raw) if self._dialect == MYSQL else None
            if found is not None:
                self._mark = found[1]
            if between and (found is not None or self._dialect != MYSQL):
                yield self._whole("special")
            else:
                self._code.append(b"\\")
        elif self._ends():
            yield self._whole("sql")
        else:
            self._code.append(b";")

    def _ends(self) -> bool:
        """Whether the end mark at hand ends the statement."""
        if self._dialect == SQLITE:
            code = b"".join(self._code)
            return not _TRIGGER.match(code) or _TRIGGER_END.search(code) is not None
        if self._mark == b";;":
            return len(self._raw) > 1 and self._raw[-2] == b";"
        return True

    def _whole(self, kind: str) -> Statement:
        statement = Statement(kind, b"".join(self._raw), b"".join(self._code).rstrip(b";") if kind == "sql" else b"")
        self._raw, self._code = [], []
        return statement


def _emptied(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if text[:2] == b"/*" or text == b"*/":
        return b" "
    if text[:1] == b"[":
        return b"[]"
    return text[:1] * 2 if text[:1] in (b'"', b"`") else b"''"
