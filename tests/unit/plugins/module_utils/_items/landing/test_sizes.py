# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.sizes import FLOOR, Band

MB = 10**6


@pytest.mark.parametrize(
    "size, before, verdict",
    [
        (5 * MB, [], None),
        (5 * MB, [10 * MB] * 5, None),
        (5 * MB - 1, [10 * MB] * 5, "shrunken"),
        (30 * MB, [10 * MB], None),
        (30 * MB + 1, [10 * MB], "grown"),
        (1, [FLOOR - 1], None),
        (FLOOR - 1, [1], None),
        (FLOOR, [1], "grown"),
        # what shrank and is complete was meant: older sizes say nothing any more
        (2 * MB, [2 * MB, 10 * MB, 10 * MB], None),
        (50 * MB, [50 * MB, 10 * MB, 10 * MB], None),
        # each is held against what was usual in its own time, and not against what was usual before that was meant
        (5 * MB, [5 * MB, 31 * MB, 10 * MB, 10 * MB, 10 * MB], None),
        (31 * MB, [5 * MB, 31 * MB, 10 * MB, 10 * MB, 10 * MB], "grown"),
        # only the last five count
        (1 * MB, [1 * MB] * 5 + [100 * MB] * 20, None),
    ],
)
def test_the_band(size, before, verdict):
    assert Band().verdict(size, before) == verdict


def test_a_band_of_ones_own():
    assert Band(0.9, 1.1).verdict(8 * MB, [10 * MB]) == "shrunken"
    assert Band(0.0, 1e6).verdict(1, [10 * MB]) is None


SIZES = st.one_of(st.integers(1, 20), st.integers(1, 20).map(lambda number: number * MB), st.integers(1, 10**12))


@given(st.lists(SIZES, min_size=1, max_size=9))
@example([5 * MB, 31 * MB, 10 * MB, 10 * MB, 10 * MB])
def test_the_same_size_again_is_never_unusual(before):
    """Each of them is complete: it was usual in its time, or it was meant."""
    assert Band().verdict(before[0], before) is None


@given(st.integers(FLOOR, 10**12), st.integers(1, 9))
def test_a_steady_size_is_usual_and_a_tenth_is_not(size, count):
    assert Band().verdict(size, [size] * count) is None
    assert Band().verdict(size // 10, [size] * count) == "shrunken"
    assert Band().verdict(size * 10, [size] * count) == "grown"
