# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories to test with: made in a moment, with generations of whatever is told."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import (
    Committed,
    GenerationFacts,
    RepositoryWriter,
)

SECRET = "correct horse battery staple"
TIME = 1_700_000_000 * 10**9

Contents = Union[Mapping[str, bytes], Sequence["tuple[Entry, bytes]"]]


def entry(path: str | bytes, kind: str = "file", **facts: Any) -> Entry:
    """An entry of the item C(config), unless told otherwise."""
    raw = path if isinstance(path, bytes) else path.encode()
    return Entry(
        path=raw, kind=kind, **{"item": "config", "data_class": "voip_config", "mode": 0o640, "mtime_ns": TIME, **facts}
    )


@dataclass
class TestRepository:
    """A repository below a folder, with one writer, that C(SECRET) opens."""

    __test__ = False

    path: pathlib.Path
    writer_key_file: pathlib.Path
    allowed_signers: str

    @classmethod
    def create(cls, folder: pathlib.Path) -> TestRepository:
        """A new one, whose passphrase costs next to nothing."""
        backend = LocalBackend(str(folder / "repository"))
        key = WriterKey.generate("backup1")
        documents = {"FORMAT.md": b"format\n", "RECOVERY.md": b"recovery\n", "recover.py": b"# recover\n"}
        state = owner.read_state(backend)
        plan = owner.plan_create(state, SECRET, documents, key.public, work_factor=1, writer_name=key.name)
        owner.apply_plan(backend, plan)
        path = folder / "writer.json"
        key.with_pins(**plan.facts["pins"]).save(str(path))
        return cls(folder / "repository", path, plan.facts["allowed_signers"])

    @property
    def backend(self) -> LocalBackend:
        """Its backend."""
        return LocalBackend(str(self.path))

    def backup(self, contents: Contents, source: str = "pbx", product: str = "kamailio", **facts: Any) -> Committed:
        """Add a generation. ``at``: seconds since the epoch, by default now."""
        if isinstance(contents, Mapping):
            contents = [(entry(path), content) for path, content in contents.items()]
        instance, at = facts.pop("instance", ""), facts.pop("at", None)
        clock = time.time if at is None else lambda: at
        with RepositoryWriter(self.backend, WriterKey.load(str(self.writer_key_file)), clock) as store:
            generation = store.begin(source, product, instance)
            for one, content in contents:
                generation.add(one, [content] if content else [])
            return store.commit([generation.finish(GenerationFacts(**facts))])[0]
