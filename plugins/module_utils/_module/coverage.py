# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a generation looked at when it was made. Of anything else nobody knows whether it was there already, so no
restore removes it, whatever today's options mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._entries import Entry, path_from_text, path_to_text
from .._errors import OptionInvalid
from .._items.base import Item
from .._items.tree_listing import MOUNTS
from .._items.tree_restoring import ancestors
from .._repository.format import Manifest

SHOWN_PATHS = 5
_NO_SCOPE = (ValueError, TypeError, LookupError, AttributeError, OptionInvalid)


@dataclass(frozen=True)
class Unseen:
    """What the host has of an item and the generation never looked at, and the folders that cannot go either
    (``folders``): they hold it, or they are ``holding`` what the item leaves out. ``told``: the generation tells what
    it looked at."""

    paths: frozenset[bytes] = frozenset()
    folders: frozenset[bytes] = frozenset()
    told: bool = True
    holding: frozenset[bytes] = frozenset()

    def __contains__(self, path: bytes) -> bool:
        return path in self.paths or path in self.folders

    def in_words(self) -> str:
        """What a restore does not remove, and why; to be put behind the generation's id."""
        shown = _shown(path for path in self.paths if self.paths.isdisjoint(ancestors(path)))
        if not self.told:
            return f"does not tell what it looked at, so this is not removed: {shown}"
        return f"did not look at {shown}; what the host has there is not removed"


@dataclass(frozen=True)
class Coverage:
    """By the name of their item the ``scopes`` that a manifest tells, and where file systems were mounted then."""

    scopes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mounts: Mapping[str, frozenset[bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest) -> Coverage:
        """What the manifest of a generation tells."""
        notes = manifest.contract.get("notes", {})
        return cls(
            {name: facts["scope"] for name, facts in manifest.items.items() if isinstance(facts.get("scope"), Mapping)},
            {name: mounts_of(told) for name, told in notes.items()},
        )

    def is_as_now(self, item: Item) -> bool:
        """Whether just that was looked at which the item looks at now."""
        return not item.scope_fields or self.scopes.get(item.name) == item.scope()

    def limit(self, item: Item) -> tuple[Item, list[str]]:
        """The item without what was not looked at within its entries, and what that is."""
        try:
            return item.limited_to(self.scopes[item.name])
        except _NO_SCOPE:
            return item, []

    def unseen(
        self,
        item: Item,
        found: Sequence[Entry],
        held: Collection[bytes],
        mounts: frozenset[bytes] = frozenset(),
        holding: Collection[bytes] = (),
    ) -> Unseen:
        """What of the item is on the host, and whose absence in the generation says nothing.

        :param held: paths that the generation has
        :param mounts: where other file systems are mounted now
        :param holding: folders that hold what the item leaves out
        """
        if not item.scope_fields:
            return Unseen()
        looked_at = self._looked_at(item)
        mounted = self._mounted_as_now(item, mounts)
        new = [entry for entry in found if entry.path not in held]
        paths = frozenset(
            entry.path for entry in new if looked_at is None or not looked_at(entry) or not mounted(entry.path)
        )
        stay = frozenset(entry.path for entry in new if entry.path in holding) - paths
        above = {folder for path in paths | stay for folder in ancestors(path)}
        folders = frozenset(entry.path for entry in new if entry.path in above) - paths
        return Unseen(paths, folders | stay, looked_at is not None, stay)

    def _looked_at(self, item: Item) -> Callable[[Entry], bool] | None:
        try:
            return item.looked_at(self.scopes[item.name])
        except _NO_SCOPE:
            return None

    def _mounted_as_now(self, item: Item, now: frozenset[bytes]) -> Callable[[bytes], bool]:
        """Tells whether a path is on a file system that was there then too and was looked into: a volume that was
        mounted since was never seen, nor what lies below the place of one that was."""
        then = self.mounts.get(item.name, frozenset())
        entered = not self.scopes.get(item.name, {}).get("one_file_system", False)

        def mounted_as_now(path: bytes) -> bool:
            way = {path, *ancestors(path)}
            return way & then == way & now and (entered or not way & now)

        return mounted_as_now if then or now else lambda path: True


def _shown(paths: Iterable[bytes]) -> str:
    texts = sorted(map(path_to_text, paths))
    more = f" and {len(texts) - SHOWN_PATHS} more" if len(texts) > SHOWN_PATHS else ""
    return f"{', '.join(texts[:SHOWN_PATHS])}{more}"


def mounts_of(notes: Mapping[str, Any]) -> frozenset[bytes]:
    """Where file systems are mounted, as an item noted it."""
    return frozenset(map(path_from_text, notes.get(MOUNTS, ())))


def unseen_in_words(generation: str, unseen: Mapping[str, Unseen], within: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each item of which something stays on the host.

    :param within: by item what was not looked at within its entries
    """
    words = [f"{name}: {generation} {some.in_words()}." for name, some in unseen.items() if some.paths]
    words += [
        f"{name}: these folders came later and hold what the item leaves out, so they stay: {_shown(some.holding)}."
        for name, some in unseen.items()
        if some.holding
    ]
    words += [
        f"{name}: {generation} did not look at {', '.join(left)}; it is left alone." for name, left in within.items()
    ]
    return words
