# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a configuration or an operator names, so that each of them must be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._entries import Gathered, ItemReport
from .._items.base import Extent
from .._items.file_tree import FileTree
from .._transport.base import Transport

_WILDCARD = re.compile(r"[*?\[]")


@dataclass
class DemandedFiles(FileTree):
    """A tree of which no path may be missing; an ordinary tree is content with any of its paths."""

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        yield from super().gather(transport, report)
        self._demand(report)

    def measure(self, transport: Transport, report: ItemReport) -> Extent:
        extent = super().measure(transport, report)
        self._demand(report)
        return extent

    def _demand(self, report: ItemReport) -> None:
        for path in report.notes.pop("nothing_at", ()):
            report.absent(path, "the configuration names it, but it is not there")


@dataclass
class NamedFiles(DemandedFiles):
    """What an operator names: each path without a wildcard must be there, unless the item may be missing."""

    def _demand(self, report: ItemReport) -> None:
        known = {problem.path for problem in report.problems}
        for path in report.notes.get("nothing_at", ()) if self.required and report.found else ():
            if path not in known and not _WILDCARD.search(path):
                report.absent(path, "is demanded, but not there")
