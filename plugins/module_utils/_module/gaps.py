# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a generation failed to read when it was made. Nobody knows how that was, so no restore removes any of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._entries import path_from_text, path_to_text
from .._items.tree_restoring import ancestors

SHOWN_PATHS = 5


@dataclass(frozen=True)
class Gaps:
    """By the name of their item the ``paths`` that could not be read, whatever may lie below them; and the items
    (``whole``) of which nobody knows what else there was."""

    paths: Mapping[str, frozenset[bytes]]
    whole: frozenset[str]

    @classmethod
    def of(cls, contract: Mapping[str, Any]) -> Gaps:
        """From the contract of a manifest."""
        paths: dict[str, set[bytes]] = {}
        whole = set(contract.get("not_read", ()))
        absent = {(one["item"], one["path"]) for one in contract.get("absent", ())}
        for problem in contract.get("problems", ()):
            if (problem["item"], problem["path"]) in absent:
                continue
            path = _absolute(problem["path"])
            if path is None:
                whole.add(problem["item"])
            else:
                paths.setdefault(problem["item"], set()).add(path)
        return cls({name: frozenset(some) for name, some in paths.items()}, frozenset(whole))

    def are_in(self, item: str) -> bool:
        """Whether anything of the item could not be read."""
        return item in self.whole or item in self.paths

    def may_have_held(self, item: str, path: bytes) -> bool:
        """Whether the generation, although it does not hold this path, may have had to: what lies at or below what
        could not be read, and the folders above that."""
        return item in self.whole or self._is_within(item, path) or path in self._folders.get(item, ())

    def explain(self, problem: Mapping[str, str]) -> bool:
        """Whether a problem of a later gathering is one that the generation had too."""
        path = _absolute(problem["path"])
        return problem["item"] in self.whole or (path is not None and self._is_within(problem["item"], path))

    def _is_within(self, item: str, path: bytes) -> bool:
        paths = self.paths.get(item, frozenset())
        return path in paths or (bool(paths) and not paths.isdisjoint(ancestors(path)))

    @cached_property
    def _folders(self) -> Mapping[str, frozenset[bytes]]:
        return {
            name: frozenset(above for path in paths for above in ancestors(path)) for name, paths in self.paths.items()
        }

    def in_words(self, item: str) -> str:
        """What a restore does not remove of the item, and why; to be put behind the generation's id."""
        if item in self.whole:
            return "does not say all that there was, so nothing is removed"
        paths = sorted(map(path_to_text, self.paths[item]))
        more = f" and {len(paths) - SHOWN_PATHS} more" if len(paths) > SHOWN_PATHS else ""
        return f"could not read {', '.join(paths[:SHOWN_PATHS])}{more}; what the host has there is not removed"


def _absolute(text: str) -> bytes | None:
    """The path that a problem names; None when it names none."""
    if not text.startswith("/"):
        return None
    try:
        return path_from_text(text)
    except ValueError:
        return None
