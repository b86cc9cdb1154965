# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths that an operator asks for: at or under a pattern."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from .._errors import OptionInvalid


class PathPatterns:
    """Absolute patterns. C(*) and C(?) stand for what is within one segment; what lies under a match is meant too."""

    def __init__(self, patterns: Sequence[str] | None) -> None:
        """Without patterns everything matches. Raises OptionInvalid for one that is not absolute."""
        self._patterns = [_segments(pattern) for pattern in patterns or ()]

    def match(self, path: bytes) -> bool:
        """Whether the path is asked for."""
        if not self._patterns:
            return True
        segments = [segment for segment in path.decode("utf-8", "surrogateescape").split("/") if segment]
        return any(_covers(pattern, segments) for pattern in self._patterns)


def _segments(pattern: str) -> list[re.Pattern[str]]:
    if not pattern.startswith("/"):
        raise OptionInvalid(f"The path {pattern!r} is not absolute", hint="Begin it with a slash, as on the source.")
    # brackets are no wildcards here
    escaped = pattern.replace("[", "[[]")
    return [re.compile(fnmatch.translate(segment)) for segment in escaped.split("/") if segment]


def _covers(pattern: list[re.Pattern[str]], segments: list[str]) -> bool:
    return len(pattern) <= len(segments) and all(part.match(name) for part, name in zip(pattern, segments))
