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
    """What a host counts for: its product, its site (empty: none was declared), and its wave.

    Hosts of a later wave begin when all of the earlier ones have ended, since they belong together with them.
    """

    product: str
    site: str = ""
    wave: int = 0


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

        ``waiting`` is in the order of the waves. ``silent`` are hosts that were begun and have not answered: in all
        they do not count, unless there are more of them than may run at a time. For their product and their site they
        do, as a thin line may be why they are silent, and for a later wave.
        """
        begun = [*running, *silent]
        if not waiting or len(running) + len(silent[self.total :]) >= self.total:
            return None
        wave = min(place.wave for place in (waiting[0], *begun))
        products = Counter(place.product for place in begun)
        sites = Counter(place.site for place in begun)
        unlimited = len(begun) + 1
        for position, place in enumerate(waiting):
            if place.wave != wave:
                return None
            if products[place.product] < self.products.get(place.product, unlimited) and (
                not place.site or sites[place.site] < self.sites.get(place.site, self.each_site or unlimited)
            ):
                return position
        return None
