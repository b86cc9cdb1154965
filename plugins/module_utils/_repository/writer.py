# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing into a repository: who may, behind which generation, and the signed record as the only commit point."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Union

from .._errors import RepositoryDamaged, RepositoryError
from .._libraries import require
from .backends.base import Backend, Staged
from .bundles import Compressor
from .chain import Believe, KnownNames, believe_keyring, head, list_chains
from .digests import Digester
from .format import (
    COMMIT_NAMESPACE,
    ChainId,
    CommitRecord,
    GenerationId,
    object_name,
    record_name,
    signature_name,
)
from .generation_writer import GenerationFacts, GenerationWriter, Prepared, Workplace, changed_items
from .generations import generations_of_change
from .keyring import Keyring, check_pinned, load_keyring
from .keys import WriterKey
from .reuse import INDEX_LIMIT, look_back

__all__ = ["Committed", "GenerationFacts", "GenerationWriter", "Prepared", "RepositoryWriter"]

COMMIT_ATTEMPTS = 200
"""Each one that fails means that somebody else committed."""


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


Outcome = Union[Committed, RepositoryError]


def all_committed(outcomes: Sequence[Outcome]) -> list[Committed]:
    """What was committed, when it is everything.

    :raises RepositoryError: the first of what is not; those that are committed nevertheless stand in its details
    """
    done = [one for one in outcomes if isinstance(one, Committed)]
    for error in outcomes:
        if isinstance(error, RepositoryError):
            error.details["committed"] = [str(one.generation_id) for one in done]
            raise error
    return done


