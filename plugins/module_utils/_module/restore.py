# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting a generation back on its host.

Plan and guards first, which touch nothing. Then: journal, C(pre_restore) generation, services stopped, items put back,
everything gathered again and compared, services started, health asked for, and what services do not write by themselves
compared once more. When any of that fails after the first write, the C(pre_restore) generation is put back and both
stories are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .._compare.mask import Masker
from .._compare.semantic import SemanticChange
from .._entries import Gathered, path_to_text
from .._errors import ConnectionFailed, RecoveryError, RepositoryDamaged, RestoreFailed, RestoreRefused
from .._items.base import Change, Item
from .._items.services import Service
from .._products.base import Check, Probe, Product
from .._repository.chain import head
from .._repository.format import ChainId, GenerationId, StoredEntry
from .._repository.journal import OpenRestore, RestoreJournal, interrupted_restores, last_restore
from .._repository.reader import GenerationReader, hash_object
from .._repository.writer import RepositoryWriter
from .._transport.base import Transport
from . import companions
from .backup import BackupOptions, BackupOutcome, Occasion, take_backup
from .coverage import Coverage, Unseen, mounts_of, unseen_in_words
from .drill_guard import DrillConditions, DrillTarget, check_target, refuse_production
from .equality import differences
from .gaps import Gaps
from .gathering import Sink, gather_items
from .guards import check_host, check_losses, check_release, check_space, newest_of_release
from .live_side import LiveSide
from .losses import NOT_COMPARED, HeldSide, Loss, entries_of, loss_result, losses_in_words, losses_of
from .one_at_a_time import alone
from .path_patterns import PathPatterns
from .stopping import running, start_again

SHOWN_CHANGES = 200
LISTED = ("none", "shadow_copy")
"""How those items are read of which a restore must know what is there, to remove what came later. A dump takes the
place of everything by itself."""

SETTLED = ("voip_config", "system_config")
"""What must be as it was put back also when services run again. Calls, messages and logs go on from there."""

RECORD_KINDS = ("file", "dump")
"""What of a growing record counts as there. Folders alone are made by the package of a rebuilt host."""

SAY_THAT_IT_LIVES = "If the product itself writes that whenever it starts, declare the item with lives: true."

Stored = Mapping[str, Sequence[StoredEntry]]
"""Entries by the name of their item."""


@dataclass(frozen=True)
class RestoreOptions:
    """What a restore needs to know beside the generation, the product and the connection.

    ``drill``: this is one, and what must be true of the host; ``port`` is the one that the host is reached at.
    """

    source: str
    instance: str
    occasion: Occasion
    only_items: Sequence[str] = ()
    paths: Sequence[str] | None = None
    pre_restore: str = "required"
    allow_different_host: bool = False
    allow_version_mismatch: bool = False
    confirm_losses: bool = False
    drill: DrillConditions | None = None
    port: int | None = None
    tools: Mapping[str, str] = field(default_factory=dict)


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


@dataclass
class Proofs:
    """What shows that a restore did its work: checks with their ``kind``, and by item how many entries were found on
    the host again and are as they were."""

    checks: list[dict[str, Any]] = field(default_factory=list)
    compared: dict[str, int] = field(default_factory=dict)


class _Collector:
    """A sink that keeps what entries are and not what is in them; a later entry of a path replaces an earlier one."""

    def __init__(self, store: RepositoryWriter, source: str) -> None:
        self._digester = store.digester(source)
        self._entries: dict[tuple[str, bytes], StoredEntry] = {}

    def add(self, entry: Any, chunks: Any, normaliser: Any = None, keep: Any = None) -> StoredEntry:
        stored = self._digester.add(entry, chunks, normaliser, keep)
        self._entries[(entry.item, entry.path)] = stored
        return stored

    def by_item(self, names: Sequence[str]) -> dict[str, list[StoredEntry]]:
        found: dict[str, list[StoredEntry]] = {name: [] for name in names}
        for (name, _path), stored in self._entries.items():
            found[name].append(stored)
        return found


