# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the store is to reach, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contenders import BACKUPS, PHASES, Ours, Restic, ResticPerHost
from results import Results


@dataclass(frozen=True)
class Verdict:
    """One target: what is compared, our part of the other's wall time (or bytes) and CPU time, the most it may be."""

    what: str
    ratio: float
    cpu_ratio: float | None
    most: float

    @property
    def is_met(self) -> bool:
        """Whether it is reached."""
        return self.ratio <= self.most


_TIMES = (
    ("a", ResticPerHost.name, (*BACKUPS, "restore"), 0.05),
    ("a", Restic.name, PHASES, 1.5),
    ("b", Restic.name, PHASES, 0.7),
)


def verdicts(results: Results) -> Iterator[Verdict]:
    """Every target for which there are measurements."""
    for group, other, phases, most in _TIMES:
        for phase in phases:
            ours, theirs = results.best(group, Ours.name, phase), results.best(group, other, phase)
            if ours is not None and theirs is not None:
                yield Verdict(f"({group}) {phase}, to {other}", ours.wall / theirs.wall, ours.cpu / theirs.cpu, most)
    for subject, series in results.series.items():
        ours_last = series[Ours.name][-1]
        for name in series:
            if not name.startswith("restic"):
                continue
            for unit, label in (("apparent", "bytes of files"), ("blocks", "blocks on disk")):
                ratio = getattr(ours_last, unit) / getattr(series[name][-1], unit)
                what = f"{subject}: {label} after {len(series[name])} generations, to {name}"
                yield Verdict(what, ratio, None, 1.0)
