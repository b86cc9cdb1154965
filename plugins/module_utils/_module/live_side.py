# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as it is gathered right now, as the later side of a comparison with the generation before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from .._entries import Entry
from .._repository.digests import Keep, Normaliser
from .._repository.format import StoredEntry
from .comparison import Compared
from .view import LARGEST_CONTENT, has_readable_content

KEPT_BYTES = 64 * 2**20
"""Bytes of new contents that are held for a difference; what goes beyond is only named."""


class KeepingSink(Protocol):
    """A sink that shows contents as they pass by."""

    def add(
        self, entry: Entry, chunks: Iterable[bytes], normaliser: Normaliser | None = None, keep: Keep | None = None
    ) -> StoredEntry:
        """Take one entry and read all its content; ``keep`` is given it piece by piece."""


class LiveSide(Mapping[bytes, bytes]):
    """A sink in front of another one. It keeps, in bounded memory, the contents that differ from an earlier side."""

    def __init__(self, sink: KeepingSink, earlier: Compared) -> None:
        self._sink = sink
        self._earlier = earlier
        self._kept: dict[bytes, bytes] = {}
        self._room = KEPT_BYTES
        self._entries: dict[bytes, StoredEntry] = {}
        self.label = "the host now"
        self.entries: Mapping[bytes, StoredEntry] = self._entries

    def add(self, entry: Entry, chunks: Iterable[bytes], normaliser: Normaliser | None = None) -> StoredEntry:
        """Pass an entry on; its content is kept when it is new and not too large."""
        held: list[bytes] = []
        size = 0

        def keep(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size <= min(LARGEST_CONTENT, self._room):
                held.append(bytes(chunk))
            else:
                held.clear()

        stored = self._sink.add(entry, chunks, normaliser, keep)
        path = stored.entry.path
        self._room += len(self._kept.pop(path, b""))
        self._entries[path] = stored
        before = self._earlier.entries.get(path)
        if has_readable_content(stored) and (before is None or before.sha256 != stored.sha256):
            content = b"".join(held)
            if len(content) == stored.entry.size:
                self._kept[path] = content
                self._room -= len(content)
        return stored

    @property
    def view(self) -> Mapping[bytes, bytes]:
        """The contents by path, as far as they are at hand."""
        return self

    def __getitem__(self, path: bytes) -> bytes:
        if path in self._kept:
            return self._kept[path]
        stored, before = self.entries[path], self._earlier.entries.get(path)
        if before is None or before.sha256 != stored.sha256:
            raise KeyError(path)
        return self._earlier.view[path]

    def _readable(self, path: bytes) -> bool:
        before = self._earlier.entries.get(path)
        same = before is not None and before.sha256 == self.entries[path].sha256
        return path in self._kept or (same and path in self._earlier.view)

    def __iter__(self) -> Iterator[bytes]:
        return (path for path in self.entries if self._readable(path))

    def __len__(self) -> int:
        return sum(1 for _path in self)
