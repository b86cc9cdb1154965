# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting a generation back on its host.

Plan and guards first, which touch nothing (restore_planner.py). Then: journal, C(pre_restore) generation, services
stopped, items put back, everything gathered again and compared, services started, health asked for, and what services
do not write by themselves compared once more. When any of that fails after the first write, the C(pre_restore)
generation is put back and both stories are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .._entries import Gathered
from .._errors import ConnectionFailed, RecoveryError, RepositoryDamaged, RestoreFailed, RestoreRefused
from .._items.base import Item
from .._items.services import Service
from .._products.base import Check, Probe
from .._repository.format import GenerationId, StoredEntry
from .._repository.journal import RestoreJournal
from .._repository.reader import GenerationReader, hash_object
from .backup import BackupOptions, BackupOutcome, Occasion, take_backup
from .drill_guard import refuse_production
from .equality import differences
from .guards import check_losses
from .restore_planner import RestorePlan, RestorePlanner
from .restore_subject import LISTED, Stored
from .stopping import running, start_again

SETTLED = ("voip_config", "system_config")
"""What must be as it was put back also when services run again. Calls, messages and logs go on from there."""

SAY_THAT_IT_LIVES = "If the product itself writes that whenever it starts, declare the item with lives: true."


@dataclass
class Proofs:
    """What shows that a restore did its work: checks with their ``kind``, and by item how many entries were found on
    the host again and are as they were."""

    checks: list[dict[str, Any]] = field(default_factory=list)
    compared: dict[str, int] = field(default_factory=dict)


class Restorer(RestorePlanner):
    """Puts items of one generation back on one host."""

    def prove_content(self) -> None:
        """Read everything that would be put back to its end. Raises RepositoryDamaged before anything is touched."""
        for entries in self._wanted.values():
            for stored in entries:
                for _chunk in self._reader.content(stored):
                    pass

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

    def _to_start(self, ran: Sequence[Service]) -> list[Service]:
        """What shall run after the restore: what the generation starts, and what ran, unless it is disabled now."""
        starts = self._product.services_to_start(self._then)
        return [
            service
            for service in self._services()
            if self._control.exists(service)
            and (service in starts or (service in ran and not self._control.is_disabled(service)))
        ]

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


def _story(error: BaseException) -> str:
    """What went wrong, within a sentence. The text of an error that is not ours may quote content, and is left out."""
    if not isinstance(error, RecoveryError):
        return f"unexpected {type(error).__name__}"
    return (f"{error.item}: {error.message}" if error.item else error.message).rstrip(".")
