# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SFTP side of a demo host: the same files that its commands see; relative paths begin in the host's folder."""

from __future__ import annotations

import functools
import os
import pathlib
from typing import Any, Callable, TypeVar

import paramiko

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _answers_errors(method: _Method) -> _Method:
    """Turn an OSError into the SFTP status that says the same."""

    @functools.wraps(method)
    def guarded(*arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, **options)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    return guarded  # type: ignore[return-value]


class _OpenFile(paramiko.SFTPHandle):
    def __init__(self, descriptor: int, flags: int) -> None:
        super().__init__(flags)
        self._descriptor = descriptor

    def close(self) -> None:
        os.close(self._descriptor)

    @_answers_errors
    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)

    @_answers_errors
    def write(self, offset: int, data: bytes) -> int:
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written
        return paramiko.SFTP_OK

    @_answers_errors
    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self._descriptor))

    @_answers_errors
    def chattr(self, attr: paramiko.SFTPAttributes) -> int:
        return _set_attributes(self._descriptor, attr)


def _set_attributes(target: int | pathlib.Path, attr: paramiko.SFTPAttributes) -> int:
    """Apply what ``attr`` names: size, mode, owner, times."""
    flags = attr._flags
    if flags & attr.FLAG_SIZE:
        os.truncate(target, attr.st_size)
    if flags & attr.FLAG_PERMISSIONS:
        os.chmod(target, attr.st_mode)
    if flags & attr.FLAG_UIDGID:
        os.chown(target, attr.st_uid, attr.st_gid)
    if flags & attr.FLAG_AMTIME:
        os.utime(target, (attr.st_atime, attr.st_mtime))
    return paramiko.SFTP_OK


class HostFiles(paramiko.SFTPServerInterface):
    """The file operations of one SFTP session."""

    def __init__(self, server: paramiko.ServerInterface, home: pathlib.Path) -> None:
        super().__init__(server)
        self._home = home

    def _path(self, path: str) -> pathlib.Path:
        return self._home / path

    def canonicalize(self, path: str) -> str:
        return os.path.normpath(self._path(path))

    @_answers_errors
    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        out = []
        for name in sorted(os.listdir(os.fsencode(self._path(path)))):
            try:
                facts = os.lstat(os.path.join(os.fsencode(self._path(path)), name))
            except FileNotFoundError:
                continue
            attributes = paramiko.SFTPAttributes.from_stat(facts)
            attributes.filename = _text_or_bytes(name)
            out.append(attributes)
        return out

    @_answers_errors
    def stat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.stat(self._path(path)))

    @_answers_errors
    def lstat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.lstat(self._path(path)))

    @_answers_errors
    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> _OpenFile:
        mode = attr.st_mode if attr._flags & attr.FLAG_PERMISSIONS else 0o666
        return _OpenFile(os.open(self._path(path), flags | os.O_CLOEXEC, mode), flags)

    @_answers_errors
    def remove(self, path: str) -> int:
        os.remove(self._path(path))
        return paramiko.SFTP_OK

    @_answers_errors
    def rename(self, oldpath: str, newpath: str) -> int:
        if os.path.lexists(self._path(newpath)):
            return paramiko.SFTP_FAILURE
        os.rename(self._path(oldpath), self._path(newpath))
        return paramiko.SFTP_OK

    @_answers_errors
    def posix_rename(self, oldpath: str, newpath: str) -> int:
        os.replace(self._path(oldpath), self._path(newpath))
        return paramiko.SFTP_OK

    @_answers_errors
    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        os.mkdir(self._path(path), attr.st_mode if attr._flags & attr.FLAG_PERMISSIONS else 0o777)
        return paramiko.SFTP_OK

    @_answers_errors
    def rmdir(self, path: str) -> int:
        os.rmdir(self._path(path))
        return paramiko.SFTP_OK

    @_answers_errors
    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        return _set_attributes(self._path(path), attr)

    @_answers_errors
    def readlink(self, path: str) -> str:
        return os.readlink(self._path(path))

    @_answers_errors
    def symlink(self, target_path: str, path: str) -> int:
        os.symlink(target_path, self._path(path))
        return paramiko.SFTP_OK


def _text_or_bytes(name: bytes) -> str | bytes:
    """Names that are not UTF-8 go out as they are."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name
