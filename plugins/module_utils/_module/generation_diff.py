# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(generation_diff)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .._compare.findings import (
    CERTIFICATE_DAYS,
    EMERGENCY_NUMBERS,
    USERS_GONE_PERCENT,
    Finding,
    Rules,
    ordered,
    release_finding,
    users_gone,
)
from .._compare.mask import KEY_LENGTH, Masker
from .._compare.semantic import HIGH, MEDIUM
from .._errors import OptionInvalid
from .._products.base import Probe, Product
from .._products.registry import product_class, product_names
from .._repository.backends.base import Backend
from .._repository.format import CommitRecord, GenerationId, Manifest
from .._repository.generation_writer import changed_items
from .._repository.generations import find_generation
from .._repository.keys import WriterKey
from .._repository.reader import GenerationReader
from . import unsealing
from .argspec import ArgumentSpec, repository, trust, unlock
from .comparison import CHANGES_LIMIT, Comparison, Side, describe_change
from .counters import lasting
from .event_rule import EVERY_ONE_COUNTS, is_big
from .opening import believed_writers, check_heads
from .path_patterns import PathPatterns
from .selection import find_predecessor

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

USERS = "users"
"""How products that count their users call that count."""

SPEC = ArgumentSpec(
    {
        "generation": {"type": "str", "required": True},
        "against": {"type": "str"},
        "writer_key_file": {"type": "path"},
        "only_paths": {"type": "list", "elements": "str"},
        "max_lines": {"type": "int", "default": 2000},
        "only_digests": {"type": "bool", "default": False},
        "emergency_numbers": {"type": "list", "elements": "str", "default": list(EMERGENCY_NUMBERS)},
        "users_gone_percent": {"type": "int", "default": USERS_GONE_PERCENT},
        "certificate_days": {"type": "int", "default": CERTIFICATE_DAYS},
    }
).merge(repository(), unlock(), trust())


def compare_generations(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises KeyRequired, RepositoryError, OptionInvalid."""
    params = module.params
    patterns = PathPatterns(params["only_paths"])
    rules = Rules(
        emergency_numbers=params["emergency_numbers"],
        users_gone_percent=params["users_gone_percent"],
        certificate_days=params["certificate_days"],
    )

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        old, new = wanted(params, backend)
        known: dict[str, Any] = {
            "generation": str(GenerationId.of(new)),
            "against": str(GenerationId.of(old)),
            "changed_items": items_changed(old, new),
            "opened": not params["only_digests"],
        }
        if params["only_digests"]:
            return {**known, **_by_digests(old, new, known["changed_items"], rules)}
        keys = unsealing.required(file_keys, "To compare generations")
        masker = Masker(placeholder_key(params, new.source))
        with GenerationReader(backend, old, keys) as old_reader, GenerationReader(backend, new, keys) as new_reader:
            owner = known_product(new_reader.manifest)
            comparison = Comparison(Side(old_reader, patterns), Side(new_reader, patterns), masker, owner)
            text, truncated = comparison.text(params["max_lines"])
            changes, findings = comparison.graded(rules, datetime.now(timezone.utc))
        findings = ordered([*release_finding(old.release, new.release), *count_findings(old, new), *findings])
        result = {
            **known,
            "identical": not comparison.paths,
            "findings": [finding.to_result() for finding in findings],
            "changes": [describe_change(change) for change in changes[:CHANGES_LIMIT]],
            "files": [comparison.describe_file(path) for path in comparison.paths[:CHANGES_LIMIT]],
            "opaque": comparison.opaque()[:CHANGES_LIMIT],
            "text": text,
            "truncated": truncated or max(len(changes), len(comparison.paths)) > CHANGES_LIMIT,
        }
        if module._diff:
            result["diff"] = {"prepared": text}
        return result

    return unsealing.serve(module, wanted, body)


def items_changed(old: CommitRecord, new: CommitRecord) -> list[str] | None:
    """The items that differ by their keyed digests; None where the digests were made with different keys."""
    if (old.source, old.fingerprint_key) != (new.source, new.fingerprint_key):
        return None
    return list(changed_items(old, new.items))


def count_findings(old: CommitRecord, new: CommitRecord) -> list[Finding]:
    """What the product counts (servers, databases, tables) and has many fewer or many more of. Users are told on their
    own."""
    before, after = lasting(old.counts), lasting(new.counts)
    return [
        Finding(
            HIGH if after[name] < had and name in EVERY_ONE_COUNTS else MEDIUM,
            "count_changed",
            f"{had} {name} then, {after[name]} now",
        )
        for name, had in sorted(before.items())
        if name != USERS and name in after and is_big(name, had, after[name])
    ]


def _by_digests(old: CommitRecord, new: CommitRecord, changed: Sequence[str] | None, rules: Rules) -> dict[str, Any]:
    """What can be told of two generations that nobody opens."""
    findings = [*release_finding(old.release, new.release), *count_findings(old, new)]
    findings += [
        Finding(HIGH, "item_gone", f"{name} was in {GenerationId.of(old)} and is not in {GenerationId.of(new)}")
        for name in sorted(old.items.keys() - new.items.keys())
    ]
    had, has = old.counts.get(USERS, 0), new.counts.get(USERS)
    if has is not None and has < had:
        findings.append(users_gone(USERS, had - has, had, rules))
    return {
        "identical": None if changed is None else not changed,
        "findings": [finding.to_result() for finding in ordered(findings)],
        "changes": [],
        "files": [],
        "opaque": [],
        "text": "",
        "truncated": False,
    }


def wanted(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
    """The earlier and the later generation. Raises OptionInvalid when they are not of one product."""
    believe = believed_writers(params, backend)
    later = find_generation(backend, params["generation"], believe)
    if params["against"] is None:
        earlier = find_predecessor(backend, later, believe)
    else:
        earlier = find_generation(backend, params["against"], believe)
    if earlier.product != later.product:
        raise OptionInvalid(
            f"{GenerationId.of(earlier)} and {GenerationId.of(later)} are not of the same product", item="against"
        )
    for chain in sorted({earlier.chain, later.chain}):
        check_heads(params, backend, chain)
    return [earlier, later]


def placeholder_key(params: Mapping[str, Any], source: str) -> bytes:
    """The writer's key for placeholders of this source, or a random one that serves this result only."""
    path = params["writer_key_file"]
    return WriterKey.load(path).placeholder_key(source) if path else os.urandom(KEY_LENGTH)


def known_product(manifest: Manifest) -> Product | None:
    """The product as its generation tells; None for one that a newer release of this collection backed up."""
    if manifest.product not in product_names():
        return None
    return product_class(manifest.product).for_comparison(Probe.from_json(manifest.version))
