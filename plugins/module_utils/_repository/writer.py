# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing generations: bundles, manifest, piece index, and the signed commit record as the only commit point.

The writer opens nothing that is sealed. What it knows of earlier generations is their records and piece indexes.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from .._entries import PHASES, STATUS_COMPLETE, STATUS_PARTIAL
from .._errors import NotAuthentic, OptionInvalid, RepositoryDamaged, RepositoryError
from .._libraries import require
from .backends.base import Backend, Staged
from .bundles import BundleWriter, Compressor
from .chain import Believe, believe_keyring, head, list_chains
from .cutter import CUT_FROM, Cutter
from .digests import Digester, PieceFingerprint, keyed_digest
from .format import (
    COMMIT_NAMESPACE,
    BundleFacts,
    ChainId,
    CommitRecord,
    GenerationId,
    Manifest,
    PieceIndex,
    canonical_json,
    collision_key,
    object_name,
    record_name,
    signature_name,
)
from .generations import generations_of_change
from .keyring import Keyring, check_pinned, load_keyring
from .keys import WriterKey
from .sealing import SealedObject, SealedWriter

INDEX_LIMIT = 256 * 1024 * 1024
MANIFEST_FRAME = 1024 * 1024
REUSE_FROM = 0.5
"""A bundle of which less is still referenced counts as unknown, so that what is dead in it can go."""
COMMIT_ATTEMPTS = 200
"""Each one that fails means that somebody else committed."""


@dataclass(frozen=True)
class GenerationFacts:
    """What is to be said of a generation beside its entries.

    ``version``, ``identity``, ``contract`` and ``items`` are JSON objects that are sealed into the manifest. They must
    not hold what differs from run to run (times, load, durations): when they change, a new manifest is written.
    ``tools`` may differ. ``phase``, ``change_id``, ``reason``, ``actor``, ``job``, ``run_id``, ``release`` and
    ``missing`` stand in the clear commit record.
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

    def abort(self) -> None:
        """Leave nothing behind. Harmless after the commit."""
        for staged, _name in self.staged:
            staged.abort()


@dataclass(frozen=True)
class Committed:
    """A generation that is there to stay.

    ``content_changed``: an item's digest or the release differs from the generation before; ``changed_items`` names the
    items. ``file_keys`` open what this run sealed, so that it can be read back at once; they are secret.
    """

    record: CommitRecord
    content_changed: bool
    changed_items: tuple[str, ...]
    bytes_read: int
    bytes_stored: int
    file_keys: Mapping[str, bytes] = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def generation_id(self) -> GenerationId:
        """Its id."""
        return GenerationId.of(self.record)

    @property
    def head(self) -> str:
        """The hash of its record: kept elsewhere, it proves that nobody rolled the repository back."""
        return self.record.hash


@dataclass
class _Signed:
    """A record on its way: its bytes, its signature, and whether it is there."""

    record: CommitRecord
    data: bytes
    signature: bytes
    is_committed: bool = False

    @property
    def signature_name(self) -> str:
        return signature_name(GenerationId.of(self.record), hashlib.sha256(self.data).hexdigest())


def changed_items(previous: CommitRecord | None, items: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The items that are not as in the generation before, in order; all of them when that cannot be compared."""
    before = previous.items if previous is not None else {}
    names = sorted(before.keys() | items.keys())
    return tuple(
        name
        for name in names
        if name not in before or name not in items or before[name]["digest"] != items[name]["digest"]
    )


# --- one generation --------------------------------------------------------------------------------------------------
@dataclass(eq=False)
class _Bundle:
    """A bundle that this generation may refer to; it gets its number with its first piece."""

    data_class: str
    members: int = 0
    sha: str = ""
    size: int = 0
    number: int = -1
    used: dict[int, bytes] = field(default_factory=dict)
    writer: BundleWriter | None = None


@dataclass
class _Before:
    """What is known of the generation before: its record, its pieces by data class and fingerprint, and whether every
    object that it needs is there."""

    record: CommitRecord | None = None
    index: PieceIndex | None = None
    known: dict[str, dict[bytes, tuple[_Bundle, int]]] = field(default_factory=dict)
    is_whole: bool = False
    warnings: list[str] = field(default_factory=list)


