# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._repository import side_by_side as module
from ansible_collections.ucops.recovery.plugins.module_utils._repository.side_by_side import (
    STRETCH,
    Turns,
    parts_of,
    side_by_side,
)


@pytest.fixture(autouse=True)
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The processes that were begun; none is left when the test ends."""
    begun: list[int] = []
    fork = os.fork

    def forking() -> int:
        child = fork()
        begun.append(child)
        return child

    monkeypatch.setattr(os, "fork", forking)
    monkeypatch.setattr(module, "_processors", lambda: 3)
    yield begun
    for child in begun:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)


@given(st.lists(st.integers(0, 9)), st.integers(1, 4))
def test_parts_hold_everything_in_order_and_together_what_belongs_together(things: list[int], least: int) -> None:
    module._processors, before = lambda: 3, module._processors
    try:
        parts = parts_of(things, lambda one: one // 2, least)
    finally:
        module._processors = before
    assert sorted(one for part in parts for one in part) == sorted(things)
    assert 1 <= len(parts) <= max(1, min(3, len(things) // least))
    for part in parts:
        assert [one for one in things if one // 2 in {other // 2 for other in part}] == part


def test_parts_are_of_like_weight(children: list[int]) -> None:
    parts = parts_of(["9", "1a", "1b", "1c", "1d", "4a", "4b"], str, 5, lambda one: int(one[0]))
    assert parts == [["9"], ["1a", "1c", "4a"], ["1b", "1d", "4b"]]
    assert parts_of(["9", "1a", "1b"], str, 6, lambda one: int(one[0])) == [["9", "1a", "1b"]]


def test_results_come_in_the_order_of_the_parts_and_from_other_processes(children: list[int]) -> None:
    found = list(side_by_side(["a", "b", "c"], lambda part: (part, os.getpid())))
    assert [part for part, _process in found] == ["a", "b", "c"]
    assert [process for _part, process in found] == [os.getpid(), *children] and len(children) == 2


def test_results_may_be_larger_than_a_pipe() -> None:
    assert [len(found) for found in side_by_side([1, 2, 3], lambda part: bytes(part * 1_000_000))] == [
        1_000_000,
        2_000_000,
        3_000_000,
    ]


@pytest.mark.parametrize("end", ["killed", "gone", "raises", "cannot be sent"])
def test_what_a_process_does_not_end_is_done_here(end: str) -> None:
    here = os.getpid()

    def work(part: int) -> object:
        if os.getpid() == here:
            return part
        if end == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if end == "gone":
            os._exit(0)
        if end == "raises":
            raise MemoryError
        return lambda: part

    assert list(side_by_side([1, 2, 3], work)) == [1, 2, 3]


@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_error_is_raised_as_it_is_and_nobody_is_left_behind(where: int) -> None:
    def work(part: int) -> int:
        if part == where:
            raise LookupError(part)
        return part

    with pytest.raises(LookupError):
        list(side_by_side([0, 1, 2], work))


def test_nothing_is_no_work() -> None:
    assert parts_of([], str, 1) == [[]]
    assert list(side_by_side([[]], len)) == [0]


MEBIBYTE = 1024 * 1024


def takers(sizes: list[int], of: int) -> list[int]:
    turns = Turns(sum(sizes), of)
    return [turns.whose(size) for size in sizes]


def test_every_process_has_its_turns_where_there_is_much() -> None:
    # dumps first, recordings after them
    sizes = [128 * MEBIBYTE] * 4 + [32 * MEBIBYTE] * 16
    assert takers(sizes, 2) == [0, 1, 0, 1] + [0] * 4 + [1] * 4 + [0] * 4 + [1] * 4
    # and a dump that grew changes nothing for the others
    assert takers([size + 100_000 for size in sizes[:4]] + sizes[4:], 2) == takers(sizes, 2)


def test_neighbours_stay_together_where_there_is_little() -> None:
    assert takers([1000] * 10, 2) == [0] * 5 + [1] * 5
    assert takers([MEBIBYTE] * 90, 3) == [0] * 30 + [1] * 30 + [2] * 30
    assert takers([STRETCH] * 4, 2) == [0, 1, 0, 1]
    assert takers([10**12], 8) == [0] and takers([0, 0], 2) == [0, 0] and takers([], 2) == []


def test_who_was_told_of_less_than_there_is_leaves_nothing_out() -> None:
    turns = Turns(10, 2)
    assert [turns.whose(10) for _number in range(3)] == [1, 1, 1]
