# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.plugin_utils.counters import compared, fallen

counters = st.dictionaries(st.sampled_from("abc"), st.integers(0, 10**6))


@pytest.mark.parametrize(
    ("before", "after", "ok"),
    [(100, 98, True), (100, 97, False), (100, 200, True), (0, 0, True), (1, 0, False), (50, 49, True), (49, 48, False)],
)
def test_tolerance(before, after, ok):
    assert (fallen({"r": before}, {"r": after}, 98) == []) is ok


def test_what_cannot_be_counted_any_more_has_fallen():
    assert fallen({"registrations": 0}, {}, 98) == ["registrations: 0 before, cannot be counted now"]


def test_what_was_not_counted_before_says_nothing():
    assert compared({}, {"trunks": 0}, 98) == []


@given(counters, counters, st.integers(0, 100))
def test_each_counter_of_before_once_and_in_order(before, after, tolerance):
    told = compared(before, after, tolerance)
    assert [one["name"] for one in told] == sorted(before)
    assert len(fallen(before, after, tolerance)) == sum(not one["ok"] for one in told)
    assert fallen(before, before, tolerance) == []


@pytest.mark.parametrize("tolerance", [-1, 101])
def test_no_percentage(tolerance):
    with pytest.raises(ValueError, match="no percentage"):
        compared({}, {}, tolerance)
