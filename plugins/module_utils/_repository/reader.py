# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a generation with the file keys of its objects. Nothing is handed out that is not what was stored.

A manifest is hashed as a whole before a line of it is read; its hash stands in the signed record. A bundle is not:
every piece in it is compared with its digest in the manifest before it is handed out, and everything else in it only
leads to pieces. So an object that was exchanged is refused where it is no bundle or where a piece of it is another one.
Then it is hashed, to tell whether the object was changed or the manifest never fitted it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from io import BytesIO
from typing import BinaryIO

from .._entries import path_to_text
from .._errors import ItemTruncated, KeyRequired, RepositoryDamaged
from .._libraries import require
from . import age
from .backends.base import Backend
from .bundles import BundleReader, FrameCache
from .expiry import fate_of
from .format import PIECE_DIGEST_SIZE, CommitRecord, GenerationId, Manifest, StoredEntry, object_name

try:
    import zstandard
    from zstandard import ZstdError
except ImportError:
    # _libraries.require tells the user
    pass

OPEN_BUNDLES = 8
LINE_LIMIT = 64 * 1024 * 1024
"""No line of a manifest is longer; that of a file of 10 TiB would be."""

_HASH_BLOCK = 256 * 1024
_NOTHING = hashlib.sha256().hexdigest()
_SMALL = 1024 * 1024
"""Objects up to this size are read at once."""


def hash_object(backend: Backend, sha: str, size: int) -> None:
    """Read an object to its end. Raises RepositoryDamaged, by its name, unless it has this SHA-256 and size."""
    if size <= _SMALL:
        read_object(backend, sha, size)
        return
    name = object_name(sha)
    digest = hashlib.sha256()
    read = 0
    with backend.open(name) as stream:
        while read <= size:
            block = stream.read(_HASH_BLOCK)
            if not block:
                break
            digest.update(block)
            read += len(block)
    _check_hash(name, sha, size, read, digest.hexdigest())


def _check_hash(name: str, sha: str, size: int, read: int, digest: str) -> None:
    if read != size:
        raise RepositoryDamaged(f"The object has {read} bytes instead of {size}", item=name)
    if digest != sha:
        raise RepositoryDamaged("The object was changed: its SHA-256 is not its name", item=name)


def read_object(backend: Backend, sha: str, size: int) -> bytes:
    """A small object as a whole. Raises RepositoryDamaged, by its name, unless it has this SHA-256 and size."""
    name = object_name(sha)
    data = backend.read(name, _SMALL)
    _check_hash(name, sha, size, len(data), hashlib.sha256(data).hexdigest())
    return data


def sealed_headers(backend: Backend, records: Iterable[CommitRecord]) -> dict[str, bytes]:
    """The age headers of all sealed objects of some generations, by SHA-256: what is needed to find their file keys.

    Raises RepositoryDamaged by the object's name, GenerationPruned.
    """
    headers: dict[str, bytes] = {}
    for record in records:
        fate = fate_of(backend, record)
        fate.require_whole(record)
        for sha in (record.manifest[0], *record.objects):
            if sha not in headers and sha not in fate.released:
                headers[sha] = _header(backend, sha)
    return headers


def readable_headers(backend: Backend, records: Iterable[CommitRecord]) -> dict[str, bytes]:
    """As :func:`sealed_headers`, of all that can be read, whatever became of it."""
    headers: dict[str, bytes] = {}
    for sha in {sha for record in records for sha in (record.manifest[0], *record.objects)}:
        with suppress(RepositoryDamaged):
            headers[sha] = _header(backend, sha)
    return headers


def _header(backend: Backend, sha: str) -> bytes:
    with backend.open(object_name(sha)) as stream:
        try:
            return age.parse_header(stream).raw
        except RepositoryDamaged as error:
            error.item = object_name(sha)
            raise


