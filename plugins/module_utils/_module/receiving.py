# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of backups that a product makes and pushes: wait, take what is stable, seal, commit, let go.

Nothing of it goes to the product, and nothing is asked of it. Each batch of files that belong together is one
generation. A batch is out of the sender's reach before its first byte is read, and is let go after the commit and
never before; killed in between, the next run goes on with it.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from .._compare.xml_document import XmlRefused
from .._entries import PHASE_PRE_RESTORE, STATUS_PARTIAL, path_to_text
from .._errors import ItemMissing, OptionInvalid, RecoveryError, RepositoryDamaged
from .._items.landing import cucm
from .._items.landing.claiming import Afterwards, Claim, NotTaken, finish, put_back, recover, take
from .._items.landing.content import FileVerdict
from .._items.landing.facts import FileFacts, Observation
from .._items.landing.grouping import Batch, Selection
from .._items.landing.judging import LEVEL_PLAUSIBLE, LEVEL_PROVED, LEVEL_RECEIVED, LEVELS, Patience, Watch
from .._items.landing.open_files import being_written
from .._items.landing.scanning import Limits
from .._items.landing.sizes import HISTORY
from .._items.landing.waiting import Round, Timing, Waiting, open_incoming
from .._items.landing.zone import LandingUnfit, Zone
from .._items.pushed_files import CONTENTS_ITEM, FILES_ITEM, PushedFile, PushedFiles, shown
from .._products.pushed import CONTAINER_COUNT, Pushed, Received
from .._repository.backends.base import Backend
from .._repository.chain import head, take_complete, walk_back
from .._repository.expiry import fate_of
from .._repository.format import CommitRecord, GenerationId, encode_name, parse_moment
from .._repository.keys import WriterKey
from .._repository.reader import hash_object
from .._repository.writer import RepositoryWriter
from .._transport.base import Transport
from .argspec import ArgumentSpec, arrival, backup, change, phase, repository, source, writer
from .backup import (
    BackupIncomplete,
    BackupOptions,
    BackupOutcome,
    ItemDigests,
    generation_result,
    incomplete_error,
    take_backup,
)
from .backup_module import occasion_of
from .companions import Provided
from .drill_facts import is_proved
from .duration import seconds_of
from .freshness import BackupOverdue, Freshness, NothingCame, described, named
from .gathering import Gathering
from .product_parts import ProductParts
from .receipt import text_of
from .release_change import ReleaseChange
from .reserve import check_reserve, reserve_of
from .retry import Earlier, look_for_earlier, reused_result
from .tools import tool_versions

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LOOK_BACK = 100
"""How many generations are asked whether they hold the same contents."""
CHANGE_PHASES = ("pre_change", "post_change")
SCHEDULED = "scheduled"


def received_spec(parts: ProductParts) -> ArgumentSpec:
    """The options of C(<product>_backup) for a product whose backups arrive. Nothing of it unseals anything."""
    return parts.spec().merge(repository(), writer(), source(), arrival(), change(), phase(), backup())


def zone_of(params: Mapping[str, Any]) -> Zone:
    """The landing zone of the source. Raises OptionInvalid, LandingUnfit."""
    if not params["landing"]:
        raise OptionInvalid("landing is not given: the folder with the landing zones of all sources")
    folder = os.path.join(os.fsencode(params["landing"]), encode_name(params["source"]).encode("ascii"))
    zone = Zone(folder, tuple(params["ignore_writers"]))
    zone.check()
    return zone


def selection_of(params: Mapping[str, Any]) -> Selection:
    """Which files are meant, and which belong together. Raises OptionInvalid."""
    return Selection(
        tuple(params["patterns"]), tuple(params["exclude"]), params["group_by"], params["group_pattern"] or None
    )


def patience_of(params: Mapping[str, Any]) -> Patience:
    """When a file is stable. Raises OptionInvalid."""
    for name, least in (("polls", 2), ("poll_interval", 0), ("quiet_period", 0), ("wait_timeout", 0), ("keep", 0)):
        if params[name] < least:
            raise OptionInvalid(f"{name} must be at least {least}")
    return Patience(params["polls"], params["quiet_period"])


