# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a place that keeps a repository must be able to do.

Names are relative, with ``/`` between folders. A backend MUST make a name appear with all of its bytes or not at all,
and MUST have both the bytes and the name on stable storage when a call that makes one returns. It MUST NOT let
:meth:`Backend.publish` replace anything. Everything that goes wrong raises a RepositoryError: RepositoryFull when there
is no space, RepositoryDamaged when a file that must be there is not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from ..._errors import AlreadyExists

Names = list[str]


class Staged(ABC):
    """A file that is being written where nobody looks for it. It gets its name from :meth:`Backend.publish`."""

    size: int
    """Bytes written so far."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Append bytes."""

    @abstractmethod
    def close(self) -> None:
        """No more will be written. Durable it becomes with its publication."""

    @abstractmethod
    def abort(self) -> None:
        """Remove it. Harmless after publication, and when called twice."""


class Backend(ABC):
    """A folder of immutable files somewhere."""

    location: str
    """What messages call this place."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Bytes of a file, None when there is none."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """A seekable stream of a file. Raises RepositoryDamaged when there is none."""

    @abstractmethod
    def read(self, name: str, limit: int) -> bytes:
        """A whole small file. Raises RepositoryDamaged when there is none or it is longer than ``limit`` bytes."""

    def find(self, name: str, limit: int) -> bytes | None:
        """A whole small file, None when there is none. Raises RepositoryDamaged when it is longer than ``limit``."""
        return self.read(name, limit) if self.exists(name) else None

    @abstractmethod
    def names(self, folder: str) -> Names:
        """The own names of what stands directly in a folder, none when it is absent; a folder's ends with ``/``."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Name and size of every file below a folder, in no order."""

    @abstractmethod
    def stage(self, hint: str) -> Staged:
        """Begin a file; ``hint`` is a word for whoever finds it left over."""

    @abstractmethod
    def publish(self, files: Sequence[tuple[Staged, str]]) -> Names:
        """Give closed staged files their names, as one group: first all bytes durable, then the names, then the names
        durable. Names that exist already keep their file and are returned; their staged files are removed."""

    @abstractmethod
    def replace(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write a file over an existing one, atomically. For the few files that are not immutable.

        :param durable: False for a hint, of which anything may be left after a power cut
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file durably. Harmless when there is none."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Bytes that can still be written, None when this place does not say."""

    @abstractmethod
    def sweep(self, age: float = 86400.0) -> int:
        """Remove staged files that were last written more than ``age`` seconds ago; how many there were."""

    def create(self, name: str, data: bytes) -> None:
        """Write a file that must not exist yet. Raises AlreadyExists."""
        if self.create_many([(name, data)]):
            raise AlreadyExists("There is a file of this name already", item=name)

    def create_many(self, files: Sequence[tuple[str, bytes]]) -> Names:
        """Write small files as one group; the names that existed already and were left alone are returned."""
        staged: list[tuple[Staged, str]] = []
        try:
            for name, data in files:
                target = self.stage("small")
                staged.append((target, name))
                target.write(data)
                target.close()
            return self.publish(staged)
        except BaseException:
            for target, _name in staged:
                target.abort()
            raise
