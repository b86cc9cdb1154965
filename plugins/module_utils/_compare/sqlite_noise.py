# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes in a SQLite file although no data do: the counters in its header.

Source: sqlite.org, "Database File Format", 1.3: the file change counter, the number that tells whether the size in the
header is valid, and the version of SQLite that wrote last.
"""

from __future__ import annotations

import re

MAGIC = b"SQLite format 3\0"
_HEADER = 100
_VOLATILE = ((24, 28), (92, 100))
_NAMED = re.compile(rb"\.(db|db3|sqlite|sqlite3|s3db|sdb)\Z", re.IGNORECASE)


class SqliteNormaliser:
    """Sets the counters to zero; what is no SQLite file passes as it is."""

    def __init__(self) -> None:
        self._head: bytearray | None = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, return what is certain by now."""
        if self._head is None:
            return data
        self._head += data
        if len(self._head) < _HEADER:
            return b""
        return self._release()

    def finish(self) -> bytes:
        """The content is at its end: return what was still held back."""
        return b"" if self._head is None else self._release()

    def _release(self) -> bytes:
        head, self._head = self._head or bytearray(), None
        if len(head) >= _HEADER and head.startswith(MAGIC):
            for begin, end in _VOLATILE:
                head[begin:end] = bytes(end - begin)
        return bytes(head)


def sqlite_for_path(path: bytes) -> SqliteNormaliser | None:
    """The normaliser for a file whose name is one that SQLite files have; None for others."""
    return SqliteNormaliser() if _NAMED.search(path) else None