class Restorer:
    """Puts items of one generation back on one host.

    :param store: where the C(pre_restore) generation and the journal go
    :param reader: the generation; its record is believed
    :param now: what the host looks like today
    :param expected: the generation that the host is known to be like; what came after it would be lost

    ``target`` is what a drill's target showed of itself; a plan finds it out.
    """

    def __init__(
        self,
        store: RepositoryWriter,
        transport: Transport,
        product: Product,
        reader: GenerationReader,
        now: Probe,
        options: RestoreOptions,
        expected: GenerationReader | None = None,
    ) -> None:
        self._store = store
        self._transport = transport
        self._product = product
        self._reader = reader
        self._now = now
        self._options = options
        self.target: DrillTarget | None = None
        self._paths = PathPatterns(options.paths)
        self._then = Probe.from_json(reader.manifest.version)
        self._control = product.service_control(transport)
        self.generation = str(GenerationId.of(reader.record))
        self._chosen = {item.name: item for item in self._chosen_items()}
        self._items = self._limited(reader, self._chosen)
        self._wanted = self._wanted_entries(reader)
        self._expected = expected
        self._expect(self._items)

    def alone(self) -> AbstractContextManager[None]:
        """Wait for another restore of this host that runs on this machine. Raises RestoreRefused."""
        chain = ChainId(self._options.source, self._product.name, self._options.instance)
        return alone(f"{self._store.writer_key.repository_id} {chain}")

    # --- plan and guards: nothing is touched -----------------------------------------------------------------------
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

        def keeping(sink: _Collector) -> Sink:
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
        options = self._options
        chain = ChainId(options.source, self._product.name, options.instance)
        last = last_restore(self._store.backend, chain, item, options.paths or ())
        if self._expected is None or last is None or last[0] != self.generation:
            return ""
        return last[1] if last[1] > self._expected.record.received_at else ""

    def _damaged_line(self) -> list[str]:
        """Warn when nothing can be put aside, since no generation can follow a record that nobody believes."""
        options = self._options
        chain = ChainId(options.source, self._product.name, options.instance)
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

    def _services(self) -> list[Service]:
        """All that must not run while items are put back: what the generation names, then what came later."""
        services = self._product.services(self._then)
        known = {service.name.casefold() for service in services}
        return services + [one for one in self._product.services(self._now) if one.name.casefold() not in known]

    def _to_start(self, ran: Sequence[Service]) -> list[Service]:
        """What shall run after the restore: what the generation starts, and what ran, unless it is disabled now."""
        starts = self._product.services_to_start(self._then)
        return [
            service
            for service in self._services()
            if self._control.exists(service)
            and (service in starts or (service in ran and not self._control.is_disabled(service)))
        ]

    def _stopped_services(self) -> list[str]:
        services = [one for one in self._product.services_to_start(self._then) if self._control.exists(one)]
        active = running(self._control, services)
        return [service.name for service in services if service not in active]

    def prove_content(self) -> None:
        """Read everything that would be put back to its end. Raises RepositoryDamaged before anything is touched."""
        for entries in self._wanted.values():
            for stored in entries:
                for _chunk in self._reader.content(stored):
                    pass

    def _chosen_items(self) -> list[Item]:
        held = {stored.entry.item for stored in self._reader.entries()}
        recorded = self._reader.manifest.items
        items = [
            item
            for item in self._product.items(self._then)
            if item.restorable
            and item.data_class not in self._reader.expired_classes
            and (item.name in held or (item.name in recorded and item.consistency in LISTED))
        ]
        unknown = set(self._options.only_items) - {item.name for item in items}
        if unknown:
            raise RestoreRefused(
                f"The generation {self.generation} holds no item {', '.join(sorted(unknown))} that can be put back",
                host=self._transport.host,
                hint=f"It holds {', '.join(sorted(item.name for item in items))}.",
            )
        if self._options.only_items:
            items = [item for item in items if item.name in self._options.only_items]
        return sorted(items, key=lambda item: item.order)

    def _limited(self, reader: GenerationReader, names: Iterable[str]) -> list[Item]:
        """The items without what was not looked at within their entries when this generation was made."""
        coverage = Coverage.of(reader.manifest)
        return [coverage.limit(self._chosen[name])[0] for name in names]

    def _as_of(self, reader: GenerationReader, items: Sequence[Item]) -> Sequence[Item]:
        """The items as another generation knows them, which is put back instead."""
        if reader is self._reader:
            return items
        others = self._limited(reader, [item.name for item in items])
        self._expect(others)
        for item in others:
            item.expect([stored.entry for stored in self._wanted[item.name]])
        return others

    def _expect(self, items: Iterable[Item]) -> None:
        """Tell what the host is expected to be like."""
        if self._expected is not None:
            for item in items:
                item.expect([stored.entry for stored in entries_of(self._expected, [item.name])])

    def _wanted_entries(self, reader: GenerationReader) -> dict[str, list[StoredEntry]]:
        wanted: dict[str, list[StoredEntry]] = {item.name: [] for item in self._items}
        for stored in self._paths.choose(partial(entries_of, reader, list(wanted))):
            wanted[stored.entry.item].append(stored)
        if self._options.paths and not any(wanted.values()):
            raise RestoreRefused(
                f"The generation {self.generation} holds nothing at or under these paths", host=self._transport.host
            )
        return wanted

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

    def _open_restores(self) -> list[OpenRestore]:
        options = self._options
        return interrupted_restores(self._store.backend, options.source, self._product.name, options.instance)

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

    # --- the restore -----------------------------------------------------------------------------------------------
    def run(self, plan: RestorePlan) -> dict[str, Any]:
        """Do what the plan says. Raises RestoreRefused before the first write, RestoreFailed after it."""
        options = self._options
        check_losses(plan.losses, options.confirm_losses, plan.expected, self._transport.host)
        begun_before = plan.open_restores
        items = [item for item in self._items if item.name in plan.items]
        proved = self._items if options.drill is not None else items
        to_stop = self._product.services_to_stop_for_backup(self._probe_to_keep())
        to_stop = running(self._control, to_stop) if items and options.pre_restore != "skip" else []
        journal = self._begin_journal(items=plan.items, services=plan.services)
        try:
            before = self._pre_restore() if items else None
            plan.warnings += before.left_behind if before is not None else []
            ran = running(self._control, self._services()) if items else []
        except BaseException as error:
            self._end_unbegun(journal, to_stop, error)
            raise
        try:
            for service in ran:
                self._control.stop(service)
            self._put_back(items, self._reader, self._wanted)
            proofs = self._prove(proved, ran)
        except Exception as error:
            self._roll_back(journal, before, ran, items, error)
        journal.finish("restored", begun_before)
        return {
            "restored_items": plan.items,
            "pre_restore": str(before.committed.generation_id) if before and before.committed else None,
            "head": before.committed.head if before and before.committed else None,
            "checks": proofs.checks,
            "compared": proofs.compared,
            "journal": journal.identifier,
        }

    def _begin_journal(self, *, items: Sequence[str], services: Sequence[str]) -> RestoreJournal:
        options = self._options
        return RestoreJournal.start(
            self._store,
            options.source,
            self._product.name,
            options.instance,
            generation=self.generation,
            plan={"items": list(items), "services": list(services), "paths": list(options.paths or ())},
            actor=options.occasion.actor,
            change_id=options.occasion.change_id,
        )

    def _end_unbegun(self, journal: RestoreJournal, ran: Sequence[Service], error: BaseException) -> None:
        """Note that nothing was put back. Raises RestoreFailed, and leaves the journal open, unless everything runs
        again that ran before."""
        try:
            left = [service.name for service in ran if not self._control.is_active(service)]
        except RecoveryError:
            left = [service.name for service in ran]
        if not left:
            journal.finish("not_begun")
            return
        raise RestoreFailed(
            f"{_story(error)}. {', '.join(left)} ran before and may be stopped now",
            host=self._transport.host,
            hint="Mend the cause and restore again; the journal keeps this restore open until one is done.",
            journal=journal.identifier,
        ) from error

    # --- services alone, for hosts that belong together --------------------------------------------------------------
    def stop_services(self, *, look_only: bool) -> dict[str, Any]:
        """Stop what runs and leave it stopped; the journal keeps that open until a restore or a start ends it. On a
        drill's target it stays so for good, and the journal says nothing of it. Raises DrillRefused."""
        drill = self._options.drill
        if drill is not None:
            refuse_production(self._then, self._now, self._transport, self._options.port, drill)
        ran = running(self._control, self._services())
        names = [service.name for service in ran]
        if drill is not None and not look_only:
            for service in ran:
                self._control.stop(service)
        elif ran and not look_only:
            journal = self._begin_journal(items=[], services=names)
            try:
                for service in ran:
                    self._control.stop(service)
            except Exception:
                start_again(self._control, ran)
                journal.finish("not_begun")
                raise
        return {"changed": bool(ran), "stopped": names}

    def start_services(self, *, look_only: bool) -> dict[str, Any]:
        """Start again what only was stopped, as before. Raises RestoreRefused while a restore is half done."""
        interrupted = self._open_restores()
        half_done = [one.identifier for one in interrupted if one.items]
        if half_done:
            raise RestoreRefused(
                f"The restore {half_done[0]} is half done, so nothing was started",
                host=self._transport.host,
                hint="Restore again first.",
            )
        down = self._stopped_services()
        if not look_only:
            services = [one for one in self._product.services(self._then) if one.name in down]
            start_again(self._control, services)
            for one in interrupted:
                RestoreJournal.resume(
                    self._store, self._options.source, self._product.name, self._options.instance, one.identifier
                ).finish("not_begun")
        return {"changed": bool(down or interrupted), "started": down}

    def checks(self) -> list[dict[str, Any]]:
        """What the product says of its health, where nothing is to be done."""
        checks = self._product.health(self._transport, self._then)
        return [{**check.to_result(), "kind": "health"} for check in checks]

    def _pre_restore(self) -> BackupOutcome | None:
        options = self._options
        if options.pre_restore == "skip":
            return None
        # these know by now what is left out
        mine = {item.name: item for item in self._items}
        items = [mine.get(item.name, item) for item in self._product.items(self._then)]
        known = {item.name for item in items}
        items += [item for item in self._product.items(self._now) if item.name not in known]
        occasion = Occasion(
            phase="pre_restore",
            change_id=options.occasion.change_id,
            reason=f"before the restore of {self.generation}",
            actor=options.occasion.actor,
            job=options.occasion.job,
            run_id=options.occasion.run_id,
        )
        backup_options = BackupOptions(
            source=options.source,
            instance=options.instance,
            occasion=occasion,
            accept_shrunken=[item.name for item in items],
            tools=options.tools,
        )
        try:
            # as it was probed then, so that this generation too can be put back where nothing is left to look at
            kept = self._probe_to_keep()
            take = partial(take_backup, self._store, self._transport, self._product, kept, items, backup_options)
            outcome = take()
            if not self._is_readable(outcome):
                # it leans on a generation that is damaged, or came since the keys were asked for
                outcome = take(force_store=True)
        except ConnectionFailed:
            raise
        except RecoveryError as error:
            if options.pre_restore == "required":
                raise self._no_pre_restore(str(error)) from error
            return None
        spoilt = [problem for problem in outcome.gathering.unread() if problem["item"] in mine]
        if spoilt and options.pre_restore == "required":
            raise self._no_pre_restore(f"{spoilt[0]['item']} {spoilt[0]['path']}: {spoilt[0]['message']}")
        return outcome

    def _is_readable(self, outcome: BackupOutcome) -> bool:
        """Whether the generation could be read back here: all keys are at hand, and what it leans on has its bytes."""
        if outcome.committed is None:
            return True
        record, own = outcome.committed.record, outcome.committed.file_keys
        sizes = {record.manifest[0]: record.manifest[1], **record.objects}
        if not sizes.keys() <= {*self._reader.file_keys, *own}:
            return False
        try:
            for sha in sorted(sizes.keys() - own.keys()):
                hash_object(self._store.backend, sha, sizes[sha])
        except RepositoryDamaged:
            return False
        return True

    def _probe_to_keep(self) -> Probe:
        """Today's identity and release, with what the items of the generation need."""
        kept = self._then.to_json()
        kept["identity"] = dict(self._now.identity)
        kept["release"] = self._now.release or self._then.release
        return Probe.from_json(kept)

    def _no_pre_restore(self, story: str) -> RestoreRefused:
        return RestoreRefused(
            f"No whole pre_restore generation could be made, so nothing was put back: {story}",
            host=self._transport.host,
            hint="Mend that, or set pre_restore to best_effort if the host's present state is not worth keeping.",
        )

    def _put_back(self, items: Sequence[Item], reader: GenerationReader, wanted: Stored, *, undo: bool = False) -> None:
        items = self._as_of(reader, items)
        listed = [item for item in items if item.consistency in LISTED]
        current = self._gather(listed, reader, wanted, strict=False)
        for item in items:
            (item.undo if undo else item.restore)(
                self._transport,
                self._contents(reader, wanted[item.name]),
                [stored.entry for stored in current.get(item.name, [])],
            )

    @staticmethod
    def _contents(reader: GenerationReader, stored: Sequence[StoredEntry]) -> Iterator[Gathered]:
        for one in stored:
            yield one.entry, reader.content(one)

    def _prove(self, items: Sequence[Item], ran: Sequence[Service]) -> Proofs:
        """Valid, identical, running, healthy; anything else raises RestoreFailed.

        All is compared while nothing runs: a product that starts writes at once. Afterwards only what it leaves alone
        can show whether it took what was put back.
        """
        proofs = Proofs()
        self._demand(proofs, "validator", self._product.validate(self._transport, self._then))
        proofs.compared = self._compare(items, self._reader, self._wanted)
        services = self._to_start(ran)
        start_again(self._control, services)
        self._demand(proofs, "health", self._product.health(self._transport, self._then))
        if services:
            settled = [item for item in items if item.data_class in SETTLED and not item.lives]
            self._compare(settled, self._reader, self._wanted, hint=SAY_THAT_IT_LIVES)
        return proofs

    def _demand(self, proofs: Proofs, kind: str, checks: Sequence[Check]) -> None:
        proofs.checks += [{**check.to_result(), "kind": kind} for check in checks]
        failed = [f"{check.name}: {check.detail}" for check in checks if check.ok is False]
        if failed:
            raise RestoreFailed("; ".join(failed), host=self._transport.host, checks=proofs.checks)

    def _compare(
        self, items: Sequence[Item], reader: GenerationReader, wanted: Stored, hint: str | None = None
    ) -> dict[str, int]:
        items = self._as_of(reader, items)
        found = self._gather(items, reader, wanted, strict=True)
        left = [
            line
            for item in items
            if item.data_class != "logs"
            for line in differences(item, wanted[item.name], found[item.name], reader)
        ]
        if left:
            more = f" and {len(left) - 5} more" if len(left) > 5 else ""
            still = "differs again, now that its services run," if hint else "still differs"
            raise RestoreFailed(
                f"The host {still} from {GenerationId.of(reader.record)}: {'; '.join(left[:5])}{more}",
                host=self._transport.host,
                hint=hint,
            )
        return {item.name: len(found[item.name]) for item in items if item.data_class != "logs"}

    def _roll_back(
        self,
        journal: RestoreJournal,
        before: BackupOutcome | None,
        ran: Sequence[Service],
        items: Sequence[Item],
        error: Exception,
    ) -> None:
        """Put the C(pre_restore) generation back. Always raises RestoreFailed."""
        story = f"The restore of {self.generation} failed: {_story(error)}."
        cause = error.hint if isinstance(error, RecoveryError) else None
        details = error.details if isinstance(error, RestoreFailed) else {}
        told = {name: details[name] for name in ("checks",) if name in details}
        host = self._transport.host
        if before is None or before.committed is None:
            raise RestoreFailed(
                f"{story} There is no pre_restore generation to put back, the host is as the failure left it",
                host=host,
                hint="Restore again when the cause is mended; the journal keeps this restore open until then.",
                journal=journal.identifier,
                **told,
            ) from error
        identifier = str(before.committed.generation_id)
        try:
            keys = {**self._reader.file_keys, **before.committed.file_keys}
            with GenerationReader(self._store.backend, before.committed.record, keys) as reader:
                for service in running(self._control, self._services()):
                    self._control.stop(service)
                wanted = self._wanted_entries(reader)
                self._put_back(items, reader, wanted, undo=True)
                self._compare(items, reader, wanted)
                start_again(self._control, ran)
        except Exception as second:
            raise RestoreFailed(
                f"{story} Putting {identifier} back failed too: {_story(second)}",
                host=host,
                hint=f"The host needs you: restore {identifier} or {self.generation} again;"
                " the journal keeps this restore open until one is done.",
                journal=journal.identifier,
                **told,
            ) from error
        journal.finish("rolled_back")
        raise RestoreFailed(
            f"{story} The host was put back to {identifier}, as it was before",
            host=host,
            hint=f"{cause} Then restore again." if cause else "Mend the cause and restore again.",
            journal=journal.identifier,
            rolled_back_to=identifier,
            **told,
        ) from error

    # --- reading ---------------------------------------------------------------------------------------------------
    def _gather(
        self,
        items: Sequence[Item],
        reader: GenerationReader,
        wanted: Stored,
        *,
        strict: bool,
        sink_around: Callable[[_Collector], Sink] = lambda sink: sink,
        unseen: dict[str, Unseen] | None = None,
    ) -> dict[str, list[StoredEntry]]:
        """What is on the host now, of these items and the chosen paths, without what nobody wants back and the
        generation failed to read or never looked at; that goes to ``unseen``. Raises when the host is lost."""
        for item in items:
            item.expect([stored.entry for stored in wanted[item.name]])
        collector = _Collector(self._store, self._options.source)
        gathering = gather_items(items, self._transport, sink_around(collector))
        if gathering.failure is not None:
            raise gathering.failure
        gaps = Gaps.of(reader.manifest.contract)
        problems = [problem for problem in gathering.unread() if not gaps.explain(problem)]
        if strict and problems:
            first = problems[0]
            raise RestoreFailed(
                f"The host cannot be read again: {first['item']} {first['path']}: {first['message']}",
                host=self._transport.host,
            )
        coverage = Coverage.of(reader.manifest)
        collected = collector.by_item([item.name for item in items])
        found = {}
        for item in items:
            name = item.name
            held = {stored.entry.path for stored in wanted[name]}
            there = [
                one
                for one in self._paths.choose(partial(iter, collected[name]))
                if one.entry.path in held or not gaps.may_have_held(name, one.entry.path)
            ]
            report = gathering.reports[name]
            mounts = mounts_of(report.notes)
            left = coverage.unseen(item, [one.entry for one in there], held, mounts, report.holding)
            found[name] = [one for one in there if one.entry.path not in left]
            if unseen is not None:
                unseen[name] = left
        return found


def _story(error: BaseException) -> str:
    """What went wrong, within a sentence. The text of an error that is not ours may quote content, and is left out."""
    if not isinstance(error, RecoveryError):
        return f"unexpected {type(error).__name__}"
    return (f"{error.item}: {error.message}" if error.item else error.message).rstrip(".")
