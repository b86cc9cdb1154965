# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that a name tells of: ``name = value`` and ``name value`` in every usual writing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .mask import pattern
from .mask_forms import end_of_block
from .tables import Span

_NAME_END = re.compile(
    r"(?P<word>password|passwd|passphrase|passwort|passcode|pass|pwd|pw|secret|psk|token|community|credentials?"
    r"|hmac|ha1b?|key)\d*(?P<closing>[\"'\])]*)[ \t]*(?:=>|:=|\+=|[=!]=|=~|=|:(?!:))[ \t]*",
    re.IGNORECASE,
)
_LOOK_ALIKE = re.compile(
    r"(bypass|compass|surpass|trespass|monkey|turkey|hot_?key|pub(lic)?[-_. ]?key|primary[-_ ]key|foreign[-_ ]key"
    r"|sort_?key|partition_?key|authorized_?key|host_?key|no_?password|ask_?pass)\d*$",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"([\"']?)(?:yes|no|true|false|on|off|none|null|nil|[01]|)\1[ \t]*[,;]?[ \t]*\r?(?=\n|$)", re.IGNORECASE
)
_PATH = re.compile(r"[\"']?(?:/(?:etc|var|usr|opt|run|home|root|srv|tmp|dev|mnt|media)/|\./|\.\./|file:)")
_QUOTED = {
    '"': re.compile(r"\"((?:[^\"\\]|\\.)*)\"", re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.|'')*)'", re.DOTALL),
}
_LONGEST_QUOTED = 16 * 1024
_REST_OF_LINE = re.compile(r"(?:[^\\\n]|\\\r?\n|\\(?!\r?\n))*")
_REST_OF_WORD = re.compile(r"[^\s;&\"'<>]+")
_END_BEHIND_QUOTE = re.compile(r"[ \t]*[,;:)}\]]*[ \t]*\r?(?:[ \t](?:#|//|/\*)[^\n]*)?(?=\n|$)")
_NEXT_BEHIND_QUOTE = re.compile(r"$|[\s,;:)}\]>|&?/+.]")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\n")
_INLINE = re.compile(r"[=:;,<&?{]")
_PSEUDO_VARIABLE = re.compile(r"[\"']?\$(?:[A-Za-z_]+|[A-Za-z_]*\([^\n]*\))[\"']?[ \t]*(?:[;){}|&]|\r?\n|$)")
_COMMENT_MARKS = " \t#;!/*-"
_LOOK_BACK = 200


def is_look_alike(name: str) -> bool:
    """Whether a name only ends like a secret's name."""
    return bool(_LOOK_ALIKE.search(name))


def is_trivial(value: str) -> bool:
    """Whether a value only says yes, no or nothing, so that it keeps nothing secret."""
    return bool(_NO_SECRET.fullmatch(value))


def is_path(value: str) -> bool:
    """Whether a value names a file, so that it is no secret itself."""
    return bool(_PATH.match(value))


def is_pseudo_variable(value: str) -> bool:
    """Whether a value is nothing but a pseudo-variable of Kamailio's script."""
    return bool(_PSEUDO_VARIABLE.fullmatch(value))


def assignments(text: str) -> Iterator[Span]:
    """``name = value`` when the name ends like a secret's name: INI, shell, YAML, JSON, XML, query strings."""
    return _assignments(text, script=False)


def script_assignments(text: str) -> Iterator[Span]:
    """The same in Kamailio's script, where a pseudo-variable as the value is no secret."""
    return _assignments(text, script=True)


def _assignments(text: str, *, script: bool) -> Iterator[Span]:
    done = 0
    for found in _NAME_END.finditer(text):
        if found.start() < done:
            continue
        line, begin = text.rfind("\n", 0, found.start()) + 1, found.end()
        before = text[max(line, found.start() - _LOOK_BACK) : found.start()]
        if is_look_alike(before + found["word"]) or _NO_SECRET.match(text, begin):
            continue
        if found["word"].lower() == "key" and _PATH.match(text, begin):
            continue
        if script and _PSEUDO_VARIABLE.match(text, begin):
            continue
        span = _value(
            text,
            begin,
            alone=not _INLINE.search(before.lstrip(_COMMENT_MARKS)),
            indent=len(before) - len(before.lstrip(" ")),
        )
        done = span[1]
        yield span


def _value(text: str, begin: int, *, alone: bool, indent: int) -> Span:
    """The span of a value; ``alone``: nothing but the name stands before it, so it may reach to the end of the line."""
    block = _BLOCK_SCALAR.match(text, begin)
    if block:
        return block.end(), end_of_block(text, block.end(), indent)
    quoting = _QUOTED.get(text[begin : begin + 1])
    quoted = quoting.match(text, begin, begin + _LONGEST_QUOTED) if quoting else None
    if quoted:
        behind = _END_BEHIND_QUOTE if alone else _NEXT_BEHIND_QUOTE
        if behind.match(text, quoted.end()):
            return quoted.span(1)
        return begin, max(end_of_line(text, quoted.end()), quoted.end())
    if alone or quoting:
        return begin, end_of_line(text, begin)
    word = _REST_OF_WORD.match(text, begin)
    return begin, word.end() if word else begin


def end_of_line(text: str, begin: int) -> int:
    """Where the line that is read from ``begin`` on ends, over continuations, without the blanks at its end."""
    rest = _REST_OF_LINE.match(text, begin)
    end = rest.end() if rest else begin
    while end > begin and text[end - 1] in " \t\r":
        end -= 1
    return end


# --- name value ------------------------------------------------------------------------------------------------------
_WORDS = "password|passwd|passphrase|secret|psk|community6?|bindpw|rootpw|requirepass|masterauth"
_DIRECTIVE = pattern(
    rf"^[ \t]*(?:[\w.-]+[ \t]+){{0,3}}?[\w.-]*?(?:{_WORDS})[ \t]+(?P<secret>[^\s=:{{(][^\n]*?)[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)
_COMMENTED_DIRECTIVE = pattern(
    rf"^[ \t]*[#;!][#;! \t]*[\w.-]*?(?:{_WORDS})[ \t]+(?P<secret>[^\s=:{{(]\S*)[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)
_QUOTED_DIRECTIVE = pattern(
    r"(?:password|passwd|passphrase|secret|psk)[ \t]+\"(?P<secret>[^\"\\\n]*(?:\\.[^\"\\\n]*)*)",
    re.DOTALL | re.IGNORECASE,
)


def directives(text: str) -> Iterator[Span]:
    """``name value`` with up to three words in front of it; in comments only when nothing else is said."""
    yield from _DIRECTIVE(text)
    yield from _COMMENTED_DIRECTIVE(text)
    yield from _QUOTED_DIRECTIVE(text)
