# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host of a fleet may begin next, when only so many may be worked on at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._errors import OptionInvalid


@dataclass(frozen=True)
class Place:
    """What a host counts for: its product and its site (empty: none was declared).

    ``after``: products of which all hosts must have ended before it begins, since it may demand generations of theirs.
    """

    product: str
    site: str = ""
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Limits:
    """How many hosts at a time: in all, of a product, of a site. What is not named has no limit of its own.

    :raises OptionInvalid: a limit below one
    """

    total: int
    products: Mapping[str, int] = field(default_factory=dict)
    sites: Mapping[str, int] = field(default_factory=dict)
    each_site: int | None = None

    def __post_init__(self) -> None:
        named = {**self.products, **self.sites, "all": self.total, "each site": self.each_site or 1}
        for name, limit in named.items():
            if limit < 1:
                raise OptionInvalid(f"The limit {limit} of {name} would let no host begin", hint="Give 1 or more.")

    def choose(self, waiting: Sequence[Place], running: Sequence[Place], silent: Sequence[Place] = ()) -> int | None:
        """The position of the first that may begin now; None when all have to wait.

        ``silent`` are hosts that were begun and have not answered: in all they do not count, unless there are more of
        them than may run at a time. For their product and their site they do, as a thin line may be why they are
        silent, and for those that come after their product.
        """
        begun = [*running, *silent]
        if not waiting or self._taken(len(running), len(silent)) >= self.total:
            return None
        products = Counter(place.product for place in begun)
        sites = Counter(place.site for place in begun)
        unlimited = len(begun) + 1
        left: set[str] | None = None
        for position, place in enumerate(waiting):
            if place.after and left is None:
                left = {one.product for one in (*waiting, *begun)}
            if (
                products[place.product] < self.products.get(place.product, unlimited)
                and (not place.site or sites[place.site] < self.sites.get(place.site, self.each_site or unlimited))
                and not (place.after and place.after & (left or set()) - {place.product})
            ):
                return position
        return None

    def admits(self, running: int, silent: int) -> bool:
        """Whether one of the silent hosts, which has answered now, may go on as one of those that run."""
        return self._taken(running, silent - 1) < self.total

    def _taken(self, running: int, silent: int) -> int:
        return running + max(0, silent - self.total)
