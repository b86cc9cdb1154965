# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times that programs note in the registry: when something happened last is no change of what is set."""

from __future__ import annotations

import re

from .registry import REG_BINARY, REG_QWORD, RegistryTree, RegistryValue

_PER_SECOND = 10**7
_YEAR_2000 = 12_591_158_400 * _PER_SECOND
_YEAR_2100 = 15_746_918_400 * _PER_SECOND
"""As FILETIME counts: 100 ns since 1601."""
_AHEAD = re.compile(r"expir|valid|until|deadline|renew|licen[cs]e|trial|schedul|next|ablauf|gültig", re.IGNORECASE)
"""What says of a time that somebody set it, or that it is still to come: a licence that was prolonged is a change."""


def without_times(tree: RegistryTree) -> RegistryTree:
    """The same tree with every FILETIME that only notes when something happened as an empty value: that it is there
    still counts.

    No vendor publishes which values these are. So it is an assumption that eight bytes which make a time of this
    century, under a name that does not speak of a term, are such a note.
    """
    return RegistryTree(
        {key: {name: _timeless(name, value) for name, value in values.items()} for key, values in tree.keys.items()},
        tree.removed_keys,
        tree.removed_values,
    )


def _timeless(name: str, value: RegistryValue) -> RegistryValue:
    if value.type not in (REG_BINARY, REG_QWORD) or len(value.data) != 8 or _AHEAD.search(name):
        return value
    is_time = _YEAR_2000 <= int.from_bytes(value.data, "little") < _YEAR_2100
    return RegistryValue(value.type, b"") if is_time else value
