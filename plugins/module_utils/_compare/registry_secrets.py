# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in exports of the Windows registry, and differences of exports fit to be shown.

When in doubt more is hidden than needed: bytes of unknown meaning always, a text that holds a password as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .._errors import RecoveryError
from . import mask_forms as forms
from . import mask_names as names
from .mask import Masker, MaskRule, decoded, pattern, readable
from .registry import (
    BOM,
    REG_DWORD,
    REG_EXPAND_SZ,
    REG_MULTI_SZ,
    REG_QWORD,
    REG_SZ,
    TEXT_TYPES,
    RegistryFileMalformed,
    RegistryFileTruncated,
    RegistryTree,
    RegistryValue,
    fold,
    format_text,
    ordered,
    parse_reg,
    statements,
)
from .semantic import ADDED, CHANGED, REMOVED, SemanticChange
from .tables import Span

LONGEST_SHOWN = 300

_SECRET_WITHIN = re.compile(
    r"passw(?:or[dt]|d)|passphrase|passcode|kennwort|pwd|secret|token|credential|licen[cs]e?|lizenz|serial"
    r"|activation|private_?key|psk|user_?pass|unlock|(?:access|auth)[_ ]?code",
    re.IGNORECASE,
)
_SECRET_AT_END = re.compile(r"(?:pass|pw|pin|keys?|hash|salt|ha1b?|hmac)[ _-]?\d*$", re.IGNORECASE)
_KEY_IN_THE_MIDDLE = re.compile(r"(?:^|[^A-Z])(?:Key|KEY)s?(?=[A-Z0-9_ .-])")
_SECRET_KEY = re.compile(
    r"passw(?:or[dt]|d)|kennwort|secret|token|credential|licen[cs]|lizenz|activation", re.IGNORECASE
)
_PASSWORD = re.compile(r"pass|kennwort|pwd|pin\d*$|secret", re.IGNORECASE)
_CODE = r"(?<![\w-])(?=[A-Z-]*[0-9])[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){2,}(?![\w-])"
_COMMENTS = pattern(r"^[ \t]*;(?P<secret>[^\n]+)", re.MULTILINE)
_CODE_RULE = pattern(rf"(?P<secret>{_CODE})")
_CODE_IN_NAME = re.compile(_CODE)
_LONG_NAME_WITH_DIGITS = re.compile(r"(?=[^0-9]*[0-9]).{8,}", re.DOTALL)

_connection_strings = pattern(
    r"(?:^|;)[ \t]*(?:password|pwd|user[ ]?password)[ \t]*=[ \t]*(?P<secret>\"[^\"]*\"|'[^']*'|[^;]*)",
    re.IGNORECASE,
)
TEXT_RULES: Sequence[MaskRule] = (
    forms.private_keys,
    forms.age_identities,
    forms.password_hashes,
    forms.authorization_headers,
    forms.url_passwords,
    forms.sip_passwords,
    names.assignments,
    _connection_strings,
    _CODE_RULE,
)
"""What is secret within the text of a value."""


# --- which values -----------------------------------------------------------------------------------------------------
def is_secret(key: str, name: str, value: RegistryValue) -> bool:
    """Whether nothing of the data of a value may be shown."""
    number = value.number
    if value.type in (REG_DWORD, REG_QWORD) and number is not None:
        return number > 1 and _is_secret_name(name, _PASSWORD)
    if value.type not in TEXT_TYPES or _odd(value):
        return bool(value.data)
    if not any(value.texts) or all(names.is_trivial(text) for text in value.texts):
        return False
    last = key.rpartition("\\")[2]
    return (
        _is_secret_name(name, _SECRET_WITHIN, _SECRET_AT_END, _KEY_IN_THE_MIDDLE)
        or _is_secret_key(key)
        or (not name and _is_secret_name(last, _SECRET_WITHIN, _SECRET_AT_END))
    )


def _is_secret_name(name: str, *expressions: re.Pattern[str]) -> bool:
    return any(expression.search(name) for expression in expressions) and not names.is_look_alike(name)


def _is_secret_key(key: str) -> bool:
    return any(_SECRET_KEY.search(part) for part in key.split("\\")[2:])


def _odd(value: RegistryValue) -> bool:
    """Whether a text holds more than its texts."""
    if value.type == REG_MULTI_SZ:
        return value.data.rstrip(b"\0") != RegistryValue.of_texts(value.texts).data.rstrip(b"\0")
    return value.data.rstrip(b"\0") != RegistryValue.of_text(value.text).data.rstrip(b"\0")


def _secret_spans_in_text(text: str) -> bool:
    return any(end > begin for rule in TEXT_RULES for begin, end in rule(text))


