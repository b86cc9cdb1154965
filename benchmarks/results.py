# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as a value that a file can keep."""

from __future__ import annotations

import json
import pathlib
from dataclasses import asdict, dataclass, field
from typing import Any

from measure import Stored, Usage


@dataclass
class Results:
    """All measurements of one run.

    ``usages``: set -> contender -> phase -> one usage for each repetition. ``stored``: set -> contender -> after the
    backups first, unchanged and changed. ``series``: what is backed up -> contender -> after 1, 2, ... generations;
    ``series_usages``: what all of these backups took together. ``sizes``: bytes and files of each set.
    ``facts``: machine and method.
    """

    usages: dict[str, dict[str, dict[str, list[Usage]]]] = field(default_factory=dict)
    stored: dict[str, dict[str, Stored]] = field(default_factory=dict)
    series: dict[str, dict[str, list[Stored]]] = field(default_factory=dict)
    series_usages: dict[str, dict[str, Usage]] = field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, group: str, contender: str, phase: str, usage: Usage) -> None:
        """Add one measurement."""
        self.usages.setdefault(group, {}).setdefault(contender, {}).setdefault(phase, []).append(usage)

    def best(self, group: str, contender: str, phase: str) -> Usage | None:
        """The least of all repetitions: what comes on top is the noise of a shared machine."""
        usages = self.usages.get(group, {}).get(contender, {}).get(phase)
        if not usages:
            return None
        return Usage(
            min(usage.wall for usage in usages),
            min(usage.cpu for usage in usages),
            max(usage.memory for usage in usages),
        )

    def save(self, path: pathlib.Path) -> None:
        """Keep them."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: pathlib.Path) -> Results:
        """The reverse of :meth:`save`."""
        data = json.loads(path.read_text())
        for phases in (phases for contenders in data["usages"].values() for phases in contenders.values()):
            for phase, usages in phases.items():
                phases[phase] = [Usage(**usage) for usage in usages]
        for contenders in data["stored"].values():
            contenders.update({name: Stored(**stored) for name, stored in contenders.items()})
        for series in data["series"].values():
            series.update({name: [Stored(**stored) for stored in states] for name, states in series.items()})
        for usages in data["series_usages"].values():
            usages.update({name: Usage(**usage) for name, usage in usages.items()})
        return cls(**data)
