# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lines of two texts differ, in a time that stays near linear for texts that are long and alike.

Lines that occur exactly once on both sides are the fixed points (patience diff); only what lies between them is
compared in full, and where that would take too long, it is called replaced.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_FULL_COMPARISON = 4_000_000
"""Lines before times lines after, up to which a stretch is compared in full."""


class Block(NamedTuple):
    """Lines ``a1:a2`` of the old text became lines ``b1:b2`` of the new one; ``equal`` when nothing changed."""

    equal: bool
    a1: int
    a2: int
    b1: int
    b2: int


def blocks(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """Both texts as stretches that are equal or differ, without gaps and in order."""
    out: list[Block] = []
    for block in _stretches(old, new):
        if block.a1 == block.a2 and block.b1 == block.b2:
            continue
        if out and out[-1].equal == block.equal:
            last = out.pop()
            block = Block(block.equal, last.a1, block.a2, last.b1, block.b2)
        out.append(block)
    return out


def counts(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many lines came, how many went."""
    changed = [block for block in blocks(old, new) if not block.equal]
    return sum(block.b2 - block.b1 for block in changed), sum(block.a2 - block.a1 for block in changed)


def _stretches(old: Sequence[str], new: Sequence[str]) -> Iterator[Block]:
    a1 = b1 = 0
    a2, b2 = len(old), len(new)
    while a1 < min(a2, b2) and old[a1] == new[a1]:
        a1 += 1
    while a2 > a1 and b2 > a1 and old[a2 - 1] == new[b2 - 1]:
        a2, b2 = a2 - 1, b2 - 1
    b1 = a1
    yield Block(True, 0, a1, 0, b1)
    for a, b in [*_fixed_points(old, new, a1, a2, b1, b2), (a2, b2)]:
        yield from _between(old, new, a1, a, b1, b)
        if a < a2:
            yield Block(True, a, a + 1, b, b + 1)
        a1, b1 = a + 1, b + 1
    yield Block(True, a2, len(old), b2, len(new))


def _between(old: Sequence[str], new: Sequence[str], a1: int, a2: int, b1: int, b2: int) -> Iterator[Block]:
    if (a2 - a1) * (b2 - b1) > _FULL_COMPARISON or a1 == a2 or b1 == b2:
        yield Block(False, a1, a2, b1, b2)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old[a1:a2], new[b1:b2], autojunk=False).get_opcodes():
        yield Block(tag == "equal", a1 + i1, a1 + i2, b1 + j1, b1 + j2)


def _fixed_points(old: Sequence[str], new: Sequence[str], a1: int, a2: int, b1: int, b2: int) -> list[tuple[int, int]]:
    """The longest rising chain of lines that occur once in both stretches."""
    count_old, count_new = Counter(old[a1:a2]), Counter(new[b1:b2])
    place = {new[b]: b for b in range(b1, b2) if count_new[new[b]] == 1}
    pairs = [(a, place[old[a]]) for a in range(a1, a2) if count_old[old[a]] == 1 and old[a] in place]
    tops: list[int] = []
    top_pairs: list[int] = []
    before: list[int] = []
    for at, (_a, b) in enumerate(pairs):
        pile = bisect_left(tops, b)
        before.append(top_pairs[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [b]
        top_pairs[pile : pile + 1] = [at]
    chain = []
    at = top_pairs[-1] if top_pairs else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]
