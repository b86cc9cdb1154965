# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small repository to play with."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Union

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.base import Backend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_record
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import CommitRecord, GenerationId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader, sealed_headers
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import (
    Committed,
    GenerationFacts,
    GenerationWriter,
    Prepared,
    RepositoryWriter,
)

SECRET = "correct horse battery staple"
DOCUMENTS = {"FORMAT.md": b"format\n", "RECOVERY.md": b"recovery\n", "recover.py": b"# recover\n"}
Files = Mapping[str, Union[bytes, Iterable[bytes]]]


class QuickBackend(LocalBackend):
    """A folder whose files survive everything but a power cut, which no test makes."""

    def _sync(self, paths: Sequence[str]) -> None:
        pass


def entry(path: str | bytes, **fields: Any) -> Entry:
    """A file of item ``config``, unless told otherwise."""
    raw = path if isinstance(path, bytes) else path.encode("utf-8")
    told = {
        "item": "config",
        "data_class": "voip_config",
        "kind": "file",
        "mode": 0o640,
        "mtime_ns": 1_700_000_000 * 10**9,
    }
    return Entry(path=raw, **{**told, **fields})


def fill(generation: GenerationWriter, files: Files) -> None:
    """Add files to a generation."""
    for path, content in files.items():
        generation.add(entry(path), [content] if isinstance(content, bytes) else content)


@dataclass
class Store:
    """A repository with one writer, and the identity that opens it."""

    path: pathlib.Path
    backend: Backend
    key: WriterKey
    identity: age.X25519Identity

    @classmethod
    def create(cls, path: pathlib.Path, name: str = "backup-host") -> Store:
        backend = QuickBackend(str(path))
        key = WriterKey.generate(name)
        state = owner.read_state(backend)
        plan = owner.plan_create(state, SECRET, DOCUMENTS, key.public, work_factor=1, writer_name=name)
        owner.apply_plan(backend, plan)
        identity = owner.unlock(owner.read_state(backend), SECRET)[0]
        return cls(path, backend, key.with_pins(**plan.facts["pins"]), identity)

    def change(self, **what: Any) -> dict[str, Any]:
        """Carry out an owner's change."""
        plan = owner.plan_change(owner.read_state(self.backend), SECRET, **what)
        owner.apply_plan(self.backend, plan)
        return dict(plan.facts)

    def on(self, backend: Backend) -> Store:
        """The same, through another backend."""
        return replace(self, backend=backend)

    def writer(self, **options: Any) -> RepositoryWriter:
        return RepositoryWriter(self.backend, self.key, **options)

    def prepare(self, writer: RepositoryWriter, files: Files, source: str = "pbx", **facts: Any) -> Prepared:
        generation = writer.begin(source, facts.pop("product", "kamailio"), facts.pop("instance", ""))
        try:
            fill(generation, files)
            return generation.finish(GenerationFacts(**facts))
        finally:
            generation.abort()

    def backup(self, files: Files, source: str = "pbx", **facts: Any) -> Committed:
        """One generation."""
        with self.writer() as writer:
            return writer.commit([self.prepare(writer, files, source, **facts)])[0]

    def record(self, generation: str) -> CommitRecord:
        return load_record(self.backend, GenerationId.parse(generation))

    def keys_of(self, *records: CommitRecord) -> dict[str, bytes]:
        """The file keys of everything that these generations need."""
        headers = sealed_headers(self.backend, records)
        return {sha: age.unwrap(age.parse_header(raw), [self.identity]) for sha, raw in headers.items()}

    def reader(self, record: CommitRecord) -> GenerationReader:
        return GenerationReader(self.backend, record, self.keys_of(record))

    def files(self, record: CommitRecord) -> dict[bytes, bytes]:
        """Every content of a generation by its path."""
        with self.reader(record) as reader:
            return {stored.entry.path: reader.read(stored) for stored in reader.entries()}

    def names(self) -> set[str]:
        """Every file that there is."""
        return {name for name, _size in self.backend.list()}

    def allowed_signers(self) -> str:
        from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import allowed_signers_text

        return allowed_signers_text(load_keyring(self.backend))


@pytest.fixture
def fast_path() -> Iterator[pathlib.Path]:
    """A folder in memory, where there is one: these tests make very many small files."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An empty repository; copy it, do not change it."""
    return Store.create(tmp_path_factory.mktemp("pristine") / "repository")


@pytest.fixture
def store(pristine: Store, fast_path: pathlib.Path) -> Store:
    """An empty repository."""
    path = fast_path / "repository"
    shutil.copytree(pristine.path, path)
    return replace(pristine, path=path, backend=QuickBackend(str(path)))
