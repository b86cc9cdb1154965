# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a configuration names, so that each of them must be there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .._entries import Gathered, ItemReport
from .._items.file_tree import FileTree
from .._transport.base import Transport


@dataclass
class DemandedFiles(FileTree):
    """A tree of which no path may be missing; an ordinary tree is content with any of its paths."""

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        yield from super().gather(transport, report)
        for path in report.notes.pop("nothing_at", ()):
            report.problem(path, "the configuration names it, but it is not there")