class GenerationWriter(Digester):
    """Takes the entries of one generation. :meth:`RepositoryWriter.begin` makes it.

    ``previous`` is the record of the generation before; ``warnings`` are sentences about what was found damaged there
    and is stored anew.
    """

    def __init__(
        self, repository: RepositoryWriter, chain: ChainId, before: _Before, dry_run: bool, force_store: bool
    ) -> None:
        self.source_key = repository.writer_key.source_key(chain.source)
        super().__init__(self.source_key)
        self._fingerprint = PieceFingerprint(self.source_key)
        self._repository = repository
        self._chain = chain
        self._before = before
        self._dry_run = dry_run
        self._force_store = force_store
        self._known = {} if force_store else before.known
        self._bundles: list[_Bundle] = []
        self._open: dict[str, _Bundle] = {}
        self._filling: _Bundle | None = None
        self._written: list[SealedObject] = []
        self._lines: list[bytes] = []
        self._lines_size = 0
        self._frames: list[bytes] = []
        self._cutter: Cutter | None = None
        self._finished = False
        self.warnings = before.warnings

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
    def _take_content(self, data_class: str, chunks: Iterable[bytes]) -> tuple[int, bytes, tuple[tuple[int, int], ...]]:
        if self._dry_run:
            return super()._take_content(data_class, chunks)
        held: list[bytes] = []
        size = 0
        following = iter(chunks)
        for chunk in following:
            held.append(chunk)
            size += len(chunk)
            if size >= CUT_FROM:
                return self._take_large(data_class, itertools.chain(held, following))
        content = held[0] if len(held) == 1 else b"".join(held)
        pieces = (self._place(data_class, content),) if content else ()
        return size, hashlib.sha256(content).digest(), pieces

    def _take_large(self, data_class: str, chunks: Iterable[bytes]) -> tuple[int, bytes, tuple[tuple[int, int], ...]]:
        if self._cutter is None:
            self._cutter = Cutter()
        size = 0
        digest = hashlib.sha256()
        places = []
        hashing: Future[None] | None = None
        try:
            for block, pieces in self._cutter.cut(chunks):
                if hashing is not None:
                    hashing.result()
                hashing = self._repository.hashers.submit(digest.update, block)
                size += len(block)
                for piece in pieces:
                    places.append(self._place(data_class, piece))
        finally:
            if hashing is not None:
                hashing.result()
        return size, digest.digest(), tuple(places)

    def _place(self, data_class: str, piece: bytes | memoryview) -> tuple[int, int]:
        """Where a piece stands, which is put into a bundle unless it is known."""
        known = self._known.get(data_class)
        if known is None:
            known = self._known[data_class] = {}
        fingerprint = self._fingerprint(piece)
        place = known.get(fingerprint)
        if place is None:
            place = known[fingerprint] = self._put(data_class, piece)
        bundle, member = place
        if bundle.number < 0:
            bundle.number = len(self._bundles)
            self._bundles.append(bundle)
        bundle.used[member] = fingerprint
        return bundle.number, member

    def _put(self, data_class: str, piece: bytes | memoryview) -> tuple[_Bundle, int]:
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

    def _begin_bundle(self, data_class: str) -> _Bundle:
        repository = self._repository
        writer = BundleWriter(repository.backend.stage, repository.recipients, repository.compressor)
        bundle = self._open[data_class] = _Bundle(data_class, writer=writer)
        return bundle

    def _close_bundle(self, bundle: _Bundle) -> None:
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
                self._frames.append(self._repository.compressor.compress(b"".join(self._lines)))
                self._lines, self._lines_size = [], 0

    def _store(self, facts: GenerationFacts, items: dict[str, dict[str, Any]], facts_digest: str) -> Prepared:
        repository = self._repository
        for bundle in self._open.values():
            self._close_bundle(bundle)
        self._open = {}
        manifest = self._seal_manifest(facts)
        self._written.append(manifest)
        index = PieceIndex(
            repository_id=repository.keyring.repository_id,
            source=self._chain.source,
            recipients_digest=repository.recipients_digest,
            fingerprint_key=repository.writer_key.fingerprint_key_id,
            bundles=tuple(BundleFacts(item.sha, item.size, item.data_class, item.members) for item in self._bundles),
            pieces=tuple(tuple(item.used.get(member) for member in range(item.members)) for item in self._bundles),
        ).to_bytes()
        index_sha = hashlib.sha256(index).hexdigest()
        staged = [(sealed.staged, object_name(sealed.sha)) for sealed in self._written]
        if self.previous is None or index_sha != self.previous.piece_index[0] or self._before.index is None:
            target = repository.backend.stage("index")
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
        repository = self._repository
        first = Manifest(
            repository_id=repository.keyring.repository_id,
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
            frames = [repository.compressor.compress(first + b"".join(self._lines))]
        else:
            frames = [repository.compressor.compress(first), *self._frames]
            frames.append(repository.compressor.compress(b"".join(self._lines)))
        writer = SealedWriter(repository.backend.stage, "manifest", repository.recipients)
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
        repository = self._repository
        return CommitRecord(
            repository_id=repository.keyring.repository_id,
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
            recipients_digest=repository.recipients_digest,
            fingerprint_key=repository.writer_key.fingerprint_key_id,
            facts_digest=facts_digest,
            signer=repository.writer_key.name,
            missing=tuple(facts.missing),
            change_id=facts.change_id,
            run_id=facts.run_id,
            reason=facts.reason,
            actor=facts.actor,
            job=facts.job,
            release=facts.release,
        )

    def _comparable(self) -> CommitRecord | None:
        before = self._before.record
        if before is not None and before.fingerprint_key != self._repository.writer_key.fingerprint_key_id:
            return None
        return before


# --- the repository --------------------------------------------------------------------------------------------------
class RepositoryWriter:
    """Writes generations into a repository whose keyring is the one that the writer's key is bound to.

    One object serves many generations, also from several threads, each of which fills its own generation.

    :param clock: this machine's clock, seconds since the epoch
    :raises RepositoryMissing: there is no repository
    :raises KeyringMismatch: it has another owner, other recipients, or does not know this writer
    """

    def __init__(self, backend: Backend, writer_key: WriterKey, clock: Callable[[], float] = time.time) -> None:
        require("cryptography", "zstandard")
        self.backend = backend
        self.writer_key = writer_key
        self.keyring: Keyring = load_keyring(backend)
        check_pinned(self.keyring, writer_key)
        self.recipients = self.keyring.recipient_texts
        self.recipients_digest = self.keyring.recipients_digest
        self.believe: Believe = believe_keyring(self.keyring)
        self.compressor = Compressor()
        self.hashers = ThreadPoolExecutor(2, "hash")
        self._clock = clock
        self._swept = False

    def __enter__(self) -> RepositoryWriter:
        return self

    def __exit__(self, *_what: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the threads end."""
        self.compressor.close()
        self.hashers.shutdown()

    def digester(self, source: str) -> Digester:
        """A sink that reads entries of a source and writes nothing."""
        return Digester(self.writer_key.source_key(source))

    def begin(
        self, source: str, product: str, instance: str = "", *, dry_run: bool = False, force_store: bool = False
    ) -> GenerationWriter:
        """Begin the next generation of a line.

        :param dry_run: read and compare only; it cannot be finished
        :param force_store: use nothing of earlier generations, so that what this run seals is all that it needs
        :raises OptionInvalid: a name that cannot be, or that some file systems would take for another one's
        :raises RepositoryDamaged: the newest record is damaged, not signed by a writer, or names a stranger's index
        """
        chain = ChainId(source, product, instance)
        if not dry_run and not self._swept:
            self._swept = True
            self.backend.sweep()
        newest = head(self.backend, chain, self.believe)
        if newest is None:
            self._check_collision(chain)
        return GenerationWriter(self, chain, self._look_back(newest), dry_run, force_store)

    def commit(self, prepared: Sequence[Prepared]) -> list[Committed]:
        """Publish generations as one group. Each becomes visible as a whole or not at all.

        When another writer was faster, the generation goes behind that one's. After an error the ids of those that are
        committed nevertheless stand in its details as C(committed); nothing staged is left.
        """
        signed: list[_Signed] = []
        try:
            signed = [self._sign(one.record, one.previous) for one in prepared]
            self._publish_objects(prepared, signed)
            for _attempt in range(COMMIT_ATTEMPTS):
                waiting = self._create_records(signed)
                if not waiting:
                    break
                self._go_behind(prepared, signed, waiting)
            else:
                raise RepositoryError(
                    "Other writers were faster again and again", item=str(prepared[waiting[0]].record.chain)
                )
        except BaseException as error:
            done = [one for one in signed if one.is_committed]
            if isinstance(error, RepositoryError):
                error.details["committed"] = [str(GenerationId.of(one.record)) for one in done]
            self._withdraw(prepared, signed)
            raise
        finally:
            for one in prepared:
                one.abort()
        return [self._committed(one, mark) for one, mark in zip(prepared, signed)]

    # --- beginning ---
    def _check_collision(self, chain: ChainId) -> None:
        """Refuse a name that differs from a known one in case or composition only."""
        mine = collision_key(str(chain)), collision_key(chain.source)
        for other in list_chains(self.backend):
            if collision_key(other.source) == mine[1] and other.source != chain.source:
                raise OptionInvalid(f"The source {chain.source!r} could be mixed up with {other.source!r}")
            if collision_key(str(other)) == mine[0] and other != chain:
                raise OptionInvalid(f"{str(chain)!r} could be mixed up with {str(other)!r}")

    def _look_back(self, record: CommitRecord | None) -> _Before:
        before = _Before(record)
        if (
            record is None
            or record.recipients_digest != self.recipients_digest
            or record.fingerprint_key != self.writer_key.fingerprint_key_id
        ):
            return before
        before.index = self._read_index(record, before.warnings)
        if before.index is None:
            return before
        missing = {sha for sha, size in record.needed_objects() if self.backend.size(object_name(sha)) != size}
        before.is_whole = not missing
        for sha in sorted(missing):
            before.warnings.append(
                f"The object {sha} of {GenerationId.of(record)} is missing or cut; what it held is stored anew."
            )
        for facts, fingerprints in zip(before.index.bundles, before.index.pieces):
            used = [(fingerprint, member) for member, fingerprint in enumerate(fingerprints) if fingerprint is not None]
            if facts.sha in missing or record.objects.get(facts.sha) != facts.size:
                continue
            if len(used) < REUSE_FROM * facts.members:
                continue
            bundle = _Bundle(facts.data_class, facts.members, facts.sha, facts.size)
            known = before.known.setdefault(facts.data_class, {})
            for fingerprint, member in used:
                known[fingerprint] = (bundle, member)
        return before

    def _read_index(self, record: CommitRecord, warnings: list[str]) -> PieceIndex | None:
        """The index of a believed record, None when it is lost. Raises NotAuthentic when it is somebody else's."""
        sha, size = record.piece_index
        name = object_name(sha)
        try:
            data = self.backend.read(name, INDEX_LIMIT)
        except RepositoryDamaged:
            data = b""
        if len(data) != size or hashlib.sha256(data).hexdigest() != sha:
            warnings.append(
                f"The piece index of {GenerationId.of(record)} is missing or damaged; everything is stored anew."
            )
            return None
        index = PieceIndex.from_bytes(data)
        if index.source != record.source or index.repository_id != record.repository_id:
            raise NotAuthentic(f"The piece index of {GenerationId.of(record)} is that of another source", item=name)
        if (index.recipients_digest, index.fingerprint_key) != (record.recipients_digest, record.fingerprint_key):
            raise NotAuthentic(f"The piece index of {GenerationId.of(record)} is that of other keys", item=name)
        return index

    # --- committing ---
    def _sign(self, record: CommitRecord, previous: CommitRecord | None) -> _Signed:
        """The record behind ``previous``, with its time and its attempt, signed."""
        attempt = 1
        if record.change_id is not None:
            attempt += len(generations_of_change(self.backend, previous, record.change_id, record.phase))
        record = replace(
            record,
            sequence=previous.sequence + 1 if previous is not None else 1,
            parent=previous.hash if previous is not None else "",
            received_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock())),
            attempt=attempt,
        )
        data = record.to_bytes()
        return _Signed(record, data, self.writer_key.signing_key.sign(data, COMMIT_NAMESPACE))

    def _publish_objects(self, prepared: Sequence[Prepared], signed: Sequence[_Signed]) -> None:
        """Objects and signatures; without a record they mean nothing."""
        files = [pair for one in prepared for pair in one.staged]
        signatures: list[tuple[Staged, str]] = []
        try:
            for mark in signed:
                staged = self.backend.stage("signature")
                signatures.append((staged, mark.signature_name))
                staged.write(mark.signature)
                staged.close()
            existing = set(self.backend.publish(files + signatures))
        finally:
            for staged, _name in signatures:
                staged.abort()
        for one in prepared:
            sha = one.record.piece_index[0]
            if one.index_data and object_name(sha) in existing:
                self._heal_index(sha, one.index_data)

    def _heal_index(self, sha: str, data: bytes) -> None:
        """An index is clear, so the same one may have been there before, and may have been damaged since."""
        name = object_name(sha)
        try:
            intact = self.backend.read(name, INDEX_LIMIT) == data
        except RepositoryDamaged:
            intact = False
        if not intact:
            self.backend.replace(name, data)

    def _create_records(self, signed: Sequence[_Signed]) -> list[int]:
        """Create the records that are not there yet; which of them found their place taken."""
        first: dict[str, int] = {}
        waiting = [position for position, mark in enumerate(signed) if not mark.is_committed]
        for position in waiting:
            # two of one line in one group: the second one comes with the next round
            first.setdefault(record_name(GenerationId.of(signed[position].record)), position)
        taken = set(self.backend.create_many([(name, signed[position].data) for name, position in first.items()]))
        for name, position in first.items():
            signed[position].is_committed = name not in taken
        return [position for position in waiting if not signed[position].is_committed]

    def _go_behind(self, prepared: Sequence[Prepared], signed: list[_Signed], waiting: Sequence[int]) -> None:
        """Give those that wait a place behind the newest record."""
        strays = []
        for position in waiting:
            one = prepared[position]
            strays.append(signed[position].signature_name)
            one.previous = head(self.backend, one.record.chain, self.believe)
            signed[position] = self._sign(one.record, one.previous)
        self.backend.create_many(
            [(signed[position].signature_name, signed[position].signature) for position in waiting]
        )
        for name in strays:
            with suppress(RepositoryError):
                self.backend.remove(name)

    def _withdraw(self, prepared: Sequence[Prepared], signed: Sequence[_Signed]) -> None:
        """Remove what was published for records that did not come to be: on a full disk it would be in the way."""
        for one, mark in zip(prepared, signed):
            with suppress(RepositoryError):
                if mark.is_committed or self.backend.exists(record_name(GenerationId.of(mark.record))):
                    # the record may be this one, when only the last sync failed
                    continue
                self.backend.remove(mark.signature_name)
                for sha in one.file_keys:
                    # sealed a moment ago: nobody else can have the same bytes
                    self.backend.remove(object_name(sha))

    def _committed(self, one: Prepared, mark: _Signed) -> Committed:
        record, previous = mark.record, one.previous
        comparable = previous if previous is None or previous.fingerprint_key == record.fingerprint_key else None
        changed = changed_items(comparable, record.items)
        return Committed(
            record=record,
            content_changed=comparable is None or bool(changed) or comparable.release != record.release,
            changed_items=changed,
            bytes_read=one.bytes_read,
            bytes_stored=one.bytes_stored + len(mark.data) + len(mark.signature),
            file_keys=one.file_keys,
            warnings=tuple(one.warnings),
        )
