# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths that an operator asks for: at or under a pattern."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from .._errors import OptionInvalid
from .._repository.format import StoredEntry

_DRIVE = re.compile(r"[A-Za-z]:(?:[\\/]|$)")
_KEY = re.compile(r"HKEY_[A-Z_]+(?:\\|$)", re.IGNORECASE)


class PathPatterns:
    r"""Absolute patterns. C(*) and C(?) stand for what is within one segment; what lies under a match is meant too.

    Paths and registry keys of Windows hosts may be written as they are there, and have no case:
    ``C:\Program Files\estos`` is ``/C:/Program Files/estos``.
    """

    def __init__(self, patterns: Sequence[str] | None) -> None:
        """Without patterns everything matches. Raises OptionInvalid for one that is not absolute."""
        self._patterns = [reading for pattern in patterns or () for reading in _readings(pattern)]

    def match(self, path: bytes) -> bool:
        """Whether the path is asked for."""
        if not self._patterns:
            return True
        segments = [segment for segment in path.decode("utf-8", "surrogateescape").split("/") if segment]
        return any(_covers(pattern, segments) for pattern in self._patterns)

    def choose(self, read: Callable[[], Iterable[StoredEntry]]) -> list[StoredEntry]:
        """The entries that are asked for. A hardlink to a file that is not becomes a file of its own, with the content
        and the properties that the two share.

        :param read: gives all entries, anew each time
        """
        chosen = [stored for stored in read() if self.match(stored.entry.path)]
        links = {_link(stored) for stored in chosen if stored.entry.kind == "hardlink"}
        lacking = links - {(stored.entry.item, stored.entry.path) for stored in chosen}
        if not lacking:
            return chosen
        places = ((stored.entry.item, stored.entry.path, stored) for stored in read() if stored.entry.kind == "file")
        sources = {(item, path): stored for item, path, stored in places if (item, path) in lacking}
        return [_as_file(stored, sources.get(_link(stored))) for stored in chosen]


def _link(stored: StoredEntry) -> tuple[str, bytes]:
    return stored.entry.item, stored.entry.link_target or b""


def _as_file(stored: StoredEntry, source: StoredEntry | None) -> StoredEntry:
    if source is None or stored.entry.kind != "hardlink":
        return stored
    return replace(source, entry=replace(source.entry, path=stored.entry.path))


def _readings(pattern: str) -> list[list[re.Pattern[str]]]:
    """A pattern segment by segment; a registry key is one that is kept, or one above it."""
    text = pattern.replace("\\", "/")
    if _DRIVE.match(pattern):
        return [_compiled(text, re.IGNORECASE)]
    if _KEY.match(pattern):
        key = "@registry/" + text.rstrip("/")
        return [_compiled(key, re.IGNORECASE), _compiled(key + ".reg", re.IGNORECASE)]
    if not pattern.startswith("/"):
        raise OptionInvalid(f"The path {pattern!r} is not absolute", hint="Begin it with a slash, as on the source.")
    windows = _DRIVE.match(pattern[1:]) or pattern.startswith("/@registry/")
    return [_compiled(pattern, re.IGNORECASE if windows else re.RegexFlag(0))]


def _compiled(pattern: str, flags: re.RegexFlag) -> list[re.Pattern[str]]:
    # brackets are no wildcards here
    escaped = pattern.replace("[", "[[]")
    return [re.compile(fnmatch.translate(segment), flags) for segment in escaped.split("/") if segment]


def _covers(pattern: list[re.Pattern[str]], segments: list[str]) -> bool:
    return len(pattern) <= len(segments) and all(part.match(name) for part, name in zip(pattern, segments))