def freshness_of(params: Mapping[str, Any]) -> Freshness:
    """How often something is expected. Raises OptionInvalid."""
    every = params["expected_every"]
    return Freshness(
        seconds_of(every, "expected_every") if every else None, seconds_of(params["grace"] or "0s", "grace")
    )


def earliest_of(params: Mapping[str, Any]) -> int:
    """Since when what arrives counts, in nanoseconds since the epoch; 0 for always. Raises OptionInvalid."""
    text = params["received_after"]
    try:
        return int(parse_moment(text).timestamp()) * 10**9 if text else 0
    except ValueError:
        raise OptionInvalid(
            f"received_after is no time: {text[:40]!r}", hint="It looks like 2026-01-31T12:00:00Z, in UTC."
        ) from None


@dataclass
class _Taken:
    """What became of one backup that arrived. ``counts`` False: it arrived too early to be what was asked for."""

    received: Mapping[bytes, int]
    """Of each of its files: since when it is as it is, in nanoseconds since the epoch."""
    outcome: BackupOutcome
    verdicts: list[FileVerdict]
    generation: dict[str, Any]
    repeated: bool
    counts: bool = True
    is_proved: bool = False
    """A drill restored the generation that held the same contents before."""

    @property
    def is_stored(self) -> bool:
        """Whether all that its files hold is in a generation, so that they may go."""
        return len(self.verdicts) == len(self.received) and all(one.is_read for one in self.verdicts)

    @property
    def has_changed(self) -> bool:
        """Whether somebody wrote to a file after it was judged."""
        return any(one.verdict == "changed" for one in self.verdicts)

    def levels(self) -> list[str]:
        """How far each of its files is proved."""
        return [LEVEL_PROVED if self.is_proved else verdict.level for verdict in self.verdicts]


class _SameButDamaged(Exception):
    """A generation holds the same contents, but not every byte of it is there. The message says which one."""


@dataclass(frozen=True)
class _Again:
    """Where to look for contents that came before. ``claimed_at``: hash of the newest generation when the files were
    taken. ``counts``: the same contents again are a generation of their own, so only what a killed run committed of
    this very claim is one that is there already."""

    newest: CommitRecord | None
    claimed_at: str | None
    counts: bool


