# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees of files on a Windows host, with security descriptors, attributes and all times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from .._compare.normalise import for_path
from .._compare.sqlite_noise import sqlite_for_path
from .._entries import Entry, Gathered, ItemReport
from .._errors import OptionInvalid
from .._transport.base import Transport
from .._transport.windows import windows, windows_path
from .._transport.windows_files import WindowsFiles
from .base import Extent, Item, LineNormaliser
from .shadow_copy import SHADOW_COPY_MODES, frozen
from .windows_names import WindowsExcludes, WindowsGlobs, fold
from .windows_tree_judging import judge_entries
from .windows_tree_reading import WindowsTreeReading
from .windows_tree_restoring import WindowsTreeRestore, is_there, remove_made


@dataclass
class WindowsTree(Item):
    r"""Files, folders and links of a Windows host.

    ``paths``: absolute, like C(C:\Program Files\estos\UCServer\config), with ``*`` and ``?`` within names; upper and
    lower case are the same. Links (junctions, symlinks, mount points) are kept as links and never followed; name their
    target too if that is wanted. Streams beside the content of a file (a mark of the web, say) are noted and not kept.

    ``exclude``: a pattern with a backslash is held against the whole path (``*`` within one name, ``**`` across), one
    without against every single name; what lies below an excluded folder is excluded too.

    ``any_of``: one of the paths is enough. Otherwise a required item demands each one that has no wildcard.

    ``shadow_copy``: whether all is read from a shadow copy of the volume that is made for it: ``never``, ``auto``
    (where the host makes one), ``required``. Without one, what another program holds open for itself alone is a
    problem.

    ``homes``: folders of users' profiles that some paths lie in. One that is gone is never made anew: Windows would
    give the user another folder when he logs on. So a restore leaves out what was in it.
    """

    paths: Sequence[str] = ()
    exclude: Sequence[str] = ()
    shadow_copy: str = "never"
    homes: Sequence[str] = ()
    any_of: bool = False

    scope_fields: ClassVar[Sequence[str]] = ("paths", "exclude")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.paths:
            raise OptionInvalid("There are no paths", item=self.name)
        if self.shadow_copy not in SHADOW_COPY_MODES:
            raise OptionInvalid(
                f"shadow_copy knows no {self.shadow_copy!r}",
                item=self.name,
                hint=f"It is one of {', '.join(SHADOW_COPY_MODES)}.",
            )
        self._globs = WindowsGlobs(self.paths)
        self._excludes = WindowsExcludes(self.exclude)
        self._made_above: list[str] = []

    def covers(self, path: bytes) -> bool:
        try:
            plain = windows_path(path)
        except UnicodeDecodeError:
            return False
        return self._globs.covers(plain) and not self._excludes.match(plain)

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        if entry.kind != "file":
            return None
        return sqlite_for_path(entry.path) or for_path(entry.path)

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        host = windows(transport)
        stamp = partial(Entry, item=self.name, data_class=self.data_class, sensitive=self.sensitive)
        drives = sorted({path[0].upper() for path in self.paths})
        with frozen(host, drives, self.shadow_copy, report) as files:
            growing = self.data_class == "logs"
            reading = WindowsTreeReading(files, self._excludes, stamp, report, growing=growing, each=self._each)
            yield from reading.entries(self.paths)

    def measure(self, transport: Transport, report: ItemReport) -> Extent:
        """By the folders alone and without a shadow copy: no content is read, every file is opened to see that it may
        be."""
        files = windows(transport).files
        stamp = partial(Entry, item=self.name, data_class=self.data_class)
        reading = WindowsTreeReading(lambda _drive: files, self._excludes, stamp, report, each=self._each)
        entries = size = 0
        for entry, _content in reading.entries(self.paths):
            entries += 1
            size += entry.size
        return Extent(entries, size)

    @property
    def _each(self) -> bool:
        return self.required and not self.any_of

    def judge(self, wanted: Sequence[Entry]) -> None:
        judge_entries(wanted, self.covers)

    def left_out(self, transport: Transport, wanted: Sequence[Entry]) -> dict[bytes, str]:
        """What lies in the profiles of users who have none on the host any more."""
        gone = [home for home in self.homes if _is_gone(windows(transport).files, home)]
        below = {home: fold(home) + "\\" for home in gone}
        return {
            entry.path: f"{home} is no profile on the host"
            for entry in wanted
            for home, start in below.items()
            if fold(windows_path(entry.path)).startswith(start)
        }

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        files = windows(transport).files
        WindowsTreeRestore(files, self.name, self.covers, self._made_above).run(wanted, current)

    def undo(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        """The folders above the item that its restore made go too, unless something came into them."""
        super().undo(transport, wanted, current)
        remove_made(windows(transport).files, self._made_above)


def _is_gone(files: WindowsFiles, folder: str) -> bool:
    """Whether it is known to be gone."""
    try:
        return not is_there(files, folder)
    except OSError:
        return False
