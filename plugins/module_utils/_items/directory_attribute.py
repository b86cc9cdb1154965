# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of an attribute are a product's own, and how they are put back beside those of others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from .._transport.directory import ADD, DELETE, REPLACE, Modification


@dataclass(frozen=True)
class SavedAttribute:
    """One attribute whose values are kept.

    ``own``: matches the beginning of a value that is the product's own; all other values belong to other applications
    and are never touched. None: the whole attribute is the product's own and is set exactly.

    ``records_others``: the values of others are kept as a record, so that a pattern that was too narrow can be put
    right afterwards. ``decides``: an object that has own values of it is kept; of the other attributes values are only
    kept of such an object. ``lent``: belongs to the object and not to the product: where the object was not kept, it
    stays. ``longest``: characters that a value may have.

    ``known_only``: other applications write values that look the same. All are kept, and a restore sets and removes
    only those that one of its generations holds, of whichever object; case says nothing.
    """

    name: str
    own: re.Pattern[str] | None = None
    records_others: bool = False
    decides: bool = True
    lent: bool = False
    longest: int | None = None
    known_only: bool = False

    def owns(self, value: bytes) -> bool:
        """Whether a value is the product's own."""
        return self.own is None or bool(self.own.match(value.decode("utf-8", "surrogateescape")))

    def own_values(self, values: Sequence[bytes], known: Container[str] | None = None) -> list[bytes]:
        """Those values that are the product's own, sorted.

        :param known: of a ``known_only`` attribute the marks of those that generations hold; None: all count
        """
        own = sorted(value for value in values if self.owns(value))
        return own if known is None or not self.known_only else [one for one in own if folded_mark(mark(one)) in known]

    def kept_values(self, values: Sequence[bytes]) -> list[bytes]:
        """Those values that are kept, sorted."""
        return sorted(values) if self.records_others else self.own_values(values)

    def too_long(self, value: bytes) -> bool:
        """Whether no directory can hold this value."""
        return self.longest is not None and len(value.decode("utf-8", "surrogateescape")) > self.longest

    def changes(
        self, wanted: Sequence[bytes], found: Sequence[bytes], known: Container[str] | None = None
    ) -> list[Modification]:
        """What gives the attribute its wanted own values; nothing when it has them. ``known``: as for own_values.

        Values of others in ``wanted`` do not count, those in ``found`` stay. Old ones go before new ones come: for the
        directory values that differ in case only are the same.
        """
        ours, theirs = set(self.own_values(wanted)), set(self.own_values(found, known))
        if ours == theirs:
            return []
        if self.own is None:
            return [Modification(REPLACE, self.name, sorted(ours))]
        surplus, missing = sorted(theirs - ours), sorted(ours - theirs)
        changes = [Modification(DELETE, self.name, surplus)] if surplus else []
        return [*changes, Modification(ADD, self.name, missing)] if missing else changes


_FOLDED, _EXACT = 24, 8


def mark(value: bytes) -> str:
    """What stands for a value where the value itself shall not stand: two parts, the first without its case."""
    folded = value.decode("utf-8", "surrogateescape").casefold().encode("utf-8", "surrogateescape")
    return hashlib.sha256(folded).hexdigest()[:_FOLDED] + hashlib.sha256(value).hexdigest()[:_EXACT]


def folded_mark(whole: str) -> str:
    """The part of a mark that says nothing of case."""
    return whole[:_FOLDED]
