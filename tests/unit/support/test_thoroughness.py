# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is tried while somebody waits, and what otherwise."""

from __future__ import annotations

import pytest
from support import thoroughness
from support.thoroughness import examples, sample


@pytest.fixture(params=[False, True])
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(thoroughness, "QUICK", request.param)
    return bool(request.param)


def test_a_sample_is_everything_unless_somebody_waits(quick: bool) -> None:
    assert sample(range(1, 11), 4) == ([1, 5, 9] if quick else list(range(1, 11)))
    assert sample("abcdef", 5, first=3) == (["d"] if quick else list("abcdef"))
    assert sample(range(10), 4, whole_end=3) == ([0, 4, 7, 8, 9] if quick else list(range(10)))
    assert sample(range(3), 9, whole_end=8) == [0, 1, 2] and sample([], 3) == []


def test_samples_that_begin_elsewhere_are_everything_together(quick: bool) -> None:
    assert {one for first in range(5) for one in sample(range(23), 5, first=first)} == set(range(23))


def test_examples(quick: bool) -> None:
    assert [examples(count) for count in (400, 100, 20)] == ([80, 20, 10] if quick else [400, 100, 20])
