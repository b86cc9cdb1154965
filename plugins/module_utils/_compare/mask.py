# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are replaced by keyed placeholders before a text is shown.

``<secret:1f0c2d3e>`` is the beginning of an HMAC of the secret: the same secret gives the same placeholder, another
secret another one, so that a change stays visible; without the key nobody can try passwords against it. Only what is
shown is masked, what is stored stays as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Callable

from .._errors import OptionInvalid
from .tables import Span

MaskRule = Callable[[str], Iterable[Span]]
"""Finds secrets: takes a text, gives the spans of what must not be shown. Spans may overlap and come in any order."""

KEY_LENGTH = 32
_PLACEHOLDER = re.compile(r"<secret:[0-9a-f]{8}>")
_DOMAIN = b"ucops.recovery placeholder\0"


class Masker:
    """Puts placeholders in the place of secrets.

    :param key: 32 secret bytes; placeholders made with different keys cannot be compared
    :raises OptionInvalid: the key has another length
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise OptionInvalid(f"A placeholder key has {KEY_LENGTH} bytes, not {len(key)}")
        self._key = key

    def placeholder(self, secret: str | bytes) -> str:
        """What is shown instead of a secret."""
        raw = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogateescape")
        return f"<secret:{hmac.new(self._key, _DOMAIN + raw, hashlib.sha256).hexdigest()[:8]}>"

    def digest(self, content: bytes) -> str:
        """A keyed digest (16 hex digits) of a content that is never shown at all."""
        return hmac.new(self._key, b"ucops.recovery content\0" + content, hashlib.sha256).hexdigest()[:16]

    def mask_text(self, text: str, rules: Iterable[MaskRule]) -> tuple[str, int]:
        """The text with every secret that a rule finds replaced, and how many were. What is masked already stays."""
        out, at, hits = [], 0, 0
        for begin, end in _merged(text, rules):
            out.append(text[at:begin])
            out.append(self.placeholder(text[begin:end]))
            at, hits = end, hits + 1
        out.append(text[at:])
        return "".join(out), hits


def _merged(text: str, rules: Iterable[MaskRule]) -> Iterator[Span]:
    spans = sorted(span for rule in rules for span in rule(text) if span[1] > span[0])
    placeholders = [found.span() for found in _PLACEHOLDER.finditer(text)] if spans else []
    held: Span | None = None
    for begin, end in spans:
        place = bisect_right(placeholders, (begin, len(text))) - 1
        if place >= 0 and end <= placeholders[place][1]:
            continue
        if held and begin < held[1]:
            held = held[0], max(held[1], end)
            continue
        if held:
            yield held
        held = begin, end
    if held:
        yield held


def redacted(text: str, rules: Iterable[MaskRule]) -> str:
    """The same for messages, where there is no key: every secret becomes ``<secret>``."""
    out, at = [], 0
    for begin, end in _merged(text, rules):
        out += [text[at:begin], "<secret>"]
        at = end
    return "".join(out) + text[at:]


def pattern(expression: str, flags: int = 0) -> MaskRule:
    """A rule: whatever the group C(secret) of a regular expression matches."""
    compiled = re.compile(expression, flags)

    def rule(text: str) -> Iterator[Span]:
        for found in compiled.finditer(text):
            yield found.span("secret")

    return rule


def readable(text: str) -> str:
    """Text fit for a terminal and for JSON: bytes that are not UTF-8 and control characters become ``\\xNN``."""
    legible = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), legible)


_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Also what turns the direction of writing, so that a line cannot look like another one."""


def decoded(content: bytes) -> str:
    """A content as text, without losing a byte."""
    return content.decode("utf-8", "surrogateescape")


def mask_values(
    masker: Masker, values: Sequence[str | None], secret: Iterable[int], rules: Sequence[MaskRule]
) -> list[str]:
    """The values of a row, fit to be shown: whole placeholders at the secret positions, rules applied to the others."""
    hidden = set(secret)
    out = []
    for at, value in enumerate(values):
        if not value:
            out.append("" if value == "" else "NULL")
        elif at in hidden:
            out.append(masker.placeholder(value))
        else:
            out.append(readable(masker.mask_text(value, rules)[0]))
    return out
