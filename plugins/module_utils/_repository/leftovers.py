# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that belong to no generation, because a run was cut off: noted first, removed when a grace later they still do.

A running backup looks just the same until it commits. So the age that counts is that of the signed note, not that of
the file, which a copy or a faulty clock may have set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .._errors import NotAuthentic, RepositoryDamaged
from . import sshsig
from .backends.base import Backend
from .format import (
    EXPIRED_FOLDER,
    FORMAT,
    PRUNE_NAMESPACE,
    PRUNE_ROLE,
    SMALL_FILE_LIMIT,
    WRITER_ROLE,
    canonical_json,
    parse_json,
)
from .keyring import Keyring
from .sshsig import SigningKey

FILES_AT_ONCE = 5000
"""So many names fit into one note."""

_FILE = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.leftovers\.json")


@dataclass(frozen=True)
class Note:
    """That some files belonged to nothing at a time."""

    name: str
    at: str
    files: tuple[str, ...]


def write_notes(
    backend: Backend, keyring: Keyring, key: SigningKey, signer: str, at: str, files: Sequence[str]
) -> None:
    """Note that these files belong to nothing."""
    for start in range(0, len(files), FILES_AT_ONCE):
        content = {
            "format": FORMAT,
            "repository_id": keyring.repository_id,
            "at": at,
            "signer": signer,
            "files": list(files[start : start + FILES_AT_ONCE]),
        }
        data = canonical_json(content)
        name = f"{EXPIRED_FOLDER}/{re.sub('[-:]', '', at)}-{os.urandom(4).hex()}.leftovers.json"
        backend.create_many([(f"{name}.sig", key.sign(data, PRUNE_NAMESPACE))])
        backend.create(name, data)


def read_notes(backend: Backend, keyring: Keyring) -> Iterator[Note]:
    """The notes that a prune signer signed; others count for nothing, and what they name is noted anew."""
    for own_name in sorted(backend.names(EXPIRED_FOLDER)):
        if _FILE.fullmatch(own_name):
            try:
                yield _read(backend, keyring, f"{EXPIRED_FOLDER}/{own_name}")
            except RepositoryDamaged:
                continue


def _read(backend: Backend, keyring: Keyring, name: str) -> Note:
    data = backend.read(name, SMALL_FILE_LIMIT)
    public_key = sshsig.verify(data, backend.read(f"{name}.sig", SMALL_FILE_LIMIT), PRUNE_NAMESPACE)
    try:
        content = parse_json(data)
        at, files = str(content["at"]), tuple(str(file) for file in content["files"])
        if content["repository_id"] != keyring.repository_id:
            raise NotAuthentic("This note belongs to another repository", item=name)
    except (KeyError, TypeError, ValueError) as error:
        raise RepositoryDamaged(f"The note cannot be read ({error})", item=name) from None
    if WRITER_ROLE in keyring.signer_of(public_key, PRUNE_ROLE, at).roles:
        raise NotAuthentic("It is signed by a writer", item=name)
    return Note(name, at, files)


def remove_notes(backend: Backend, notes: Iterable[Note]) -> None:
    """Notes that have served. One whose signature alone is left is a leftover itself."""
    for note in notes:
        backend.remove(note.name)
        backend.remove(f"{note.name}.sig")
