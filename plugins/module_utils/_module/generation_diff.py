# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(generation_diff)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .._compare.mask import KEY_LENGTH, Masker
from .._compare.mask_rules import Rules, rules_for
from .._compare.semantic import SemanticChange, summarised
from .._compare.textdiff import ContentChange, content_diff
from .._entries import path_to_text
from .._errors import OptionInvalid
from .._products.base import Probe, Product
from .._products.registry import product_class, product_names
from .._repository.backends.base import Backend
from .._repository.format import CommitRecord, GenerationId, Manifest, StoredEntry
from .._repository.generations import find_generation
from .._repository.keys import WriterKey
from .._repository.reader import GenerationReader
from . import unsealing
from .argspec import ArgumentSpec, repository, trust, unlock
from .opening import believed_writers, check_heads
from .path_patterns import PathPatterns
from .selection import find_predecessor
from .view import GenerationView, has_readable_content

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Entries = Mapping[bytes, StoredEntry]

CHANGES_LIMIT = 1000
_METADATA = ("mode", "uid", "gid", "owner", "group", "link_target", "acl_access", "acl_default", "xattrs", "device")

SPEC = ArgumentSpec(
    {
        "generation": {"type": "str", "required": True},
        "against": {"type": "str"},
        "writer_key_file": {"type": "path"},
        "only_paths": {"type": "list", "elements": "str"},
        "max_lines": {"type": "int", "default": 2000},
    }
).merge(repository(), unlock(), trust())


def compare_generations(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises KeyRequired, RepositoryError, OptionInvalid."""
    params = module.params
    patterns = PathPatterns(params["only_paths"])

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        keys = unsealing.required(file_keys, "To compare generations")
        old, new = wanted(params, backend)
        masker = Masker(placeholder_key(params, new.source))
        with GenerationReader(backend, old, keys) as old_reader, GenerationReader(backend, new, keys) as new_reader:
            owner = known_product(new_reader.manifest)
            comparison = Comparison(Side(old_reader, patterns), Side(new_reader, patterns), masker, owner)
            text, truncated = comparison.text(params["max_lines"])
            changes = comparison.semantic()
        result = {
            "generation": str(GenerationId.of(new)),
            "against": str(GenerationId.of(old)),
            "identical": not comparison.paths,
            "changes": [describe_change(change) for change in changes[:CHANGES_LIMIT]],
            "files": [comparison.describe_file(path) for path in comparison.paths[:CHANGES_LIMIT]],
            "text": text,
            "truncated": truncated or max(len(changes), len(comparison.paths)) > CHANGES_LIMIT,
        }
        if module._diff:
            result["diff"] = {"prepared": text}
        return result

    return unsealing.serve(module, wanted, body)


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


class Compared(Protocol):
    """One side of a comparison: what there is by path, contents by path, and what to call it."""

    label: str
    entries: Entries

    @property
    def view(self) -> Mapping[bytes, bytes]:
        """The contents that can be read, by path."""


class Side:
    """A generation as a side, as far as it is compared."""

    def __init__(self, reader: GenerationReader, patterns: PathPatterns) -> None:
        self.record = reader.record
        self.label = str(GenerationId.of(reader.record))
        self.entries: Entries = {
            stored.entry.path: stored for stored in reader.entries() if patterns.match(stored.entry.path)
        }
        self.view = GenerationView(reader, self.entries)


class Comparison:
    """What differs between two sides. ``paths``: all that do, in order. ``owner``: the product, if it is known."""

    def __init__(self, earlier: Side, later: Compared, masker: Masker, owner: Product | None) -> None:
        self.earlier = earlier
        self.later = later
        self._masker = masker
        self._product = owner
        everything = sorted({*earlier.entries, *later.entries})
        self.paths = [path for path in everything if self._action(path)]

    def _metadata(self, path: bytes) -> list[str]:
        old, new = self.earlier.entries[path].entry, self.later.entries[path].entry
        return [name for name in _METADATA if getattr(old, name) != getattr(new, name)]

    def _action(self, path: bytes) -> str:
        old, new = self.earlier.entries.get(path), self.later.entries.get(path)
        if old is None or new is None:
            return "added" if old is None else "removed"
        if (old.entry.kind, old.sha256) != (new.entry.kind, new.sha256):
            return "changed"
        return "metadata" if self._metadata(path) else ""

    def describe_file(self, path: bytes) -> dict[str, Any]:
        """One path that differs, as a result."""
        action = self._action(path)
        metadata = self._metadata(path) if action in ("changed", "metadata") else []
        return {"path": path_to_text(path), "action": action, "metadata": metadata}

    def semantic(self) -> list[SemanticChange]:
        """The difference in the words of the product; empty when it has none."""
        if self._product is None:
            return []
        return summarised(self._product.semantic(self.earlier.view, self.later.view, self._masker))

    def text(self, most_lines: int) -> tuple[str, bool]:
        """The masked difference line by line, and whether lines were left out."""
        out: list[str] = []
        for path in self.paths:
            room = most_lines - len(out)
            lines = list(self._lines_of(path, room))
            out += lines[:room]
            if len(lines) > room:
                return "".join(out), True
        return "".join(out), False

    def _lines_of(self, path: bytes, room: int) -> Iterator[str]:
        action = self._action(path)
        sides = [side.entries.get(path) for side in (self.earlier, self.later)]
        present = [stored for stored in sides if stored is not None]
        if action == "metadata":
            yield f"{path_to_text(path)}: {', '.join(self._metadata(path))} changed\n"
        elif not all(has_readable_content(stored) for stored in present):
            kinds = " and ".join(f"{stored.entry.kind}, {stored.entry.size} bytes" for stored in present)
            yield f"{path_to_text(path)}: {action} ({kinds})\n"
        else:
            before, after = (
                None if stored is None else side.view[path] for side, stored in zip((self.earlier, self.later), sides)
            )
            sensitive = any(stored.entry.sensitive for stored in present)
            # one line more than there is room for tells that something was left out
            difference = content_diff(
                ContentChange(path, before, after, sensitive),
                self._masker,
                mask_rules(self._product, path),
                before_label=self.earlier.label,
                after_label=self.later.label,
                most_lines=max(room, 0) + 1,
            )
            yield from difference.text.splitlines(keepends=True)


def known_product(manifest: Manifest) -> Product | None:
    """The product as its generation tells; None for one that a newer release of this collection backed up."""
    if manifest.product not in product_names():
        return None
    return product_class(manifest.product).for_comparison(Probe.from_json(manifest.version))


def mask_rules(owner: Product | None, path: bytes) -> Rules:
    """What is secret in a file, as its product knows it, or as it is for any file."""
    return rules_for(path) if owner is None else owner.mask_rules(path)


def describe_change(change: SemanticChange) -> dict[str, Any]:
    """A change in the words of the product, as a result."""
    return {name: value for name, value in change.to_json().items() if value is not None}
