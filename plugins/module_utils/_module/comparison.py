# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between two sides: generations, or a generation and the host as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, Protocol

from .._compare.certificates import KIND as CERTIFICATE_KIND
from .._compare.certificates import certificate_changes, certificates, ending
from .._compare.findings import CERTIFICATE, Finding, Rules, emergency_lines, graded, ordered
from .._compare.mask import Masker, readable
from .._compare.mask_rules import Rules as MaskRules
from .._compare.mask_rules import is_binary, rules_for
from .._compare.semantic import SemanticChange, summarised
from .._compare.textdiff import ContentChange, content_diff
from .._entries import path_to_text
from .._products.base import Product
from .._repository.format import GenerationId, StoredEntry
from .._repository.reader import GenerationReader
from .extraction import FILE_KINDS
from .path_patterns import PathPatterns
from .view import GenerationView, has_readable_content

Entries = Mapping[bytes, StoredEntry]

CHANGES_LIMIT = 1000
LOGS = "logs"
_METADATA = ("mode", "uid", "gid", "owner", "group", "link_target", "acl_access", "acl_default", "xattrs", "device")


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
        """The difference in the words of the product, graded by the rules as they are by default."""
        return self.graded(Rules(), datetime.now(timezone.utc))[0]

    def graded(self, rules: Rules, now: datetime) -> tuple[list[SemanticChange], list[Finding]]:
        """The difference in the words of the product, and what of it has to be looked at, by the rules."""
        told = certificates(self.earlier.view), certificates(self.later.view)
        changes = certificate_changes(*told)
        topics: Mapping[str, str] = {CERTIFICATE_KIND: CERTIFICATE}
        if self._product is not None:
            changes = [*self._product.semantic(self.earlier.view, self.later.view, self._masker), *changes]
            topics = {**topics, **self._product.topics}
        graded_changes, findings = graded(changes, topics, rules)
        if self._product is None or not self._product.routes_calls_in_words:
            findings += self._emergency_lines(rules)
        findings += ending(told[1], now, rules)
        return summarised(graded_changes), ordered(findings)

    def _emergency_lines(self, rules: Rules) -> Iterator[Finding]:
        for path in self.paths:
            sides = [side.view.get(path) for side in (self.earlier, self.later)]
            if not any(stored.entry.data_class == LOGS for stored in self._stored(path)):
                yield from emergency_lines(readable(path_to_text(path)), sides[0], sides[1], rules)

    def _stored(self, path: bytes) -> list[StoredEntry]:
        sides = (side.entries.get(path) for side in (self.earlier, self.later))
        return [stored for stored in sides if stored is not None]

    def opaque(self) -> list[dict[str, Any]]:
        """The contents that differ and that nobody can look into, or that are too large for it: keyed digest and size
        before and after."""
        told = []
        for path in self.paths:
            if self._action(path) == "metadata" or not self._is_opaque(path):
                continue
            before, after = (self._described(side.entries.get(path)) for side in (self.earlier, self.later))
            told.append({"path": path_to_text(path), "before": before, "after": after})
        return told

    def _is_opaque(self, path: bytes) -> bool:
        for side in (self.earlier, self.later):
            stored = side.entries.get(path)
            if stored is None or stored.entry.kind not in FILE_KINDS:
                continue
            if stored.entry.sensitive or not has_readable_content(stored) or is_binary(side.view[path]):
                return True
        return False

    def _described(self, stored: StoredEntry | None) -> str:
        if stored is None:
            return ""
        digest = self._masker.digest((stored.sha256 or "").encode("ascii"))
        return f"{stored.entry.size} bytes, digest {digest}"

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


def mask_rules(owner: Product | None, path: bytes) -> MaskRules:
    """What is secret in a file, as its product knows it, or as it is for any file."""
    return rules_for(path) if owner is None else owner.mask_rules(path)


def describe_change(change: SemanticChange) -> dict[str, Any]:
    """A change in the words of the product, as a result."""
    return {name: value for name, value in change.to_json().items() if value is not None}
