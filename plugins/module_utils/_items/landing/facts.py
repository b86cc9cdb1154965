# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a file in a landing zone, at one moment."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FileFacts:
    """One regular file. ``name`` is its path below ``incoming``, raw bytes, never absolute, without dots.

    ``ctime_ns`` comes from the clock of the host that keeps the file, and no sender can set it: it is the only time
    that is believed. ``mtime_ns`` is what the sender says. ``stored`` is how many bytes lie on the disk.
    """

    name: bytes
    device: int
    inode: int
    size: int
    stored: int
    mtime_ns: int
    ctime_ns: int
    links: int = 1

    @classmethod
    def of(cls, name: bytes, status: os.stat_result) -> FileFacts:
        """From what the kernel says."""
        return cls(
            name,
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_blocks * 512,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_nlink,
        )

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: the file itself, under whatever name."""
        return self.device, self.inode

    def is_same_state(self, other: FileFacts) -> bool:
        """Whether nobody touched the file between two looks. A rename changes ``ctime_ns``, so it counts."""
        return self._state == other._state

    def is_same_content(self, other: FileFacts) -> bool:
        """Like :meth:`is_same_state`, but what only changes owner, mode or name does not count."""
        return self._state[:4] == other._state[:4]

    @property
    def _state(self) -> tuple[int, ...]:
        return self.device, self.inode, self.size, self.mtime_ns, self.ctime_ns, self.links


@dataclass(frozen=True)
class Observation:
    """One look at a zone. ``at`` is the monotonic clock in seconds, ``wall_ns`` the wall clock.

    ``refused``: what is never taken, with the reason (a symlink, a device, a second name of a file). ``being_written``:
    device and inode of files that are open for writing, with the name of the program that has them. ``sees_writers``
    False: not every process could be looked at.
    """

    at: float
    wall_ns: int
    files: Mapping[bytes, FileFacts]
    refused: Mapping[bytes, str] = field(default_factory=dict)
    being_written: Mapping[tuple[int, int], str] = field(default_factory=dict)
    sees_writers: bool = True


def kind_word(mode: int) -> str:
    """What a thing is that is no regular file, for a message."""
    words = (
        (stat.S_ISLNK, "a symlink"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISCHR, "a device"),
    )
    return next((word for test, word in words if test(mode)), "no regular file")
