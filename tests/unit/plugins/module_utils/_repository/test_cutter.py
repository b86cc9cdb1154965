# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._repository import cutter
from ansible_collections.ucops.recovery.plugins.module_utils._repository.cutter import (
    BLOCK_SIZE,
    MAX_PIECE,
    MIN_PIECE,
    Cutter,
)

DATA = random.Random(7).randbytes(9 * 1024 * 1024)


def cut(chunks: Iterator[bytes] | list[bytes]) -> list[bytes]:
    return [bytes(piece) for _block, pieces in Cutter().cut(chunks) for piece in pieces]


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


WHOLE = cut([DATA])


def test_pieces_are_the_content_in_order_and_of_bounded_size() -> None:
    assert b"".join(WHOLE) == DATA
    assert len(WHOLE) > 20
    assert all(MIN_PIECE <= len(piece) <= MAX_PIECE for piece in WHOLE[:-1])


@pytest.mark.parametrize("size", [4093, 65536, 1024 * 1024, BLOCK_SIZE + MAX_PIECE, BLOCK_SIZE + MAX_PIECE + 1])
def test_cuts_do_not_depend_on_how_the_bytes_come(size: int) -> None:
    assert cut(chunked(DATA, size)) == WHOLE


def test_an_insertion_leaves_the_other_pieces_as_they_were() -> None:
    changed = cut([DATA[: len(DATA) // 2], b"inserted", DATA[len(DATA) // 2 :]])
    assert len(set(changed) - set(WHOLE)) <= 3


def test_content_without_a_cut_point_is_cut_at_the_limit() -> None:
    zeros = bytes(3 * MAX_PIECE + 5)
    assert [len(piece) for piece in cut([zeros])] == [MAX_PIECE] * 3 + [5]
    assert [len(piece) for piece in cut([bytes(BLOCK_SIZE + MAX_PIECE)])] == [MAX_PIECE] * 5


def test_one_cutter_cuts_content_after_content() -> None:
    one = Cutter()
    for data in (DATA, DATA[:700_000], b"", DATA):
        pieces = [bytes(piece) for _block, pieces in one.cut([data]) for piece in pieces]
        assert b"".join(pieces) == data


def test_new_bytes_stay_until_the_block_after_the_next_one() -> None:
    data = DATA * 3
    seen = []
    before = memoryview(b"")
    for block, _pieces in Cutter().cut(chunked(data, 100_000)):
        seen.append(bytes(before))
        before = block
    assert b"".join(seen) + bytes(before) == data


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.binary(max_size=5000), max_size=20), st.integers(0, 3 * 1024 * 1024), st.integers(0, 2**30))
def test_any_content_comes_together_again(parts: list[bytes], middle: int, seed: int) -> None:
    parts = [*parts, random.Random(seed).randbytes(middle), *parts]
    assert b"".join(cut(parts)) == b"".join(parts)


def test_the_library_without_its_compiled_part_cuts_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastcdc.fastcdc_py import fastcdc_py

    one = Cutter()
    data = DATA[:700_000]
    fast = [bytes(piece) for _block, pieces in one.cut([data]) for piece in pieces]
    monkeypatch.setattr(cutter, "_fastcdc", lambda: fastcdc_py)
    assert cut([data]) == fast
