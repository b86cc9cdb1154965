# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a writer knows of the generation before: its record, and which pieces it may use again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from .._errors import NotAuthentic, RepositoryDamaged
from .backends.base import Backend
from .bundles import BundleWriter
from .expiry import fate_of
from .format import CommitRecord, GenerationId, PieceIndex, object_name

INDEX_LIMIT = 256 * 1024 * 1024
REUSE_FROM = 0.5
"""A bundle of which less is still referenced counts as unknown, so that what is dead in it can go."""


@dataclass(eq=False)
class Bundle:
    """A bundle that this generation may refer to; it gets its number with its first piece."""

    data_class: str
    members: int = 0
    sha: str = ""
    size: int = 0
    number: int = -1
    used: dict[int, bytes] = field(default_factory=dict)
    writer: BundleWriter | None = None


@dataclass
class Before:
    """What is known of the generation before: its record, its pieces by data class and fingerprint, and whether every
    object that it needs is there. ``warnings`` are sentences about what is lost."""

    record: CommitRecord | None = None
    index: PieceIndex | None = None
    known: dict[str, dict[bytes, tuple[Bundle, int]]] = field(default_factory=dict)
    is_whole: bool = False
    warnings: list[str] = field(default_factory=list)


def look_back(backend: Backend, record: CommitRecord | None, recipients_digest: str, fingerprint_key: str) -> Before:
    """What of a believed record can be used for the same recipients and with the same fingerprint key.

    What is lost is left out and warned of. Raises NotAuthentic when the index is somebody else's.
    """
    before = Before(record)
    if record is None or record.recipients_digest != recipients_digest or record.fingerprint_key != fingerprint_key:
        return before
    before.index = _read_index(backend, record, before.warnings)
    if before.index is None:
        return before
    # it may still lie there, and go at any moment
    released = fate_of(backend, record).released
    missing = {sha for sha, size in record.needed_objects() if backend.size(object_name(sha)) != size} | released
    before.is_whole = not missing
    for sha in sorted(missing - released):
        before.warnings.append(
            f"The object {sha} of {GenerationId.of(record)} is missing or cut; what it held is stored anew."
        )
    for facts, fingerprints in zip(before.index.bundles, before.index.pieces):
        used = [(fingerprint, member) for member, fingerprint in enumerate(fingerprints) if fingerprint is not None]
        if facts.sha in missing or record.objects.get(facts.sha) != facts.size:
            continue
        if len(used) < REUSE_FROM * facts.members:
            continue
        bundle = Bundle(facts.data_class, facts.members, facts.sha, facts.size)
        known = before.known.setdefault(facts.data_class, {})
        for fingerprint, member in used:
            known[fingerprint] = (bundle, member)
    return before


def _read_index(backend: Backend, record: CommitRecord, warnings: list[str]) -> PieceIndex | None:
    """The index of a believed record, None when it is lost. Raises NotAuthentic when it is somebody else's."""
    sha, size = record.piece_index
    name = object_name(sha)
    try:
        data = backend.read(name, INDEX_LIMIT)
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
