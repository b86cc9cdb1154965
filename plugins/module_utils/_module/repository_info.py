# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(repository_info)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._repository.backends.base import Backend
from .._repository.chain import list_chains
from .._repository.drills import load_drills
from .._repository.format import OBJECTS_FOLDER, ChainId, CommitRecord, GenerationId
from .._repository.journal import open_restores
from .._repository.keyring import Keyring, load_keyring
from .argspec import ArgumentSpec, repository
from .drill_facts import describe_last
from .generation_info import describe_generation, warn_of_damage
from .keyring_facts import describe_keyring
from .opening import open_backend
from .selection import readable_chains

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SPEC = ArgumentSpec().merge(repository())


def describe_repository(module: AnsibleModule) -> dict[str, Any]:
    """What the module returns. Raises RepositoryError."""
    backend = open_backend(module.params)
    keyring = load_keyring(backend)
    damaged: list[dict[str, str]] = []
    sources = [
        describe_chain(backend, keyring, chain, records)
        for chain, records in readable_chains(backend, list_chains(backend), damaged)
    ]
    warn_of_damage(module, damaged)
    sizes = [size for _name, size in backend.list(OBJECTS_FOLDER)]
    return {
        **describe_keyring(keyring),
        "sources": sources,
        "heads": {source["newest"]["id"].rpartition("/")[0]: source["head"] for source in sources},
        "damaged": damaged,
        "objects": len(sizes),
        "stored_bytes": sum(sizes),
        "free_bytes": backend.free_bytes(),
    }


def describe_chain(
    backend: Backend, keyring: Keyring, chain: ChainId, records: Sequence[CommitRecord]
) -> dict[str, Any]:
    """One source and product, as a result."""
    complete = [record for record in records if record.is_complete]
    facts = {
        "source": chain.source,
        "product": chain.product,
        "instance": chain.instance,
        "generations": len(records),
        "newest": describe_generation(records[-1]),
        "head": records[-1].hash,
        "open_restores": open_restores(backend, chain.source, chain.product, chain.instance),
        "last_drill": describe_last(load_drills(backend, keyring, chain)),
    }
    if complete:
        facts["newest_complete"] = str(GenerationId.of(complete[-1]))
    return facts
