# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every transport can do: run a command on a host and stream through it, read files, list folders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar, Union

from .._errors import ConnectionFailed
from .host_keys import HostKey

Argument = Union[str, bytes]
"""One word of a command. Bytes reach the host unharmed, text as UTF-8. NUL is refused (OptionInvalid)."""

Input = Union[None, bytes, Iterable[bytes]]
"""What a command reads. An iterable is read in a thread of its own while the output is read; when it raises, the
command is cut off (it sees its input break, the connection closes) and the error comes out of the reading call."""

Become = Union[bool, str]
"""False: as the login user; True: as root; a name: as that user."""

OUTPUT_LIMIT = 16 * 2**20
"""Bytes that :meth:`Transport.run` takes from one command unless told otherwise."""

Self = TypeVar("Self", bound="Closing")


class Closing(ABC):
    """A context manager that closes itself on every path."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back. May be called more than once, never raises."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CommandsRefused(ConnectionFailed):
    """The login works, but the account runs no commands: SFTP only, a menu, no shell."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. ``rc`` is -1 when it was killed by a signal; ``stderr`` is capped, with a mark where it was
    cut. ``left_open``: it ended, but something still held its outputs, so nobody knows whether they are whole."""

    rc: int
    stdout: bytes
    stderr: bytes
    left_open: bool = False

    @property
    def text(self) -> str:
        """Standard output as text; bytes that are not UTF-8 survive as surrogates."""
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def complaint(self) -> str:
        """The last line of standard error that says something, fit for a message."""
        lines = [line.strip() for line in self.stderr.decode("utf-8", "replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")[:500]


@dataclass(frozen=True)
class FileStatus:
    """One name in a folder, as SFTP tells it. ``kind`` is one of file, directory, symlink, other."""

    name: bytes
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int


class CommandStream(Closing):
    """A command that runs. Leaving its context before the end cuts it off."""

    @abstractmethod
    def chunks(self) -> Iterator[bytes]:
        """Standard output piece by piece, in bounded memory.

        :raises DeadlineExceeded: nothing moved for the silence limit, or the total limit has passed
        :raises ConnectionLost: the connection went away before the command ended
        :raises OutputTooLarge: more than the limit
        :raises PrivilegeFailed: sudo refused
        """

    @abstractmethod
    def finish(self) -> CommandResult:
        """Wait for the end (output that was not read is dropped). ``stdout`` of the result is empty. Raises like
        :meth:`chunks`."""


class Transport(Closing):
    """The way to one host. Opens itself on first use; errors name :attr:`host`, never a secret.

    Commands run under a POSIX shell with ``LC_ALL=C`` and the ``sbin`` folders at the end of ``PATH``; words are
    quoted, so nothing in them is ever seen by a shell. Output that login scripts print before the command is dropped.

    A transport that knows no commands or files (a directory, a database server) leaves the methods as they are here:
    they refuse.
    """

    host: str
    """How messages name the host."""

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
        """Start a command. Without ``input`` it reads an empty stream.

        :param deadline: seconds that the whole command may take; None: what the transport was set to
        :param silence: seconds in which nothing moves, neither in nor out, before it is given up; None: as set
        :param limit: bytes of standard output after which OutputTooLarge is raised; None: no limit
        :raises ConnectionFailed: the host cannot be reached
        :raises CommandsRefused: the account runs no commands (may be raised by the stream)
        :raises AuthenticationFailed, HostKeyUnknown, HostKeyMismatch: on the first use
        """
        raise self._refusal()

    def run(
        self,
        argv: Sequence[Argument],
        *,
        input: Input = None,
        become: Become = False,
        deadline: float | None = None,
        silence: float | None = None,
        limit: int = OUTPUT_LIMIT,
    ) -> CommandResult:
        """Run a command to its end. A failing command is a result, not an error. Raises like :meth:`open` and
        :meth:`CommandStream.chunks`."""
        with self.open(argv, input=input, become=become, deadline=deadline, silence=silence, limit=limit) as stream:
            stdout = b"".join(stream.chunks())
            result = stream.finish()
        return CommandResult(result.rc, stdout, result.stderr, result.left_open)

    def expect(self, script: str, become: Become) -> None:
        """After the next command ``["sh", "-c", script, "sh", ...]`` will come, as the same user: where a session on a
        host costs something, both may share one. The script must change nothing: when the session dies at the wrong
        moment it is run again. A hint; by default it is not taken."""

    def read_file(self, path: bytes) -> Iterator[bytes]:
        """The content of a file, without a shell (SFTP), as the login user. Raises FileNotFoundError, PermissionError,
        OSError for the file."""
        raise self._refusal()

    def list_dir(self, path: bytes) -> list[FileStatus]:
        """The names in a folder, sorted, without a shell (SFTP), as the login user. Raises like :meth:`read_file`."""
        raise self._refusal()

    def file_status(self, path: bytes) -> FileStatus:
        """What a folder tells of one name, right now, without a shell (SFTP). Symlinks are not followed. Raises like
        :meth:`read_file`."""
        raise self._refusal()

    def read_link(self, path: bytes) -> bytes:
        """Where a symlink points to, without a shell (SFTP). Raises like :meth:`read_file`."""
        raise self._refusal()

    def free_space(self, path: str) -> int | None:
        """Bytes that may still be written below a path, None when that cannot be told."""
        try:
            result = self.run(["df", "-Pk", path])
        except CommandsRefused:
            return None
        lines = result.text.splitlines()
        try:
            return int(lines[-1].split()[3]) * 1024 if result.rc == 0 and len(lines) > 1 else None
        except (IndexError, ValueError):
            return None

    def host_key(self) -> HostKey | None:
        """The key that the host proved to hold, None where hosts are known by something else."""
        return None

    def _refusal(self) -> CommandsRefused:
        return CommandsRefused("This connection knows neither commands nor files", host=self.host)
