# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository in a folder, for tests that back up and restore a product without the modules."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._module.backup import (
    BackupOptions,
    BackupOutcome,
    Occasion,
    take_backup,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore import Restorer
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_subject import RestoreOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Product
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader, sealed_headers
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import RepositoryWriter
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import Transport
from support.repositories import SECRET, TestRepository


class Store:
    """A new repository and what opens it. A context manager. All generations are of the source ``host``."""

    def __init__(self, folder: pathlib.Path) -> None:
        repository = TestRepository.create(folder)
        self.backend = repository.backend
        self.identity = owner.unlock(owner.read_state(self.backend), SECRET)[0]
        self.writer = RepositoryWriter(self.backend, WriterKey.load(str(repository.writer_key_file)))

    def __enter__(self) -> Store:
        self.writer.__enter__()
        return self

    def __exit__(self, *of_error: Any) -> None:
        self.writer.__exit__(*of_error)

    def backup(self, product: Product, transport: Transport, *, dry_run: bool = False) -> BackupOutcome:
        """A generation of the product as it is now."""
        probe = product.probe(transport)
        options = BackupOptions("host", "", Occasion("manual"))
        return take_backup(self.writer, transport, product, probe, product.items(probe), options, dry_run=dry_run)

    def reader(self, outcome: BackupOutcome) -> GenerationReader:
        """The generation that a backup made, opened."""
        assert outcome.committed is not None
        record = outcome.committed.record
        headers = sealed_headers(self.backend, [record])
        keys = {sha: age.unwrap(age.parse_header(raw), [self.identity]) for sha, raw in headers.items()}
        return GenerationReader(self.backend, record, keys)

    def restorer(
        self,
        outcome: BackupOutcome,
        product: Product,
        transport: Transport,
        expected: BackupOutcome | None = None,
        **options: Any,
    ) -> Restorer:
        """What puts a generation back; ``expected``: the one from after the change that it undoes."""
        chosen = RestoreOptions("host", "", Occasion("pre_restore"), **options)
        after = self.reader(expected) if expected is not None else None
        return Restorer(self.writer, transport, product, self.reader(outcome), product.probe(transport), chosen, after)

    def contents(self, outcome: BackupOutcome) -> dict[bytes, bytes]:
        """All contents of a generation, by path."""
        with self.reader(outcome) as reader:
            return {stored.entry.path: reader.read(stored) for stored in reader.entries()}
