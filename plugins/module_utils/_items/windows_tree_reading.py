# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Windows tree as entries: folder by folder, and once more for what was disturbed while it was read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .._entries import Entry, Gathered, ItemReport
from .._transport.windows import entry_path
from .._transport.windows_files import Taken, WindowsFile, WindowsFiles
from .tree_listing import note
from .windows_metadata import UNRESTORED, link_target, xattrs_of
from .windows_names import WindowsExcludes, WindowsGlobs, fold, what_is_wrong

DEEPEST = 200
"""Levels of folders; nothing honest is deeper."""

NOTHING_AT = "is demanded, but not there"

Stamp = Callable[..., Entry]
"""Makes an entry of the item from kind, path and metadata."""


@dataclass
class WindowsTreeReading:
    """One gathering. ``growing``: files to which something was only added while they were read are as they should be,
    because they are logs. ``each``: where something is found, nothing named without a wildcard may be missing."""

    files: Callable[[str], WindowsFiles]
    """Whose files a path is read from, by its drive letter."""
    excludes: WindowsExcludes
    stamp: Stamp
    report: ItemReport
    growing: bool = False
    each: bool = False

    def __post_init__(self) -> None:
        self._seen: set[str] = set()
        self._disturbed: dict[str, str] = {}

    def entries(self, globs: Sequence[str]) -> Iterator[Gathered]:
        """Everything at and below the globs. What is wrong goes to the report."""
        self.report.found = False
        missing = []
        for glob in globs:
            found = False
            problems = len(self.report.problems)
            for folder, file in self._expand(glob):
                found = True
                yield from self._tree(folder, [file])
            if glob.rstrip("\\")[1:] == ":":
                found = True
                yield from self._folder(glob.rstrip("\\"), 0)
            if not found:
                note(self.report, "nothing_at", entry_path(glob))
                unread = len(self.report.problems) > problems
                if not unread and not set("*?") & set(glob) and not self.excludes.match(glob.rstrip("\\")):
                    missing.append(glob)
        if self.each and self.report.found:
            for glob in missing:
                self.report.absent(entry_path(glob), NOTHING_AT)
        again, self._disturbed = self._disturbed, {}
        for path in again:
            yield from self._once_more(path)
        for path, message in self._disturbed.items():
            self.report.problem(entry_path(path), message)

    def _expand(self, glob: str) -> Iterator[tuple[str, WindowsFile]]:
        """What a glob means: folder and name, in the spelling of the disk."""
        parts, names = WindowsGlobs([glob]).parts[0], glob.rstrip("\\").split("\\")
        folders = [glob[:2].upper()]
        for depth, part in enumerate(parts[1:], 2):
            last = depth == len(parts)
            below: list[str] = []
            for folder in folders:
                for file in self._list(folder):
                    if not part.match(fold(file.name)):
                        continue
                    path = f"{folder}\\{file.name}"
                    if last and not self.excludes.match(path):
                        yield folder, file
                    elif not last and file.kind == "directory":
                        below.append(path)
                    elif not last and file.kind == "link":
                        self._link_above(path, meant=not set("*?") & set(names[depth - 1]))
            folders = below

    def _link_above(self, path: str, *, meant: bool) -> None:
        """A link where a folder should lead on. One that a pattern only happens to match (C(C:\\Users\\All Users)) is
        no loss."""
        if not meant:
            note(self.report, "links_not_entered", entry_path(path))
            return
        target = "another place"
        with contextlib.suppress(OSError):
            target = link_target(self._of(path).read_link(path))
        self.report.problem(
            entry_path(path), f"is a link to {target} above what is wanted; links are not followed, name its target"
        )

    def _tree(self, folder: str, some: Sequence[WindowsFile], depth: int = 0) -> Iterator[Gathered]:
        """Some names of a folder, and all that lies below them."""
        fresh = [one for one in some if self._is_new(f"{folder}\\{one.name}")]
        entered = []
        try:
            for taken in self._of(folder).take(folder, fresh):
                path = f"{folder}\\{taken.name}"
                if taken.error is not None:
                    self._disturb(path, taken.error)
                elif taken.file is not None:
                    yield from self._entry(path, taken, taken.file)
                    if taken.file.kind == "directory":
                        entered.append(path)
        except OSError as error:  # the folder as a whole: it became a link, or is gone
            self.report.problem(entry_path(folder), _said(error))
        for path in entered:
            yield from self._folder(path, depth + 1)

    def _folder(self, path: str, depth: int) -> Iterator[Gathered]:
        if depth > DEEPEST:
            self.report.problem(entry_path(path), f"is deeper than {DEEPEST} levels")
            return
        wanted = []
        for file in self._list(path):
            below = f"{path}\\{file.name}"
            if self.excludes.match(below):
                self.report.holding.add(entry_path(path))
                continue
            wrong = what_is_wrong(file.name)
            if wrong:
                self.report.holding.add(entry_path(path))
                self.report.problem(entry_path(below), f"its name {wrong}; it is not kept")
            else:
                wanted.append(file)
        yield from self._tree(path, wanted, depth)

    def _list(self, folder: str) -> list[WindowsFile]:
        path = folder + "\\" if folder.endswith(":") else folder
        try:
            return self._of(folder).list_folder(path)
        except FileNotFoundError:
            return []
        except OSError as error:
            self.report.problem(entry_path(folder), _said(error))
            return []

    def _entry(self, path: str, taken: Taken, file: WindowsFile) -> Iterator[Gathered]:
        self.report.found = True
        raw = entry_path(path)
        target = None
        if file.kind == "link":
            target = link_target(taken.link)
            note(self.report, "links", raw)
        if taken.streams:
            note(self.report, "streams_not_kept", raw)
        for bit, word in UNRESTORED.items():
            if file.attributes & bit:
                note(self.report, f"not_kept_{word}", raw)
        entry = self.stamp(
            kind="symlink" if file.kind == "link" else file.kind,
            path=raw,
            mtime_ns=file.written_ns,
            size=file.size if file.kind == "file" else 0,
            link_target=target.encode("utf-8", "surrogatepass") if target is not None else None,
            xattrs=xattrs_of(taken, file),
        )
        yield entry, self._content(path, taken, file) if file.kind == "file" else ()

    def _content(self, path: str, taken: Taken, file: WindowsFile) -> Iterator[bytes]:
        size = 0
        try:
            for data in taken.content:
                size += len(data)
                yield data
        except OSError as error:
            self._disturb(path, error)
            return
        after = taken.after
        if size != file.size:
            self._disturbed[path] = f"changed while it was read: {file.size} bytes became {size}"
        elif after is not None and (after.size, after.written) != (file.size, file.written):
            if self.growing and after.size >= file.size:
                note(self.report, "grew", entry_path(path))
            else:
                self._disturbed[path] = "changed while it was read"

    def _disturb(self, path: str, error: OSError) -> None:
        self._disturbed[path] = _said(error)

    def _once_more(self, path: str) -> Iterator[Gathered]:
        """What was disturbed, a second time; what is gone by then was removed, and that is no problem."""
        files = self._of(path)
        folder, _slash, name = path.rpartition("\\")
        try:
            now = files.stat(path)
        except FileNotFoundError:
            note(self.report, "vanished", entry_path(path))
            return
        except OSError as error:
            self._disturb(path, error)
            return
        listed = WindowsFile(name, now.kind, now.size, now.attributes, now.created, now.written)
        self._seen.discard(fold(path))
        yield from self._tree(folder, [listed])

    def _is_new(self, path: str) -> bool:
        key = fold(path)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _of(self, path: str) -> WindowsFiles:
        return self.files(path[0].upper())


def _said(error: OSError) -> str:
    return error.strerror or "cannot be read"
