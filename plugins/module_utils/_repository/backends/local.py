# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository in a folder of this machine, on a local disk or a mounted one."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

from ..._errors import OptionInvalid, RepositoryDamaged, RepositoryError, RepositoryFull
from ..format import INCOMING_FOLDER
from .base import Backend, Names, Staged

SYNC_ALL_FROM = 12
"""From so many files and folders on, one sync of the whole file system is cheaper than one for each."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SYNC_FLAGS = os.O_RDONLY | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def _find_syncfs() -> Callable[[int], int] | None:
    try:
        import ctypes

        return cast(Callable[[int], int], ctypes.CDLL(None, use_errno=True).syncfs)
    except (ImportError, OSError, AttributeError):
        return None


class LocalStaged(Staged):
    """A file in ``incoming``."""

    def __init__(self, backend: LocalBackend, path: str, descriptor: int) -> None:
        self._backend = backend
        self._descriptor: int | None = descriptor
        self.path: str | None = path
        self.size = 0

    def write(self, data: bytes) -> None:
        if self._descriptor is None:
            raise ValueError("write to a closed file")
        with self._backend.errors(INCOMING_FOLDER):
            written = os.write(self._descriptor, data)
            while written < len(data):
                # what does not fit any more is told by the next call only
                written += os.write(self._descriptor, memoryview(data)[written:])
        self.size += len(data)

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with self._backend.errors(INCOMING_FOLDER):
                os.close(descriptor)

    def abort(self) -> None:
        with suppress(RepositoryError):
            self.close()
        if self.path is not None:
            path, self.path = self.path, None
            with suppress(OSError):
                os.unlink(path)


class LocalBackend(Backend):
    """A repository at ``path``. Files are 0600 and folders 0700; symbolic links are not followed.

    :raises OptionInvalid: the path is not absolute
    """

    def __init__(self, path: str, *, sync_all_from: int = SYNC_ALL_FROM) -> None:
        if not os.path.isabs(path):
            raise OptionInvalid("The path of a repository must be absolute", item=path)
        self.location = os.path.normpath(path)
        self._sync_all_from = sync_all_from
        self._syncfs: Callable[[int], int] | None = None
        self._folders: set[str] = set()
        self._unsynced: set[str] = set()
        self._publishing = threading.Lock()

    # --- reading ---
    def exists(self, name: str) -> bool:
        return self.size(name) is not None

    def size(self, name: str) -> int | None:
        try:
            status = os.lstat(self._path(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._error(error, name) from None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def open(self, name: str) -> BinaryIO:
        with self.errors(name):
            descriptor = os.open(self._path(name), _READ_FLAGS)
            self._size_of(descriptor, name)
            return cast(BinaryIO, os.fdopen(descriptor, "rb", buffering=0))

    def read(self, name: str, limit: int) -> bytes:
        with self.errors(name):
            return self._read(name, limit)

    def find(self, name: str, limit: int) -> bytes | None:
        try:
            return self._read(name, limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._error(error, name) from None

    def names(self, folder: str) -> Names:
        with self.errors(folder):
            try:
                with os.scandir(self._path(folder)) as found:
                    return [item.name + "/" if item.is_dir(follow_symlinks=False) else item.name for item in found]
            except FileNotFoundError:
                return []

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        pending = [prefix.rstrip("/")]
        while pending:
            folder = pending.pop()
            with self.errors(folder):
                try:
                    with os.scandir(self._path(folder) if folder else self.location) as found:
                        items = list(found)
                except FileNotFoundError:
                    continue
                for item in items:
                    name = f"{folder}/{item.name}" if folder else item.name
                    if item.is_dir(follow_symlinks=False):
                        pending.append(name)
                    else:
                        with suppress(FileNotFoundError):
                            yield name, item.stat(follow_symlinks=False).st_size

    def free_bytes(self) -> int | None:
        path = self.location
        while not os.path.isdir(path) and path != os.path.dirname(path):
            path = os.path.dirname(path)
        try:
            status = os.statvfs(path)
        except OSError:
            return None
        return status.f_bavail * status.f_frsize

    # --- writing ---
    def stage(self, hint: str) -> LocalStaged:
        # unique among threads, forked processes, and hosts on one network file system
        name = f"{INCOMING_FOLDER}/{hint}-{os.getpid()}-{os.urandom(8).hex()}"
        path = self._path(name)
        with self.errors(name):
            self._make_folder(INCOMING_FOLDER)
            try:
                descriptor = os.open(path, _CREATE_FLAGS, 0o600)
            except FileNotFoundError:
                # somebody removed the folder that was there
                self._folders.clear()
                self._make_folder(INCOMING_FOLDER)
                descriptor = os.open(path, _CREATE_FLAGS, 0o600)
        return LocalStaged(self, path, descriptor)

    def publish(self, files: Sequence[tuple[Staged, str]]) -> Names:
        local = [(cast(LocalStaged, staged), name) for staged, name in files]
        if any(staged.path is None for staged, _name in local):
            raise ValueError("a staged file can be published once")
        for staged, _name in local:
            staged.close()
        with self._publishing:
            self._sync([cast(str, staged.path) for staged, _name in local])
            existing = []
            for staged, name in local:
                with self.errors(name):
                    if not self._link(cast(str, staged.path), name):
                        existing.append(name)
                staged.abort()
            self._sync_folders()
        return existing

    def replace(self, name: str, data: bytes, *, durable: bool = True) -> None:
        staged = self.stage("replace")
        try:
            staged.write(data)
            staged.close()
            path = cast(str, staged.path)
            with self._publishing, self.errors(name):
                if durable:
                    self._sync([path])
                self._make_folder(os.path.dirname(name))
                os.replace(path, self._path(name))
                staged.path = None
                if durable:
                    self._unsynced.add(os.path.dirname(self._path(name)))
                    self._sync_folders()
        finally:
            staged.abort()

    def remove(self, name: str) -> None:
        path = self._path(name)
        with self.errors(name):
            try:
                os.unlink(path)
            except FileNotFoundError:
                return
            self._sync([os.path.dirname(path)])

    def sweep(self, age: float = 86400.0) -> int:
        swept = 0
        limit = time.time() - age
        for item in self.names(INCOMING_FOLDER):
            path = self._path(f"{INCOMING_FOLDER}/{item.rstrip('/')}")
            with suppress(OSError):
                if not item.endswith("/") and os.lstat(path).st_mtime < limit:
                    os.unlink(path)
                    swept += 1
        return swept

    # --- inner ---
    def _read(self, name: str, limit: int) -> bytes:
        descriptor = os.open(self._path(name), _READ_FLAGS)
        size = self._size_of(descriptor, name)
        try:
            # a byte more than there is: to be given less says that this is the end
            data = os.read(descriptor, min(size, limit) + 1)
            while data and len(data) != size and len(data) <= limit:
                more = os.read(descriptor, limit + 1 - len(data))
                if not more:
                    break
                data += more
        finally:
            os.close(descriptor)
        if len(data) > limit:
            raise RepositoryDamaged(f"The file is longer than {limit} bytes", item=name)
        return data

    def _size_of(self, descriptor: int, name: str) -> int:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise RepositoryDamaged("This is not a regular file", item=name)
        return status.st_size

    def _path(self, name: str) -> str:
        if not name or name[0] == "/" or "\0" in name or ".." in name.split("/"):
            raise RepositoryDamaged("This cannot be the name of a file in a repository", item=name)
        return f"{self.location}/{name}"

    def _make_folder(self, folder: str) -> None:
        """Make a folder and those above it, and note that the folders that list them are to be synced.

        One that was there already may have been made a moment ago by somebody who has not synced it yet.
        """
        if folder in self._folders:
            return
        path = self._path(folder) if folder else self.location
        if folder:
            self._make_folder(os.path.dirname(folder))
            with suppress(FileExistsError):
                os.mkdir(path, 0o700)
        else:
            os.makedirs(path, 0o700, exist_ok=True)
        self._unsynced.add(os.path.dirname(path))
        self._folders.add(folder)

    def _link(self, source: str, name: str) -> bool:
        """Give a staged file its name; False when the name exists."""
        folder = os.path.dirname(name)
        target = self._path(name)
        for attempt in (1, 2):
            self._make_folder(folder)
            try:
                os.link(source, target)
                break
            except FileExistsError:
                # over NFS the answer to a link that was made can get lost, and the client's second try finds it made
                if os.lstat(source).st_nlink != 2:
                    self._unsynced.add(os.path.dirname(target))
                    return False
                break
            except FileNotFoundError:
                self._folders.clear()
                if attempt == 2:
                    raise
        self._unsynced.add(os.path.dirname(target))
        return True

    def _sync_folders(self) -> None:
        self._sync(sorted(self._unsynced))
        self._unsynced.clear()

    def _sync(self, paths: Sequence[str]) -> None:
        """Make files and folders durable: all of them, or an error."""
        with self.errors(INCOMING_FOLDER):
            if len(paths) >= self._sync_all_from and self._sync_file_system():
                return
            for path in paths:
                descriptor = os.open(path, _SYNC_FLAGS)
                try:
                    os.fsync(descriptor)
                except OSError as error:
                    # some network file systems cannot sync a folder, and need not
                    if error.errno != errno.EINVAL:
                        raise
                finally:
                    os.close(descriptor)

    def _sync_file_system(self) -> bool:
        if self._syncfs is None:
            self._syncfs = _find_syncfs()
        if self._syncfs is None:
            return False
        descriptor = os.open(self.location, _SYNC_FLAGS)
        try:
            return self._syncfs(descriptor) == 0
        finally:
            os.close(descriptor)

    @contextmanager
    def errors(self, name: str) -> Iterator[None]:
        """Turn what the system says into our errors."""
        try:
            yield
        except OSError as error:
            raise self._error(error, name) from None

    def _error(self, error: OSError, name: str) -> RepositoryError:
        if error.errno in _FULL:
            free = self.free_bytes()
            return RepositoryFull(
                f"The repository at {self.location} is full",
                hint="Nothing that was there is lost; make room and run it again.",
                free_bytes=free,
            )
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return RepositoryDamaged("The file is missing", item=name)
        if error.errno in (errno.ELOOP, errno.EISDIR):
            return RepositoryDamaged("This is not a regular file", item=name)
        return RepositoryError(f"The repository at {self.location} cannot be used: {error.strerror}", item=name)
