# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spans of time as people write them."""

from __future__ import annotations

import re

from .._errors import OptionInvalid

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_PART = re.compile(r"([0-9]{1,12})\s*([smhdw])")
_LONGEST = 36525 * 86400


def seconds_of(text: str, option: str) -> int:
    """``26h``, ``1d 2h`` or ``90m`` in seconds, at most a hundred years. Raises OptionInvalid."""
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        raise OptionInvalid(f"{option} is no span of time: {text[:40]!r}", hint="It looks like 90m, 26h, 1d 2h or 2w.")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise OptionInvalid(f"{option} is longer than a hundred years: {text[:40]!r}")
    return seconds


def words_for(seconds: float) -> str:
    """A span in words for a message, with at most two units: ``1 d 2 h``."""
    left = max(0, int(seconds))
    words: list[str] = []
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _UNITS[unit])
        if number or (unit == "s" and not words):
            words.append(f"{number} {unit if unit != 'm' else 'min'}")
    return " ".join(words[:2])
