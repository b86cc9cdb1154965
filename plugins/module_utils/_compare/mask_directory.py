# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in attributes of a directory, and in the documents that keep them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .tables import Span

_SECRET_NAME = re.compile(r"(?:pass(?:word|wd|phrase|code)?|pwd|pin|secret|token|credentials?|hash|key)\d*$", re.I)
_PAIR = re.compile(r"<?\s*[0-9]+\s*,(?P<value>.*?)>?$", re.DOTALL)
_SECTION = re.compile(r'^ "(?P<name>\w+)": ')
_ATTRIBUTE = re.compile(r'^  "(?P<name>[^"]+)": \[$')
_VALUE = re.compile(r'^   "(?P<value>.*)",?$')
_BEGIN = '{\n "attributes": {'


def secret_part(attribute: str, value: str) -> Span | None:
    """What must not be shown of a value, None when all may be.

    Of the pairs in ``extensionName`` nobody but the vendor knows which number means a password: the number is shown,
    the value never. Of other attributes the name tells.
    """
    if attribute.lower() == "extensionname":
        pair = _PAIR.match(value)
        return pair.span("value") if pair else (0, len(value))
    return (0, len(value)) if _SECRET_NAME.search(attribute) else None


def documents(text: str) -> Iterator[Span]:
    """In a document of an object: all values in base64, which say nothing to a reader, and what is secret in the
    readable ones. A text that is written in another way is hidden as a whole."""
    if not text.startswith(_BEGIN):
        yield 0, len(text)
        return
    section = attribute = ""
    at = 0
    for line in text.split("\n"):
        section_begins, attribute_begins, found = _SECTION.match(line), _ATTRIBUTE.match(line), _VALUE.match(line)
        if section_begins:
            section = section_begins["name"]
        elif attribute_begins:
            attribute = attribute_begins["name"]
        elif found:
            begin, end = found.span("value")
            hidden = (0, end - begin) if section == "attributes" else secret_part(attribute, found["value"])
            if hidden is not None:
                yield at + begin + hidden[0], at + begin + hidden[1]
        at += len(line) + 1
