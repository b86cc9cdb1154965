# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore plans where a vendor leaves steps to people: what to do, in which order, who does it; and their Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..base import Probe

YOU = "you"
COLLECTION = "ucops.recovery."


@dataclass(frozen=True)
class PlanStep:
    """One step. ``who`` is ``you``, or the full name of the module that does it with ``options``."""

    number: int
    who: str
    text: str
    module: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_result(self) -> dict[str, Any]:
        """The step as a module returns it."""
        return {
            "number": self.number,
            "who": self.who,
            "text": self.text,
            "module": self.module,
            "options": dict(self.options),
        }


@dataclass(frozen=True)
class Branch:
    """One way to a working system. ``when``: what must be so that it is the right one."""

    title: str
    when: str
    steps: Sequence[PlanStep]

    def to_result(self) -> dict[str, Any]:
        """The branch as a module returns it."""
        return {"title": self.title, "when": self.when, "steps": [step.to_result() for step in self.steps]}


@dataclass(frozen=True)
class RecoveryPlan:
    """All branches in the order in which they are to be considered.

    ``known``: what the generation tells of this host. ``remarks``: what is to be known and is no step.
    """

    title: str
    generation: str
    known: Mapping[str, str]
    branches: Sequence[Branch]
    remarks: Sequence[str] = ()

    def to_result(self) -> dict[str, Any]:
        """The plan as a module returns it; no secret is in it."""
        return {
            "title": self.title,
            "generation": self.generation,
            "known": dict(self.known),
            "branches": [branch.to_result() for branch in self.branches],
            "remarks": list(self.remarks),
        }

    def markdown(self) -> str:
        """The plan to be printed and put beside the machine."""
        lines = [f"# {self.title}", "", f"Generation: `{self.generation}`", ""]
        lines += [f"* {name}: {_shown(value)}" for name, value in self.known.items()]
        for branch in self.branches:
            lines += ["", f"## {branch.title}", "", f"{branch.when}", ""]
            for step in branch.steps:
                lines += _step(step)
        if self.remarks:
            lines += ["", "## To be known", "", *(f"* {_shown(remark)}" for remark in self.remarks)]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Occasion:
    """What a plan is made for.

    ``generation``: its id. ``source``: of the generation. ``companions``: ids of the generations of the same run that
    belong to it (``dc1/ad_attributes/4``). ``items``: names of its items that can be put back. ``images``: snapshots
    and images of the machine that the operator declared, in his words.
    """

    generation: str
    source: str
    probe: Probe
    companions: Sequence[str] = ()
    items: Sequence[str] = ()
    images: Sequence[str] = ()


class Steps:
    """Collects steps and numbers them."""

    def __init__(self) -> None:
        self._steps: list[PlanStep] = []

    def you(self, text: str) -> None:
        """A step that a person does."""
        self._steps.append(PlanStep(len(self._steps) + 1, YOU, text))

    def module(self, name: str, text: str, **options: Any) -> None:
        """A step that a module of this collection does; options that are None are left out."""
        given = {key: value for key, value in options.items() if value is not None}
        full = COLLECTION + name
        self._steps.append(PlanStep(len(self._steps) + 1, full, text, full, given))

    def branch(self, title: str, when: str) -> Branch:
        """All of them, as a branch."""
        return Branch(title, when, tuple(self._steps))


def licence_steps(steps: Steps, occasion: Occasion, where: str) -> None:
    """How the licence keys come back. ``where``: they are entered, the end of a sentence."""
    count = len(occasion.probe.licences)
    if not count:
        steps.you(f"Have the licence keys at hand, and enter them {where}: the generation holds none of them.")
        return
    steps.module(
        "generation_extract",
        f"Fetch the {count} licence keys out of the generation",
        generation=occasion.generation,
        only_items=["licences"],
    )
    steps.you(f"Enter the licence keys again {where}.")


def listed(words: Iterable[str], otherwise: str = "") -> str:
    """``a, b and c``; ``otherwise`` when there is nothing."""
    every = list(words)
    if len(every) < 2:
        return every[0] if every else otherwise
    return f"{', '.join(every[:-1])} and {every[-1]}"


def companions_of(occasion: Occasion, product: str) -> list[str]:
    """The companion generations of one product."""
    return [one for one in occasion.companions if one.split("/")[1:2] and one.split("/")[1].split("@")[0] == product]


def source_of(generation: str) -> str:
    """The source of a generation's id."""
    return generation.split("/", 1)[0]


def instance_of(generation: str) -> str | None:
    """The instance of a generation's id, None when it has none."""
    return generation.split("/")[1].partition("@")[2] or None


def _step(step: PlanStep) -> list[str]:
    who = "**You:** " if step.who == YOU else f"**{step.who}:** "
    indent = " " * (len(str(step.number)) + 2)
    lines = [f"{step.number}. {who}{_shown(step.text)}"]
    if step.module:
        lines += [f"{indent}```yaml", f"{indent}{step.module}:"]
        lines += [f"{indent}  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in step.options.items()]
        lines += [f"{indent}```"]
    return lines


def _shown(text: str) -> str:
    """A text of a host in one line, so that it cannot open a heading or a list of its own."""
    return " ".join(text.split())
