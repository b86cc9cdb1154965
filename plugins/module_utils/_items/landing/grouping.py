# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the files that arrived are a backup, and which belong together: pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..._errors import OptionInvalid
from ..globs import Excludes
from .judging import Arrival

GROUPINGS = ("file", "folder", "all", "pattern", "cucm")
"""How files are put together: each alone, those of a folder, all, those of which a regular expression finds the same,
Cisco's drfComponent.xml with all that it names."""

TEMPORARY = (".*", "*~", "*.part", "*.partial", "*.filepart", "*.tmp", "*.temp", "*.crdownload")
"""Names that programs give to what they have not finished."""


@dataclass(frozen=True)
class Selection:
    """Which files are meant. Patterns are held against the path below ``incoming``, those without a slash against each
    name. ``group_pattern``: a regular expression on that path; files whose groups match the same belong together."""

    patterns: Sequence[str] = ("*",)
    exclude: Sequence[str] = TEMPORARY
    group_by: str = "file"
    group_pattern: str | None = None
    _wanted: Excludes = field(init=False, repr=False, compare=False)
    _left_out: Excludes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.group_by not in GROUPINGS:
            raise OptionInvalid(f"There is no grouping {self.group_by!r}", hint=f"There are {', '.join(GROUPINGS)}.")
        if (self.group_by == "pattern") != (self.group_pattern is not None):
            raise OptionInvalid("group_pattern is for group_by pattern, which cannot do without it")
        try:
            groups = re.compile(self.group_pattern.encode()).groups if self.group_pattern else 1
        except re.error as error:
            raise OptionInvalid(f"group_pattern is no regular expression: {error}") from None
        if not groups:
            raise OptionInvalid(
                "group_pattern has no group", hint="Put what files of one backup have in common into (...)."
            )
        object.__setattr__(self, "_wanted", Excludes(self.patterns))
        object.__setattr__(self, "_left_out", Excludes(self.exclude))

    def means(self, name: bytes) -> bool:
        """Whether a file is one of those that are taken."""
        return self._wanted.match(name) and not self._left_out.match(name)

    def key(self, name: bytes) -> bytes:
        """What files of one backup have in common. A file that the pattern does not match stands for itself."""
        if self.group_by == "folder":
            return posixpath.dirname(name)
        if self.group_by in ("all", "cucm"):
            return b""
        if self.group_pattern is not None:
            found = re.search(self.group_pattern.encode(), name)
            return b"\0".join(part or b"" for part in found.groups()) if found else b"\0\0" + name
        return name


@dataclass(frozen=True)
class Batch:
    """Files that are one backup, and thus one generation. ``waits_for``: why it is not whole yet."""

    key: bytes
    arrivals: tuple[Arrival, ...]
    waits_for: tuple[str, ...] = ()

    @property
    def is_stable(self) -> bool:
        """Whether it may be taken: every file of it is stable, and none is known to be missing."""
        return not self.waits_for and all(one.is_stable for one in self.arrivals)

    @property
    def received_ns(self) -> int:
        """When the last of it came, by this host's clock."""
        return max(one.received_ns for one in self.arrivals)

    @property
    def names(self) -> tuple[bytes, ...]:
        """The names of its files."""
        return tuple(one.facts.name for one in self.arrivals)


def batches(arrivals: Mapping[bytes, Arrival], selection: Selection) -> list[Batch]:
    """The files put together, the oldest receipt first. Cisco's sets are not told apart here, see ``cucm``."""
    together: dict[bytes, list[Arrival]] = {}
    for name in sorted(arrivals):
        if selection.means(name):
            together.setdefault(selection.key(name), []).append(arrivals[name])
    return in_order(Batch(key, tuple(members)) for key, members in together.items())


def in_order(found: Iterable[Batch]) -> list[Batch]:
    """Batches by the time of their receipt."""
    return sorted(found, key=lambda one: (one.received_ns, one.key))
