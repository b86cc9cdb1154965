# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which generations, and which of their entries, an operator means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._errors import GenerationMissing, OptionInvalid, RepositoryDamaged
from .._repository.backends.base import Backend
from .._repository.chain import Believe, list_chains, load_chain, load_record
from .._repository.format import ChainId, CommitRecord, GenerationId, StoredEntry
from .path_patterns import PathPatterns

_CHAIN_OPTIONS = ("source", "product", "instance")


def find_predecessor(backend: Backend, record: CommitRecord, believe: Believe | None = None) -> CommitRecord:
    """The generation before. Raises GenerationMissing for the first, or what is wrong with its record."""
    if record.sequence == 1:
        raise GenerationMissing(
            f"{GenerationId.of(record)} is the first generation, there is nothing before it to compare with",
            hint="Name another one with against.",
        )
    return load_record(backend, record.chain.generation(record.sequence - 1), believe)


def names_chains(params: Mapping[str, Any]) -> bool:
    """Whether one of the options C(source), C(product) and C(instance) is given."""
    return any(params[name] is not None for name in _CHAIN_OPTIONS)


def matching_chains(backend: Backend, params: Mapping[str, Any]) -> Iterator[ChainId]:
    """The chains that the options C(source), C(product) and C(instance) leave; an option that is None leaves all."""
    for chain in list_chains(backend, params["source"]):
        if matches(chain, params):
            yield chain


def matches(chain: ChainId, params: Mapping[str, Any]) -> bool:
    """Whether the options C(source), C(product) and C(instance) leave a chain."""
    return all(params[name] in (None, getattr(chain, name)) for name in _CHAIN_OPTIONS)


def readable_chains(
    backend: Backend, chains: Iterable[ChainId], damaged: list[dict[str, str]]
) -> Iterator[tuple[ChainId, Sequence[CommitRecord]]]:
    """The records of each chain, oldest first; what cannot be read is added to ``damaged`` and left out."""
    for chain in chains:
        try:
            records = load_chain(backend, chain.source, chain.product, chain.instance)
        except RepositoryDamaged as error:
            damaged.append(
                {"source": chain.source, "product": chain.product, "instance": chain.instance, "problem": str(error)}
            )
            continue
        if records:
            yield chain, records


class EntrySelection:
    """The entries that the options C(only_items) and C(only_paths) leave."""

    def __init__(self, items: Sequence[str] | None, paths: Sequence[str] | None) -> None:
        """Raises OptionInvalid for a path that is not absolute."""
        self._items = set(items or ())
        self._paths = PathPatterns(paths)
        self._named = bool(items or paths)

    def of(self, entries: Iterable[StoredEntry]) -> list[StoredEntry]:
        """Raises OptionInvalid when something was named and nothing of it is there."""
        entries = list(entries)
        unknown = self._items - {stored.entry.item for stored in entries}
        if unknown:
            held = ", ".join(sorted({stored.entry.item for stored in entries}))
            raise OptionInvalid(f"The generation holds no item {', '.join(sorted(unknown))}", hint=f"It holds {held}.")
        chosen = [
            stored
            for stored in entries
            if (not self._items or stored.entry.item in self._items) and self._paths.match(stored.entry.path)
        ]
        if self._named and not chosen:
            raise OptionInvalid("The generation holds nothing at or under these paths")
        return chosen
