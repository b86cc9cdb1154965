# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of a text database that renew themselves: only their column lines are kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from .._entries import Entry, Gathered, ItemReport
from .._items.file_tree import FileTree
from .._transport.base import Transport

LONGEST_HEADER = 64 * 1024


@dataclass
class EmptyTables(FileTree):
    """Table files without their rows.

    A restore leaves the rows of tables alone that have the same columns, so that live registrations survive it.
    """

    looks_inside: ClassVar[bool] = True

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        for entry, content in super().gather(transport, report):
            header = _first_line(content)
            if entry.kind == "file":
                yield replace(entry, size=len(header), mtime_ns=None), (header,)

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        live = {
            entry.path: b"".join(content)
            for entry, content in super().gather(transport, ItemReport(self.name))
            if entry.kind == "file"
        }
        tables = []
        for entry, content in wanted:
            header = b"".join(content)
            rows = live.get(entry.path, b"")
            kept = rows if _first_line((rows,)) == header else header
            tables.append((replace(entry, size=len(kept), mtime_ns=time.time_ns()), (kept,)))
        super().restore(transport, tables, current)


def _first_line(content: Iterable[bytes]) -> bytes:
    """The first line; everything is read, since what comes next from the host can only then be read."""
    head = b""
    for chunk in content:
        if b"\n" not in head and len(head) < LONGEST_HEADER:
            head += chunk
    line, newline, _rest = head.partition(b"\n")
    return line[:LONGEST_HEADER] + newline
