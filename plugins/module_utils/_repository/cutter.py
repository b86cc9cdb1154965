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
"""Bytes that are looked at together."""


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
    """Cuts large contents, one after the other, in constant memory. The cuts do not depend on how the bytes come."""

    def __init__(self) -> None:
        self._fastcdc = _fastcdc()
        # what was handed out of one may still be in use while the other one fills
        self._buffers = [memoryview(bytearray(BLOCK_SIZE + MAX_PIECE)) for _number in range(2)]

    def cut(self, chunks: Iterable[bytes]) -> Iterator[tuple[memoryview, list[memoryview]]]:
        """Block after block: the bytes that are new in it, and the pieces that are certain with it.

        The new bytes stay as they are until the block after the next one is asked for, the pieces until the next one.
        """
        buffer, other = self._buffers
        known = filled = 0
        for chunk in chunks:
            view = memoryview(chunk)
            while len(view):
                part = view[: len(buffer) - filled]
                view = view[len(part) :]
                buffer[filled : filled + len(part)] = part
                filled += len(part)
                if filled == len(buffer):
                    pieces, end = self._pieces(buffer, False)
                    yield buffer[known:], pieces
                    known = filled - end
                    other[:known] = buffer[end:]
                    buffer, other, filled = other, buffer, known
        yield buffer[known:filled], self._pieces(buffer[:filled], True)[0]

    def _pieces(self, data: memoryview, last: bool) -> tuple[list[memoryview], int]:
        """The pieces that are certain, all when it is the last block, and where they end."""
        pieces = []
        position = 0
        for chunk in self._fastcdc(data, min_size=MIN_PIECE, avg_size=AVERAGE_PIECE, max_size=MAX_PIECE):
            # before 1.6 the last piece could be told longer than it is
            end = min(position + chunk.length, len(data))
            if end == len(data) and not last and chunk.length < MAX_PIECE:
                # more bytes may move the end of this one
                break
            pieces.append(data[position:end])
            position = end
        return pieces, position
