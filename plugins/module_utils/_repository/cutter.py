# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cutting of contents into pieces.

A content below 256 KiB is one piece. A larger one is cut where its bytes say so (FastCDC, 64 KiB to 1 MiB), so that a
change in one place leaves the pieces before and behind it as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .._libraries import require

CUT_FROM = 256 * 1024
"""Contents of at least so many bytes are cut."""

MIN_PIECE = 64 * 1024
AVERAGE_PIECE = 256 * 1024
MAX_PIECE = 1024 * 1024

BLOCK_SIZE = 4 * 1024 * 1024
"""Bytes that are looked at together; must be larger than a piece."""


def blocks(chunks: Iterable[bytes], size: int = BLOCK_SIZE) -> Iterator[bytes | memoryview]:
    """The same bytes in blocks of ``size``, only the last one is smaller; empty chunks vanish."""
    held: list[bytes | memoryview] = []
    missing = size
    for chunk in chunks:
        if len(chunk) < missing:
            held.append(chunk)
            missing -= len(chunk)
            continue
        view = memoryview(chunk)
        while len(view) >= missing:
            held.append(view[:missing])
            view = view[missing:]
            yield held[0] if len(held) == 1 else b"".join(held)
            held = []
            missing = size
        if view:
            held.append(view)
            missing -= len(view)
    if missing < size:
        yield held[0] if len(held) == 1 else b"".join(held)


def _fastcdc() -> Any:
    try:
        from fastcdc.fastcdc_cy import fastcdc_cy
    except ImportError:
        # says what is missing, when all of it is
        require("fastcdc")
        from fastcdc import fastcdc

        return fastcdc
    return fastcdc_cy


class Cutter:
    """Cuts one content that comes in blocks. The cuts do not depend on the size of the blocks."""

    def __init__(self) -> None:
        self._cut = _fastcdc()
        self._rest: bytes | memoryview = b""

    def cut(self, block: bytes | memoryview, last: bool = False) -> Iterator[memoryview]:
        """The pieces that are certain after this block; all that are left when it is the last one."""
        data = memoryview(b"".join((self._rest, block)) if self._rest else block)
        position = 0
        for chunk in self._cut(data, min_size=MIN_PIECE, avg_size=AVERAGE_PIECE, max_size=MAX_PIECE):
            end = chunk.offset + chunk.length
            if end == len(data) and not last and chunk.length < MAX_PIECE:
                # more bytes may move the end of this one
                break
            yield data[position:end]
            position = end
        self._rest = data[position:]


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """The pieces of a whole content, none for an empty one."""
    cutter: Cutter | None = None
    held: bytes | memoryview = b""
    for block in blocks(chunks):
        if held:
            cutter = cutter or Cutter()
            yield from cutter.cut(held)
        held = block
    if cutter is None and len(held) < CUT_FROM:
        if held:
            yield held
    else:
        yield from (cutter or Cutter()).cut(held, last=True)
