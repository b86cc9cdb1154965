# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sealed object on its way into the repository: sealed, hashed and staged as it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from . import age
from .backends.base import Staged

_WRITE_SIZE = 1024 * 1024


@dataclass(frozen=True)
class SealedObject:
    """A staged object: SHA-256 (hex) and number of its bytes, the key that opens it, and where it is staged."""

    sha: str
    size: int
    file_key: bytes = field(repr=False)
    staged: Staged = field(repr=False)


class SealedWriter:
    """Seals what is written to it into a staged file that begins to exist with the first bytes.

    :param stage: gives a staged file for a hint, :meth:`Backend.stage`
    """

    def __init__(self, stage: Callable[[str], Staged], hint: str, recipients: Sequence[str]) -> None:
        self._stage = stage
        self._hint = hint
        self._file_key = age.new_file_key()
        self._hash = hashlib.sha256()
        self._size = 0
        self._held: list[bytes] = []
        self._held_size = 0
        self._staged: Staged | None = None
        self._take(age.seal_header(self._file_key, recipients))
        self._payload = age.PayloadWriter(self._file_key, self._take)

    def write(self, data: bytes) -> None:
        """Seal some bytes."""
        self._payload.write(data)
        if self._held_size >= _WRITE_SIZE:
            self._flush()

    def close(self) -> SealedObject:
        """Seal the end. The object is staged; nobody sees it before it is published."""
        self._payload.close()
        staged = self._flush()
        staged.close()
        return SealedObject(self._hash.hexdigest(), self._size, self._file_key, staged)

    def abort(self) -> None:
        """Leave nothing behind."""
        self._held = []
        if self._staged is not None:
            self._staged.abort()

    def _take(self, data: bytes) -> None:
        self._held.append(data)
        self._held_size += len(data)

    def _flush(self) -> Staged:
        data = b"".join(self._held)
        self._held = []
        self._held_size = 0
        self._hash.update(data)
        self._size += len(data)
        if self._staged is None:
            self._staged = self._stage(self._hint)
        self._staged.write(data)
        return self._staged
