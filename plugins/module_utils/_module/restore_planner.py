# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore is going to do: the host is held against the generation, and nothing is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._compare.mask import Masker
from .._compare.semantic import SemanticChange
from .._entries import path_to_text
from .._errors import RepositoryDamaged, RestoreRefused
from .._items.base import Change, Item
from .._repository.chain import head
from .._repository.format import StoredEntry
from .._repository.journal import OpenRestore, last_restore
from . import companions
from .coverage import Coverage, Unseen, unseen_in_words
from .drill_guard import check_target
from .equality import differences
from .gaps import Gaps
from .gathering import Sink
from .guards import check_host, check_release, check_space, newest_of_release
from .live_side import LiveSide
from .losses import NOT_COMPARED, HeldSide, Loss, loss_result, losses_in_words, losses_of
from .restore_subject import Collector, RestoreSubject, Stored

SHOWN_CHANGES = 200

RECORD_KINDS = ("file", "dump")
"""What of a growing record counts as there. Folders alone are made by the package of a rebuilt host."""


@dataclass
class RestorePlan:
    """What a restore is going to do.

    ``unknown``: items that a look without side effects cannot compare. ``left_alone``: records that grow (accounting,
    logs) and are on the host; to put old ones back would lose what came since. ``expected``: the generation that the
    host was to be like; ``losses`` and ``lost_changes`` are what came later. ``open_restores``: those that this one
    takes the place of, since it puts back all that they may have left half done. ``stopped``: services that do not run,
    although nothing else is to be done.
    """

    generation: str
    changes: dict[str, list[Change]]
    unknown: list[str]
    left_alone: list[str]
    services: list[str]
    warnings: list[str] = field(default_factory=list)
    companions: Mapping[str, Any] = field(default_factory=dict)
    expected: str = ""
    losses: list[Loss] = field(default_factory=list)
    lost_changes: list[SemanticChange] = field(default_factory=list)
    open_restores: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be done: an item differs, a service is down, or an earlier restore never ended."""
        return bool(self.items or self.stopped or self.open_restores)

    @property
    def items(self) -> list[str]:
        """The items that will be put back, in order."""
        return [name for name, changes in self.changes.items() if changes or name in self.unknown]

    def to_result(self) -> dict[str, Any]:
        """Small and without secrets: at most 200 changes of each item, the rest is counted."""
        return {
            "generation": self.generation,
            "restore_order": self.items,
            "stop_and_start": self.services if self.items else self.stopped,
            "changes": {
                name: [{"action": change.action, "path": path_to_text(change.path)} for change in some[:SHOWN_CHANGES]]
                for name, some in self.changes.items()
                if some
            },
            "change_count": sum(len(some) for some in self.changes.values()),
            "not_compared": self.unknown,
            "left_alone": self.left_alone,
            "companions": dict(self.companions),
            "expected": self.expected,
            **loss_result(self.losses, self.lost_changes, SHOWN_CHANGES),
            "open_restores": self.open_restores,
            "warnings": self.warnings,
        }


class RestorePlanner(RestoreSubject):
    """Plans to put items of one generation back on one host."""

    def plan(self, *, look_only: bool, only_plan: bool = False) -> RestorePlan:
        """Hold the host against the generation. Raises RestoreRefused and what goes wrong on the way to the host.

        :param look_only: no dump is started; items that need one are not compared
        :param only_plan: what would be refused now, since a partner runs, is a warning: that may be over by then
        """
        self._judge()
        warnings = [*self._guards(), *self._leave_out()]
        unknown = [item.name for item in self._items if look_only and item.consistency != "none"]
        # a container that is different each time would be fetched only to say that it differs
        known = [
            item
            for item in self._items
            if item.name not in unknown and (item.comparable or self._is_growing_record(item))
        ]
        names = [item.name for item in known]
        expected = HeldSide(self._expected, names, self._paths) if self._expected is not None else None
        live: list[LiveSide] = []

        def keeping(sink: Collector) -> Sink:
            if expected is None:
                return sink
            live.append(LiveSide(sink, expected))
            return live[0]

        unseen: dict[str, Unseen] = {}
        current = self._gather(known, self._reader, self._wanted, strict=False, sink_around=keeping, unseen=unseen)
        changes: dict[str, list[Change]] = {}
        interrupted = self._open_restores()
        in_between = {name for one in interrupted for name in one.items}
        opaque = [item.name for item in self._items if not item.comparable and item.name not in in_between]
        done = {name: at for name in opaque for at in [self._restored_since_expected(name)] if at}
        warnings += [
            f"{name}: cannot be compared, and was put back at {at}; it is left alone." for name, at in done.items()
        ]
        half_done = {name for one in interrupted if not one.paths for name in one.items}
        left_alone = [
            item.name
            for item in known
            if self._is_growing_record(item)
            and item.name not in half_done
            and any(stored.entry.kind in RECORD_KINDS for stored in current[item.name])
        ]
        for item in self._items:
            wanted, now = self._wanted[item.name], current.get(item.name, [])
            changes[item.name] = []
            if item.name in unknown or item.name in done:
                continue
            differs = bool(differences(item, wanted, now, self._reader))
            if differs and item.name in left_alone:
                warnings.append(
                    f"{item.name}: it grows by itself and some of it is on the host, so it is left alone;"
                    " name it in only_items to put it back."
                )
            elif differs:
                changes[item.name] = self._changes(item, wanted, now)
        services = [service.name for service in self._services()]
        plan = RestorePlan(self.generation, changes, unknown, left_alone, services, warnings)
        reader = self._reader
        plan.open_restores = self._taken_over(interrupted, left_alone)
        plan.warnings += self._damaged_line()
        if expected is not None:
            self._look_for_losses(plan, current, expected, live[0], interrupted)
        if not plan.items:
            plan.stopped = self._stopped_services()
        plan.companions = companions.recorded(self._store.backend, reader.record, reader.manifest.contract)
        demanded = [item for item in self._items if item.name in plan.items]
        try:
            plan.warnings += self._product.refuse_restore(self._transport, self._then, self._now, demanded)
        except RestoreRefused as error:
            if not only_plan:
                raise
            plan.warnings.append(f"As things are now it would be refused: {error.message}.")
        self._check_room(plan)
        if not self._reader.record.is_complete:
            lacking = ", ".join(self._reader.record.missing)
            plan.warnings.append(f"The generation {self.generation} is partial: {lacking} is not whole in it.")
            gaps = Gaps.of(reader.manifest.contract)
            plan.warnings += [
                f"{item.name}: {self.generation} {gaps.in_words(item.name)}."
                for item in self._items
                if gaps.are_in(item.name)
            ]
        coverage = Coverage.of(reader.manifest)
        limits = {name: left for name, item in self._chosen.items() for left in [coverage.limit(item)[1]] if left}
        plan.warnings += unseen_in_words(self.generation, unseen, limits)
        for data_class in sorted(self._reader.expired_classes):
            plan.warnings.append(
                f"The {data_class} of the generation {self.generation} were let go; what the host has of them stays."
            )
        plan.warnings += [
            f"The restore {one.identifier} began and never ended; "
            + (
                "this one takes its place."
                if one.identifier in plan.open_restores
                else f"this one leaves out some of what it was writing ({', '.join(one.items)}), so it stays open."
            )
            for one in interrupted
        ]
        return plan

    def _look_for_losses(
        self,
        plan: RestorePlan,
        current: Stored,
        expected: HeldSide,
        live: LiveSide,
        interrupted: Sequence[OpenRestore],
    ) -> None:
        """Fill in what the plan would lose. What a restore of this generation left half done is nothing to lose: what
        was there before it began is in the generation that it put aside."""
        plan.expected = expected.label
        half_done = {name for one in interrupted if one.generation == self.generation for name in one.items}
        compared = [item for item in self._items if item.name in plan.items and item.name not in half_done]
        for item in compared:
            wanted, now = self._wanted[item.name], current.get(item.name, ())
            if item.name in current:
                plan.losses += losses_of(item, wanted, now, self._reader, expected)
            elif item.name not in plan.unknown or not item.comparable:
                plan.losses.append(Loss(item.name, item.data_class, NOT_COMPARED))
        if any(loss.action != NOT_COMPARED for loss in plan.losses):
            then = HeldSide(self._reader, list(current), self._paths)
            masker = Masker(self._store.writer_key.placeholder_key(self._options.source))
            plan.lost_changes = losses_in_words(self._product, then.view, expected.view, live.view, masker)

    def _restored_since_expected(self, item: str) -> str:
        """When the item was put back last, if that was to this generation and after the host was as expected; else
        nothing.

        What cannot be compared would otherwise be put back again and again, and lose what came in between.
        """
        last = last_restore(self._store.backend, self._chain, item, self._options.paths or ())
        if self._expected is None or last is None or last[0] != self.generation:
            return ""
        return last[1] if last[1] > self._expected.record.received_at else ""

    def _damaged_line(self) -> list[str]:
        """Warn when nothing can be put aside, since no generation can follow a record that nobody believes."""
        options, chain = self._options, self._chain
        if options.pre_restore == "skip":
            return []
        try:
            head(self._store.backend, chain, self._store.believe)
        except RepositoryDamaged as error:
            what = "nothing will be put back" if options.pre_restore == "required" else "the restore goes on without"
            return [
                f"The newest generation of {chain} is damaged ({error.item}: {error.message}), so no pre_restore"
                f" generation can be made and {what}. Bring that file back from another copy, or take away what does"
                " not belong there."
            ]
        return []

    def _is_growing_record(self, item: Item) -> bool:
        return item.data_class == "logs" and item.name not in self._options.only_items and not self._options.paths

    def _guards(self) -> list[str]:
        """Host and release fit. Returns warnings; raises HostMismatch, DrillRefused, VersionMismatch."""
        options, host = self._options, self._transport.host
        is_drill = options.drill is not None
        if options.drill is not None:
            self.target = check_target(self._then, self._now, self._transport, options.port, options.drill)
        return [
            *check_host(self._then, self._now, options.allow_different_host or is_drill, self.generation, host),
            *check_release(
                self._product,
                self._then,
                self._now,
                options.allow_version_mismatch,
                self.generation,
                host,
                lambda: newest_of_release(self._store.backend, self._reader.record.chain, self._now.release),
            ),
        ]

    def _judge(self) -> None:
        """Refuse what would reach beyond its item. Raises HostileContent."""
        for item in self._items:
            item.judge([stored.entry for stored in self._wanted[item.name]])

    def _leave_out(self) -> list[str]:
        """Take out what has no place on the host any more. Returns warnings; raises RestoreRefused."""
        warnings = []
        for item in self._items:
            wanted = self._wanted[item.name]
            reasons = item.left_out(self._transport, [stored.entry for stored in wanted])
            self._wanted[item.name] = [stored for stored in wanted if stored.entry.path not in reasons]
            told = [f"{item.name}: {reason}; it is left out." for reason in dict.fromkeys(reasons.values())]
            more = [f"{item.name}: {len(told) - SHOWN_CHANGES} more are left out."] if len(told) > SHOWN_CHANGES else []
            warnings += [*told[:SHOWN_CHANGES], *more]
        if warnings and not any(self._wanted.values()):
            raise RestoreRefused(
                f"Nothing of what {self.generation} holds has a place on the host: {' '.join(warnings[:5])}",
                host=self._transport.host,
                hint="Nothing was touched. Is it the right host? Users get a profile when they log on once.",
            )
        return warnings

    def _changes(self, item: Item, wanted: Sequence[StoredEntry], now: Sequence[StoredEntry]) -> list[Change]:
        before = {stored.entry.path: stored.sha256 for stored in now}
        differing = {stored.entry.path for stored in wanted if before.get(stored.entry.path) != stored.sha256}
        return item.plan([stored.entry for stored in wanted], [stored.entry for stored in now], differing)

    def _check_room(self, plan: RestorePlan) -> None:
        stored = []
        for name, changes in plan.changes.items():
            written = {change.path for change in changes if change.action == "write"}
            stored += [one for one in self._wanted[name] if one.entry.path in written]
        check_space(self._transport, self._product, stored)

    def _taken_over(self, interrupted: Sequence[OpenRestore], left_alone: Sequence[str]) -> list[str]:
        gaps, coverage = Gaps.of(self._reader.manifest.contract), Coverage.of(self._reader.manifest)
        taken = []
        for one in interrupted:
            # another generation may have held what this one failed to read or never looked at, and left it half done
            whole = [
                name
                for name, item in self._chosen.items()
                if name not in left_alone
                and (one.generation == self.generation or not gaps.are_in(name) and coverage.is_as_now(item))
            ]
            if one.is_within(whole, self._options.paths or ()):
                taken.append(one.identifier)
        return taken
