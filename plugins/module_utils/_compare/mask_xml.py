# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in the text of XML: found by the names of elements and attributes, also in what is not well-formed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .mask_names import is_trivial
from .tables import Span
from .xml_secrets import NAMING, VALUES, is_secret

_NAME = re.compile(r"[^\s<>/=\"'!?]+")
_BEFORE_A_NAME = re.compile(r"[\s/]*")
_BEFORE_A_VALUE = re.compile(r"\s*=\s*")
_WORD = re.compile(r"[^\s>]*")
_CDATA = ("<![CDATA[", "]]>")
_SKIPPED = (("<!--", "-->"), ("<?", "?>"), ("<!", ">"))
"""What holds no element, the more special first."""


def xml_values(text: str) -> Iterator[Span]:
    """The secret values: attributes and texts with a secret's name, everything in elements with one, and the value next
    to a secret's name. From where a tag cannot be followed, everything."""
    scan = _Scan(text)
    try:
        scan.run()
    except _Malformed as error:
        yield error.at, len(text)
    for begin, end in scan.secret:
        if not is_trivial(text[begin:end]):
            yield begin, end


class _Malformed(Exception):
    """A tag without an end."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


@dataclass
class _Element:
    """An element that has begun. ``texts``: where its own stand. ``below``: those of its children, which are secret if
    one of these turns out to be a secret's name."""

    name: str
    hidden: bool
    names_a_secret: bool = False
    texts: list[Span] = field(default_factory=list)
    below: list[Span] = field(default_factory=list)

    @property
    def is_naming(self) -> bool:
        return _local(self.name).lower() in NAMING


class _Scan:
    """One pass over a text, in time that grows with its length."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._stack: list[_Element] = []
        self._open: Counter[str] = Counter()
        self.secret: list[Span] = []

    def run(self) -> None:
        """Find everything. Raises _Malformed; what was found until then stays found."""
        text, at = self._text, 0
        try:
            while True:
                tag = text.find("<", at)
                self._take_text(at, tag if tag >= 0 else len(text))
                if tag < 0:
                    return
                at = self._take_tag(tag)
        finally:
            while self._stack:
                self._close()

    def _take_tag(self, tag: int) -> int:
        """Follow what begins with ``<``; the place behind it."""
        text = self._text
        if text.startswith(_CDATA[0], tag):
            end = self._behind(_CDATA[1], tag)
            self._take_text(tag + len(_CDATA[0]), end - len(_CDATA[1]))
            return end
        for begin, finish in _SKIPPED:
            if text.startswith(begin, tag):
                return self._behind(finish, tag)
        if text.startswith("</", tag):
            end = self._behind(">", tag)
            name = text[tag + 2 : end - 1].strip()
            if self._open[name]:
                while self._close() != name:
                    pass
            return end
        return self._take_start(tag)

    def _take_start(self, tag: int) -> int:
        text = self._text
        name = _NAME.match(text, tag + 1)
        if name is None:
            return tag + 1
        element = _Element(name[0], is_secret(_local(name[0])))
        if self._stack:
            above = self._stack[-1]
            element.hidden |= above.hidden or (above.names_a_secret and not element.is_naming)
        values: list[Span] = []
        at = name.end()
        while True:
            at = _end_of(_BEFORE_A_NAME, text, at)
            if at >= len(text):
                raise _Malformed(tag)
            if text[at] in "<>":
                break
            attribute = _NAME.match(text, at)
            equals = _BEFORE_A_VALUE.match(text, attribute.end()) if attribute else None
            if attribute is None or equals is None:
                at = attribute.end() if attribute else at + 1
                continue
            begin, end = self._value(equals.end(), tag)
            at = end if begin == equals.end() else end + 1
            known = _local(attribute[0])
            if element.hidden or is_secret(known):
                self.secret.append((begin, end))
            elif known.lower() not in NAMING:
                values.append((begin, end))
            elif is_secret(text[begin:end]):
                element.names_a_secret = True
        self._stack.append(element)
        self._open[element.name] += 1
        if element.names_a_secret:
            self.secret += values
        if text[at - 1] == "/":
            self._close()
        return at + 1 if text[at] == ">" else at

    def _value(self, at: int, tag: int) -> Span:
        """A quoted value without its quotes, or what stands up to the next blank or the tag's end."""
        text = self._text
        quote = text[at : at + 1]
        if quote in ("'", '"'):
            end = text.find(quote, at + 1)
            if end < 0:
                raise _Malformed(tag)
            return at + 1, end
        return at, _end_of(_WORD, text, at)

    def _take_text(self, begin: int, end: int) -> None:
        """A text of the innermost element, without the blanks around it."""
        if not self._stack:
            return
        text = self._text
        while begin < end and text[begin].isspace():
            begin += 1
        while end > begin and text[end - 1].isspace():
            end -= 1
        if end <= begin:
            return
        element = self._stack[-1]
        element.texts.append((begin, end))
        if len(self._stack) > 1 and element.is_naming and is_secret(text[begin:end]):
            self._stack[-2].names_a_secret = True

    def _close(self) -> str:
        """The innermost element ends. What it says waits for the name that may stand beside it."""
        element = self._stack.pop()
        self._open[element.name] -= 1
        if element.names_a_secret:
            self.secret += element.below
        if element.hidden or element.names_a_secret:
            self.secret += element.texts
        elif self._stack and not element.is_naming:
            self._stack[-1].below += element.texts
            if _local(element.name).lower() in VALUES:
                self._stack[-1].below += element.below
        return element.name

    def _behind(self, mark: str, tag: int) -> int:
        end = self._text.find(mark, tag)
        if end < 0:
            raise _Malformed(tag)
        return end + len(mark)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _end_of(expression: re.Pattern[str], text: str, at: int) -> int:
    found = expression.match(text, at)
    return found.end() if found else at
