# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a product pushed: what was taken from a landing zone, or one that a person downloaded.

An entry is ``/pushed/<name as it was delivered>``. Its time is when it was received by this host's clock; what the
sender says of times is not believed. A second item, :class:`PushedContents`, is the list of the contents without their
names: its digest in the commit record tells whether the same contents came before, whatever they are called.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .._entries import Entry, Gathered, ItemReport, path_to_text
from .._transport.base import Transport
from .base import Item
from .landing.content import ContentCheck, Demands, FileVerdict
from .landing.facts import FileFacts
from .landing.sizes import Band

FOLDER = b"/pushed/"
CONTENTS = b"/@pushed/contents.json"
FILES_ITEM = "files"
CONTENTS_ITEM = "contents"
READ_SIZE = 2**20
OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class PushedFile:
    """One file to read. ``facts``: as it was judged, under the name that it was delivered with; its reading begins and
    ends with the same, or it has changed. ``open``: gives a new descriptor of it, and never of another file.
    ``received_ns``: since when it is as it is, by this host's clock."""

    facts: FileFacts
    open: Callable[[], int]
    received_ns: int

    @property
    def name(self) -> bytes:
        """As it was delivered."""
        return self.facts.name

    @classmethod
    def at(cls, place: bytes, facts: FileFacts, received_ns: int) -> PushedFile:
        """A file at an absolute path; a link there is not followed."""
        return cls(facts, lambda: os.open(place, OPEN_FLAGS), received_ns)


@dataclass
class PushedFiles(Item):
    """The files of one backup.

    ``sizes_before``: bytes of all files in the last complete generations, newest first; ``accept_size`` True: another
    size is meant. ``failed``: what the product itself says went wrong, by the name of the file that tells it.
    ``verdicts`` and ``verdict`` are there after the gathering.
    """

    files: Sequence[PushedFile] = ()
    demands: Demands = Demands()
    band: Band = Band()
    sizes_before: Sequence[int] = ()
    accept_size: bool = False
    failed: Mapping[bytes, Sequence[str]] = field(default_factory=dict)
    verdicts: list[FileVerdict] = field(default_factory=list, init=False)

    @property
    def size(self) -> int:
        """Bytes of all files together, once they were read."""
        return sum(one.size for one in self.verdicts)

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        self.verdicts.clear()
        report.found = bool(self.files)
        for file in self.files:
            check = ContentCheck(file.name, self.demands)
            entry = Entry(
                self.name, self.data_class, "file", FOLDER + file.name, mtime_ns=file.received_ns, sensitive=True
            )
            broken: list[tuple[str, str]] = []
            yield entry, _read(file, check, broken)
            verdict = check.finish()
            if broken:
                verdict.verdict, verdict.reason = broken[0]
            elif verdict.verdict == "ok" and self.failed.get(file.name):
                verdict.verdict = "component_failed"
                verdict.reason = f"it says that these did not succeed: {', '.join(self.failed[file.name])}"
            self.verdicts.append(verdict)
            if verdict.reason:
                report.problem(file.name, verdict.reason)
        self._judge_size(report)

    def _judge_size(self, report: ItemReport) -> None:
        """A file that is wrong by itself needs no second verdict for its size."""
        if self.accept_size or any(one.reason for one in self.verdicts) or not self.verdicts:
            return
        verdict = self.band.verdict(self.size, self.sizes_before)
        if verdict is None:
            return
        usual = self.band.usual(self.sizes_before)
        reason = f"has {self.size} bytes, the median of its last complete generations is {usual}"
        for one in self.verdicts:
            one.verdict, one.reason = verdict, f"the backup {reason}"
        report.problem("", f"{reason}; name the item in accept_shrunken if that is meant")

    def covers(self, path: bytes) -> bool:
        return path.startswith(FOLDER)


@dataclass
class PushedContents(Item):
    """The contents of ``of``, which is gathered before it, without names: hash, size and container of each, sorted.

    What was read of a file that could not be read to its end is marked, so that it is never taken for a whole one.
    """

    of: PushedFiles | None = None
    restorable: bool = False

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        verdicts = self.of.verdicts if self.of is not None else []
        report.found = bool(verdicts)
        rows = sorted([one.sha256, one.size, one.container, "" if one.is_read else one.verdict] for one in verdicts)
        if rows:
            names = ("sha256", "size", "container", "not_read")
            content = [{name: value for name, value in zip(names, row) if value != ""} for row in rows]
            text = json.dumps(content, indent=1) + "\n"
            yield Entry(self.name, self.data_class, "output", CONTENTS, sensitive=True), [text.encode("ascii")]

    def covers(self, path: bytes) -> bool:
        return path == CONTENTS


def _read(file: PushedFile, check: ContentCheck, broken: list[tuple[str, str]]) -> Iterator[bytes]:
    """The content, held against the facts that were judged, before and after. What is wrong goes to ``broken``."""
    try:
        handle = file.open()
    except OSError as error:
        broken.append(("unreadable", f"it cannot be opened: {error.strerror}"))
        return
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            broken.append(("unreadable", "it is no regular file"))
            return
        if not file.facts.is_same_state(FileFacts.of(file.name, before)):
            broken.append(("changed", "it changed after it was judged"))
            return
        size = 0
        while True:
            data = os.read(handle, READ_SIZE)
            if not data:
                break
            size += len(data)
            check.feed(data)
            yield data
        if size != file.facts.size or not file.facts.is_same_state(FileFacts.of(file.name, os.fstat(handle))):
            broken.append(("changed", "it changed while it was read"))
    except OSError as error:
        broken.append(("unreadable", f"it cannot be read: {error.strerror}"))
    finally:
        os.close(handle)


def shown(name: bytes) -> str:
    """A name as messages and results have it: what is no plain text is percent-encoded."""
    return path_to_text(name)
