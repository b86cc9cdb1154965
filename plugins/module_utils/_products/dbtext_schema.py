# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of a text database that renew themselves: only their column lines are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .._entries import Entry, Gathered, ItemReport
from .._items.base import Change
from .._items.file_tree import FileTree
from .._transport.base import Transport

LONGEST_HEADER = 64 * 1024


@dataclass
class EmptyTables(FileTree):
    """Table files without their rows.

    A restore makes only those that are not there, so that live registrations survive it.
    """

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        for entry, content in super().gather(transport, report):
            if entry.kind != "file":
                for _chunk in content:
                    pass
                continue
            header = _first_line(content)
            yield replace(entry, size=len(header), mtime_ns=None), (header,)

    def plan(
        self, wanted: Sequence[Entry], current: Sequence[Entry], differing: Collection[bytes] | None = None
    ) -> list[Change]:
        present = {entry.path for entry in current}
        return super().plan([entry for entry in wanted if entry.path not in present], [], differing)

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        present = {entry.path for entry in current}
        missing = [(entry, content) for entry, content in wanted if entry.path not in present]
        if missing:
            super().restore(transport, missing, [])


def _first_line(content: Iterable[bytes]) -> bytes:
    head = b""
    for chunk in content:
        if b"\n" not in head and len(head) < LONGEST_HEADER:
            head += chunk
    line, newline, _rest = head.partition(b"\n")
    return line[:LONGEST_HEADER] + newline
