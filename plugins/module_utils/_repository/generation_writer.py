# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing one generation: pieces into bundles, manifest and piece index, all of it staged and not yet visible.

The writer opens nothing that is sealed. What it knows of earlier generations is their records and piece indexes.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .._entries import PHASE_PRE_RESTORE, PHASES, STATUS_COMPLETE, STATUS_PARTIAL, Entry, KnownContent
from .._errors import OptionInvalid, StoredOtherwise
from .backends.base import Backend, Staged
from .bundles import BundleWriter, Compressor
from .cutter import CUT_FROM, Cutter
from .digests import Digester, keyed_digest
from .format import (
    PIECE_DIGEST_SIZE,
    BundleFacts,
    ChainId,
    CommitRecord,
    Content,
    Manifest,
    PieceIndex,
    canonical_json,
    object_name,
)
from .keyring import Keyring
from .keys import WriterKey
from .known_files import KnownFiles
from .reuse import Before, Bundle
from .sealing import SealedObject, SealedWriter

with suppress(ImportError):  # _libraries.require tells the user
    from cryptography.hazmat.primitives.poly1305 import Poly1305

MANIFEST_FRAME = 1024 * 1024
WATCH_EVERY = 8 * 1024 * 1024
WATCHED = 1024 * 1024
"""Bytes of a large content: of each of the former, the latter are held against what is stored."""


@dataclass(frozen=True)
class GenerationFacts:
    """What is to be said of a generation beside its entries.

    ``version``, ``identity``, ``contract`` and ``items`` are JSON objects that are sealed into the manifest. They must
    not hold what differs from run to run (times, load, durations): when they change, a new manifest is written.
    ``tools`` may differ. ``phase``, ``change_id``, ``reason``, ``actor``, ``job``, ``run_id``, ``release``,
    ``missing`` and ``counts`` stand in the clear commit record.
    """

    status: str = STATUS_COMPLETE
    phase: str = "manual"
    change_id: str | None = None
    reason: str | None = None
    actor: str | None = None
    job: str | None = None
    run_id: str | None = None
    release: str | None = None
    version: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=dict)
    contract: Mapping[str, Any] = field(default_factory=dict)
    missing: Sequence[str] = ()
    items: Mapping[str, Any] = field(default_factory=dict)
    restore_order: Sequence[str] = ()
    tools: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in (STATUS_COMPLETE, STATUS_PARTIAL) or self.phase not in PHASES:
            raise OptionInvalid(f"A generation cannot be {self.status!r} in phase {self.phase!r}")

    def digest(self, source_key: bytes) -> str:
        """The keyed digest of all that makes a new manifest necessary."""
        lasting = (self.version, self.identity, self.contract, self.items, list(self.restore_order), self.release)
        return keyed_digest(source_key, hashlib.sha256(b"facts\0" + canonical_json(lasting)).digest()).hex()


@dataclass
class Prepared:
    """A generation that is staged and waits for its commit."""

    record: CommitRecord
    previous: CommitRecord | None
    index_data: bytes
    staged: list[tuple[Staged, str]]
    file_keys: dict[str, bytes] = field(repr=False)
    bytes_read: int = 0
    bytes_stored: int = 0
    warnings: list[str] = field(default_factory=list)
    known_files: KnownFiles | None = None

    def abort(self) -> None:
        """Leave nothing behind. Harmless after the commit."""
        for staged, _name in self.staged:
            staged.abort()


