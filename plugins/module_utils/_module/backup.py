# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of every C(<product>_backup) module: probe, gather, hold against the contract, seal, commit, compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._compare.findings import Finding
from .._entries import PHASE_PRE_RESTORE, STATUS_COMPLETE
from .._errors import RecoveryError, RepositoryDamaged
from .._items.base import Item
from .._items.landing.sizes import HISTORY
from .._products.base import Probe, Product
from .._repository.chain import take_complete, walk_back
from .._repository.format import CommitRecord, GenerationId
from .._repository.journal import open_restores
from .._repository.writer import Committed, GenerationFacts, GenerationWriter, RepositoryWriter
from .._transport.base import Transport
from . import companions
from .companions import CompanionState, Provided, Run
from .counters import as_counts
from .event_rule import back_to_complete, unannounced
from .gathering import Gathering, Sink, check_constant, check_sizes, check_vanished, gather_items
from .independence import check_independence
from .receipt import as_count
from .release_change import ReleaseChange, another_release, with_words
from .reserve import check_reserve
from .stopping import stopped

SHOWN_PROBLEMS = 5
"""How many different problems the message of a partial generation tells."""

ItemDigests = Mapping[str, Mapping[str, Any]]
"""Item -> its keyed digest, bytes, entries and data class."""


class BackupIncomplete(RecoveryError):
    """A generation was kept, but it is partial."""


@dataclass(frozen=True)
class Occasion:
    """Why a backup is made: phase, change, reason, and who runs it."""

    phase: str
    change_id: str | None = None
    reason: str | None = None
    actor: str | None = None
    job: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class BackupOptions:
    """What a backup needs to know beside the product and the connection.

    ``reserve``: bytes that must be free in the repository before it begins. ``allow_same_host``: whether the repository
    may lie on the target itself; None: that is a finding. ``counters``: how much of its work the host did right before
    it was gathered. ``receipt``: when what a product pushed arrived, in seconds since the epoch; None for what is read
    from the host.
    """

    source: str
    instance: str
    occasion: Occasion
    accept_shrunken: Sequence[str] = ()
    tools: Mapping[str, str] | None = None
    provided: Provided = Provided()
    reserve: int = 0
    allow_same_host: bool | None = None
    release_change: ReleaseChange | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    receipt: int | None = None


