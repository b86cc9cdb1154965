# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading entries once: the hash of every content, and a digest of every item.

An item's digest is made of what its entries are and of their normalised contents. It leaves out their times and their
order, so it changes only when something changed that matters, and it is keyed, so it says nothing to others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from .._entries import DATA_CLASSES, Entry, KnownContent
from .._errors import OptionInvalid
from .format import FINGERPRINT_SIZE, Content, StoredEntry, entry_lines
from .keys import WriterKey

CONTENT_KINDS = frozenset(("file", "output", "dump"))
"""Kinds of entries that have content."""

Keep = Callable[[bytes], object]


class Normaliser(Protocol):
    """Takes out of a content what always differs, line by line."""

    def feed(self, data: bytes) -> bytes:
        """What is certain after these bytes."""

    def finish(self) -> bytes:
        """The rest."""


def keyed_digest(source_key: bytes, digest: bytes) -> bytes:
    """The keyed form, 16 bytes, of a SHA-256: by it a writer knows a piece again, and it says nothing to others."""
    return WriterKey.fingerprint(source_key, digest)[:FINGERPRINT_SIZE]


class _Tally:
    """What is known of one item so far: of every path its digest, bytes and line of the manifest."""

    def __init__(self, data_class: str) -> None:
        self.data_class = data_class
        self.paths: dict[bytes, tuple[bytes, int, int]] = {}

    def result(self, name: str, source_key: bytes) -> dict[str, Any]:
        # the order in which a host lists its files says nothing
        digests = sorted(digest for digest, _size, _line in self.paths.values())
        whole = hashlib.sha256(name.encode("utf-8") + b"\0" + b"".join(digests)).digest()
        return {
            "digest": keyed_digest(source_key, whole).hex(),
            "bytes": sum(size for _digest, size, _line in self.paths.values()),
            "entries": len(digests),
            "data_class": self.data_class,
        }


class Digester:
    """A sink for entries that reads them and keeps nothing but digests.

    When a path of an item comes again, because it changed while it was read, the later one counts.

    :param source_key: the key of the source, :meth:`WriterKey.source_key`
    """

    def __init__(self, source_key: bytes) -> None:
        self._source_key = source_key
        self._tallies: dict[str, _Tally] = {}
        self._line_count = 0
        self._replaced: list[int] = []
        self.bytes_read = 0

    def add(
        self,
        entry: Entry,
        chunks: Iterable[bytes],
        normaliser: Normaliser | None = None,
        keep: Keep | None = None,
    ) -> StoredEntry:
        """Read an entry's content to its end, unless it is known.

        :param normaliser: takes out what always differs; the digest of the item is made of what remains
        :param keep: is given the content as it passes by
        :raises OptionInvalid: an item's entries are of different data classes, or of an unknown one
        """
        tally = self._tallies.get(entry.item)
        if tally is None:
            tally = _Tally(entry.data_class)
        if entry.data_class not in DATA_CLASSES:
            raise OptionInvalid(f"The item {entry.item} has the unknown data class {entry.data_class}")
        if entry.data_class != tally.data_class:
            raise OptionInvalid(f"The item {entry.item} mixes {tally.data_class} and {entry.data_class}")
        sha: str | None = None
        normalised: str | None = None
        content = Content(0, b"")
        content_digest = b""
        if entry.kind in CONTENT_KINDS:
            if isinstance(chunks, KnownContent):
                content = self._take_known(entry.data_class, chunks)
                content_digest = content.sha256
            else:
                content, content_digest = self._content(entry.data_class, chunks, normaliser, keep)
                self.bytes_read += content.size
            sha, normalised = content.sha256.hex(), content_digest.hex()
            if entry.size != content.size:
                entry = replace(entry, size=content.size)
            if normaliser is None and not isinstance(chunks, KnownContent):
                self._has_read(entry, content)
        what, line = entry_lines(entry, sha, content.pieces, content.digests)
        # an item whose first content broke off never began
        self._tallies[entry.item] = tally
        replaced = tally.paths.get(entry.path)
        if replaced is not None:
            self._replaced.append(replaced[2])
        tally.paths[entry.path] = (hashlib.sha256(what + content_digest).digest(), content.size, self._line_count)
        self._line_count += 1
        self._take_line(line)
        return StoredEntry(entry, sha, content.pieces, content.digests, normalised)

    def item_digests(self) -> dict[str, dict[str, Any]]:
        """Of each item its keyed digest, bytes, entries and data class, as a commit record has it."""
        return {name: tally.result(name, self._source_key) for name, tally in self._tallies.items()}

    # --- what a writer does beside ---
    def _take_content(self, data_class: str, chunks: Iterable[bytes]) -> Content:
        """Read a content to its end."""
        size = 0
        digest = hashlib.sha256()
        for chunk in chunks:
            size += len(chunk)
            digest.update(chunk)
        return Content(size, digest.digest())

    def _take_known(self, data_class: str, known: KnownContent) -> Content:
        """Take a content that is stored already."""
        return Content(known.size, known.sha256)

    def _has_read(self, entry: Entry, content: Content) -> None:
        """An entry was read to its end, and every byte of it counts."""

    def _take_line(self, line: bytes) -> None:
        """Take one line of the manifest."""

    # --- contents ---
    def _content(
        self, data_class: str, chunks: Iterable[bytes], normaliser: Normaliser | None, keep: Keep | None
    ) -> tuple[Content, bytes]:
        """A content, and the SHA-256 of what the normaliser leaves of it."""
        normalised = hashlib.sha256()
        if normaliser is not None or keep is not None:
            chunks = _tee(chunks, normaliser, normalised.update, keep)
        content = self._take_content(data_class, chunks)
        return content, content.sha256 if normaliser is None else normalised.digest()


def _tee(
    chunks: Iterable[bytes], normaliser: Normaliser | None, update: Callable[[bytes], object], keep: Keep | None
) -> Iterator[bytes]:
    for chunk in chunks:
        if normaliser is not None:
            update(normaliser.feed(chunk))
        if keep is not None:
            keep(chunk)
        yield chunk
    if normaliser is not None:
        update(normaliser.finish())
