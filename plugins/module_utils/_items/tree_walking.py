# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tree read over SFTP, for hosts whose account has no shell or no GNU tools."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress

from .._entries import Gathered, ItemReport
from .._transport.base import FileStatus, Transport
from .globs import Excludes, PathGlobs
from .tree_listing import leads_out, note
from .tree_reading import Stamp

DEEPEST = 200
"""Levels of folders; nothing honest is deeper."""
MOST_LINKS = 40
"""Symlinks on the way to a file, as many as Linux follows."""


def walk_tree(
    transport: Transport, globs: PathGlobs, excludes: Excludes, root: bytes, stamp: Stamp, report: ItemReport
) -> Iterator[Gathered]:
    """Every covered path that the login user can see. Sets ``report.found``."""
    report.found = False
    walk = _Walk(transport, globs, excludes, root.rstrip(b"/"), stamp, report)
    yield from walk.folder(b"/", 0)
    for pattern in walk.unmatched:
        note(report, "nothing_at", pattern)


class _Walk:
    """``unmatched``: the patterns of which nothing is there."""

    def __init__(
        self,
        transport: Transport,
        globs: PathGlobs,
        excludes: Excludes,
        root: bytes,
        stamp: Stamp,
        report: ItemReport,
    ) -> None:
        self._transport = transport
        self._globs = globs
        self._excludes = excludes
        self._root = root
        self._stamp = stamp
        self._report = report
        self.unmatched = {pattern: PathGlobs([pattern]) for pattern in globs.patterns if pattern.strip(b"/")}

    def folder(self, path: bytes, depth: int, outside: bool = False) -> Iterator[Gathered]:
        """What is covered of it and below it.

        :param outside: a symlink above it leads out of the root, so that nothing of it is read
        """
        try:
            names = self._transport.list_dir(self._root + path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            if error.errno != errno.ELOOP and self._globs.leads(path):
                self._report.problem(path, error.strerror or "cannot be listed")
                self._answered(PathGlobs.leads, path)
            return
        for status in names:
            below = path.rstrip(b"/") + b"/" + status.name
            if not self._globs.leads(below) or below in (b"/proc", b"/sys"):
                continue
            self._answered(PathGlobs.matches, below)
            if self._excludes.match(below):
                continue
            covered = self._globs.covers(below)
            if covered and outside:
                self._report.problem(below, leads_out(self._root))
                continue
            if covered:
                yield from self._entry(below, status)
            follow = status.kind == "symlink" and not covered
            if not follow and status.kind != "directory":
                continue
            if depth >= DEEPEST:
                self._report.problem(below, f"is deeper than {DEEPEST} levels")
            else:
                yield from self.folder(below, depth + 1, not self._is_inside(below) if follow else outside)

    def _answered(self, how: Callable[[PathGlobs, bytes], bool], path: bytes) -> None:
        """Something is known of the patterns that match this path, or lead through it."""
        self.unmatched = {pattern: glob for pattern, glob in self.unmatched.items() if not how(glob, path)}

    def _is_inside(self, path: bytes) -> bool:
        """Whether what a path leads to lies in the root."""
        root = self._real(self._root)
        return not root or (self._real(self._root + path) + b"/").startswith(root + b"/")

    def _real(self, path: bytes) -> bytes:
        """The path with its symlinks followed; empty for the root of the host."""
        real, ahead, links = b"", path.split(b"/"), 0
        while ahead:
            name = ahead.pop(0)
            if name == b"..":
                real = real.rpartition(b"/")[0]
            elif name not in (b"", b"."):
                real += b"/" + name
                with suppress(OSError):  # no symlink
                    target = self._transport.read_link(real)
                    links += 1
                    if links <= MOST_LINKS:
                        real = b"" if target.startswith(b"/") else real.rpartition(b"/")[0]
                        ahead[:0] = target.split(b"/")
        return real

    def _entry(self, path: bytes, status: FileStatus) -> Iterator[Gathered]:
        if status.kind == "other":
            note(self._report, "special", path)
            return
        content: Iterator[bytes] = iter(())
        link = None
        try:
            if status.kind == "symlink":
                link = self._transport.read_link(self._root + path)
            elif status.kind == "file":
                content = self._content(path, status)
        except OSError as error:
            self._report.problem(path, error.strerror or "cannot be read")
            return
        self._report.found = True
        entry = self._stamp(
            kind=status.kind,
            path=path,
            mode=status.mode,
            uid=status.uid,
            gid=status.gid,
            mtime_ns=status.mtime * 10**9,
            size=status.size if status.kind == "file" else 0,
            link_target=link,
        )
        yield entry, content

    def _content(self, path: bytes, status: FileStatus) -> Iterator[bytes]:
        read = 0
        try:
            for data in self._transport.read_file(self._root + path):
                read += len(data)
                yield data
        except OSError as error:
            self._report.problem(path, error.strerror or "cannot be read")
            return
        if read != status.size:
            self._report.problem(path, f"changed while it was read: {status.size} bytes became {read}")
        elif not self._is_still(path, status):
            self._report.problem(path, "changed while it was read")

    def _is_still(self, path: bytes, status: FileStatus) -> bool:
        """Whether a file is the one that was listed; its time tells that to the second, as SFTP does."""
        try:
            now = self._transport.file_status(self._root + path)
        except OSError:
            return False
        return (now.kind, now.size, now.mtime) == (status.kind, status.size, status.mtime)
