# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large files that need not be read again, because their host says that nobody wrote to them since.

Of each file its last reading is noted, sealed with a key that is made of the writer's and of all that the host says of
the file: path, size, inode, times. So a note is of use to whoever meets the very same file on the host again, and to
nobody else: who steals the backup host with the writer's key learns how many large files there are, and no more.

The notes are a hint, and written without a sync. When they are lost, everything is read.
"""

from __future__ import annotations

import base64
import hmac
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .._entries import Entry, KnownContent
from .._errors import RepositoryError
from .backends.base import Backend
from .cutter import CUT_FROM
from .format import FINGERPRINT_SIZE, FORMAT, PIECE_DIGEST_SIZE, ChainId, Content, canonical_json, parse_json

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
except ImportError:
    # _libraries.require tells the user
    pass

NOTES_LIMIT = 64 * 1024 * 1024
"""Bytes of notes that are read and written; more of them would cost more than they spare."""
_NONCE_SIZE = 12


class KnownFiles:
    """The notes of one line of generations: those of the last run, and those for the next.

    :param source_key: the key of the source, :meth:`WriterKey.source_key`
    :param now: seconds since the epoch
    :param believed_for: seconds after which a file is read again, whatever its host says
    :param has: whether pieces of a data class with these fingerprints are stored and can be used again
    """

    def __init__(
        self,
        backend: Backend,
        chain: ChainId,
        source_key: bytes,
        now: float,
        believed_for: float,
        has: Callable[[str, Sequence[bytes]], bool],
    ) -> None:
        self._backend = backend
        self._name = chain.known_file
        self._key = source_key
        self._now = int(now)
        self._believed_for = believed_for
        self._has = has
        self._before: dict[str, str] | None = None
        self._next: dict[str, str] = {}
        self._taken: list[KnownContent] = []

    def find(self, entry: Entry) -> tuple[Entry, KnownContent] | None:
        """As :class:`.._entries.KnownFiles` says. Damaged notes are none."""
        if self._before is None:
            self._before = self._load()
        name, key = self._keys(entry)
        sealed = self._before.get(name)
        if sealed is None:
            return None
        try:
            found, content = _parse(_open(key, sealed), entry.version)
        except (InvalidTag, AttributeError, LookupError, TypeError, ValueError):
            return None
        same = (found.item, found.data_class, found.sensitive, found.path, found.kind)
        if same != (entry.item, entry.data_class, entry.sensitive, entry.path, entry.kind):
            return None
        age = self._now - content.read_at
        if not 0 <= age < self._believed_for or not self._has(found.data_class, content.fingerprints):
            return None
        self._next[name] = sealed
        return found, content

    def took(self, content: KnownContent) -> None:
        """Tell that a content was taken unread."""
        self._taken.append(content)

    def note(self, entry: Entry, content: Content, fingerprints: Sequence[bytes]) -> None:
        """Note a file that was read to its end."""
        if not entry.version or content.size < CUT_FROM:
            return
        name, key = self._keys(entry)
        self._next[name] = _seal(key, _format(entry, content, fingerprints, self._now))

    def sentence(self) -> str | None:
        """What to tell of files that were not read, None when there are none."""
        if not self._taken:
            return None
        size = sum(content.size for content in self._taken)
        oldest = min(content.read_at for content in self._taken)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(oldest))
        files = "1 large file was" if len(self._taken) == 1 else f"{len(self._taken)} large files were"
        return (
            f"{files} not read again ({size} bytes): size, inode and times are those of a reading of {since} or later."
        )

    def save(self) -> None:
        """Keep the notes for the next run, unless they are the same. What cannot be kept is read again then."""
        before = self._before if self._before is not None else self._load()
        if self._next == before:
            return
        data = canonical_json({"format": FORMAT, "files": self._next})
        with suppress(RepositoryError):
            if len(data) <= NOTES_LIMIT:
                self._backend.replace(self._name, data, durable=False)

    def _load(self) -> dict[str, str]:
        try:
            data = self._backend.find(self._name, NOTES_LIMIT)
            files = parse_json(data)["files"] if data is not None else {}
            return {str(name): str(sealed) for name, sealed in files.items()}
        except (RepositoryError, AttributeError, LookupError, TypeError, ValueError):
            return {}

    def _keys(self, entry: Entry) -> tuple[str, bytes]:
        """The name and the key of a file's note."""
        what = canonical_json([entry.item, entry.to_json()["path"], entry.version.hex()])
        name = hmac.digest(self._key, b"ucops.recovery known file name v1\0" + what, "sha256")
        key = hmac.digest(self._key, b"ucops.recovery known file key v1\0" + what, "sha256")
        return name[:FINGERPRINT_SIZE].hex(), key


def _seal(key: bytes, data: bytes) -> str:
    nonce = os.urandom(_NONCE_SIZE)
    return base64.b64encode(nonce + ChaCha20Poly1305(key).encrypt(nonce, data, None)).decode("ascii")


def _open(key: bytes, sealed: str) -> bytes:
    data = base64.b64decode(sealed, validate=True)
    return ChaCha20Poly1305(key).decrypt(data[:_NONCE_SIZE], data[_NONCE_SIZE:], None)


def _format(entry: Entry, content: Content, fingerprints: Sequence[bytes], read_at: int) -> bytes:
    facts = {
        "entry": entry.to_json(),
        "sha256": content.sha256.hex(),
        "pieces": len(fingerprints),
        "read_at": read_at,
    }
    return canonical_json(facts) + b"".join(fingerprints) + b"".join(content.digests)


def _parse(data: bytes, version: bytes) -> tuple[Entry, KnownContent]:
    line, _newline, raw = data.partition(b"\n")
    facts: dict[str, Any] = parse_json(line)
    count = int(facts["pieces"])
    at = count * FINGERPRINT_SIZE
    entry = replace(Entry.from_json(facts["entry"]), version=version)
    content = KnownContent(
        size=entry.size,
        sha256=bytes.fromhex(facts["sha256"]),
        fingerprints=_parts(raw[:at], FINGERPRINT_SIZE),
        digests=_parts(raw[at:], PIECE_DIGEST_SIZE),
        read_at=int(facts["read_at"]),
    )
    if len(content.fingerprints) != count or len(content.digests) != (count if count > 1 else 0):
        raise ValueError("a fingerprint and a digest of each piece are expected")
    return entry, content


def _parts(raw: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(raw[at : at + size] for at in range(0, len(raw), size))
