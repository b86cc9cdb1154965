# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contents of generations: every manifest is opened, and every content compared with what the manifest says."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .._errors import RecoveryError, RepositoryDamaged
from .backends.base import Backend
from .bundles import FrameCache
from .chain import read_record
from .format import GenerationId, StoredEntry, object_name
from .reader import GenerationReader
from .side_by_side import Turns, parts_of, processes

LEAST_BYTES = 16 * 1024 * 1024
"""How much is worth a process of its own."""
_LIKE_A_MANIFEST = 256 * 1024
"""So many bytes are compared in the time that it takes to open a manifest."""


@dataclass(frozen=True)
class Share:
    """A manifest with all of its contents, or with one ``of`` several shares of them, each in its turns."""

    manifest: str
    number: int = 0
    of: int = 1


def shares_of(
    manifests: Sequence[str], generations: Mapping[str, GenerationId], bytes_of: Mapping[str, int]
) -> list[list[Share]]:
    """What each process compares, in the order of the manifests.

    Generations of a source share contents, and those of others never do; so a process has all of a source, unless that
    is much of everything: then each process has the same share of all of its generations.

    :param generations: by manifest
    :param bytes_of: what the objects of a source hold, by source
    """
    source = {sha: generations[sha].source for sha in manifests}
    count = Counter(source.values())
    weights = {name: bytes_of.get(name, 0) + number * _LIKE_A_MANIFEST for name, number in count.items()}
    most = processes(sum(weights.values()) // LEAST_BYTES)
    fair = sum(weights.values()) / most
    of = {name: most if weight > fair / 2 else 1 for name, weight in weights.items()}
    every = [Share(sha, number, of[source[sha]]) for sha in manifests for number in range(of[source[sha]])]
    return parts_of(
        every,
        lambda share: (source[share.manifest], share.number),
        LEAST_BYTES,
        lambda share: weights[source[share.manifest]] // (count[source[share.manifest]] * share.of),
    )


@dataclass
class Compared:
    """What came of it: when each share was compared, or None where something is wrong (``found``), and how many
    contents."""

    shares: dict[Share, int | None] = field(default_factory=dict)
    found: list[tuple[str, str, GenerationId | None]] = field(default_factory=list)
    contents: int = 0


def compare(
    backend: Backend,
    shares: Sequence[Share],
    generations: Mapping[str, GenerationId],
    file_keys: Mapping[str, bytes],
    hashed: Container[str],
    is_late: Callable[[], bool],
    clock: Callable[[], float],
) -> Compared:
    """Open manifests and compare contents, as long as it is not late.

    :param hashed: objects that were hashed a moment ago
    """
    compared = Compared()
    seen = _Seen()
    cache = FrameCache()
    for share in shares:
        if is_late():
            break
        generation = generations[share.manifest]
        try:
            record = read_record(backend, generation)
            with GenerationReader(backend, record, file_keys, hashed, cache=cache) as reader:
                for stored in _of_share(reader, share):
                    compared.contents += seen.check(stored, reader)
            compared.shares[share] = int(clock())
        except RecoveryError as error:
            compared.shares[share] = None
            compared.found.append((error.item or object_name(share.manifest), error.message, generation))
    return compared


def _of_share(reader: GenerationReader, share: Share) -> Iterator[StoredEntry]:
    turns = Turns(sum(item["bytes"] for item in reader.record.items.values()), share.of)
    for stored in _entries(reader):
        if turns.whose(stored.entry.size) == share.number:
            yield stored


def _entries(reader: GenerationReader) -> Iterator[StoredEntry]:
    """The entries with a content. Raises RepositoryDamaged when they are not those of the commit record."""
    tally: dict[str, list[int]] = {}
    for stored in reader.entries():
        counts = tally.setdefault(stored.entry.item, [0, 0])
        counts[0] += 1
        if stored.sha256 is not None:
            counts[1] += stored.entry.size
            yield stored
    told = {
        name: [item["entries"], item["bytes"]]
        for name, item in reader.record.items.items()
        if item["data_class"] not in reader.expired_classes
    }
    if tally != told:
        raise RepositoryDamaged("The manifest holds other entries than the commit record says")


class _Seen:
    """Contents that were compared, and pieces of large ones: what generations share is read once."""

    def __init__(self) -> None:
        self._contents: set[bytes] = set()
        self._pieces: dict[tuple[str, int], tuple[bytes, int]] = {}

    def check(self, stored: StoredEntry, reader: GenerationReader) -> bool:
        """Compare a content; False when it was compared before. Raises what reading it raises."""
        places = [(reader.manifest.bundles[bundle], member) for bundle, member in stored.pieces]
        key = self._key(stored, places)
        if key in self._contents:
            return False
        compared = {}
        for number, (place, digest) in enumerate(zip(places, stored.digests)):
            before = self._pieces.get(place)
            if before is not None and before[0] == digest:
                compared[number] = before[1]
        sizes = reader.check(stored, compared)
        self._contents.add(key)
        self._pieces.update(zip(places, zip(stored.digests, sizes)))
        return True

    @staticmethod
    def _key(stored: StoredEntry, places: Sequence[tuple[str, int]]) -> bytes:
        """Equal for contents of the same hash that stand in the same places."""
        text = ",".join(f"{bundle}:{member}" for bundle, member in places)
        return hashlib.sha256(f"{stored.sha256}\n{stored.entry.size}\n{text}".encode()).digest()[:16]
