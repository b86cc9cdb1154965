# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ladder of a restore drill: how far up a generation proved to be good. Pure.

A rung that was not tried, or cannot be, is never a passed one; and no rung above a failed one passed. A product that
has no validators, or no service of its own, can still pass the rungs above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import OptionInvalid
from .._repository.drills import FAILED, PASSED

RUNGS = ("opens", "complete", "restored", "validators", "service", "call", "counts")
"""From the lowest to the highest: it is authentic and all of it can be read; nothing that the product demands is
missing; a target holds exactly what it holds; the product accepts it; the service runs; a call goes through; as much of
everything is there as was saved."""

FOUNDATION = ("opens", "complete", "restored")
"""Without these no rung above them means anything, so none of them can be left out."""

NOT_POSSIBLE = "not_possible"
NOT_TRIED = "not_tried"
RESULTS = (PASSED, FAILED, NOT_POSSIBLE, NOT_TRIED)
DETAIL_LIMIT = 500
"""Characters that are kept of what a step says."""


@dataclass(frozen=True)
class Step:
    """One rung: what became of it, whole seconds that it took, and why."""

    rung: str
    result: str
    seconds: int = 0
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """For evidence and results."""
        return {"rung": self.rung, "result": self.result, "seconds": self.seconds, "detail": self.detail}


def climb(given: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Every rung in order; what was not given was not tried. Raises OptionInvalid for what cannot have happened."""
    told = {}
    for one in given:
        if one["rung"] in told:
            raise OptionInvalid(f"The rung {one['rung']} stands twice in steps")
        seconds = float(one.get("seconds") or 0)
        if not 0 <= seconds < math.inf:
            raise OptionInvalid(
                f"The rung {one['rung']} took {seconds:g} s",
                hint="A clock jumped during the drill. Run the drill again.",
            )
        detail = " ".join(str(one.get("detail") or "").split())[:DETAIL_LIMIT]
        # rounded up: a measured time never flatters
        told[one["rung"]] = Step(one["rung"], one["result"], math.ceil(seconds), detail)
    steps = [told.get(rung, Step(rung, NOT_TRIED)) for rung in RUNGS]
    failed = next((number for number, step in enumerate(steps) if step.result == FAILED), None)
    if failed is not None:
        above = [step.rung for step in steps[failed + 1 :] if step.result == PASSED]
        if above:
            raise OptionInvalid(f"The rung {above[0]} cannot have passed, as {steps[failed].rung} below it failed")
    return steps


def outcome_of(steps: Sequence[Step], minimum: str) -> str:
    """Passed when ``minimum`` did, with all that it stands on, and none failed."""
    return FAILED if lacking(steps, minimum) else PASSED


def reached(steps: Sequence[Step]) -> str:
    """The highest rung that passed with all that it stands on; empty when the lowest did not."""
    return next((step.rung for step in reversed(steps) if not _gap(steps, step.rung)), "")


def lacking(steps: Sequence[Step], minimum: str) -> str:
    """Why it did not pass, in one sentence; empty when it did."""
    gap = next((step for step in steps if step.result == FAILED), None) or _gap(steps, minimum)
    if gap is None:
        return ""
    words = {FAILED: "failed", NOT_POSSIBLE: "was not possible"}.get(gap.result, "was not tried")
    return f"{gap.rung} {words}" + (f": {gap.detail}" if gap.detail else "")


def _gap(steps: Sequence[Step], rung: str) -> Step | None:
    """What keeps a rung from counting: the lowest one up to it that did not pass and may not be left out."""
    for step in steps[: RUNGS.index(rung) + 1]:
        may_be_left_out = step.result == NOT_POSSIBLE and step.rung not in FOUNDATION and step.rung != rung
        if step.result != PASSED and not may_be_left_out:
            return step
    return None
