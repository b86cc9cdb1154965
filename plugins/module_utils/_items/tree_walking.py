# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tree read over SFTP, for hosts whose account has no shell or no GNU tools."""

from __future__ import annotations

from collections.abc import Iterator

from .._entries import Gathered, ItemReport
from .._transport.base import FileStatus, Transport
from .globs import Excludes, PathGlobs
from .tree_listing import note
from .tree_reading import Stamp

DEEPEST = 200
"""Levels of folders; nothing honest is deeper."""


def walk_tree(
    transport: Transport, globs: PathGlobs, excludes: Excludes, root: bytes, stamp: Stamp, report: ItemReport
) -> Iterator[Gathered]:
    """Every covered path that the login user can see. Sets ``report.found``."""
    report.found = False
    yield from _Walk(transport, globs, excludes, root.rstrip(b"/"), stamp, report).folder(b"/", 0)


class _Walk:
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

    def folder(self, path: bytes, depth: int) -> Iterator[Gathered]:
        try:
            names = self._transport.list_dir(self._root + path)
        except FileNotFoundError:
            return
        except OSError as error:
            if self._globs.leads(path):
                self._report.problem(path, error.strerror or "cannot be listed")
            return
        for status in names:
            below = path.rstrip(b"/") + b"/" + status.name
            if self._excludes.match(below) or not self._globs.leads(below) or below in (b"/proc", b"/sys"):
                continue
            if self._globs.covers(below):
                yield from self._entry(below, status)
            if status.kind == "directory":
                if depth >= DEEPEST:
                    self._report.problem(below, f"is deeper than {DEEPEST} levels")
                else:
                    yield from self.folder(below, depth + 1)

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
                content = self._content(path, status.size)
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

    def _content(self, path: bytes, size: int) -> Iterator[bytes]:
        read = 0
        try:
            for data in self._transport.read_file(self._root + path):
                read += len(data)
                yield data
        except OSError as error:
            self._report.problem(path, error.strerror or "cannot be read")
            return
        if read != size:
            self._report.problem(path, f"changed while it was read: {size} bytes became {read}")
