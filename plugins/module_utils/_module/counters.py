# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of its work a host does: told in the commit record, beside what the product counts of its configuration.

It differs by the minute, so it is no content, and no jump of it needs a change that announced it.
"""

from __future__ import annotations

from collections.abc import Mapping

from .receipt import RECEIPT

NOW = "now:"
"""How the names of such counts begin in a commit record."""


def as_counts(counters: Mapping[str, int]) -> dict[str, int]:
    """As a commit record has them."""
    return {f"{NOW}{name}": number for name, number in counters.items()}


def counters_of(counts: Mapping[str, int]) -> dict[str, int]:
    """Those of a commit record."""
    return {name[len(NOW) :]: number for name, number in counts.items() if name.startswith(NOW)}


def lasting(counts: Mapping[str, int]) -> dict[str, int]:
    """The other counts of a commit record: those of the configuration."""
    return {name: number for name, number in counts.items() if name != RECEIPT and not name.startswith(NOW)}
