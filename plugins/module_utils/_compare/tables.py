# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of database tables, whatever file they were found in, and which of their columns are secret."""

from __future__ import annotations

import re
from dataclasses import dataclass

Span = tuple[int, int]
"""Where something stands in a text: first character, and the one behind the last."""

_SECRET = re.compile(
    r"(password|passwd|passphrase|passwort|passcode|secret|psk|token|credentials?|api_?key|private_?key|hmac|ha1b?|pwd?|pin)$|^(ha1|pass)(_|$)",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(spin|alias_pin)$", re.IGNORECASE)
_ATTRIBUTE_NAMES = ("attribute", "aname", "name", "key_name", "key", "variable", "keyword", "attr_name")
_ATTRIBUTE_VALUES = ("value", "avalue", "key_value", "val", "data", "attr_value")


@dataclass(frozen=True)
class Row:
    """One row. ``columns`` is empty when the file does not tell them; ``spans`` say where each value's text stands.

    A value is text, or None for SQL's NULL. What is no plain text (numbers, hexadecimal) is given as it is written.
    """

    table: str
    columns: tuple[str, ...]
    values: tuple[str | None, ...]
    spans: tuple[Span, ...]

    def get(self, column: str) -> str | None:
        """The value of a column, None as well when there is no such column."""
        return self.values[self.columns.index(column)] if self.fits and column in self.columns else None

    @property
    def fits(self) -> bool:
        """There is exactly one column name for every value."""
        return len(self.columns) == len(self.values)


def is_secret_name(name: str) -> bool:
    """Whether a column or attribute of this name holds a secret."""
    return bool(_SECRET.search(name)) and not _NO_SECRET.search(name)


def secret_values(row: Row) -> list[int]:
    """The positions of the secret values of a row: all of them when nobody knows what they are."""
    if not row.fits:
        return list(range(len(row.values)))
    found = [at for at, column in enumerate(row.columns) if is_secret_name(column)]
    told = [row.get(column) or "" for column in row.columns if column in _ATTRIBUTE_NAMES]
    if any(is_secret_name(name) for name in told):
        found.extend(at for at, column in enumerate(row.columns) if column in _ATTRIBUTE_VALUES)
    return found