class GenerationReader:
    """Reads one generation, whose record the caller believes.

    ``expired_classes``: data classes that were let go; nothing of them is among the entries. Memory stays below 64 MiB.
    Contents are read fastest in the order of the entries.

    :param file_keys: the file keys of its manifest and bundles by SHA-256
    :param hashed: objects, by SHA-256, that were hashed a moment ago, and are not hashed again
    :param ahead: open the next part of a bundle while the one before is used, in a thread
    :param cache: what was opened last, of several generations that are read one after the other
    :raises GenerationPruned: the generation was let go
    :raises KeyRequired: the manifest's key is missing; that of a bundle is missed when the bundle is needed
    :raises RepositoryDamaged: the manifest is missing, changed, or not that of this record
    """

    def __init__(
        self,
        backend: Backend,
        record: CommitRecord,
        file_keys: Mapping[str, bytes],
        hashed: Container[str] = (),
        *,
        ahead: bool = True,
        cache: FrameCache | None = None,
    ) -> None:
        require("cryptography", "zstandard")
        fate = fate_of(backend, record)
        fate.require_whole(record)
        self.record = record
        self.expired_classes = fate.expired_classes
        self.file_keys = file_keys
        self._backend = backend
        self._hashed = hashed
        self._is_ahead = ahead
        self._cache = cache or FrameCache()
        self._bundles: OrderedDict[str, BundleReader] = OrderedDict()
        self._thread: ThreadPoolExecutor | None = None
        self._small_manifest: bytes | None = None
        self.manifest: Manifest = self._read_first_line()

    def __enter__(self) -> GenerationReader:
        return self

    def __exit__(self, *_what: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        while self._bundles:
            self._bundles.popitem()[1].close()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def another(self) -> GenerationReader:
        """A reader of the same generation that has nothing open yet, for a process of its own."""
        other = copy(self)
        other._cache, other._bundles, other._thread, other._is_ahead = FrameCache(), OrderedDict(), None, False
        return other

    def entries(self) -> Iterator[StoredEntry]:
        """All entries in their order, without those that a later one replaces, read anew each time.

        Raises RepositoryDamaged.
        """
        count = 0
        replaced = frozenset(self.manifest.replaced)
        lines = self._lines()
        next(lines, None)
        for number, line in enumerate(lines):
            count += 1
            if number in replaced:
                continue
            stored = StoredEntry.from_line(line)
            if any(bundle >= len(self.manifest.bundles) for bundle, _member in stored.pieces):
                raise self._wrong_manifest("an entry stands in a bundle that it does not name")
            if stored.entry.data_class not in self.expired_classes:
                yield stored
        if count != self.manifest.entries:
            raise self._wrong_manifest(f"it has {count} entries instead of {self.manifest.entries}")

    def content(self, stored: StoredEntry) -> Iterator[bytes]:
        """The content of an entry, none for what has none. Raises what :meth:`passing` raises."""
        return map(bytes, self.passing(stored))

    def passing(self, stored: StoredEntry) -> Iterator[memoryview]:
        """The content of an entry, each part of it good until the next; it is compared before it is handed out.

        :raises KeyRequired: the key of a bundle is missing
        :raises RepositoryDamaged: a bundle is missing or changed
        :raises ItemTruncated: the content is not the one that was stored
        """
        size = 0
        for number in range(len(stored.pieces)):
            piece = self.piece(stored, number)
            size += len(piece)
            if number == len(stored.pieces) - 1:
                self._check_size(stored, size)
            yield piece
        if not stored.pieces:
            self._check_size(stored, size)

    def piece(self, stored: StoredEntry, number: int) -> memoryview:
        """One piece of a content, compared with its digest, good until the next is read.

        Raises what :meth:`content` raises.
        """
        bundle, member = stored.pieces[number]
        try:
            piece = self._bundle(bundle).read(member)
        except RepositoryDamaged:
            self._blame(bundle, stored)
            raise
        digest = hashlib.sha256(piece)
        if stored.digests:
            is_right = digest.digest()[:PIECE_DIGEST_SIZE] == stored.digests[number]
        else:
            is_right = digest.hexdigest() == stored.sha256
        if not is_right:
            self._blame(bundle, stored)
            raise self._wrong_content(stored)
        return piece

    def check(self, stored: StoredEntry, sizes: Mapping[int, int]) -> list[int]:
        """Compare a content without handing it out. Raises what :meth:`content` raises.

        :param sizes: the sizes of pieces, by number, that were compared before and are not read again
        :returns: the sizes of all pieces
        """
        found = [
            sizes[number] if number in sizes else len(self.piece(stored, number))
            for number in range(len(stored.pieces))
        ]
        self._check_size(stored, sum(found))
        return found

    def read(self, stored: StoredEntry) -> bytes:
        """The whole content of a small entry. Raises what :meth:`content` raises."""
        return b"".join(self.content(stored))

    # --- inner ---
    def _blame(self, bundle: int, stored: StoredEntry) -> None:
        """Raise RepositoryDamaged when the bundle that something is wrong with is not the one that was stored."""
        if bundle < len(self.manifest.bundles):
            sha = self.manifest.bundles[bundle]
            if sha not in self._hashed:
                try:
                    hash_object(self._backend, sha, self.record.objects[sha])
                except RepositoryDamaged as error:
                    error.hint = f"It holds {path_to_text(stored.entry.path)}."
                    raise

    def _check_size(self, stored: StoredEntry, size: int) -> None:
        if stored.sha256 is not None and (
            size != stored.entry.size or (not stored.pieces and stored.sha256 != _NOTHING)
        ):
            raise self._wrong_content(stored)

    def _wrong_content(self, stored: StoredEntry) -> ItemTruncated:
        return ItemTruncated(
            f"The content of {GenerationId.of(self.record)} is not the one that was stored",
            item=stored.entry.to_json()["path"],
        )

    def _wrong_manifest(self, what: str) -> RepositoryDamaged:
        return RepositoryDamaged(f"The manifest does not fit: {what}", item=object_name(self.record.manifest[0]))

    def _read_first_line(self) -> Manifest:
        sha, size = self.record.manifest
        if sha not in self.file_keys:
            raise KeyRequired(f"The key of {GenerationId.of(self.record)} is not at hand", item=object_name(sha))
        if size <= _SMALL:
            self._small_manifest = read_object(self._backend, sha, size)
        elif sha not in self._hashed:
            hash_object(self._backend, sha, size)
        manifest = Manifest.from_line(next(self._lines(), b""))
        record = self.record
        mine = (record.repository_id, record.source, record.product, record.instance, record.status, record.release)
        its = (manifest.repository_id, manifest.source, manifest.product, manifest.instance)
        if its + (manifest.status, manifest.release) != mine:
            raise self._wrong_manifest(f"it is that of {manifest.source}/{manifest.product}")
        if set(manifest.bundles) != set(record.objects):
            raise self._wrong_manifest("it names other bundles than the commit record")
        return manifest

    def _lines(self) -> Iterator[bytes]:
        sha, size = self.record.manifest
        name = object_name(sha)
        rest = b""
        with self._open_manifest() as stream:
            try:
                header = age.parse_header(stream)
                payload = age.PayloadReader(self.file_keys[sha], stream, header.length, size - header.length)
                for data in _decompress(payload.chunks()):
                    *lines, rest = (rest + data).split(b"\n")
                    yield from lines
                    if len(rest) > LINE_LIMIT:
                        raise RepositoryDamaged("The manifest has a line without an end")
            except RepositoryDamaged as error:
                error.item = error.item or name
                raise
            except ZstdError as error:
                raise RepositoryDamaged(f"The manifest cannot be decompressed: {error}", item=name) from None
        if rest:
            raise RepositoryDamaged("The manifest ends within a line", item=name)

    def _open_manifest(self) -> BinaryIO:
        if self._small_manifest is not None:
            return BytesIO(self._small_manifest)
        return self._backend.open(object_name(self.record.manifest[0]))

    def _bundle(self, number: int) -> BundleReader:
        if number >= len(self.manifest.bundles):
            raise self._wrong_manifest("an entry stands in a bundle that it does not name")
        sha = self.manifest.bundles[number]
        reader = self._bundles.get(sha)
        if reader is None:
            reader = self._bundles[sha] = self._open_bundle(sha)
            if len(self._bundles) > OPEN_BUNDLES:
                self._bundles.popitem(last=False)[1].close()
        else:
            self._bundles.move_to_end(sha)
        return reader

    def _open_bundle(self, sha: str) -> BundleReader:
        if sha not in self.file_keys:
            raise KeyRequired(f"A key of {GenerationId.of(self.record)} is not at hand", item=object_name(sha))
        size = self.record.objects[sha]
        is_small = size <= _SMALL
        name = object_name(sha)
        stream = BytesIO(self._backend.read(name, _SMALL)) if is_small else self._backend.open(name)
        try:
            return BundleReader(stream, name, size, self.file_keys[sha], self._cache, self._pool(is_small))
        except BaseException:
            stream.close()
            raise

    def _pool(self, is_small: bool) -> ThreadPoolExecutor | None:
        if is_small or not self._is_ahead:
            return None
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "open-frame")
        return self._thread


def _decompress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of zstd frames that follow each other. Raises RepositoryDamaged when the last one is cut."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    begun = False
    for chunk in chunks:
        while chunk:
            begun = True
            data = decompressor.decompress(chunk)
            if data:
                yield data
            chunk = decompressor.unused_data
            if decompressor.eof:
                decompressor = zstandard.ZstdDecompressor().decompressobj()
                begun = False
            else:
                chunk = b""
    if begun:
        raise RepositoryDamaged("The manifest is cut off")