@dataclass
class Receiver:
    """One run. ``product`` is told of each backup that arrives, by :meth:`Pushed.receive`."""

    module: AnsibleModule
    parts: ProductParts
    product: Pushed
    backend: Backend
    taken: list[_Taken] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    last: Round = field(default_factory=Round)
    before: Earlier = field(default_factory=Earlier)

    def run(self) -> dict[str, Any]:
        """The module's result. Raises RecoveryError; the result is in its details."""
        params = self.module.params
        self._patience = patience_of(params)
        self._earliest = earliest_of(params)
        freshness = freshness_of(params)
        self._reserve, self._release_change = reserve_of(params), ReleaseChange.of(params)
        check_reserve(self.backend, self._reserve)
        key = WriterKey.load(params["writer_key_file"])
        with RepositoryWriter(self.backend, key) as store, self.parts.transport(params) as transport:
            self._store, self._transport = store, transport
            chain = self.parts.chain(params)
            self.before = look_for_earlier(params, self.backend, chain, store.believe)
            self.warnings += self.before.warnings
            if self.before.record is not None:
                pass
            elif params.get("path"):
                self._take_path(os.fsencode(params["path"]))
            else:
                self._take_landed()
        return self._end(freshness, transport)

    # --- what a product left in the landing zone ---
    def _take_landed(self) -> None:
        params = self.module.params
        zone, selection = zone_of(params), selection_of(params)
        afterwards = Afterwards(params["after"] == "keep", params["keep"])
        timing = Timing(params["poll_interval"], params["wait_timeout"])
        waiting = Waiting(zone, selection, self._patience, timing, Limits(params["max_size"]))
        with ExitStack() as opened:
            if not self.module.check_mode:
                opened.enter_context(zone.lock(params["wait_timeout"]))
                for claim in recover(zone):
                    if self._ingest(claim):
                        waiting.taken()
            for found in waiting.rounds():
                self.last = found
                for batch in found.stable:
                    if self._take_batch(zone, batch, afterwards):
                        waiting.taken()
                if self.module.check_mode and found.stable and not found.waiting:
                    break
        self._tell_of(self.last)

    def _take_batch(self, zone: Zone, batch: Batch, afterwards: Afterwards) -> bool:
        """Whether it was taken, and is what was waited for."""
        if self.module.check_mode:
            files = [
                PushedFile(one.facts, partial(open_incoming, zone, one.facts.name), one.received_ns)
                for one in batch.arrivals
            ]
            if not any(one.verdicts and one.verdicts[0].name == batch.names[0] for one in self.taken):
                self._back_up(files, None)
            return True
        try:
            claim = take(zone, batch, self._head(), afterwards)
        except NotTaken as error:
            self.warnings.append(f"{error}; it is waited for again.")
            return False
        except OSError as error:
            raise LandingUnfit(
                f"Nothing can be taken out of the landing zone: {error.strerror}",
                item=path_to_text(zone.folder),
                hint="See that its file system has room and can be written, and that the module runs as root.",
            ) from None
        return self._ingest(claim)

    def _ingest(self, claim: Claim) -> bool:
        files = [
            PushedFile.at(claim.place(number), claim.locked[number], one.received_ns)
            for number, one in enumerate(claim.files)
        ]
        counts = self._back_up(files, claim.head)
        if self.taken[-1].is_stored:
            finish(claim)
        elif self.taken[-1].has_changed:
            self._give_back(claim)
        else:
            self.warnings.append(
                f"What could not be read stays in {path_to_text(claim.folder)}, and the next run tries again."
                " See what is wrong with the disk, and let the product push its backup once more."
            )
        return counts

    def _give_back(self, claim: Claim) -> None:
        """Somebody still writes to it, so he gets it back. What cannot go back now, the next run puts back."""
        try:
            stuck = put_back(claim)
        except OSError as error:
            self.warnings.append(f"What changed is still in {path_to_text(claim.folder)}: {error.strerror}.")
            return
        if stuck:
            self.warnings.append(
                f"{', '.join(map(shown, stuck))} changed, and stays in {path_to_text(claim.folder)} until what has its"
                " name by now is taken."
            )

    def _tell_of(self, found: Round) -> None:
        if found.refused:
            name, reason = sorted(found.refused.items())[0]
            more = f", and {len(found.refused) - 1} more are refused" if len(found.refused) > 1 else ""
            self.warnings.append(f"{shown(name)} {reason}: it is not taken{more}; see refused.")
        if not found.sees_writers:
            self.warnings.append(
                "Not every process could be looked at, so whether a file is still written is not known."
            )

    # --- what a person downloaded ---
    def _take_path(self, path: bytes) -> None:
        """A file that lies anywhere on this host. It is not moved: whoever put it there may still look at it."""
        params = self.module.params
        name = os.path.basename(path)
        watch = Watch(self._patience)
        until = time.monotonic() + params["wait_timeout"]
        looks = 0
        while True:
            status = self._status(path)
            facts = FileFacts.of(name, status)
            writers, complete = being_written({facts.identity}, params["ignore_writers"])
            seen = Observation(time.monotonic(), time.time_ns(), {name: facts}, {}, writers, complete)
            arrival = watch.feed(seen)[name]
            looks += 1
            if arrival.is_stable or (time.monotonic() >= until and looks >= self._patience.polls):
                break
            time.sleep(params["poll_interval"])
        batch = Batch(name, (arrival,))
        self.last = Round((batch,) if batch.is_stable else (), () if batch.is_stable else (batch,), {}, (), complete)
        if not batch.is_stable:
            return
        self._back_up([PushedFile.at(path, arrival.facts, arrival.received_ns)], None)
        if not self.taken[-1].is_stored:
            return
        if params["after"] == "remove" and not self.module.check_mode:
            if facts.is_same_state(FileFacts.of(name, self._status(path))):
                os.unlink(path)
        elif not self.module.check_mode:
            self.warnings.append(
                f"{path_to_text(path)} is in the repository and still lies there in the clear; remove it,"
                " or say after: remove."
            )

    @staticmethod
    def _status(path: bytes) -> os.stat_result:
        try:
            status = os.lstat(path)
        except OSError as error:
            raise ItemMissing(f"The file cannot be looked at: {error.strerror}", item=path_to_text(path)) from None
        if not stat.S_ISREG(status.st_mode):
            raise OptionInvalid("This is no regular file", item=path_to_text(path), hint="Name the file itself.")
        return status

    # --- into the repository ---
    def _head(self) -> str:
        newest = self._newest()
        return newest.hash if newest is not None else ""

    def _newest(self) -> CommitRecord | None:
        params = self.module.params
        chain = self.parts.chain(params)
        return head(self.backend, chain, self._store.believe)

    def _back_up(self, files: Sequence[PushedFile], claimed_at: str | None) -> bool:
        """Make a generation of files that belong together. Whether it is what was asked for: it may be too early."""
        params = self.module.params
        counts = all(file.received_ns >= self._earliest for file in files)
        occasion = occasion_of(params, params["phase"])
        if not counts:
            occasion = replace(occasion, phase=SCHEDULED, change_id=None)
        newest = self._newest()
        history = take_complete(self.backend, newest, HISTORY, [])
        self.product.receive(
            Received(
                files,
                [int(record.items[FILES_ITEM]["bytes"]) for record in history if FILES_ITEM in record.items],
                FILES_ITEM in params["accept_shrunken"],
                _failed(files),
            )
        )
        probe = self.product.probe(self._transport)
        items = self.product.items(probe)
        options = BackupOptions(
            source=params["source"],
            instance=params["instance"],
            occasion=occasion,
            # the size band is the product's own, so the general one has no say in it
            accept_shrunken=[*params["accept_shrunken"], FILES_ITEM, CONTENTS_ITEM],
            tools=tool_versions(),
            provided=Provided.of(params),
            reserve=self._reserve,
            allow_same_host=params["allow_same_host"],
            release_change=self._release_change,
            receipt=max(file.received_ns for file in files) // 10**9,
        )
        again = _Again(newest, claimed_at, params["accept_repeated"] or occasion.phase in CHANGE_PHASES)

        def attempt(anew: bool) -> BackupOutcome:
            return take_backup(
                self._store,
                self._transport,
                self.product,
                probe,
                items,
                options,
                dry_run=self.module.check_mode,
                force_store=anew,
                already=lambda gathering, digests: self._already(gathering, digests, again, anew),
            )

        try:
            outcome = attempt(self.before.damaged)
        except _SameButDamaged as damaged:
            self.warnings.append(f"{damaged}: everything is stored anew.")
            outcome = attempt(True)
        if outcome.changed_items == [FILES_ITEM]:
            # the same contents under other names
            outcome.changed_items, outcome.content_changed = [], False
        verdicts = [verdict for item in items if isinstance(item, PushedFiles) for verdict in item.verdicts]
        generation = generation_result(outcome, self.product, options)
        if outcome.already is not None:
            generation["id"] = str(GenerationId.of(outcome.already))
            generation["head"] = newest.hash if newest is not None else None
        repeated = outcome.already is not None
        proved = outcome.already is not None and is_proved(self.backend, outcome.already)
        received = {file.name: file.received_ns for file in files}
        self.taken.append(_Taken(received, outcome, verdicts, generation, repeated, counts, proved))
        self._compare_containers(history[0] if history else None, probe.counts)
        for verdict in verdicts:
            self.warnings += [f"{shown(verdict.name)}: {warning}." for warning in verdict.warnings]
        error = None if counts else incomplete_error(outcome, self._transport.host, self.product)
        if error is not None:
            self.warnings.append(error.message)
        return counts

    def _already(self, gathering: Gathering, digests: ItemDigests, again: _Again, anew: bool) -> CommitRecord | None:
        """The generation that holds the same contents, under whatever names, and still has every byte of them.

        ``anew``: nothing is leaned on, so what is damaged is passed over.

        :raises _SameButDamaged: there is one, and it lost some of them
        """
        wanted = digests.get(CONTENTS_ITEM)
        if wanted is None or again.newest is None:
            return None
        may_be = not again.counts or again.claimed_at is not None
        for record in islice(walk_back(self.backend, again.newest, []), LOOK_BACK):
            may_be = may_be and not (again.counts and record.hash == again.claimed_at)
            same = record.items.get(CONTENTS_ITEM, {}).get("digest") == wanted["digest"]
            as_good = record.is_complete or gathering.status == STATUS_PARTIAL
            is_it = may_be and as_good and record.phase != PHASE_PRE_RESTORE
            # a new generation of the same contents would refer to what the newest one stored
            if same and (is_it or record is again.newest) and self._holds(record, anew) and is_it:
                return record
            if not may_be:
                return None
        return None

    def _holds(self, record: CommitRecord, anew: bool) -> bool:
        """Whether a generation still has its files: nobody let them go, and each byte is as it was.

        :raises _SameButDamaged: some are not, unless ``anew``
        """
        fate = fate_of(self.backend, record)
        classes = {record.items[name]["data_class"] for name in (FILES_ITEM, CONTENTS_ITEM) if name in record.items}
        if fate.pruned is not None or classes & fate.expired_classes:
            return False
        try:
            for sha, size in fate.needed_objects(record).items():
                hash_object(self.backend, sha, size)
        except RepositoryDamaged as error:
            if anew:
                return False
            raise _SameButDamaged(
                f"{GenerationId.of(record)} holds the same contents and is damaged ({error.item}: {error.message})"
            ) from None
        return True

    def _compare_containers(self, before: CommitRecord | None, counts: Mapping[str, int]) -> None:
        """Another kind of container is no damage, but something to look at."""
        if before is None:
            return
        old, new = _kinds(before.counts), _kinds(counts)
        if old and new and old != new:
            self.warnings.append(
                f"What came is {', '.join(sorted(new))}; {GenerationId.of(before)} was {', '.join(sorted(old))}."
                " See whether the product was changed."
            )

    # --- the result ---
    def _end(self, freshness: Freshness, transport: Transport) -> dict[str, Any]:
        params = self.module.params
        now = time.time()
        good = take_complete(self.backend, self._newest(), 1, [])
        last_good = good[0] if good else None
        overdue = freshness.is_overdue(last_good, now)
        counted = [one for one in self.taken if one.counts]
        last = counted[-1] if counted else None
        outcome = last.outcome if last is not None else None
        result: dict[str, Any] = {
            "reused": False,
            "changed": any(one.outcome.changed for one in self.taken),
            **({"generation": last.generation} if last is not None else {}),
            "generations": [one.generation for one in self.taken],
            "files": [
                {
                    **verdict.to_result(),
                    "received_at": text_of(one.received[verdict.name] // 10**9),
                    "level": level,
                    "generation": one.generation["id"],
                    "repeated": one.repeated,
                }
                for one in self.taken
                for verdict, level in zip(one.verdicts, one.levels())
            ],
            "level": self._level(),
            "verdict": "",
            "waiting": [waiting_result(batch) for batch in self.last.waiting],
            "refused": [{"name": shown(name), "reason": why} for name, why in sorted(self.last.refused.items())],
            "overdue": overdue,
            "last_good": described(last_good, now, level_of(self.backend, last_good)),
            "checks": [],
            "open_restores": outcome.open_restores if outcome is not None else [],
            "companions": {
                "demanded": [state.to_result() for state in outcome.companions] if outcome is not None else [],
                "declared": [dict(one) for one in Provided.of(params).declared],
            },
            "findings": [finding.to_result() for one in self.taken for finding in one.outcome.findings],
            "notes": self.product.remarks(outcome.probe) if outcome is not None else [],
            "warnings": [
                *self.warnings,
                *(text for one in self.taken if one.outcome.committed for text in one.outcome.committed.warnings),
            ],
        }
        if self.before.record is not None:
            again = reused_result(params, self.backend, self.before.record, self.before.newest)
            again["warnings"] += result["warnings"]
            return {**result, **again, "verdict": "reused"}
        result["verdict"], error = self._verdict(freshness, overdue, last_good, now, transport.host)
        if error is not None:
            error.details["result"] = result
            raise error
        return result

    def _level(self) -> str | None:
        """The lowest one that a file reached; what is still waited for is received at best."""
        levels = [level for one in self.taken for level in one.levels()]
        if self.last.waiting:
            levels.append(LEVEL_RECEIVED)
        return min(levels, key=LEVELS.index) if levels else None

    def _verdict(
        self, freshness: Freshness, overdue: bool, last_good: CommitRecord | None, now: float, host: str
    ) -> tuple[str, RecoveryError | None]:
        counted = [one for one in self.taken if one.counts]
        for one in counted:
            error = incomplete_error(one.outcome, host, self.product)
            if error is not None:
                bad = next((verdict.verdict for verdict in one.verdicts if verdict.reason), "incomplete")
                text = f"{error.message}; {named(last_good, now)}"
                return bad, BackupIncomplete(text, host=host, hint=error.hint)
        waits = "; ".join(f"{path_to_text(batch.names[0])}: {why_waiting(batch)}" for batch in self.last.waiting[:3])
        if overdue:
            still = f" Not whole yet: {waits}." if waits else ""
            return "overdue", BackupOverdue(
                f"The {self.product.name} backup is overdue: {named(last_good, now)}, {freshness.words()}.{still}",
                host=host,
                hint="See whether the product still makes and pushes its backup, and whether its login is still right.",
            )
        if counted:
            return "repeated" if all(one.repeated for one in counted) else "ok", None
        verdict = "waiting" if waits else "nothing_came"
        must = freshness.every is None or last_good is None or self.module.params["phase"] in CHANGE_PHASES
        if not must:
            return verdict, None
        return verdict, NothingCame(
            f"No {self.product.name} backup came that is whole{self._since()}, and {named(last_good, now)}"
            + (f". Not whole yet: {waits}" if waits else ""),
            host=host,
            hint="Start the backup in the product, or wait longer with wait_timeout.",
        )

    def _since(self) -> str:
        after = self.module.params["received_after"]
        return f" and arrived since {after}" if after else ""


def level_of(backend: Backend, last_good: CommitRecord | None) -> str:
    """How far a complete generation is proved."""
    return LEVEL_PROVED if last_good is not None and is_proved(backend, last_good) else LEVEL_PLAUSIBLE


def waiting_result(batch: Batch) -> dict[str, Any]:
    """Files that are waited for, for a result."""
    return {"names": [shown(name) for name in batch.names], "waits_for": why_waiting(batch)}


def why_waiting(batch: Batch) -> str:
    """Why a batch is not taken yet, in words."""
    reasons = [*batch.waits_for, *(reason for one in batch.arrivals for reason in one.waits_for)]
    return ", ".join(dict.fromkeys(reasons))


def _kinds(counts: Mapping[str, int]) -> set[str]:
    return {name[len(CONTAINER_COUNT) :] for name in counts if name.startswith(CONTAINER_COUNT)}


def _failed(files: Sequence[PushedFile]) -> dict[bytes, Sequence[str]]:
    """What Cisco's document says of components that did not succeed."""
    failed: dict[bytes, Sequence[str]] = {}
    for file in files:
        if not cucm.is_document(file.name):
            continue
        try:
            with os.fdopen(file.open(), "rb") as handle:
                failed[file.name] = cucm.read_manifest(file.name, handle.read(cucm.LARGEST_DOCUMENT)).failed
        except XmlRefused as error:
            failed[file.name] = (f"the document itself, which is {error}",)
        except OSError:
            continue  # the reading of the file says so
    return failed
