# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._compare import linediff

texts = st.lists(st.sampled_from("abcdefgh"), max_size=25)


@given(texts, texts)
def test_blocks_cover_both_texts_and_equal_means_equal(old, new):
    found = linediff.blocks(old, new)
    assert [line for block in found for line in old[block.a1 : block.a2]] == old
    assert [line for block in found for line in new[block.b1 : block.b2]] == new
    for block in found:
        if block.equal:
            assert old[block.a1 : block.a2] == new[block.b1 : block.b2]
    assert all(one.equal != other.equal for one, other in zip(found, found[1:]))


@given(texts)
def test_nothing_changed(text):
    assert linediff.counts(text, list(text)) == (0, 0)
    assert all(block.equal for block in linediff.blocks(text, list(text)))


@given(texts, st.integers(0, 25))
def test_one_line_more_is_one_line(text, at):
    at = min(at, len(text))
    assert linediff.counts(text, [*text[:at], "new", *text[at:]]) == (1, 0)
    assert linediff.counts([*text[:at], "new", *text[at:]], text) == (0, 1)


@thorough
def test_large_texts_that_are_alike_take_little_time():
    old = [f"row {number}" for number in range(100_000)]
    new = [f"changed {number}" if number % 100 == 0 else f"row {number}" for number in range(100_000)]
    started = time.monotonic()
    assert linediff.counts(old, new) == (1000, 1000)
    assert time.monotonic() - started < 5


def test_large_texts_without_anything_in_common_take_little_time():
    started = time.monotonic()
    assert linediff.counts(["a", "b"] * 20_000, ["c", "b", "b"] * 20_000)[0] > 0
    assert time.monotonic() - started < 5
