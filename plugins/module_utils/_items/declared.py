# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people declare of a system that no one can ask: kept with its backup, and compared like anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .._compare.json_document import canonical
from .._entries import Entry, Gathered, ItemReport
from .._transport.base import Transport
from .base import Item

FOLDER = b"/@declared/"


@dataclass
class Declared(Item):
    """One document, written as JSON. ``contradicted``: why it cannot be as it is declared."""

    restorable: bool = False
    document: Any = None
    contradicted: str = ""

    @property
    def path(self) -> bytes:
        """The path of its one entry."""
        return FOLDER + self.name.encode("utf-8") + b".json"

    def covers(self, path: bytes) -> bool:
        return path == self.path

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        yield (
            Entry(self.name, self.data_class, "output", self.path, sensitive=self.sensitive),
            [canonical(self.document)],
        )
        if self.contradicted:
            report.problem("", self.contradicted)
