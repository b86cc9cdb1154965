# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A generation as the comparisons see it: contents by path, read when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .._repository.format import StoredEntry
from .._repository.reader import GenerationReader
from .extraction import FILE_KINDS

LARGEST_CONTENT = 16 * 2**20
"""Bytes. Larger contents are not read for a comparison."""


class GenerationView(Mapping[bytes, bytes]):
    """The contents of the chosen entries that are files, dumps or outputs and not too large, by path."""

    def __init__(self, reader: GenerationReader, entries: Mapping[bytes, StoredEntry]) -> None:
        self._reader = reader
        self._entries = {path: stored for path, stored in entries.items() if has_readable_content(stored)}

    def __getitem__(self, path: bytes) -> bytes:
        return b"".join(self._reader.content(self._entries[path]))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def has_readable_content(stored: StoredEntry) -> bool:
    """Whether an entry has a content that a comparison reads."""
    return stored.entry.kind in FILE_KINDS and stored.entry.size <= LARGEST_CONTENT
