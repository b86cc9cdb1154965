# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of its work a host did before a change, and does after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def compared(before: Mapping[str, int], after: Mapping[str, int], tolerance: float) -> list[dict[str, Any]]:
    """Each counter of before, and whether what is left of it is enough.

    :param tolerance: percent of before that there has to be. What cannot be counted any more is not enough.
    :raises ValueError: a tolerance that is no percentage
    """
    if not 0 <= tolerance <= 100:
        raise ValueError(f"{tolerance} is no percentage")
    out = []
    for name, had in sorted(before.items()):
        has = after.get(name)
        enough = has is not None and has * 100 >= had * tolerance
        out.append({"name": name, "before": had, "after": has, "ok": enough})
    return out


def fallen(before: Mapping[str, int], after: Mapping[str, int], tolerance: float) -> list[str]:
    """The counters of which not enough is left, one phrase each."""
    return [
        f"{one['name']}: {one['before']} before, {'cannot be counted' if one['after'] is None else one['after']} now"
        for one in compared(before, after, tolerance)
        if not one["ok"]
    ]
