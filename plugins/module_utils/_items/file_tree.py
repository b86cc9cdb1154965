# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees of files: any number of them leaves the host as one stream, and goes back as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from .._compare.normalise import for_path
from .._entries import Entry, Gathered, ItemReport, path_to_text
from .._errors import OptionInvalid
from .._transport.base import Become, CommandsRefused, Transport
from .base import Extent, Item, LineNormaliser
from .globs import Excludes, Glob, PathGlobs, raw
from .tree_conversation import TreeConversation
from .tree_listing import KEPT, MOUNTS, Listing, ToolsMissing, measure_tree, note
from .tree_reading import Stamp, read_tree
from .tree_restoring import TreeRestore, judge_entries
from .tree_walking import walk_tree


@dataclass
class FileTree(Item):
    """Files, folders, symlinks, hardlinks and FIFOs with owner, mode, times, ACLs and extended attributes.

    ``paths``: absolute, with ``*``, ``?`` and ``[...]`` within names. A path that is a symlink is kept as a symlink and
    noted; name its target too if that is wanted. Sockets and devices are left out and noted. Kernel file systems
    (``/proc``, ``/sys``) are never entered. Where another file system is mounted below the paths is noted.

    ``exclude``: a pattern with a slash is held against the whole path (``*`` within one name, ``**`` across), one
    without against every single name; what lies below an excluded folder is excluded too. ``root``: the folder that
    counts as ``/`` (containers, chroots, drills); entries are named as seen from inside. ``one_file_system``: do not
    enter other mounts below the paths.

    The host needs GNU tar and GNU find. Where they, or a shell, are missing, files are read over SFTP as the login
    user, without owners' names, ACLs and extended attributes, and cannot be restored by us.
    """

    paths: Sequence[Glob] = ()
    exclude: Sequence[Glob] = ()
    root: Glob = "/"
    one_file_system: bool = False

    scope_fields: ClassVar[Sequence[str]] = ("paths", "exclude", "one_file_system")
    looks_inside: ClassVar[bool] = False
    """Whether a kind of tree does something with contents, so that it has to read them each time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        wrong = [path for path in (*self.paths, self.root) if not _is_plain(raw(path))]
        if wrong or not self.paths:
            what = f"{wrong[0]!r} is no absolute path without .. in it" if wrong else "There are no paths"
            raise OptionInvalid(what, item=self.name)
        self._globs = PathGlobs(self.paths)
        self._excludes = Excludes(self.exclude)

    def covers(self, path: bytes) -> bool:
        return self._globs.covers(path) and not self._excludes.match(path)

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return for_path(entry.path) if entry.kind == "file" else None

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        stamp = partial(Entry, item=self.name, data_class=self.data_class, sensitive=self.sensitive)
        came = False
        try:
            for gathered in self._read(transport, stamp, report):
                came = True
                yield gathered
        except (CommandsRefused, ToolsMissing) as reason:
            if came:
                raise
            report.problems.clear()
            report.notes.clear()
            report.notes["read_by"] = f"SFTP, without ACLs and extended attributes: {reason.message}"
            yield from walk_tree(transport, self._globs, self._excludes, raw(self.root), stamp, report)

    def measure(self, transport: Transport, report: ItemReport) -> Extent:
        """By the listing alone: no content is read."""
        try:
            listing = measure_tree(transport, *self._where())
        except (CommandsRefused, ToolsMissing):
            return super().measure(transport, report)
        kinds = self._kept(listing, report)
        report.found = bool(kinds)
        return Extent(len(kinds), sum(listing.sizes.get(path, 0) for path, kind in kinds.items() if kind == "f"))

    def judge(self, wanted: Sequence[Entry]) -> None:
        judge_entries(wanted, self.covers)

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        TreeRestore(transport, raw(self.root), self.become, self.name, self.covers).run(wanted, current)

    def _read(self, transport: Transport, stamp: Stamp, report: ItemReport) -> Iterator[Gathered]:
        with TreeConversation(transport, *self._where()) as conversation:
            listing = conversation.listing()
            kinds = self._kept(listing, report)
            report.found = bool(kinds)
            versions = {} if self.looks_inside else listing.versions
            known = dict(_known(kinds, versions, stamp, report))
            wanted = [path for path in kinds if path not in known]
            reading = read_tree(conversation, transport, wanted, raw(self.root), self.become, stamp, report)
            for entry, content in reading:
                # what comes a second time was written to meanwhile
                version = versions.pop(entry.path, b"") if entry.kind == "file" else b""
                yield replace(entry, version=version) if version else entry, content
            # last, so that nothing came yet where the tools turn out to be missing
            yield from known.values()

    def _where(self) -> tuple[Sequence[bytes], bytes, Become, bool]:
        return [raw(path) for path in self.paths], raw(self.root), self.become, self.one_file_system

    def _kept(self, listing: Listing, report: ItemReport) -> dict[bytes, str]:
        """What is read, path -> kind; what is not, and why, goes to the report."""
        for path, message in listing.problems:
            if not self._excludes.match(path):
                report.problem(path, message)
        kept = {}
        holding = set()
        for path, kind in listing.kinds.items():
            excluded = self._excludes.match(path)
            if kind in KEPT and not excluded:
                kept[path] = kind
                continue
            holding.add(path.rpartition(b"/")[0])
            if not excluded:
                note(report, "special", path)
        report.holding = holding & kept.keys()
        mounts = [path_to_text(path) for path in listing.mounts if path in kept]
        if mounts:
            report.notes[MOUNTS] = mounts
        for path in listing.unmatched:
            note(report, "nothing_at", path)
        for path in listing.matched:
            if kept.get(path) == "l":
                note(report, "symlinks", path)
        return kept


def _known(
    kinds: Mapping[bytes, str], versions: Mapping[bytes, bytes], stamp: Stamp, report: ItemReport
) -> Iterator[tuple[bytes, Gathered]]:
    """The files that need not be read, by path."""
    if report.known is None:
        return
    for path, version in versions.items():
        found = report.known.find(stamp(kind="file", path=path, version=version)) if path in kinds else None
        if found is not None:
            yield path, found


def _is_plain(path: bytes) -> bool:
    return path.startswith(b"/") and b"\0" not in path and b".." not in path.split(b"/")
