# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore would lose, seen three ways: the generation, what the host is expected to be, and what it is now.

What is as the generation says needs no restore. What is as expected is what the restore is there to undo. Anything else
came later and would be lost: somebody's change after the change, a voicemail that came in since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .._compare.mask import Masker
from .._compare.semantic import SemanticChange, summarised
from .._entries import path_to_text
from .._items.base import Item
from .._products.base import Product, View
from .._repository.format import GenerationId, StoredEntry
from .._repository.reader import GenerationReader
from .equality import ABSENT, TIME, UNWANTED, reasons_by_path
from .path_patterns import PathPatterns
from .view import GenerationView

NOT_COMPARED = "not_compared"


@dataclass(frozen=True)
class Loss:
    """One thing that a restore would lose. ``action``: what came of it since it was as expected, C(added),
    C(changed), C(removed), or C(not_compared) when nobody can tell; then the item as a whole is meant."""

    item: str
    data_class: str
    action: str
    path: bytes = b""

    def to_result(self) -> dict[str, str]:
        """The loss as a module returns it."""
        return {
            "item": self.item,
            "data_class": self.data_class,
            "action": self.action,
            "path": path_to_text(self.path),
        }


def entries_of(reader: GenerationReader, items: Collection[str]) -> Iterator[StoredEntry]:
    """The entries of some items of a generation."""
    return (stored for stored in reader.entries() if stored.entry.item in items)


class HeldSide:
    """Some items of a generation as one side of a comparison."""

    def __init__(self, reader: GenerationReader, items: Collection[str], patterns: PathPatterns) -> None:
        self.reader = reader
        self.label = str(GenerationId.of(reader.record))
        of_items = partial(entries_of, reader, items)
        self.entries: Mapping[bytes, StoredEntry] = {stored.entry.path: stored for stored in patterns.choose(of_items)}
        self.view: Mapping[bytes, bytes] = GenerationView(reader, self.entries)

    def of_item(self, name: str) -> list[StoredEntry]:
        """The entries of one item."""
        return [stored for stored in self.entries.values() if stored.entry.item == name]


def losses_of(
    item: Item, wanted: Sequence[StoredEntry], now: Sequence[StoredEntry], reader: GenerationReader, expected: HeldSide
) -> list[Loss]:
    """What of an item is neither as the generation says nor as expected. A time alone is nothing to lose."""
    since_expected = reasons_by_path(item, expected.of_item(item.name), now, expected.reader)
    if not since_expected:
        return []
    actions = {ABSENT: "removed", UNWANTED: "added"}
    return [
        Loss(item.name, item.data_class, actions.get(since_expected[path][0], "changed"), path)
        for path in reasons_by_path(item, wanted, now, reader)
        if path in since_expected and since_expected[path] != [TIME]
    ]


def losses_in_words(product: Product, then: View, expected: View, now: View, masker: Masker) -> list[SemanticChange]:
    """The same in the words of the product: what came since it was as expected, and is not as it was then."""
    to_undo = {(change.kind, change.object) for change in product.semantic(then, now, masker)}
    since = product.semantic(expected, now, masker)
    return summarised(change for change in since if (change.kind, change.object) in to_undo)


def loss_result(losses: Sequence[Loss], words: Sequence[SemanticChange], most: int) -> dict[str, Any]:
    """Small and without secrets: at most ``most`` of each, the rest is counted."""
    return {
        "losses": [loss.to_result() for loss in losses[:most]],
        "loss_count": len(losses),
        "lost_changes": [
            {name: value for name, value in change.to_json().items() if value is not None} for change in words[:most]
        ],
    }
