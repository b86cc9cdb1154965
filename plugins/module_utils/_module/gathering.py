# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets a product's items flow into a sink and holds what came against what was demanded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._entries import STATUS_COMPLETE, STATUS_PARTIAL, Entry, ItemReport, KnownFiles, Problem
from .._errors import ConnectionFailed, ItemMissing, RecoveryError, RepositoryError
from .._items.base import Item, LineNormaliser
from .._repository.format import CommitRecord
from .._transport.base import Transport


class Sink(Protocol):
    """Where gathered entries go: into a new generation, or into digests only."""

    def add(self, entry: Entry, chunks: Iterable[bytes], normaliser: LineNormaliser | None = None) -> Any:
        """Take one entry and read all its content."""


@dataclass
class Gathering:
    """What a run over a product's items brought. ``broken_off``: items that were not read to their end."""

    items: Sequence[Item]
    reports: dict[str, ItemReport] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)
    failure: RecoveryError | None = None

    def lacks(self, name: str, message: str) -> None:
        """Note something that belongs to the generation and that none of the items is."""
        self.lacking.append(name)
        self.reports[name] = ItemReport(name, found=False)
        self.reports[name].problem("", message)

    def problems(self) -> list[dict[str, str]]:
        """Every problem as a small fact: item, path, message."""
        return [_fact(report, problem) for report in self.reports.values() for problem in report.problems]

    def unread(self) -> list[dict[str, str]]:
        """The problems with what is there. What is absent was not left unread."""
        reports = self.reports.values()
        return [_fact(report, one) for report in reports for one in report.problems if not one.absent]

    def absent(self) -> list[dict[str, str]]:
        """Item and path of everything that is demanded by name and not there."""
        reports = self.reports.values()
        return [{"item": report.name, "path": one.path} for report in reports for one in report.problems if one.absent]

    def missing(self) -> list[str]:
        """What the generation lacks: what no item brings, required items that are not whole, optional damaged ones."""
        names = list(self.lacking)
        for item in self.items:
            report = self.reports.get(item.name)
            if item.name in self.skipped:
                continue
            if report is None or report.problems or (item.required and not report.found):
                names.append(item.name)
        return names

    def _not_reached(self, item: Item) -> bool:
        return item.name not in self.reports and item.name not in self.skipped

    @property
    def status(self) -> str:
        """``complete`` only when every item that the product demands came whole."""
        return STATUS_PARTIAL if self.missing() or self.failure else STATUS_COMPLETE

    def contract(self) -> dict[str, Any]:
        """The completeness contract: what was demanded, found, missing, and why; and of which items nobody read all."""
        return {
            "demanded": [item.name for item in self.items if item.required],
            "optional": [item.name for item in self.items if not item.required],
            "found": [name for name, report in self.reports.items() if report.found],
            "missing": self.missing(),
            "problems": self.problems(),
            "absent": self.absent(),
            "not_read": [item.name for item in self.items if item.name in self.broken_off or self._not_reached(item)],
            "notes": {name: report.notes for name, report in self.reports.items() if report.notes},
            "status": self.status,
        }


def _fact(report: ItemReport, problem: Problem) -> dict[str, str]:
    return {"item": report.name, "path": problem.path, "message": problem.message}


def gather_items(
    items: Sequence[Item],
    transport: Transport,
    sink: Sink,
    *,
    skip: Callable[[Item], bool] = lambda item: False,
    going_on: Callable[[], object] = lambda: None,
    known: KnownFiles | None = None,
) -> Gathering:
    """Gather every item in turn. Never raises for one item: what is wrong stands in the reports.

    A lost connection ends the run: the items that were not reached count as missing and ``failure`` keeps the story.
    Errors of the repository are raised, since then nothing can be kept at all.

    :param going_on: is asked before every item and every entry; raises DeadlineExceeded, as a lost connection, when the
        run is to end
    :param known: files that the sink takes unread
    """
    gathering = Gathering(items)
    for item in items:
        if skip(item):
            gathering.skipped.append(item.name)
            continue
        report = ItemReport(item.name, known=known)
        gathering.reports[item.name] = report
        try:
            going_on()
            for entry, chunks in item.gather(transport, report):
                going_on()
                sink.add(entry, chunks, item.normaliser(entry))
        except RepositoryError:
            raise
        except ItemMissing as error:
            report.found = False
            if not item.required:
                report.notes["absent"] = error.message
        except ConnectionFailed as error:
            report.problem("", error.message)
            gathering.broken_off.append(item.name)
            gathering.failure = error
            break
        except RecoveryError as error:
            gathering.broken_off.append(item.name)
            report.problem(error.item or "", error.message)
    return gathering


def check_vanished(gathering: Gathering, history: Sequence[CommitRecord], accept: Sequence[str]) -> None:
    """Name every item that the last complete generation holds and that this run did not even look for.

    A configuration that cannot be understood any more must not make its database fall out of the backup unnoticed.
    """
    looked_for = {item.name for item in gathering.items}
    for name, facts in history[0].items.items() if history else ():
        if name in looked_for or name in accept or not facts["bytes"]:
            continue
        gathering.lacks(
            name,
            f"is in generation {history[0].sequence} and was not even looked for now;"
            " name it in accept_shrunken if that is meant",
        )


def check_constant(
    gathering: Gathering, digests: Mapping[str, Mapping[str, Any]], history: Sequence[CommitRecord]
) -> None:
    """Name every item that is set once and for all and is not as in the last complete generation.

    :param digests: of every item of this run
    :param history: complete generations, newest first
    """
    for item in gathering.items:
        before = history[0].items.get(item.name) if history else None
        now = digests.get(item.name)
        if item.constant and before is not None and now is not None and before["digest"] != now["digest"]:
            gathering.reports[item.name].problem(
                "", f"is not as in generation {history[0].sequence}, and it can be set only once"
            )


def check_sizes(
    gathering: Gathering, sizes: dict[str, int], history: Sequence[CommitRecord], accept: Sequence[str]
) -> None:
    """Add a problem for every item whose size is out of its band: unless it says otherwise, below half of its median
    size in ``history``.

    :param sizes: bytes of every item of this run
    :param history: complete generations, newest first
    :param accept: items that are declared to be of another size
    """
    for item in gathering.items:
        report = gathering.reports.get(item.name)
        if report is None or item.name in accept:
            continue
        before = [int(record.items[item.name]["bytes"]) for record in history if item.name in record.items]
        size = sizes.get(item.name, 0)
        verdict = item.band.verdict(size, before)
        if verdict is not None:
            only = "only " if verdict == "shrunken" else ""
            report.problem(
                "",
                f"has {only}{size} bytes, the median of its last {len(item.band.since(before))} complete generations is"
                f" {item.band.usual(before)}; name it in accept_shrunken if that is meant",
            )