@dataclass
class BackupOutcome:
    """What came of one backup. ``committed`` is None in check mode, and when ``already`` is the generation that holds
    what came. ``not_read``: a sentence on files that were not read again."""

    gathering: Gathering
    probe: Probe
    previous: CommitRecord | None
    committed: Committed | None
    content_changed: bool | None
    changed_items: list[str]
    bytes_read: int
    duration: float
    open_restores: list[str]
    companions: list[CompanionState] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    already: CommitRecord | None = None
    left_behind: list[str] = field(default_factory=list)
    not_read: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the task changed something that matters: new content, or the first generation."""
        return bool(self.content_changed)


def take_backup(
    store: RepositoryWriter,
    transport: Transport,
    product: Product,
    probe: Probe,
    items: Sequence[Item],
    options: BackupOptions,
    *,
    dry_run: bool = False,
    force_store: bool = False,
    sink_around: Callable[[GenerationWriter], Sink] | None = None,
    already: Callable[[Gathering, ItemDigests], CommitRecord | None] = lambda gathering, digests: None,
    stopping: Callable[[float], object] = lambda seconds: None,
    going_on: Callable[[], object] = lambda: None,
) -> BackupOutcome:
    """Gather the product from its host and commit a generation.

    :param dry_run: read what can be read without side effects, compare, write nothing
    :param force_store: lean on nothing that is stored already
    :param sink_around: puts a sink of its own in front of the generation's
    :param already: finds the generation that holds what was gathered, for products of which a second one is not wanted
    :param stopping: is told before services are stopped, in how many seconds they run again once all is gathered
    :param going_on: is asked again and again while it gathers; raises DeadlineExceeded when it is to end
    :raises RepositoryError: nothing could be kept
    :raises RepositoryFull, IndependenceMissing: it did not begin
    """
    started = time.monotonic()
    check_reserve(store.backend, options.reserve)
    is_put_aside = options.occasion.phase == PHASE_PRE_RESTORE
    findings = [] if is_put_aside else check_independence(transport, product, probe, options.allow_same_host)
    generation = store.begin(
        options.source,
        product.name,
        options.instance,
        dry_run=dry_run,
        force_store=force_store,
        believed_for=0.0 if is_put_aside else product.reread_days * 86400.0,
    )
    changed_items: list[str]
    content_changed: bool | None
    try:
        gathering = _gather(generation, transport, product, probe, items, dry_run, sink_around, stopping, going_on)
        digests = generation.item_digests()
        if gathering.failure is not None and not digests:
            raise gathering.failure
        previous = generation.previous
        damage: list[RepositoryDamaged] = []
        history = take_complete(store.backend, previous, HISTORY, damage)
        sizes = {name: int(digest["bytes"]) for name, digest in digests.items()}
        check_sizes(gathering, sizes, history, options.accept_shrunken)
        check_vanished(gathering, history, options.accept_shrunken)
        check_constant(gathering, digests, history)
        belonging = _check_companions(store, product, probe, gathering, options, look=not dry_run)
        before = back_to_complete(walk_back(store.backend, previous, damage)) if previous is not None else []
        generation.warnings += sorted({f"{one} Nothing before it was compared with." for one in damage})
        committed: Committed | None = None
        same = already(gathering, digests)
        if same is not None:
            changed_items, content_changed = [], False
        elif dry_run:
            changed_items = generation.changed_items(ignore=gathering.skipped)
            content_changed = True if changed_items else (None if gathering.skipped else False)
        else:
            facts = _facts(probe, gathering, belonging, options)
            committed = store.commit([generation.finish(facts)])[0]
            changed_items, content_changed = _known_changes(committed, previous, items)
    except RecoveryError as error:
        error.hint = " ".join([*([error.hint] if error.hint else []), *_over(items, transport, None)]) or None
        raise
    finally:
        generation.abort()
    left_behind = _over(items, transport, committed)
    return BackupOutcome(
        gathering=gathering,
        probe=probe,
        previous=previous,
        committed=committed,
        content_changed=content_changed,
        changed_items=changed_items,
        bytes_read=generation.bytes_read,
        duration=time.monotonic() - started,
        open_restores=open_restores(store.backend, options.source, product.name, options.instance),
        companions=belonging,
        findings=[
            *findings,
            *unannounced(options.occasion.phase, probe.release, probe.counts, before),
            *([] if is_put_aside else another_release(probe.release, before)),
        ],
        already=same,
        left_behind=left_behind,
        not_read=generation.known_files.sentence() if generation.known_files is not None else None,
    )


def _over(items: Sequence[Item], transport: Transport, committed: Committed | None) -> list[str]:
    """Tell the items that the backup is over. Returns what it left behind on the host."""
    kept = committed is not None and committed.record.is_complete
    return [sentence for item in items for sentence in item.backup_over(transport, kept=kept)]


def _known_changes(
    committed: Committed, previous: CommitRecord | None, items: Sequence[Item]
) -> tuple[list[str], bool | None]:
    """Which items changed, and whether anything did; None when only containers differ that are different each time."""
    record = committed.record
    if previous is None or previous.release != record.release:
        return list(committed.changed_items), committed.content_changed
    kept = previous.items.keys() & record.items.keys()
    opaque = {item.name for item in items if not item.comparable} & kept
    changed = [name for name in committed.changed_items if name not in opaque]
    unknown = committed.content_changed and not changed
    return changed, None if unknown else committed.content_changed


def _gather(
    generation: GenerationWriter,
    transport: Transport,
    product: Product,
    probe: Probe,
    items: Sequence[Item],
    dry_run: bool,
    sink_around: Callable[[GenerationWriter], Sink] | None,
    stopping: Callable[[float], object],
    going_on: Callable[[], object],
) -> Gathering:
    sink = sink_around(generation) if sink_around is not None else generation
    known = generation.known_files
    if dry_run:
        return gather_items(items, transport, sink, skip=_needs_an_effect, going_on=going_on, known=known)
    with stopped(product.service_control(transport), product.services_to_stop_for_backup(probe), stopping):
        return gather_items(items, transport, sink, going_on=going_on, known=known)


def _needs_an_effect(item: Item) -> bool:
    """Whether something is done on the host to gather it, as a dump is made."""
    return item.consistency != "none"


def _check_companions(
    store: RepositoryWriter,
    product: Product,
    probe: Probe,
    gathering: Gathering,
    options: BackupOptions,
    *,
    look: bool,
) -> list[CompanionState]:
    """Hold the companions that the product demands against what the run has made. What a restore puts aside needs
    none."""
    occasion = options.occasion
    if occasion.phase == PHASE_PRE_RESTORE:
        return []
    run = Run(occasion.run_id, occasion.change_id, occasion.phase)
    demanded = product.companions(probe)
    states = companions.look_for(store.backend, demanded, run, options.provided, look=look, received_at=options.receipt)
    for state in states:
        if state.missing:
            gathering.lacks(f"companion {state.companion}", state.problem(run))
    return states


def _facts(
    probe: Probe, gathering: Gathering, belonging: Sequence[CompanionState], options: BackupOptions
) -> GenerationFacts:
    occasion = options.occasion
    contract = gathering.contract()
    belongs = companions.contract(belonging, options.provided)
    if belongs:
        contract["companions"] = belongs
    if options.release_change is not None:
        contract["release_change"] = options.release_change.to_json(probe.release)
    if options.allow_same_host:
        contract["allow_same_host"] = True
    return GenerationFacts(
        status=gathering.status,
        phase=occasion.phase,
        change_id=occasion.change_id,
        reason=with_words(occasion.reason, options.release_change),
        actor=occasion.actor,
        job=occasion.job,
        run_id=occasion.run_id,
        release=probe.release,
        version=probe.to_json(),
        identity=dict(probe.identity),
        contract=contract,
        missing=gathering.missing(),
        items={
            item.name: {
                "data_class": item.data_class,
                "required": item.required,
                "order": item.order,
                "consistency": item.consistency,
                "restorable": item.restorable,
                **({"scope": item.scope()} if item.scope_fields else {}),
            }
            for item in gathering.items
        },
        restore_order=[item.name for item in sorted(gathering.items, key=lambda item: item.order) if item.restorable],
        tools=dict(options.tools or {}),
        counts={**probe.counts, **as_counts(options.counters), **as_count(options.receipt)},
    )


def generation_result(outcome: BackupOutcome, product: Product, options: BackupOptions) -> dict[str, Any]:
    """The ``generation`` that every backup module returns: small, no secret in it."""
    committed = outcome.committed
    record = committed.record if committed is not None else None
    gathering = outcome.gathering
    return {
        "id": str(committed.generation_id) if committed is not None else None,
        "source": options.source,
        "product": product.name,
        "instance": options.instance,
        "release": outcome.probe.release,
        "counts": dict(outcome.probe.counts),
        "counters": dict(options.counters),
        "licence_count": len(outcome.probe.licences),
        "phase": options.occasion.phase,
        "change_id": options.occasion.change_id,
        "attempt": record.attempt if record is not None else None,
        "received_at": record.received_at if record is not None else None,
        "status": record.status if record is not None else gathering.status,
        "content_changed": outcome.content_changed,
        "changed_items": outcome.changed_items,
        "missing": gathering.missing(),
        "problems": gathering.problems(),
        "bytes_read": outcome.bytes_read,
        "bytes_stored": committed.bytes_stored if committed is not None else 0,
        "duration": round(outcome.duration, 3),
        "head": committed.head if committed is not None else (outcome.previous.hash if outcome.previous else None),
        "previous": str(GenerationId.of(outcome.previous)) if outcome.previous is not None else None,
    }


def incomplete_error(outcome: BackupOutcome, host: str, product: Product) -> RecoveryError | None:
    """The one error that a partial generation fails the task with, or None."""
    gathering = outcome.gathering
    if gathering.status == STATUS_COMPLETE:
        return None
    problems = gathering.problems()
    # one cause, such as a full disk, may spoil several items: it is told once
    spoilt: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        spoilt.setdefault((problem["path"], problem["message"]), []).append(problem["item"])
    told = list(spoilt.items())[:SHOWN_PROBLEMS]
    named = [
        f"{', '.join(dict.fromkeys(items))}{': ' + path if path else ''}: {message}" for (path, message), items in told
    ]
    absent = [name for name in gathering.missing() if name not in {p["item"] for p in problems}]
    named += [f"{name}: demanded, but not found" for name in absent if name in gathering.reports]
    unreached = [name for name in absent if name not in gathering.reports]
    if unreached:
        named.append(f"not reached any more: {', '.join(unreached)}")
    if len(spoilt) > len(told):
        named.append(f"and {len(spoilt) - len(told)} more, see generation.problems")
    kept = "What could be gathered is kept as a partial generation" if outcome.committed else "Nothing was written"
    return BackupIncomplete(
        f"The {product.name} backup is not complete: {'; '.join(named)}",
        host=host,
        hint=f"{kept}; mend the cause and run the backup again.",
    )
