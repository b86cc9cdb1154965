# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing entries below one folder, and nowhere else.

Every step down is taken with a file descriptor and without following links, so neither hostile paths nor links that are
there already lead out of the folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from .._entries import Entry, path_to_text
from .._errors import HostileContent, OptionInvalid
from .._repository.format import StoredEntry
from .._repository.reader import GenerationReader
from .._repository.side_by_side import Turns, processes, side_by_side

FILE_KINDS = ("file", "output", "dump")
EXTRACTED_KINDS = (*FILE_KINDS, "directory", "symlink", "hardlink")

LEAST_BYTES = 16 * 1024 * 1024
"""How much is worth a process of its own."""

_MODE_MASK = 0o777
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def put_files(
    files: Sequence[StoredEntry], reader: GenerationReader, put: Callable[[Entry, Iterable[memoryview]], int]
) -> int:
    """Have ``put`` write each file with its content, in several processes where there is much. Returns its sum.

    What has the same path is written by one process, in its order. What a process raises is raised here, after this
    process has tried the same. Raises what ``put`` and :meth:`GenerationReader.content` raise.
    """
    whole = sum(stored.entry.size for stored in files)
    parts: list[list[StoredEntry]] = [[] for _number in range(processes(whole // LEAST_BYTES))]
    turns = Turns(whole, len(parts))
    place: dict[bytes, int] = {}
    for stored in files:
        turn = turns.whose(stored.entry.size)
        parts[place.setdefault(stored.entry.path, turn)].append(stored)

    def work(part: Sequence[StoredEntry]) -> int:
        with reader.another() as own:
            return sum(put(stored.entry, own.passing(stored)) for stored in part)

    parts = [part for part in parts if part]
    if len(parts) > 1:
        return sum(side_by_side(parts, work))
    return sum(put(stored.entry, reader.passing(stored)) for stored in files)


class ExtractionFolder:
    """An existing folder that entries are written to. A context manager; :meth:`finish` sets what folders look like."""

    def __init__(self, path: str, *, with_owners: bool) -> None:
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._with_owners = with_owners
        self._secret = secrets.token_bytes(16)
        self._folders: list[Entry] = []

    def __enter__(self) -> ExtractionFolder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self._root)

    # --- writing -----------------------------------------------------------------------------------------------------
    def put(self, entry: Entry, chunks: Iterable[bytes | memoryview]) -> int:
        """Write one file, folder or symlink, over a file or link of the same name. Returns the bytes of content.

        Raises HostileContent for a path that leads elsewhere, OptionInvalid when something else stands in the way.
        """
        parents, name = _split(entry.path)
        if name is None:
            return 0
        with self._folder(parents, create=True) as folder:
            if entry.kind == "directory":
                self._make_folder(folder, name, entry)
                return 0
            self._refuse_folder(folder, name, entry)
            if entry.kind == "symlink":
                self._replace(folder, name, lambda temporary: os.symlink(_target(entry), temporary, dir_fd=folder))
                self._own_link(folder, name, entry)
                return 0
            return self._write(folder, name, entry, chunks)

    def link(self, entry: Entry, target: bytes) -> None:
        """Make a hardlink to a file that was written before. Raises as :meth:`put`."""
        parents, name = _split(entry.path)
        target_parents, target_name = _split(target)
        if name is None or target_name is None:
            raise HostileContent("A hardlink to or from the root", item=path_to_text(entry.path))
        with self._folder(parents, create=True) as folder, self._folder(target_parents) as target_folder:
            self._refuse_folder(folder, name, entry)
            self._replace(
                folder,
                name,
                lambda temporary: os.link(
                    target_name, temporary, src_dir_fd=target_folder, dst_dir_fd=folder, follow_symlinks=False
                ),
            )

    def sweep(self, entries: Iterable[Entry]) -> None:
        """Remove what a process that was killed may have left of these entries before they got their names."""
        for entry in entries:
            with contextlib.suppress(HostileContent, OSError):
                parents, name = _split(entry.path)
                if name is not None:
                    with self._folder(parents) as folder:
                        os.unlink(self._temporary(name), dir_fd=folder)

    def finish(self) -> None:
        """Give the folders their owner, mode and time, the deepest first."""
        for entry in sorted(self._folders, key=lambda entry: entry.path.count(b"/"), reverse=True):
            parents, name = _split(entry.path)
            if name is None:
                continue
            with self._folder([*parents, name]) as folder:
                self._look(folder, entry)

    def _make_folder(self, folder: int, name: bytes, entry: Entry) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
                raise OptionInvalid(
                    "Something that is no folder stands where a folder belongs", item=path_to_text(entry.path)
                ) from None
        self._folders.append(entry)

    def _refuse_folder(self, folder: int, name: bytes, entry: Entry) -> None:
        try:
            mode = os.lstat(name, dir_fd=folder).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISDIR(mode):
            raise OptionInvalid("A folder stands where a file belongs", item=path_to_text(entry.path))

    def _write(self, folder: int, name: bytes, entry: Entry, chunks: Iterable[bytes | memoryview]) -> int:
        temporary = self._temporary(name)
        try:
            descriptor = os.open(temporary, _CREATE, 0o600, dir_fd=folder)
        except FileExistsError:
            # a process that began with it was killed
            os.unlink(temporary, dir_fd=folder)
            descriptor = os.open(temporary, _CREATE, 0o600, dir_fd=folder)
        count = 0
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for chunk in chunks:
                    stream.write(chunk)
                    count += len(chunk)
                stream.flush()
                self._look(stream.fileno(), entry)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(temporary, dir_fd=folder)
            raise
        return count

    def _replace(self, folder: int, name: bytes, make: Callable[[bytes], None]) -> None:
        temporary = self._temporary(name)
        make(temporary)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _temporary(self, name: bytes) -> bytes:
        """What a file is called until it is whole: the same in each process, and nothing that anybody could guess."""
        return b".%s.part" % hashlib.blake2b(name, key=self._secret, digest_size=8).hexdigest().encode("ascii")

    def _look(self, descriptor: int, entry: Entry) -> None:
        if self._with_owners and entry.uid is not None and entry.gid is not None:
            os.fchown(descriptor, entry.uid, entry.gid)
        if entry.mode is not None:
            os.fchmod(descriptor, entry.mode & _MODE_MASK)
        if entry.mtime_ns is not None:
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))

    def _own_link(self, folder: int, name: bytes, entry: Entry) -> None:
        if self._with_owners and entry.uid is not None and entry.gid is not None:
            os.chown(name, entry.uid, entry.gid, dir_fd=folder, follow_symlinks=False)

    # --- comparing ---------------------------------------------------------------------------------------------------
    def holds(self, entry: Entry, sha256: str | None) -> bool:
        """Whether the entry is there already as :meth:`put` would write it. ``sha256``: of a file's content, hex."""
        parents, name = _split(entry.path)
        if name is None:
            return True
        try:
            with self._folder(parents) as folder:
                found = os.lstat(name, dir_fd=folder)
                if entry.kind == "symlink":
                    return stat.S_ISLNK(found.st_mode) and os.readlink(name, dir_fd=folder) == _target(entry)
                if entry.kind == "directory":
                    return stat.S_ISDIR(found.st_mode) and self._looks(found, entry, with_time=False)
                if not stat.S_ISREG(found.st_mode) or not self._looks(found, entry):
                    return False
                return sha256 is not None and self._digest(folder, name) == sha256
        except (FileNotFoundError, NotADirectoryError, HostileContent):
            return False

    def names(self) -> set[bytes]:
        """All paths that exist in the folder, with a slash in front."""
        found: set[bytes] = set()
        for folder, folders, files, _unused in os.fwalk(b".", dir_fd=self._root, follow_symlinks=False):
            for name in (*folders, *files):
                found.add(os.path.join(folder, name)[1:])
        return found

    def _looks(self, found: os.stat_result, entry: Entry, *, with_time: bool = True) -> bool:
        if entry.mode is not None and stat.S_IMODE(found.st_mode) != entry.mode & _MODE_MASK:
            return False
        if self._with_owners and entry.uid is not None and (found.st_uid, found.st_gid) != (entry.uid, entry.gid):
            return False
        return not with_time or entry.mtime_ns is None or found.st_mtime_ns == entry.mtime_ns

    def _digest(self, folder: int, name: bytes) -> str:
        digest = hashlib.sha256()
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as stream:
            for block in iter(lambda: stream.read(2**20), b""):
                digest.update(block)
        return digest.hexdigest()

    # --- stepping down -----------------------------------------------------------------------------------------------
    @contextmanager
    def _folder(self, parents: list[bytes], *, create: bool = False) -> Iterator[int]:
        current = os.dup(self._root)
        try:
            for depth, name in enumerate(parents, 1):
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=current)
                try:
                    below = os.open(name, _OPEN_FOLDER, dir_fd=current)
                except OSError as error:
                    if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                        raise
                    way = path_to_text(b"/" + b"/".join(parents[:depth]))
                    raise HostileContent("The way leads through something that is no folder", item=way) from None
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)


def parents_of(path: bytes) -> list[bytes]:
    """All folders above a path, without the root."""
    segments = path.strip(b"/").split(b"/")[:-1]
    return [b"/" + b"/".join(segments[: count + 1]) for count in range(len(segments))]


def _split(path: bytes) -> tuple[list[bytes], bytes | None]:
    """The folders of a path and its last name, which is None for the root. Raises HostileContent."""
    if not path.startswith(b"/") or b"\0" in path:
        raise HostileContent("A path that is not absolute, or holds a zero byte", item=path_to_text(path))
    segments = [segment for segment in path.split(b"/") if segment]
    if any(segment in (b".", b"..") for segment in segments):
        raise HostileContent("A path that leads upwards", item=path_to_text(path))
    return (segments[:-1], segments[-1]) if segments else ([], None)


def _target(entry: Entry) -> bytes:
    if not entry.link_target:
        raise HostileContent("A link without a target", item=path_to_text(entry.path))
    return entry.link_target
