# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a Windows tree may be written at all. Entries come from a host that may have been hostile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .._entries import Entry, path_to_text
from .._errors import HostileContent
from .._transport.windows import windows_path
from .windows_metadata import what_is_wrong_with
from .windows_names import LONGEST_PATH, fold, what_is_wrong

RESTORABLE = ("file", "directory", "symlink")
"""The kinds of entries that Windows trees are made of."""
_DRIVE = re.compile(rb"/[A-Za-z]:/")


def judge_entries(entries: Iterable[Entry], covers: Callable[[bytes], bool]) -> None:
    """Refuse entries that would reach beyond their place, or mean another file than they say. Raises HostileContent."""
    by_name: dict[str, Entry] = {}
    for entry in entries:
        path = _judge(entry, covers)
        other = by_name.setdefault(fold(path), entry)
        if other.path != entry.path:
            raise _hostile(entry, f"is the same file for Windows as {path_to_text(other.path)}")
    for name, entry in by_name.items():
        above = name.rpartition("\\")[0]
        while above:
            other_above = by_name.get(above)
            if other_above is not None and other_above.kind != "directory":
                raise _hostile(entry, f"lies below {path_to_text(other_above.path)}, which is a {other_above.kind}")
            above = above.rpartition("\\")[0]


def _judge(entry: Entry, covers: Callable[[bytes], bool]) -> str:
    if entry.kind not in RESTORABLE:
        raise _hostile(entry, f"is of kind {entry.kind}, which is never written")
    if not _DRIVE.match(entry.path):
        raise _hostile(entry, "is no absolute path on a drive")
    if b"\\" in entry.path:
        raise _hostile(entry, "has a backslash in a name")
    try:
        path = windows_path(entry.path)
    except UnicodeDecodeError:
        raise _hostile(entry, "is no text") from None
    if len(path) > LONGEST_PATH:
        raise _hostile(entry, "is too long a path")
    for name in path.split("\\")[1:]:
        wrong = what_is_wrong(name)
        if wrong:
            raise _hostile(entry, f"has {name[:80]!r} in it, which {wrong}")
    if not covers(entry.path):
        raise _hostile(entry, "does not belong to this item")
    wrong = what_is_wrong_with(entry.kind, entry.xattrs)
    if wrong:
        raise _hostile(entry, wrong)
    return path


def _hostile(entry: Entry, message: str) -> HostileContent:
    return HostileContent(
        f"This {message}; nothing was written",
        item=path_to_text(entry.path),
        hint="Look at where this generation comes from before you restore anything of it.",
    )
