# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file system that a landing zone lies on: may the sender write there, and how long will there be room."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Storage:
    """Bytes as the sender sees them: what is kept back for root does not count as remaining."""

    permissions: str
    used: int
    remaining: int
    total: int

    @classmethod
    def of(cls, folder: bytes) -> Storage:
        """Of a folder, with the permissions of its owner, who is the account that an export maps to. Raises OSError."""
        mode, numbers = os.stat(folder).st_mode, os.statvfs(folder)
        words = [word for word, bit in (("read", stat.S_IRUSR), ("write", stat.S_IWUSR)) if mode & bit]
        used = (numbers.f_blocks - numbers.f_bfree) * numbers.f_frsize
        remaining = numbers.f_bavail * numbers.f_frsize
        return cls(", ".join(words) or "none", used, remaining, used + remaining)

    @property
    def used_percent(self) -> int:
        """Rounded up: what is full is 100 and never less."""
        return -(-100 * self.used // self.total) if self.total else 100

    def room_for(self, size: int) -> int | None:
        """How many backups of this size still fit; None when no size is known."""
        return self.remaining // size if size > 0 else None

    def warnings(self, percent: int, last_size: int) -> list[str]:
        """What to do something about before it is full.

        :param percent: from how much on it is told
        :param last_size: bytes of the newest backup, 0 when there is none
        """
        said = self.troubles(last_size)
        room = self.room_for(last_size)
        if room != 0 and self.used_percent >= percent:
            more = f", room for {room} more of the last one's size" if room is not None else ""
            said.append(f"The landing zone's file system is {self.used_percent} % full: {self._left()}{more}.")
        return said

    def troubles(self, last_size: int) -> list[str]:
        """Why the next backup cannot be stored."""
        said = []
        if "write" not in self.permissions:
            said.append("The account that the export maps to may not write into the landing zone.")
        if self.room_for(last_size) == 0:
            said.append(
                f"The landing zone has no room for another backup: {self._left()}, the last one took {last_size}."
            )
        return said

    def _left(self) -> str:
        return f"{self.remaining} of {self.total} bytes are left"

    def to_result(self, last_size: int) -> dict[str, Any]:
        """For the result of a module."""
        return {
            "permissions": self.permissions,
            "used": self.used,
            "remaining": self.remaining,
            "total": self.total,
            "used_percent": self.used_percent,
            "room_for": self.room_for(last_size),
        }
