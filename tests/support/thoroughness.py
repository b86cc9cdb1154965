# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of what can be enumerated is tried: all of it, unless somebody waits.

``make check`` sets UCOPS_TESTS=quick, and then a sample does. It is the same one every time. ``make test``, and pytest
without a word, try everything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")
QUICK = os.environ.get("UCOPS_TESTS") == "quick"

thorough = pytest.mark.skipif(QUICK, reason="left out by `make check`: `make test` runs it")
"""Marks what has no sample, and takes long."""


def sample(everything: Sequence[T], every: int, *, first: int = 0, whole_end: int = 0) -> list[T]:
    """All of it, or every so-manieth one.

    :param first: where to begin, counted from 0; other tests of the same may begin elsewhere
    :param whole_end: of so many at the end none is left out
    """
    if not QUICK:
        return list(everything)
    end = max(0, len(everything) - whole_end)
    return [one for at, one in enumerate(everything) if at >= end or at % every == first % every]


def examples(count: int) -> int:
    """How many examples hypothesis is to try of a law that so many show well: a fifth of them when somebody waits."""
    return max(10, count // 5) if QUICK else count
