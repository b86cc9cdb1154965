# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the content of a pushed file is plausible, told while it flows by: pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from ..._entries import path_to_text
from .containers import HEAD, UNKNOWN, checker_of, kind_of
from .judging import LEVEL_PLAUSIBLE, LEVEL_STABLE

VERDICT_OK = "ok"
VERDICTS = (
    VERDICT_OK,
    "empty",
    "all_zero",
    "too_small",
    "other_container",
    "truncated",
    "damaged",
    "changed",
    "unreadable",
    "component_failed",
    "shrunken",
    "grown",
)
"""What can be said of a file or, the last two, of all files of one backup."""

NOT_READ = ("changed", "unreadable")
"""With these nobody knows the whole content: what was read of it takes no file's place."""

ZERO_TAIL = 65536
"""So many zeros at the end of what is no known container look like a transfer that made room and then broke off."""
_TAIL = 8192


@dataclass(frozen=True)
class Demands:
    """What is asked of every file. ``containers``: kinds that it may be, none for any. ``ends_with``: bytes that must
    stand in its last kilobytes, as a product's own mark of the end."""

    min_size: int = 1
    containers: tuple[str, ...] = ()
    ends_with: bytes = b""


@dataclass
class FileVerdict:
    """What is known of one file. ``verified`` is ``tested`` when its container was read to its end and fits its own
    checks, else ``opaque``: nothing is claimed then of what is in it."""

    name: bytes
    size: int = 0
    sha256: str = ""
    container: str = UNKNOWN
    verified: str = "opaque"
    verdict: str = VERDICT_OK
    reason: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def is_read(self) -> bool:
        """Whether it was read to its end, and was all the time what had been judged. That it is whole is more."""
        return self.verdict not in NOT_READ

    @property
    def level(self) -> str:
        """How far it is proved: ``stable``, or ``plausible`` when nothing is wrong with it."""
        return LEVEL_PLAUSIBLE if self.verdict == VERDICT_OK else LEVEL_STABLE

    def to_result(self) -> dict[str, Any]:
        """For the result of a module. The hash is not in it: of a small file it would tell the content."""
        return {
            "name": path_to_text(self.name),
            "size": self.size,
            "container": self.container,
            "verified": self.verified,
            "level": self.level,
            "verdict": self.verdict,
            "reason": self.reason,
        }


class ContentCheck:
    """Feed it the content, then :meth:`finish`."""

    def __init__(self, name: bytes, demands: Demands) -> None:
        self._verdict = FileVerdict(name)
        self._demands = demands
        self._digest = hashlib.sha256()
        self._head = bytearray()
        self._tail = b""
        self._zeros = 0
        self._only_zeros = True
        self._begun = False
        self._test = checker_of(UNKNOWN)

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._digest.update(data)
        self._verdict.size += len(data)
        filled = data.rstrip(b"\0")
        self._zeros = self._zeros + len(data) if not filled else len(data) - len(filled)
        self._only_zeros = self._only_zeros and not filled
        if self._demands.ends_with:
            self._tail = (self._tail + data)[-_TAIL - len(self._demands.ends_with) :]
        if self._begun:
            if self._test is not None:
                self._test.feed(data)
            return
        self._head += data
        if len(self._head) >= HEAD:
            self._begin()

    def finish(self) -> FileVerdict:
        """The verdict; to be asked for once."""
        if not self._begun:
            self._begin()
        one = self._verdict
        one.sha256 = self._digest.hexdigest()
        one.verdict, one.reason = self._judge()
        if one.verdict == VERDICT_OK:
            one.verified = "tested" if self._test is not None else "opaque"
            if one.container == UNKNOWN and self._zeros >= ZERO_TAIL:
                one.warnings.append(f"its last {self._zeros} bytes are zeros, as a transfer leaves that broke off")
        return one

    def _begin(self) -> None:
        self._begun = True
        self._verdict.container = kind_of(bytes(self._head[:HEAD]))
        self._test = checker_of(self._verdict.container)
        if self._test is not None:
            self._test.feed(bytes(self._head))
        self._head.clear()

    def _judge(self) -> tuple[str, str]:
        one, demands = self._verdict, self._demands
        if not one.size:
            return "empty", "it is empty"
        if self._only_zeros:
            return "all_zero", f"all its {one.size} bytes are zeros"
        if one.size < demands.min_size:
            return "too_small", f"it has {one.size} bytes, at least {demands.min_size} are demanded"
        if demands.containers and one.container not in demands.containers:
            return "other_container", f"it is {one.container}, demanded is {' or '.join(demands.containers)}"
        wrong = self._test.finish() if self._test is not None else None
        if wrong is not None:
            return "truncated" if "ends before its end" in wrong else "damaged", f"the {one.container} {wrong}"
        if demands.ends_with and demands.ends_with not in self._tail:
            return "truncated", "it does not end with what marks its end"
        return VERDICT_OK, ""