def changed_items(previous: CommitRecord | None, items: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The items that are not as in the generation before, in order; all of them when that cannot be compared."""
    before = previous.items if previous is not None else {}
    names = sorted(before.keys() | items.keys())
    return tuple(
        name
        for name in names
        if name not in before or name not in items or before[name]["digest"] != items[name]["digest"]
    )


@dataclass(frozen=True)
class Workplace:
    """What generations of one repository share: where they go, for whom, by whom, and the threads that help.

    ``passed``: is told of bytes that were read
    """

    backend: Backend
    keyring: Keyring
    writer_key: WriterKey
    compressor: Compressor
    hashers: ThreadPoolExecutor
    passed: Callable[[int], object]

    @cached_property
    def recipients(self) -> list[str]:
        """For whom is sealed."""
        return self.keyring.recipient_texts

    @cached_property
    def recipients_digest(self) -> str:
        """What stands for them."""
        return self.keyring.recipients_digest


class _Whole:
    """A large content as it was read, and whether its pieces are it.

    A reader compares each piece with the piece's own digest; that all of them in their order have the digest of the
    whole is seen to here, where it still can be mended. It is a look at samples: what is lost or comes twice tells by
    the length, what is in another place or changed tells where it is looked at, the first of every eight mebibytes.
    """

    def __init__(self) -> None:
        key = os.urandom(32)
        self.digest = hashlib.sha256()
        self._read = _Watch(key)
        self._put = _Watch(key)

    @property
    def size(self) -> int:
        """Bytes that were read."""
        return self._read.size

    def read(self, block: memoryview) -> None:
        """Bytes that were read, in their order."""
        self.digest.update(block)
        self._read.pass_by(block)

    def put(self, piece: memoryview) -> None:
        """Bytes that are stored, in their order."""
        self._put.pass_by(piece)

    def compare(self) -> None:
        """Once all were told. Raises StoredOtherwise when they are not the same."""
        if self._read.result() != self._put.result():
            raise StoredOtherwise(
                "A large file was cut into pieces that are not the file, and nothing was stored",
                hint="Run the backup again. If it happens again, test the memory of the backup host.",
            )


class _Watch:
    """How many bytes pass by, and the Poly1305 of some of them, under a key that nobody else ever knows."""

    def __init__(self, key: bytes) -> None:
        self.size = 0
        self._mac = Poly1305(key)

    def pass_by(self, data: memoryview) -> None:
        """Bytes, no more than are between two that are looked at."""
        begin = -(self.size % WATCH_EVERY)
        for start in (begin, begin + WATCH_EVERY):
            seen = data[max(0, start) : max(0, start + WATCHED)]
            if seen:
                self._mac.update(seen)
        self.size += len(data)

    def result(self) -> tuple[int, bytes]:
        """Equal for what is the same. Only once."""
        return self.size, self._mac.finalize()


class GenerationWriter(Digester):
    """Takes the entries of one generation. :meth:`RepositoryWriter.begin` makes it.

    ``previous`` is the record of the generation before; ``warnings`` are sentences about what was found damaged there
    and is stored anew. ``known_files``: what need not be read again, None when everything is read.
    """

    def __init__(
        self,
        place: Workplace,
        chain: ChainId,
        before: Before,
        dry_run: bool,
        force_store: bool,
        now: float,
        believed_for: float,
    ) -> None:
        self.source_key = place.writer_key.source_key(chain.source)
        super().__init__(self.source_key)
        self._workplace = place
        self._chain = chain
        self._before = before
        self._dry_run = dry_run
        self._force_store = force_store
        self._known = {} if force_store else before.known
        self._bundles: list[Bundle] = []
        self._open: dict[str, Bundle] = {}
        self._filling: Bundle | None = None
        self._written: list[SealedObject] = []
        self._lines: list[bytes] = []
        self._lines_size = 0
        self._frames: list[bytes] = []
        self._cutter: Cutter | None = None
        self._finished = False
        self.warnings = before.warnings
        self.known_files: KnownFiles | None = None
        if believed_for > 0:
            self.known_files = KnownFiles(place.backend, chain, self.source_key, now, believed_for, self._has)

    @property
    def previous(self) -> CommitRecord | None:
        """The record of the generation before, None for the first."""
        return self._before.record

    def changed_items(self, ignore: Sequence[str] = ()) -> list[str]:
        """The items that are so far not as in the generation before, without those to ignore."""
        return [name for name in changed_items(self._comparable(), self.item_digests()) if name not in ignore]

    def finish(self, facts: GenerationFacts) -> Prepared:
        """End the generation: everything is staged, nothing is visible. Raises RepositoryFull and its like."""
        if self._dry_run or self._finished:
            raise ValueError("this generation cannot be finished")
        items = self.item_digests()
        facts_digest = facts.digest(self.source_key)
        before = self._before.record
        if (
            before is not None
            and self._before.is_whole
            and not self._force_store
            # what a failed restore goes back to has the times of now, which no digest tells
            and facts.phase != PHASE_PRE_RESTORE
            and facts_digest == before.facts_digest
            and (facts.status, tuple(facts.missing)) == (before.status, before.missing)
            and items == before.items
        ):
            self.abort()
            prepared = Prepared(self._record(facts, items, facts_digest, before), before, b"", [], {})
        else:
            prepared = self._store(facts, items, facts_digest)
        self._finished = True
        prepared.bytes_read = self.bytes_read
        prepared.warnings = self.warnings
        if facts.status == STATUS_COMPLETE:
            # of a file that came with a complaint the next run is to read all
            prepared.known_files = self.known_files
        return prepared

    def abort(self) -> None:
        """Leave nothing behind of a generation that is not finished. Harmless otherwise."""
        if not self._finished:
            for bundle in self._open.values():
                if bundle.writer is not None:
                    bundle.writer.abort()
            for sealed in self._written:
                sealed.staged.abort()
            self._open, self._written = {}, []

    # --- entries ---
    def _take_content(self, data_class: str, chunks: Iterable[bytes]) -> Content:
        if self._dry_run:
            content_read = super()._take_content(data_class, chunks)
            self._workplace.passed(content_read.size)
            return content_read
        held: list[bytes] = []
        size = 0
        following = iter(chunks)
        for chunk in following:
            held.append(chunk)
            size += len(chunk)
            if size >= CUT_FROM:
                return self._take_large(data_class, itertools.chain(held, following))
        self._workplace.passed(size)
        content = held[0] if len(held) == 1 else b"".join(held)
        digest = hashlib.sha256(content).digest()
        pieces = (self._place(data_class, content, digest),) if content else ()
        return Content(size, digest, pieces)

    def _take_known(self, data_class: str, known: KnownContent) -> Content:
        if self.known_files is not None:
            self.known_files.took(known)
        if self._dry_run:
            return super()._take_known(data_class, known)
        stored = self._known[data_class]
        places = tuple(self._refer(stored[fingerprint], fingerprint) for fingerprint in known.fingerprints)
        return Content(known.size, known.sha256, places, known.digests)

    def _has_read(self, entry: Entry, content: Content) -> None:
        if self.known_files is not None and not self._dry_run:
            fingerprints = [self._bundles[bundle].used[member] for bundle, member in content.pieces]
            self.known_files.note(entry, content, fingerprints)

    def _has(self, data_class: str, fingerprints: Sequence[bytes]) -> bool:
        stored = self._known.get(data_class, {})
        return all(fingerprint in stored for fingerprint in fingerprints)

    def _take_large(self, data_class: str, chunks: Iterable[bytes]) -> Content:
        if self._cutter is None:
            self._cutter = Cutter()
        whole = _Whole()
        places = []
        digests = []
        hashing: Future[None] | None = None
        try:
            for block, pieces in self._cutter.cut(chunks):
                if hashing is not None:
                    hashing.result()
                hashing = self._workplace.hashers.submit(whole.read, block)
                self._workplace.passed(len(block))
                for piece in pieces:
                    whole.put(piece)
                    piece_digest = hashlib.sha256(piece).digest()
                    places.append(self._place(data_class, piece, piece_digest))
                    digests.append(piece_digest[:PIECE_DIGEST_SIZE])
        finally:
            if hashing is not None:
                hashing.result()
        whole.compare()
        return Content(whole.size, whole.digest.digest(), tuple(places), tuple(digests) if len(digests) > 1 else ())

    def _place(self, data_class: str, piece: bytes | memoryview, digest: bytes) -> tuple[int, int]:
        """Where a piece with this SHA-256 stands, which is put into a bundle unless it is known."""
        known = self._known.get(data_class)
        if known is None:
            known = self._known[data_class] = {}
        fingerprint = keyed_digest(self.source_key, digest)
        place = known.get(fingerprint)
        if place is None:
            place = known[fingerprint] = self._put(data_class, piece)
        return self._refer(place, fingerprint)

    def _refer(self, place: tuple[Bundle, int], fingerprint: bytes) -> tuple[int, int]:
        """The number by which the manifest names a place."""
        bundle, member = place
        if bundle.number < 0:
            bundle.number = len(self._bundles)
            self._bundles.append(bundle)
        bundle.used[member] = fingerprint
        return bundle.number, member

    def _put(self, data_class: str, piece: bytes | memoryview) -> tuple[Bundle, int]:
        bundle = self._open.get(data_class)
        if bundle is None:
            bundle = self._begin_bundle(data_class)
        if self._filling is not bundle:
            if self._filling is not None and self._filling.writer is not None:
                # only one bundle at a time has frames in the works
                self._filling.writer.drain()
            self._filling = bundle
        member = bundle.writer.add(piece) if bundle.writer is not None else None
        if member is None:
            self._close_bundle(bundle)
            self._begin_bundle(data_class)
            return self._put(data_class, piece)
        return bundle, member

    def _begin_bundle(self, data_class: str) -> Bundle:
        place = self._workplace
        writer = BundleWriter(place.backend.stage, place.recipients, place.compressor)
        bundle = self._open[data_class] = Bundle(data_class, writer=writer)
        return bundle

    def _close_bundle(self, bundle: Bundle) -> None:
        if bundle.writer is not None:
            written = bundle.writer.close()
            self._written.append(written.sealed)
            bundle.sha, bundle.size, bundle.members = written.sealed.sha, written.sealed.size, written.members
            bundle.writer = None

    # --- manifest and index ---
    def _take_line(self, line: bytes) -> None:
        if not self._dry_run:
            self._lines.append(line)
            self._lines_size += len(line)
            if self._lines_size >= MANIFEST_FRAME:
                self._frames.append(self._workplace.compressor.compress(b"".join(self._lines)))
                self._lines, self._lines_size = [], 0

    def _store(self, facts: GenerationFacts, items: dict[str, dict[str, Any]], facts_digest: str) -> Prepared:
        place = self._workplace
        for bundle in self._open.values():
            self._close_bundle(bundle)
        self._open = {}
        manifest = self._seal_manifest(facts)
        self._written.append(manifest)
        index = PieceIndex(
            repository_id=place.keyring.repository_id,
            source=self._chain.source,
            recipients_digest=place.recipients_digest,
            fingerprint_key=place.writer_key.fingerprint_key_id,
            bundles=tuple(BundleFacts(item.sha, item.size, item.data_class, item.members) for item in self._bundles),
            pieces=tuple(tuple(item.used.get(member) for member in range(item.members)) for item in self._bundles),
        ).to_bytes()
        index_sha = hashlib.sha256(index).hexdigest()
        staged = [(sealed.staged, object_name(sealed.sha)) for sealed in self._written]
        if self.previous is None or index_sha != self.previous.piece_index[0] or self._before.index is None:
            target = place.backend.stage("index")
            staged.append((target, object_name(index_sha)))
            try:
                target.write(index)
                target.close()
            except BaseException:
                target.abort()
                raise
        record = replace(
            self._record(facts, items, facts_digest, None),
            manifest=(manifest.sha, manifest.size),
            piece_index=(index_sha, len(index)),
            objects={bundle.sha: bundle.size for bundle in self._bundles},
        )
        return Prepared(
            record,
            self.previous,
            index,
            staged,
            {sealed.sha: sealed.file_key for sealed in self._written},
            bytes_stored=sum(target.size for target, _name in staged),
        )

    def _seal_manifest(self, facts: GenerationFacts) -> SealedObject:
        place = self._workplace
        first = Manifest(
            repository_id=place.keyring.repository_id,
            source=self._chain.source,
            product=self._chain.product,
            instance=self._chain.instance,
            bundles=tuple(bundle.sha for bundle in self._bundles),
            entries=self._line_count,
            replaced=tuple(sorted(self._replaced)),
            status=facts.status,
            release=facts.release,
            version=facts.version,
            identity=facts.identity,
            contract=facts.contract,
            items=facts.items,
            restore_order=tuple(facts.restore_order),
            tools=facts.tools,
        ).to_line()
        if not self._frames:
            frames = [place.compressor.compress(first + b"".join(self._lines))]
        else:
            frames = [place.compressor.compress(first), *self._frames]
            frames.append(place.compressor.compress(b"".join(self._lines)))
        writer = SealedWriter(place.backend.stage, "manifest", place.recipients)
        try:
            for frame in frames:
                writer.write(frame)
            return writer.close()
        except BaseException:
            writer.abort()
            raise

    def _record(
        self, facts: GenerationFacts, items: dict[str, dict[str, Any]], facts_digest: str, same: CommitRecord | None
    ) -> CommitRecord:
        """The record with everything but its place in the line, its time and its attempt."""
        place = self._workplace
        return CommitRecord(
            repository_id=place.keyring.repository_id,
            source=self._chain.source,
            product=self._chain.product,
            instance=self._chain.instance,
            sequence=1,
            parent="",
            received_at="",
            status=facts.status,
            phase=facts.phase,
            items=items,
            manifest=same.manifest if same else ("", 0),
            piece_index=same.piece_index if same else ("", 0),
            objects=same.objects if same else {},
            recipients_digest=place.recipients_digest,
            fingerprint_key=place.writer_key.fingerprint_key_id,
            facts_digest=facts_digest,
            signer=place.writer_key.name,
            missing=tuple(facts.missing),
            change_id=facts.change_id,
            run_id=facts.run_id,
            reason=facts.reason,
            actor=facts.actor,
            job=facts.job,
            release=facts.release,
            counts=dict(facts.counts),
        )

    def _comparable(self) -> CommitRecord | None:
        before = self._before.record
        if before is not None and before.fingerprint_key != self._workplace.writer_key.fingerprint_key_id:
            return None
        return before