@dataclass
class _Going:
    """A generation on its way: its record as it stands, the bytes and the signature of that, what became of it."""

    one: Prepared
    record: CommitRecord
    data: bytes = b""
    signature: bytes = b""
    is_committed: bool = False
    failed: RepositoryError | None = None

    @property
    def signature_name(self) -> str:
        return signature_name(GenerationId.of(self.record), hashlib.sha256(self.data).hexdigest())


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
        self.believe: Believe = believe_keyring(self.keyring)
        hashers = ThreadPoolExecutor(2, "hash")
        self._workplace = Workplace(backend, self.keyring, writer_key, Compressor(), hashers, self._passed)
        self._clock = clock
        self._swept = False
        self._names: KnownNames | None = None
        self._naming = Lock()

    def __enter__(self) -> RepositoryWriter:
        return self

    def __exit__(self, *_what: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the threads end."""
        self._workplace.compressor.close()
        self._workplace.hashers.shutdown()

    def digester(self, source: str) -> Digester:
        """A sink that reads entries of a source and writes nothing."""
        return Digester(self.writer_key.source_key(source))

    def _passed(self, size: int) -> None:
        """So many bytes more were read, for whichever generation."""

    def begin(
        self,
        source: str,
        product: str,
        instance: str = "",
        *,
        dry_run: bool = False,
        force_store: bool = False,
        believed_for: float = 0.0,
    ) -> GenerationWriter:
        """Begin the next generation of a line.

        :param dry_run: read and compare only; it cannot be finished
        :param force_store: use nothing of earlier generations, so that what this run seals is all that it needs
        :param believed_for: seconds for which a large file is not read again, as long as its host says that it was not
            written to; 0: everything is read
        :raises OptionInvalid: a name that cannot be, or that some file systems would take for another one's
        :raises RepositoryDamaged: the newest record is damaged, not signed by a writer, or names a stranger's index
        """
        chain = ChainId(source, product, instance)
        if not dry_run and not self._swept:
            self._swept = True
            self.backend.sweep()
        try:
            newest = head(self.backend, chain, self.believe)
        except RepositoryDamaged as error:
            error.hint = error.hint or "Bring it back from another copy of the repository: the next record names it."
            raise
        if newest is None:
            self._check_collision(chain)
        before = look_back(self.backend, newest, self._workplace.recipients_digest, self.writer_key.fingerprint_key_id)
        return GenerationWriter(self._workplace, chain, before, dry_run, force_store, self._clock(), believed_for)

    def commit(self, prepared: Sequence[Prepared]) -> list[Committed]:
        """Publish generations as one group. Each becomes visible as a whole or not at all.

        When another writer was faster, the generation goes behind that one's. After an error the ids of those that are
        committed nevertheless stand in its details as C(committed); nothing staged is left.
        """
        return all_committed(self.commit_each(prepared))

    def commit_each(self, prepared: Sequence[Prepared]) -> list[Outcome]:
        """The same; what is wrong with the line of one generation is the outcome of that one, and no other's."""
        group = [_Going(one, one.record) for one in prepared]
        try:
            for going in group:
                self._sign(going)
            self._publish_objects(_alive(group))
            for _attempt in range(COMMIT_ATTEMPTS):
                waiting = self._create_records(_alive(group))
                if not waiting:
                    break
                self._go_behind(waiting)
            else:
                raise RepositoryError("Other writers were faster again and again", item=str(waiting[0].record.chain))
        except BaseException as error:
            if isinstance(error, RepositoryError):
                done = [str(GenerationId.of(going.record)) for going in group if going.is_committed]
                error.details["committed"] = done
            self._withdraw(_alive(group))
            raise
        finally:
            for one in prepared:
                one.abort()
        self._keep_indexes(_alive(group))
        for going in _alive(group):
            if going.one.known_files is not None:
                going.one.known_files.save()
        return [going.failed or self._committed(going) for going in group]

    # --- beginning ---
    def _check_collision(self, chain: ChainId) -> None:
        """Refuse a name that differs from a known one in case or composition only."""
        with self._naming:
            if self._names is None:
                # once for a whole fleet: it grows with what there is
                self._names = KnownNames(list_chains(self.backend))
            self._names.claim(chain)

    # --- committing ---
    def _sign(self, going: _Going, newest: bool = False) -> None:
        """Give the record its place, its time and its attempt, and sign it. Where the line is damaged it has failed.

        :param newest: its place is behind the newest record, and no more behind the one that it was prepared for
        """
        one = going.one
        attempt = 1
        try:
            if newest:
                one.previous = head(self.backend, one.record.chain, self.believe)
            if one.record.change_id is not None:
                attempt += len(
                    generations_of_change(self.backend, one.previous, one.record.change_id, one.record.phase)
                )
        except RepositoryError as error:
            going.failed = error
            return
        going.record = replace(
            one.record,
            sequence=one.previous.sequence + 1 if one.previous is not None else 1,
            parent=one.previous.hash if one.previous is not None else "",
            received_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock())),
            attempt=attempt,
        )
        going.data = going.record.to_bytes()
        going.signature = self.writer_key.signing_key.sign(going.data, COMMIT_NAMESPACE)

    def _publish_objects(self, group: Sequence[_Going]) -> None:
        """Objects and signatures; without a record they mean nothing."""
        files = [pair for going in group for pair in going.one.staged]
        signatures: list[tuple[Staged, str]] = []
        try:
            for going in group:
                staged = self.backend.stage("signature")
                signatures.append((staged, going.signature_name))
                staged.write(going.signature)
                staged.close()
            existing = set(self.backend.publish(files + signatures))
        finally:
            for staged, _name in signatures:
                staged.abort()
        for going in group:
            sha = going.one.record.piece_index[0]
            if going.one.index_data and object_name(sha) in existing:
                self._heal_index(sha, going.one.index_data)

    def _heal_index(self, sha: str, data: bytes) -> None:
        """An index is clear, so the same one may have been there before, and may have been damaged since."""
        name = object_name(sha)
        try:
            intact = self.backend.read(name, INDEX_LIMIT) == data
        except RepositoryDamaged:
            intact = False
        if not intact:
            self.backend.replace(name, data)

    def _keep_indexes(self, group: Sequence[_Going]) -> None:
        """A clear index that a run which was cut off left behind may have been swept before the record named it."""
        for going in group:
            name = object_name(going.one.record.piece_index[0])
            if going.one.index_data and not self.backend.exists(name):
                self.backend.create_many([(name, going.one.index_data)])

    def _create_records(self, group: Sequence[_Going]) -> list[_Going]:
        """Create the records that are not there yet; which of them found their place taken."""
        first: dict[str, _Going] = {}
        waiting = [going for going in group if not going.is_committed]
        for going in waiting:
            # two of one line in one group: the second one comes with the next round
            first.setdefault(record_name(GenerationId.of(going.record)), going)
        taken = set(self.backend.create_many([(name, going.data) for name, going in first.items()]))
        for name, going in first.items():
            going.is_committed = name not in taken
        return [going for going in waiting if not going.is_committed]

    def _go_behind(self, waiting: Sequence[_Going]) -> None:
        """Give those that wait a place behind the newest record; who finds none leaves nothing behind."""
        strays = [going.signature_name for going in waiting]
        for going in waiting:
            self._sign(going, newest=True)
            if going.failed:
                self._remove_objects(going.one)
        self.backend.create_many([(going.signature_name, going.signature) for going in _alive(waiting)])
        for name in strays:
            with suppress(RepositoryError):
                self.backend.remove(name)

    def _withdraw(self, group: Sequence[_Going]) -> None:
        """Remove what was published for records that did not come to be: on a full disk it would be in the way."""
        for going in group:
            with suppress(RepositoryError):
                if going.is_committed or self.backend.exists(record_name(GenerationId.of(going.record))):
                    # the record may be this one, when only the last sync failed
                    continue
                self.backend.remove(going.signature_name)
                self._remove_objects(going.one)

    def _remove_objects(self, one: Prepared) -> None:
        """What was sealed a moment ago: nobody else can have the same bytes."""
        with suppress(RepositoryError):
            for sha in one.file_keys:
                self.backend.remove(object_name(sha))

    @staticmethod
    def _committed(going: _Going) -> Committed:
        one, record, previous = going.one, going.record, going.one.previous
        comparable = previous if previous is None or previous.fingerprint_key == record.fingerprint_key else None
        changed = changed_items(comparable, record.items)
        return Committed(
            record=record,
            content_changed=comparable is None or bool(changed) or comparable.release != record.release,
            changed_items=changed,
            bytes_read=one.bytes_read,
            bytes_stored=one.bytes_stored + len(going.data) + len(going.signature),
            file_keys=one.file_keys,
            warnings=tuple(one.warnings),
        )


def _alive(group: Sequence[_Going]) -> list[_Going]:
    """Those that are signed and have not failed."""
    return [going for going in group if going.data and going.failed is None]
