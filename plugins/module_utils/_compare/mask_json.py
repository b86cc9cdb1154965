# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in JSON: whatever stands behind a name that tells of one, as deep as it goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from .mask_names import is_look_alike
from .tables import Span

_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase|code)?|pwd|secret|auth(entication)?code|hmac|credentials?|keystore"
    r"|(access|api|auth|bearer|refresh)token|(access|api|hmac|private|secret|shared)keys?)(value|data|hash|s)?\d*$",
    re.IGNORECASE,
)
"""A name without blanks and marks. Names of keys and crypto tokens are none: they refer to others."""
_PIN = re.compile(r"(?:^|[^a-zA-Z])(?:pin|PIN|Pin)(?![a-z])|[a-z]P(?:in|IN)(?![a-z])")
_SEPARATORS = re.compile(r"[\s_.-]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COLON = re.compile(r"\s*:\s*")
_SCALAR = re.compile(r"-?[0-9][0-9.eE+-]*")


def is_secret_name(name: str) -> bool:
    """Whether a name tells that its value is a secret, in whatever way it is written: authCode, Auth Code."""
    plain = _SEPARATORS.sub("", name)
    return bool(_PIN.search(name) or _SECRET_NAME.search(plain)) and not is_look_alike(plain)


def json_values(text: str) -> Iterator[Span]:
    """Every text and number behind a secret's name. A text that is no JSON is hidden as a whole."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        yield 0, len(text)
        return
    at = 0
    while True:
        found = _STRING.search(text, at)
        if found is None:
            return
        colon = _COLON.match(text, found.end())
        at = found.end()
        if colon is not None and is_secret_name(json.loads(found[0], strict=False)):
            _value, at = json.JSONDecoder(strict=False).raw_decode(text, colon.end())
            yield from _leaves(text, colon.end(), at)


def _leaves(text: str, begin: int, end: int) -> Iterator[Span]:
    """The texts and numbers of a value; of the names in it nothing is hidden."""
    at = begin
    while at < end:
        if text[at] == '"':
            found = _STRING.match(text, at)
            if found is None:
                yield at, end
                return
            if _COLON.match(text, found.end()) is None:
                yield at + 1, found.end() - 1
            at = found.end()
            continue
        number = _SCALAR.match(text, at)
        if number is not None:
            yield number.span()
            at = number.end()
        else:
            at += 1
