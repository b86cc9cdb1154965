# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Licence keys in one list, for people who have to enter them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .._entries import Entry, Gathered, ItemReport
from .._transport.base import Transport
from .base import Item


@dataclass
class LicenceList(Item):
    """What a look at the host has found, one key a line. It is never shown in a difference and never put back."""

    sensitive: bool = True
    restorable: bool = False
    keys: Sequence[str] = field(default=(), repr=False)

    @property
    def path(self) -> bytes:
        """The path of its one entry."""
        return b"/@licences/" + self.name.encode("utf-8") + b".txt"

    def covers(self, path: bytes) -> bool:
        return path == self.path

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        if not self.keys:
            report.found = False
            return
        entry = Entry(
            item=self.name, data_class=self.data_class, kind="output", path=self.path, sensitive=self.sensitive
        )
        yield entry, ["".join(f"{key}\n" for key in self.keys).encode("utf-8", "surrogateescape")]
