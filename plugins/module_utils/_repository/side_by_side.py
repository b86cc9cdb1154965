# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is done in several processes, one for each processor that may be used, since Python's threads share one."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

MOST_PROCESSES = 8
STRETCH = 64 * 1024 * 1024
"""Bytes that follow each other and are mostly taken by one process: what is opened at its ends is opened twice."""
_MOST_TURNS = 4


def _one(_thing: object) -> int:
    return 1


def parts_of(
    things: Iterable[Part],
    together: Callable[[Part], Hashable],
    least: int,
    weigh: Callable[[Part], int] = _one,
) -> list[list[Part]]:
    """The things in as many parts as processors may be used, in their order, those that belong together in one part.

    :param together: things of the same value belong together
    :param least: what weight is worth a process
    :param weigh: how much there is to do of a thing, by default of all the same
    """
    weights: dict[Hashable, int] = {}
    everything = list(things)
    for one in everything:
        key = together(one)
        weights[key] = weights.get(key, 0) + weigh(one)
    count = processes(min(sum(weights.values()) // least, len(weights)))
    if count == 1:
        return [everything]
    place: dict[Hashable, int] = {}
    loads = [0] * count
    for key, weight in weights.items():
        place[key] = loads.index(min(loads))
        loads[place[key]] += weight
    return [[one for one in everything if place[together(one)] == number] for number in range(count)]


def processes(useful: int) -> int:
    """How many processes there will be when so many would be of use."""
    return max(1, min(_processors(), MOST_PROCESSES, useful))


class Turns:
    """Which of several processes takes each of some contents that follow each other.

    Each has some stretches of them, in turns, as what costs much and what costs little mostly stands together. Where a
    content lies in the whole decides, and nothing else: so every process finds the same for itself, and a content
    mostly stays with the one that has it when others beside it change a little.

    :param whole: bytes of all contents together
    :param of: how many processes there are
    """

    def __init__(self, whole: int, of: int) -> None:
        self._whole = max(1, whole)
        self._of = of
        self._stretches = of * max(1, min(_MOST_TURNS, whole // (of * STRETCH)))
        self._before = 0

    def whose(self, size: int) -> int:
        """The number, from 0, of the process that takes the next content, which has so many bytes."""
        stretch = (self._before + size // 2) * self._stretches // self._whole
        self._before += size
        return min(stretch, self._stretches - 1) % self._of


def side_by_side(parts: Sequence[Part], work: Callable[[Part], Result]) -> Iterator[Result]:
    """The result of each part, in their order; each is worked on in a process of its own but the first.

    What a process does to anything stays there: only its result comes back, by pickle. A part whose process does not
    come to its end, whatever the reason, is worked on here. Raises what ``work`` raises.
    """
    begun = [_begin(part, work) for part in parts[1:]]
    try:
        if parts:
            yield work(parts[0])
        for part in parts[1:]:
            found = _result(*begun[0])
            del begun[0]
            yield pickle.loads(found) if found else work(part)  # our own process wrote it
    finally:
        for child, end in begun:
            with suppress(OSError):
                os.kill(child, 9)
            _result(child, end)


def _begin(part: Part, work: Callable[[Part], Result]) -> tuple[int, int]:
    end, other = os.pipe()
    child = os.fork()
    if child:
        os.close(other)
        return child, end
    code = 1
    try:
        os.close(end)
        with os.fdopen(other, "wb") as stream:
            stream.write(pickle.dumps(work(part)))
        code = 0
    finally:
        os._exit(code)  # nothing of the parent's is to be ended here


def _result(child: int, end: int) -> bytes:
    with os.fdopen(end, "rb") as stream:
        found = stream.read()
    _child, status = os.waitpid(child, 0)
    return found if status == 0 else b""


def _processors() -> int:
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return 1
