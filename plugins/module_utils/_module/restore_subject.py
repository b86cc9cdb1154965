# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore is about: a generation, the host as it is now, and which items of it are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .._errors import RestoreFailed, RestoreRefused
from .._items.base import Item
from .._items.services import Service
from .._products.base import Probe, Product
from .._repository.format import ChainId, GenerationId, StoredEntry
from .._repository.journal import OpenRestore, interrupted_restores
from .._repository.reader import GenerationReader
from .._repository.writer import RepositoryWriter
from .._transport.base import Transport
from .backup import Occasion
from .coverage import Coverage, Unseen, mounts_of
from .drill_guard import DrillConditions, DrillTarget
from .gaps import Gaps
from .gathering import Sink, gather_items
from .losses import entries_of
from .one_at_a_time import alone
from .path_patterns import PathPatterns
from .stopping import running

LISTED = ("none", "shadow_copy")
"""How those items are read of which a restore must know what is there, to remove what came later. A dump takes the
place of everything by itself."""

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


class Collector:
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


class RestoreSubject:
    """Items of one generation and one host.

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
        self._chain = ChainId(options.source, product.name, options.instance)
        self.generation = str(GenerationId.of(reader.record))
        self._chosen = {item.name: item for item in self._chosen_items()}
        self._items = self._limited(reader, self._chosen)
        self._wanted = self._wanted_entries(reader)
        self._expected = expected
        self._expect(self._items)

    def alone(self) -> AbstractContextManager[None]:
        """Wait for another restore of this host that runs on this machine. Raises RestoreRefused."""
        return alone(f"{self._store.writer_key.repository_id} {self._chain}")

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

    def _services(self) -> list[Service]:
        """All that must not run while items are put back: what the generation names, then what came later."""
        services = self._product.services(self._then)
        known = {service.name.casefold() for service in services}
        return services + [one for one in self._product.services(self._now) if one.name.casefold() not in known]

    def _stopped_services(self) -> list[str]:
        services = [one for one in self._product.services_to_start(self._then) if self._control.exists(one)]
        active = running(self._control, services)
        return [service.name for service in services if service not in active]

    def _open_restores(self) -> list[OpenRestore]:
        options = self._options
        return interrupted_restores(self._store.backend, options.source, self._product.name, options.instance)

    def _gather(
        self,
        items: Sequence[Item],
        reader: GenerationReader,
        wanted: Stored,
        *,
        strict: bool,
        sink_around: Callable[[Collector], Sink] = lambda sink: sink,
        unseen: dict[str, Unseen] | None = None,
    ) -> dict[str, list[StoredEntry]]:
        """What is on the host now, of these items and the chosen paths, without what nobody wants back and the
        generation failed to read or never looked at; that goes to ``unseen``. Raises when the host is lost."""
        for item in items:
            item.expect([stored.entry for stored in wanted[item.name]])
        collector = Collector(self._store, self._options.source)
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
