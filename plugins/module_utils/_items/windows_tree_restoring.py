# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Windows tree put back exactly: what is not wanted goes, folders come, contents where they differ, then all that
Windows knows beside them, folders last.

Nothing is written through a link: the files of a host never follow one, and a link of the item that stands where a
folder is wanted is removed first. A file is replaced as a whole or not at all, so a disk that is full loses nothing.
Where there is no room for both at a time, and the new one fits into the place of the old, the old one goes first:
otherwise a restore that filled the disk could not be rolled back.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from .._entries import Entry, Gathered, path_to_text
from .._errors import RestoreFailed
from .._transport.windows import windows_path
from .._transport.windows_files import FileInUse, WindowsFiles
from .windows_metadata import ACL, DIRECTORY, REPARSE_DATA, Metadata, metadata_of
from .windows_names import fold
from .windows_tree_judging import judge_entries

RESERVE = 256 * 1024
"""Bytes that stay free, for what a disk needs beside contents."""
_FACTS = ("system.ntfs_attrib", "system.ntfs_crtime")


class WindowsTreeRestore:
    """One restore of one tree.

    :param made_above: gets the folders above the item that had to be made, in their order
    """

    def __init__(
        self, files: WindowsFiles, item: str, covers: Callable[[bytes], bool], made_above: list[str] | None = None
    ) -> None:
        self._files = files
        self._item = item
        self._covers = covers
        self._made_above = [] if made_above is None else made_above
        self._current: dict[bytes, Entry] = {}
        self._touched: set[str] = set()
        self._room = _Room(files)

    def run(self, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        """Put it back. Raises HostileContent (nothing was touched), RestoreFailed, and what the connection raises."""
        contents = list({entry.path: (entry, content) for entry, content in wanted}.values())
        entries = [entry for entry, _content in contents]
        judge_entries(entries, self._covers)
        self._current = {entry.path: entry for entry in current if self._covers(entry.path)}
        self._remove(entries)
        folders = sorted((entry for entry in entries if entry.kind == "directory"), key=lambda entry: entry.path)
        for entry in folders:
            self._do(entry, self._make_folder)
        for entry, content in contents:
            if entry.kind == "symlink":
                self._do(entry, self._put_link)
            elif entry.kind == "file":
                self._do(entry, partial(self._put_file, content=content))
        for entry in reversed(folders):
            self._do(entry, self._finish_folder)

    def _do(self, entry: Entry, action: Callable[[Entry], None]) -> None:
        try:
            action(entry)
        except OSError as error:
            raise self._failed(entry.path, error) from None

    def _failed(self, path: bytes, error: OSError) -> RestoreFailed:
        return _failed(self._files, path_to_text(path) or self._item, error)

    # --- what is not wanted ------------------------------------------------------------------------------------------
    def _remove(self, entries: Sequence[Entry]) -> None:
        """Remove what came later, what is of another kind than it should be, and what differs in case only."""
        wanted = {entry.path: entry.kind for entry in entries}
        gone = [entry for entry in self._current.values() if wanted.get(entry.path) != entry.kind]
        blocked = {fold(windows_path(entry.path)) for entry in entries}
        for entry in sorted(gone, key=lambda one: (one.kind == "directory", _depth_first(one.path))):
            path = windows_path(entry.path)
            try:
                self._files.remove(path)
            except FileNotFoundError:
                pass
            except OSError as error:
                if entry.kind != "directory" or error.errno != errno.ENOTEMPTY:
                    raise self._failed(entry.path, error) from None
                if fold(path) in blocked and wanted.get(entry.path) != "directory":
                    raise self._failed(entry.path, error) from None
                continue  # something that does not belong to the item lies in it
            self._current.pop(entry.path, None)
            self._touch(path)

    # --- what is wanted ----------------------------------------------------------------------------------------------
    def _make_folder(self, entry: Entry) -> None:
        path = windows_path(entry.path)
        if entry.path in self._current:
            return
        self._make_above(path)
        try:
            self._files.make_folder(path, entry.xattrs.get(ACL) or None)
        except FileExistsError:
            if self._files.stat(path).kind != "directory":
                raise
        self._touch(path)
        self._touched.add(fold(path))

    def _make_above(self, path: str) -> None:
        """The folders above the item, where they are gone too, as the host makes them by itself."""
        missing = []
        above = path.rpartition("\\")[0]
        while not above.endswith(":") and not is_there(self._files, above):
            missing.append(above)
            above = above.rpartition("\\")[0]
        for folder in reversed(missing):
            self._files.make_folder(folder)
            self._made_above.append(folder)

    def _put_file(self, entry: Entry, content: Iterable[bytes]) -> None:
        path = windows_path(entry.path)
        old = self._current.get(entry.path)
        different: Iterable[bytes] | None = content
        if old is not None and self._must_go_first(path, entry, old):
            self._files.remove(path)
        elif old is not None and old.size == entry.size:
            different = self._difference(path, content)
        if different is None:
            if old is None or _facts(old) != _facts(entry):
                self._set(path, entry, old)
            return
        if old is None:
            self._make_above(path)
        self._files.write(path, different, entry.xattrs.get(ACL) or None)
        self._room.take(path, entry.size)
        self._touch(path)
        self._set(path, entry, None)

    def _must_go_first(self, path: str, entry: Entry, old: Entry) -> bool:
        if self._room.fits(path, entry.size) or _facts(old) == _facts(entry):
            return False
        return self._room.fits(path, entry.size - old.size)

    def _difference(self, path: str, content: Iterable[bytes]) -> Iterable[bytes] | None:
        """None when the file on the host holds this already; else the content again, although it was read."""
        wanted = _Pieces(iter(content))
        same = 0
        try:
            for data in self._files.read(path):
                expected = wanted.take(len(data))
                if data != expected:
                    return chain(self._again(path, same), [expected], wanted.rest())
                same += len(data)
        except OSError:
            return chain(self._again(path, same), wanted.rest())
        rest = wanted.take(1)
        return chain(self._again(path, same), [rest], wanted.rest()) if rest else None

    def _again(self, path: str, length: int) -> Iterator[bytes]:
        """The beginning of a file on the host, which was found to be as it should."""
        if not length:
            return
        left = length
        for data in self._files.read(path):
            yield data[:left]
            left -= len(data)
            if left <= 0:
                return
        raise OSError(errno.EIO, "it changed while it was compared", path)

    def _put_link(self, entry: Entry) -> None:
        path = windows_path(entry.path)
        old = self._current.get(entry.path)
        if old is None or old.xattrs.get(REPARSE_DATA) != entry.xattrs.get(REPARSE_DATA):
            if old is not None:
                self._files.remove(path)
            self._make_above(path)
            folder = bool(entry.xattrs.get(_FACTS[0], b"\0")[0] & DIRECTORY)
            self._files.make_link(path, entry.xattrs[REPARSE_DATA], folder)
            self._touch(path)
            old = None
        if old is None or _facts(old) != _facts(entry):
            self._set(path, entry, old)

    def _finish_folder(self, entry: Entry) -> None:
        path = windows_path(entry.path)
        old = self._current.get(entry.path)
        if old is None or fold(path) in self._touched or _facts(old) != _facts(entry):
            self._set(path, entry, old)

    def _set(self, path: str, entry: Entry, old: Entry | None) -> None:
        """Security first, as the times are set last."""
        facts: Metadata = metadata_of(entry)
        if facts.security and (old is None or old.xattrs.get(ACL) != facts.security):
            self._files.write_security(path, facts.security)
        self._files.set_facts(path, facts.attributes, facts.created, facts.written)

    def _touch(self, path: str) -> None:
        """The folder that this lies in has another time now."""
        self._touched.add(fold(path.rpartition("\\")[0]))


def is_there(files: WindowsFiles, path: str) -> bool:
    """Whether anything is. Raises OSError when that cannot be told."""
    try:
        files.stat(path)
    except FileNotFoundError:
        return False
    return True


def remove_made(files: WindowsFiles, made: list[str]) -> None:
    """Remove the folders that a restore made above its item, and forget them. One that is not empty stays. Raises
    RestoreFailed."""
    while made:
        try:
            files.remove(made[-1])
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise _failed(files, made[-1], error) from None
        made.pop()


def _failed(files: WindowsFiles, item: str, error: OSError) -> RestoreFailed:
    return RestoreFailed(
        f"It cannot be written as it was: {error.strerror or type(error).__name__}",
        host=files.host,
        item=item,
        hint=_hint(error),
    )


class _Room:
    """What may still be written on each drive. The host is asked again only where it gets narrow."""

    def __init__(self, files: WindowsFiles) -> None:
        self._files = files
        self._free: dict[str, int] = {}

    def fits(self, path: str, size: int) -> bool:
        """Whether so many bytes more may be written there."""
        drive = path[:2].upper()
        if self._free.get(drive, 0) < size + RESERVE:
            self._free[drive] = self._files.free_space(path)
        return self._free[drive] >= size + RESERVE

    def take(self, path: str, size: int) -> None:
        """So many bytes were written; what was freed by it is not counted."""
        drive = path[:2].upper()
        self._free[drive] = self._free.get(drive, 0) - size


class _Pieces:
    """A content that is taken in pieces of any length."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content
        self._held = bytearray()

    def take(self, length: int) -> bytes:
        """The next bytes; fewer at the end."""
        while len(self._held) < length:
            data = next(self._content, None)
            if data is None:
                break
            self._held += data
        taken = bytes(self._held[:length])
        del self._held[:length]
        return taken

    def rest(self) -> Iterator[bytes]:
        """All that was not taken."""
        if self._held:
            yield bytes(self._held)
            self._held.clear()
        yield from self._content


def _facts(entry: Entry) -> tuple[object, ...]:
    return (entry.mtime_ns, dict(entry.xattrs))


def _depth_first(path: bytes) -> tuple[int, bytes]:
    return (-path.count(b"/"), path)


def _hint(error: OSError) -> str | None:
    if error.errno == errno.ENOSPC:
        return "Free some space on the host and restore again."
    if isinstance(error, FileInUse):
        return "Stop the program that has it open, or name its service among the services to stop."
    if isinstance(error, PermissionError):
        return "Restore with an account that is an administrator of the host."
    if error.errno == errno.EOPNOTSUPP:
        return "The host makes no such links; make it by hand, or leave it out of the restore."
    return None