def _is_secret_subject(key: str, name: str) -> bool:
    """Whether the name of a value is itself a secret: some programs keep licences so."""
    if _CODE_IN_NAME.search(name):
        return True
    return bool(_LONG_NAME_WITH_DIGITS.fullmatch(name)) and any(
        _SECRET_KEY.search(part) for part in key.split("\\")[2:]
    )


# --- in a text --------------------------------------------------------------------------------------------------------
def registry_values(text: str) -> Iterator[Span]:
    """A rule for the text of an export: the data of secret values; from where it cannot be followed, everything."""
    start = len(text) - len(text.lstrip("\ufeff"))
    yield from _COMMENTS(text)
    try:
        for said in statements(text[start:]):
            begin, end = said.subject_span
            if said.name is None:
                for found in _CODE_IN_NAME.finditer(said.key):
                    yield start + begin + found.start(), start + begin + found.end()
                continue
            if _is_secret_subject(said.key, said.name):
                yield start + begin, start + end
            if said.value is not None and _hides(said.key, said.name, said.value):
                yield start + said.data_span[0], start + said.data_span[1]
    except (RegistryFileMalformed, RegistryFileTruncated) as error:
        yield start + error.at, len(text)


def _hides(key: str, name: str, value: RegistryValue) -> bool:
    if is_secret(key, name, value):
        return True
    return value.type in TEXT_TYPES and any(_secret_spans_in_text(text) for text in value.texts)


def registry_text(content: bytes) -> str:
    """An export as a text in which only what differs differs: in order, each value on one line as far as it can be.
    What is no export is given as it is."""
    try:
        tree = parse_reg(content)
        return format_text(ordered(tree)).replace("\r\n", "\n")
    except (RecoveryError, UnicodeError):
        if content.startswith(BOM):
            return content[2:].decode("utf-16-le", "replace").replace("\r\n", "\n")
        return decoded(content)


# --- in words ---------------------------------------------------------------------------------------------------------
def registry_changes(
    old: RegistryTree | None, new: RegistryTree | None, masker: Masker, kind: str = "registry value"
) -> list[SemanticChange]:
    """What came, went and changed; the names of secret values stay readable, their data are placeholders.

    A key that came or went is told by its values; without any, as a ``registry key``.
    """
    before, after = _by_folded_name(old), _by_folded_name(new)
    changes = []
    for place in sorted(before.keys() | after.keys()):
        one, other = before.get(place), after.get(place)
        if one is not None and other is not None and one[2] == other[2]:
            continue
        key, name, _value = other or one or ("", "", None)
        action = ADDED if one is None else REMOVED if other is None else CHANGED
        subject = masker.mask_text(f"{key}\\{name or '(default)'}", [_CODE_RULE])[0]
        if _is_secret_subject(key, name):
            subject = f"{masker.mask_text(key, [_CODE_RULE])[0]}\\{masker.placeholder(name)}"
        changes.append(SemanticChange(kind, readable(subject), action, _shown(one, masker), _shown(other, masker)))
    return [*_empty_keys(old, new, masker), *changes]


_Placed = tuple[str, str, RegistryValue]


def _by_folded_name(tree: RegistryTree | None) -> dict[tuple[str, str], _Placed]:
    keys = {} if tree is None else tree.keys
    return {
        (fold(key), fold(name)): (key, name, value) for key, values in keys.items() for name, value in values.items()
    }


def _empty_keys(old: RegistryTree | None, new: RegistryTree | None, masker: Masker) -> Iterator[SemanticChange]:
    for action, here, there in ((REMOVED, old, new), (ADDED, new, old)):
        for key, values in (here.keys if here is not None else {}).items():
            if not values and (there is None or key not in there):
                yield SemanticChange("registry key", readable(masker.mask_text(key, [_CODE_RULE])[0]), action)


def _shown(placed: _Placed | None, masker: Masker) -> str | None:
    if placed is None:
        return None
    key, name, value = placed
    if is_secret(key, name, value):
        size = "" if value.type in TEXT_TYPES else f" ({len(value.data)} bytes)"
        return f"{masker.placeholder(value.data)}{size}"
    number = value.number
    if number is not None:
        return str(number)
    if value.type not in TEXT_TYPES:
        return "(empty)"
    text = " | ".join(readable(masker.mask_text(one, TEXT_RULES)[0]) for one in value.texts)
    if len(text) > LONGEST_SHOWN:
        text = f"{text[:LONGEST_SHOWN]} … {len(text) - LONGEST_SHOWN} more characters"
    return text + _TYPES.get(value.type, "")


_TYPES = {REG_SZ: "", REG_EXPAND_SZ: " (expandable)", REG_MULTI_SZ: " (list)"}
