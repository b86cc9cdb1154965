# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small files that are there as a whole or not at all, also after a power cut, and also on a full disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress

SPARE = b".spare"
SPARE_SIZE = 64 * 1024
"""A zone that is full could not be emptied, as a note must be written first. So some room is kept for notes."""
WRITING = b".new"
"""What a note is called until it is whole."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def keep_room(taken: bytes) -> None:
    """Set room aside for notes, as far as there is any."""
    spare = os.path.join(taken, SPARE)
    try:
        if os.lstat(spare).st_size == SPARE_SIZE:
            return
    except FileNotFoundError:
        pass
    try:
        _write(spare, b"\xff" * SPARE_SIZE)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        with suppress(FileNotFoundError):
            os.unlink(spare)


def write_note(taken: bytes, path: bytes, data: bytes) -> None:
    """Write a note below ``taken``, with the room that was set aside when there is no other. Raises OSError."""
    with_room(taken, lambda: _write(path + WRITING, data))
    os.rename(path + WRITING, path)
    sync_folder(os.path.dirname(path))


def with_room(taken: bytes, step: Callable[[], object]) -> None:
    """Do a step that can be done again, with the room that was set aside when there is no other. Raises OSError."""
    try:
        step()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(taken, SPARE))
        step()


def sync_folder(path: bytes) -> None:
    """Make sure that what was created, renamed or removed in a folder stays so."""
    handle = os.open(path, _FOLDER)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: bytes, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)
