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
    for name, other, hosts in series_pairs(results):
        ours_stored, theirs_stored = results.series[name][-1], results.series[other][-1]
        after = f"after {len(results.series[name])} generations of {hosts}, to {other.removesuffix(', ' + hosts)}"
        for unit, label in (("apparent", "bytes of files"), ("blocks", "blocks on disk")):
            ratio = getattr(ours_stored, unit) / getattr(theirs_stored, unit)
            yield Verdict(f"(a) {label} {after}", ratio, None, 1.0)


def series_pairs(results: Results) -> Iterator[tuple[str, str, str]]:
    """Ours and restic's names in the series, over the same hosts, and which these are."""
    for name in results.series:
        program, _comma, hosts = name.rpartition(", ")
        for other in results.series if program == Ours.name else ():
            if other.startswith("restic") and other.endswith(f", {hosts}"):
                yield name, other, hosts
