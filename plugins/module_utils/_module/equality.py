# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the host as the generation says? Every property that a restore puts back is compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .._entries import Entry, path_to_text
from .._items.base import Item
from .._repository.format import StoredEntry
from .._repository.reader import GenerationReader

ABSENT, UNWANTED = "is not there", "should not be there"
TIME = "time"
TIMED_KINDS = ("file", "symlink")
"""Kinds whose time must be back. A folder's time moves as soon as the service that was started writes into it."""


def differences(
    item: Item, wanted: Sequence[StoredEntry], found: Sequence[StoredEntry], reader: GenerationReader
) -> list[str]:
    """One line per path that is not as it should be, in order; empty when the host is identical."""
    lines = []
    for path, reasons in reasons_by_path(item, wanted, found, reader).items():
        words = reasons[0] if reasons[0] in (ABSENT, UNWANTED) else f"has another {', '.join(reasons)}"
        lines.append(f"{path_to_text(path)} {words}")
    return lines


def reasons_by_path(
    item: Item, wanted: Sequence[StoredEntry], found: Sequence[StoredEntry], reader: GenerationReader
) -> dict[bytes, list[str]]:
    """What is not as it should be at each path, in their order: it is absent or unwanted, or what of it is another."""
    before = {stored.entry.path: stored for stored in wanted}
    now = {stored.entry.path: stored for stored in found}
    reasons = {}
    for path in sorted(before.keys() | now.keys()):
        if path not in now:
            reasons[path] = [ABSENT]
        elif path not in before:
            reasons[path] = [UNWANTED]
        else:
            reasons[path] = _reasons(item, before[path], now[path], reader)
    return {path: some for path, some in reasons.items() if some}


def _reasons(item: Item, wanted: StoredEntry, found: StoredEntry, reader: GenerationReader) -> list[str]:
    one, other = wanted.entry, found.entry
    if one.kind != other.kind:
        return ["kind"]
    reasons = []
    if one.kind in ("output", "dump"):
        return [] if _same_content(item, wanted, found, reader) else ["content"]
    if not _same_content(item, wanted, found, reader):
        reasons.append("content")
    if one.link_target != other.link_target:
        reasons.append("target")
    if one.mode != other.mode:
        reasons.append("mode")
    if not _same_owner(one, other):
        reasons.append("owner")
    if one.kind in TIMED_KINDS and one.mtime_ns != other.mtime_ns:
        reasons.append(TIME)
    if (one.acl_access, one.acl_default) != (other.acl_access, other.acl_default):
        reasons.append("ACL")
    if dict(one.xattrs) != dict(other.xattrs):
        reasons.append("extended attributes")
    return reasons


def _same_owner(one: Entry, other: Entry) -> bool:
    """Names decide, as on a rebuilt host the numbers differ; numbers only where a name is unknown."""
    user = one.owner == other.owner if one.owner and other.owner else one.uid == other.uid
    group = one.group == other.group if one.group and other.group else one.gid == other.gid
    return user and group


def _same_content(item: Item, wanted: StoredEntry, found: StoredEntry, reader: GenerationReader) -> bool:
    if wanted.sha256 == found.sha256:
        return True
    normaliser = item.normaliser(wanted.entry)
    if normaliser is None:
        return False
    digest = hashlib.sha256()
    for chunk in reader.content(wanted):
        digest.update(normaliser.feed(chunk))
    digest.update(normaliser.finish())
    return digest.hexdigest() == found.normalised_sha256
