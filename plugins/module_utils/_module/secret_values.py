# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is secret among options, and results without it.

Ansible hides all that is in an option that it is told to hide. Where such an option carries the options of a host, a
port or a user's name in it would be hidden too, wherever they stand in the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.common.parameters import remove_values


def secrets_of(options: Mapping[str, Mapping[str, Any]], given: Any) -> set[str]:
    """The texts among values that a specification calls secret."""
    found: set[str] = set()
    for one in given if isinstance(given, (list, tuple)) else [given]:
        for name, value in one.items() if isinstance(one, Mapping) else ():
            option = options.get(name, {})
            if option.get("no_log"):
                found.update(_texts(value))
            elif option.get("options"):
                found |= secrets_of(option["options"], value)
    return found


def masked(result: Mapping[str, Any], secrets: set[str]) -> dict[str, Any]:
    """The result as Ansible would show it to whom these secrets are."""
    shown: dict[str, Any] = remove_values(result, secrets) if secrets else dict(result)
    return shown


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)
