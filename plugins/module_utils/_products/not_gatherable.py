# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something that belongs to a product and that nobody here can gather: it is said, so that nothing is missing in
silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .._entries import Gathered, ItemReport
from .._items.base import Item
from .._transport.base import Transport


@dataclass
class NotGatherable(Item):
    """Makes every generation partial, with the reason, until the operator declares what is to be done about it."""

    restorable: bool = False
    reason: str = ""

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        report.found = False
        report.problem("", self.reason)
        return iter(())
