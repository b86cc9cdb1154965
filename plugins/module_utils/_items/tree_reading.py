# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of a listed tree: one tar stream, whose every name is held against the list."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from .._entries import Entry, Gathered, ItemReport
from .._errors import HostileContent, ItemTruncated
from .._transport.base import Argument, Become, CommandResult, CommandsRefused, Transport
from .tar_stream import TarMember, TarReader
from .tree_conversation import TreeConversation, name_list
from .tree_listing import NO_TOOLS, TAR, ToolsMissing, seen_from_root

Stamp = Callable[..., Entry]
"""Makes an entry of the item from kind, path and metadata."""

RESTORABLE = ("file", "directory", "symlink", "hardlink", "fifo")
"""The kinds of entries that trees are made of."""
MOST_LOST = 20
NOT_GNU = 4
"""The exit status that tells of another tar; GNU's has none above 2."""
_LINE = re.compile(rb"tar: ((?:[^:\\]|\\.)+): (.+)\Z", re.DOTALL)
_TWICE = re.compile(
    r"file changed as we read it|File shrank by|File removed before we read it|Cannot stat: No such file"
    r"|Cannot open: No such file"
)
"""What a second reading may mend: the file was written to, or replaced, at the wrong moment."""
_HARMLESS = re.compile(
    r"Exiting with failure status|socket ignored|implausibly old time stamp|time stamp .* in the future"
)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def read_tree(
    conversation: TreeConversation,
    transport: Transport,
    paths: Sequence[bytes],
    root: bytes,
    become: Become,
    stamp: Stamp,
    report: ItemReport,
) -> Iterator[Gathered]:
    """Every listed path as an entry with its content; what does not come as it should is a problem of the report.

    What was written to while it was read comes a second time at the end.

    :raises HostileContent: the host sends what was not asked for
    :raises ToolsMissing: the host has no GNU tar; nothing came then
    """
    if not paths:
        return
    first = _Reading(paths, stamp)
    yield from first.entries(conversation.archive(paths), conversation.finish)
    if first.no_tar:
        raise ToolsMissing(NO_TOOLS, host=transport.host)
    again = first.worth_a_second_reading()
    first.tell(report, except_for=again)
    if again:
        second = _Reading(sorted(again), stamp)
        command: list[Argument] = [*TAR, "-C", root, "--null", "--files-from=-"]
        try:
            with transport.open(command, input=name_list(sorted(again)), become=become) as stream:
                yield from second.entries(stream.chunks(), stream.finish)
        except CommandsRefused as error:
            for path in sorted(again):
                report.problem(path, f"changed while it was read, and cannot be read again: {error.message}")
            return
        second.tell(report)


class _Reading:
    """One run of tar over a list of paths."""

    def __init__(self, paths: Sequence[bytes], stamp: Stamp) -> None:
        self._paths = paths
        self._stamp = stamp
        self._missing = set(paths)
        self._problems: list[tuple[bytes, str]] = []
        self._cut_at: bytes | None = None
        self._truncated = ""
        self.no_tar = False

    def entries(self, archive: Iterator[bytes], finish: Callable[[], CommandResult]) -> Iterator[Gathered]:
        reader = TarReader(archive)
        try:
            for member in reader:
                entry = self._entry(member)
                self._cut_at = entry.path
                yield entry, self._content(reader)
            self._cut_at = None
        except ItemTruncated as error:
            self._truncated = error.message
        result = finish()
        self.no_tar = result.rc == NOT_GNU and len(self._missing) == len(set(self._paths))
        self._problems = list(complaints(result.stderr))
        if result.rc != 0 and not self._problems and not self._truncated:
            self._problems.append((b"", f"tar ended with exit status {result.rc} ({result.complaint})"))

    def worth_a_second_reading(self) -> set[bytes]:
        """Paths that were disturbed, and nothing else was wrong with them."""
        disturbed = {path for path, message in self._problems if _TWICE.search(message)}
        return (disturbed & set(self._paths)) - {p for p, message in self._problems if not _TWICE.search(message)}

    def tell(self, report: ItemReport, except_for: Collection[bytes] = ()) -> None:
        """Put what was wrong into the report; what came neither as an entry nor as a problem is named too."""
        for path, message in self._problems:
            if path not in except_for:
                report.problem(path, message)
        if self._truncated:
            report.problem(self._cut_at or b"", self._truncated)
        named = {path for path, _message in self._problems}
        lost = sorted(self._missing - named - set(except_for))
        for path in lost[:MOST_LOST]:
            report.problem(path, "was listed by the host, but did not come")
        if len(lost) > MOST_LOST:
            report.problem(b"", f"{len(lost) - MOST_LOST} more paths were listed by the host, but did not come")

    def _content(self, reader: TarReader) -> Iterator[bytes]:
        try:
            yield from reader.content()
        except ItemTruncated as error:
            self._truncated = error.message

    def _entry(self, member: TarMember) -> Entry:
        path = seen_from_root(member.name)
        if path not in self._missing:
            raise HostileContent("The host sends a file that was not asked for", item=path.decode("utf-8", "replace"))
        if member.kind not in RESTORABLE:
            raise HostileContent(f"The host sends a {member.kind}", item=path.decode("utf-8", "replace"))
        self._missing.discard(path)
        link = None
        if member.kind == "hardlink":
            link = seen_from_root(member.link)
        elif member.kind == "symlink":
            link = member.link
        return self._stamp(
            kind=member.kind,
            path=path,
            mode=member.mode,
            uid=member.uid,
            gid=member.gid,
            owner=member.owner.decode("utf-8", "replace") or None,
            group=member.group.decode("utf-8", "replace") or None,
            mtime_ns=member.mtime_ns,
            size=member.size if member.kind == "file" else 0,
            link_target=link,
            acl_access=_acl(member.acl_access),
            acl_default=_acl(member.acl_default),
            xattrs={
                key.decode("utf-8", "replace"): value
                for key, value in member.xattrs.items()
                if not key.startswith(b"system.posix_acl_")
            },
        )


def complaints(stderr: bytes) -> Iterator[tuple[bytes, str]]:
    """What tar complained about: path and message. Without a path when a line is none of tar's usual ones."""
    for line in stderr.split(b"\n"):
        text = line.decode("utf-8", "replace")
        if not text.strip() or _HARMLESS.search(text):
            continue
        found = _LINE.match(line)
        if found is None:
            yield b"", text
        else:
            yield seen_from_root(_unescape(found[1])), found[2].decode("utf-8", "replace")


def _unescape(text: bytes) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes((int(code, 8) & 0xFF,)) if len(code) == 3 else _ESCAPES.get(code, code)

    return _ESCAPE.sub(one, text)


def _acl(text: bytes | None) -> str | None:
    return text.decode("utf-8", "replace") if text is not None else None
