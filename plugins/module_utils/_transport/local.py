# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host that this code runs on, with the same manners as a host far away."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import subprocess
from collections.abc import Iterator, Sequence
from typing import IO

from .._errors import ConnectionFailed
from .base import Argument, Become, CommandStream, FileStatus, Input, Transport
from .process import READ_SIZE, Limits, Process, ProcessStream
from .quoting import word
from .sudo import launch


class LocalTransport(Transport):
    """Runs commands right here.

    :param host: how messages name this machine
    :param become_password: what sudo may ask for
    :param total_timeout: seconds that a command may take
    :param silence_timeout: seconds in which nothing moves before a command is given up
    """

    def __init__(
        self,
        host: str = "localhost",
        *,
        become_password: str | None = None,
        total_timeout: float = 3600,
        silence_timeout: float = 60,
    ) -> None:
        self.host = host
        self._password = become_password
        self._total = total_timeout
        self._silence = silence_timeout

    def open(
        self,
        argv: Sequence[Argument],
        *,
        input: Input = None,
        become: Become = False,
        deadline: float | None = None,
        silence: float | None = None,
        limit: int | None = None,
    ) -> CommandStream:
        started = launch(argv, become)
        words = [word(argument) for argument in started.argv]
        limits = Limits(deadline or self._total, silence or self._silence, limit)
        try:
            process = _LocalProcess(words)
        except OSError as error:
            raise ConnectionFailed(f"A command cannot be started: {error.strerror}", host=self.host) from None
        return ProcessStream(process, started, self.host, input, self._password, limits)

    def read_file(self, path: bytes) -> Iterator[bytes]:
        with open(path, "rb") as handle:
            while True:
                data = handle.read(READ_SIZE)
                if not data:
                    return
                yield data

    def list_dir(self, path: bytes) -> list[FileStatus]:
        with os.scandir(path) as names:
            found = [_file_status(name.name, name.stat(follow_symlinks=False)) for name in names]
        return sorted(found, key=lambda one: one.name)

    def file_status(self, path: bytes) -> FileStatus:
        return _file_status(os.path.basename(path), os.lstat(path))

    def read_link(self, path: bytes) -> bytes:
        return os.readlink(path)

    def close(self) -> None:
        pass


def _file_status(name: bytes, status: os.stat_result) -> FileStatus:
    return FileStatus(
        name,
        kind_of(status.st_mode),
        status.st_size,
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        int(status.st_mtime),
    )


def kind_of(mode: int) -> str:
    """file, directory, symlink or other, from the bits of st_mode."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "symlink" if stat.S_ISLNK(mode) else "other"


class _LocalProcess(Process):
    def __init__(self, words: Sequence[bytes]) -> None:
        self._child: subprocess.Popen[bytes] = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._aborted = False
        if self._child.stdin is not None:
            os.set_blocking(self._child.stdin.fileno(), False)

    def read(self, size: int, timeout: float) -> bytes | None:
        return self._read(self._child.stdout, size, timeout)

    def read_errors(self, size: int, timeout: float) -> bytes | None:
        return self._read(self._child.stderr, size, timeout)

    def _read(self, pipe: IO[bytes] | None, size: int, timeout: float) -> bytes | None:
        if pipe is None or self._aborted:
            return b""
        if not _ready(pipe.fileno(), select.POLLIN, timeout):
            return None
        return os.read(pipe.fileno(), size)

    def write(self, data: bytes, timeout: float) -> int:
        pipe = self._child.stdin
        if pipe is None or pipe.closed or self._aborted:
            raise BrokenPipeError
        if not _ready(pipe.fileno(), select.POLLOUT, timeout):
            return 0
        try:
            return os.write(pipe.fileno(), data)
        except BlockingIOError:
            return 0

    def end_input(self) -> None:
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def exit_status(self, timeout: float) -> int | None:
        try:
            rc = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return rc if rc >= 0 else -1

    def abort(self) -> None:
        self._aborted = True
        if self._child.poll() is None:
            # What sudo started may not be killed by us; it sees its pipes break when they are given back.
            with contextlib.suppress(OSError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def release(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(1)


def _ready(descriptor: int, event: int, timeout: float) -> bool:
    poller = select.poll()
    poller.register(descriptor, event)
    return bool(poller.poll(timeout * 1000))
