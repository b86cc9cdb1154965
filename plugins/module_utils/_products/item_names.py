# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of the items that an operator declares: given, or made of what the item is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .._errors import OptionInvalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._]+")
_LONGEST = 60


def item_name(value: Any) -> str:
    """A given name of an item, for an option."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("a name of letters, digits, dots, underscores and hyphens")
    return value


def named_after(what: str, otherwise: str = "root") -> str:
    """A name for an item that has none: made of its path, command or key."""
    return _NOT_IN_A_NAME.sub("-", what).strip("-.")[:_LONGEST] or otherwise


def refuse_same_names(names: Iterable[str], options: str) -> None:
    """Raises OptionInvalid when two items have one name.

    :param options: whose entries can be given another one, for the hint
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise OptionInvalid(f"Two items are called {name}", hint=f"Give {options} names that nothing else has.")
        seen.add(name)
