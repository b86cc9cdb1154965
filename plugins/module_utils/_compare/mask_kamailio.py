# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in Kamailio's script: definitions, module parameters, literals in authentication functions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .mask import pattern
from .mask_names import end_of_line, is_look_alike, is_path, is_pseudo_variable, is_trivial
from .tables import Span

_ID = r"(?i:\w*(?:PASS|PWD|PW|SECRET|TOKEN|PSK|HA1|CREDENTIAL|KEY)\w*)"
_GAP = r"[ \t\r\n]*"
_STRING = r"(?:\"[^\"\n]*\"|'[^'\n]*')"

defines = pattern(
    rf"^[ \t]*#?[ \t]*(?:#|!|#!|!!)?(?:define|trydef|trydefine|redefine|redef|defexps?)[ \t]+{_ID}[ \t]+"
    r"(?P<secret>(?:[^\\\n]|\\\r?\n|\\)*)",
    re.MULTILINE,
)
"""``#!define DBPASS value``, also when it is commented out."""
substitutions = pattern(
    rf"^[ \t]*#?[ \t]*(?:#!|!!)subst(?:defs?)?[ \t]+\"(?P<mark>.){_ID}(?P=mark)"
    r"(?P<secret>(?:(?!(?P=mark)\w*\"[ \t\r]*$)[^\n])*)",
    re.MULTILINE,
)
"""``#!substdef "!DBPASS!value!g"``."""
_MODPARAM = re.compile(rf"modparamx?{_GAP}\({_GAP}{_STRING}{_GAP},{_GAP}(?P<name>{_STRING}){_GAP},{_GAP}")
_SECRET_NAME = re.compile(r"(passw(or)?d|passphrase|pass|pwd|secret|psk|token|key|credentials?|ha1)\d*$", re.IGNORECASE)
_AUTHENTICATE = re.compile(
    rf"\b(?:pv_(?:www|proxy)_authenticate|pv_auth_check|pv_challenge){_GAP}\({_GAP}{_STRING}{_GAP},{_GAP}"
)
_LITERAL = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]\w+")
_BETWEEN = re.compile(_GAP)


def modparams(text: str) -> Iterator[Span]:
    """``modparam("module", "name", "value")`` when the name tells of a secret; adjacent strings belong together."""
    for found in _MODPARAM.finditer(text):
        name = found["name"][1:-1]
        if _SECRET_NAME.search(name) and not is_look_alike(name):
            yield from _literals(text, found.end())


def authentication(text: str) -> Iterator[Span]:
    """The password as a literal in the functions that authenticate."""
    for found in _AUTHENTICATE.finditer(text):
        yield from _literals(text, found.end())


def _literals(text: str, at: int) -> Iterator[Span]:
    number = _NUMBER.match(text, at)
    if number:
        yield number.span()
    literal = _LITERAL.match(text, at)
    if not literal and text[at : at + 1] in ('"', "'"):
        yield at, end_of_line(text, at)
    while literal:
        span = literal.span(1) if literal[1] is not None else literal.span(2)
        value = text[slice(*span)]
        if not is_trivial(value) and not is_path(value) and not is_pseudo_variable(value):
            yield span
        gap = _BETWEEN.match(text, literal.end())
        literal = _LITERAL.match(text, gap.end()) if gap else None
