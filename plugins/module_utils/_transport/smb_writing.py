# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file written over SMB: whole or not at all.

It grows beside its place under a name of its own, which the server is told to remove at the handle's end: when the
connection or this process dies, nothing is left. Only when all is on the disk, that is taken back and it is renamed.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from .._errors import ConnectionFailed
from . import smb_messages as smb
from .smb_channel import Ticket
from .smb_paths import parent
from .smb_reading import ON_THE_WAY, PIECE, windows_file
from .smb_share import Share
from .smb_status import ACCESS_DENIED, CANNOT_DELETE, SHARING_VIOLATION, SUCCESS, file_error
from .smb_way import LOOKING, NEVER_FOLLOW
from .windows_files import SETTABLE, FileInUse

READ_ONLY, NORMAL = 0x1, 0x80
TEMPORARY_NAME = "~ucops-"
"""How the names of files that are being written begin."""

PAUSES = (0.1, 0.3, 0.6)
"""Seconds between the tries to get at a file that is in use."""
T = TypeVar("T")

_WRITING = smb.WRITE_DATA | smb.WRITE_ATTRIBUTES | smb.READ_ATTRIBUTES | smb.DELETE | smb.READ_CONTROL | smb.SYNCHRONIZE


def patiently(action: Callable[[], T]) -> T:
    """Do something that a program which only looks in for a moment (a virus scanner, an indexer) may be in the way of.

    :raises FileInUse: it stays
    """
    for pause in PAUSES:
        try:
            return action()
        except FileInUse:
            time.sleep(pause)
    return action()


def write_file(share: Share, inner: str, path: str, content: Iterable[bytes], security: bytes | None) -> None:
    """Write a file in place of whatever file is there. The folders above are known to be real."""
    patiently(partial(_demand_file, share, inner, path))
    folder = parent(inner)
    name = f"{TEMPORARY_NAME}{secrets.token_hex(8)}.tmp"
    beside = f"{folder}\\{name}" if folder else name
    create = smb.create(
        beside,
        _WRITING,
        share=0,
        disposition=smb.NEW,
        options=smb.NON_DIRECTORY_FILE | NEVER_FOLLOW,
        attributes=NORMAL,
        security=security,
    )
    opened, doomed = share.exchange(create, smb.remove_on_close(True))
    if opened.status != SUCCESS:
        raise file_error(opened.status, path)
    handle = smb.created(opened.body)[0]
    try:
        if doomed.status != SUCCESS:
            raise file_error(doomed.status, path)
        _fill(share, handle, path, content)
        patiently(partial(_put_in_place, share, handle, inner, path))
    except BaseException:
        with contextlib.suppress(ConnectionFailed):
            share.exchange(smb.remove_on_close(True, handle))
        raise
    finally:
        share.close([handle])


def clear_read_only(share: Share, inner: str, path: str, attributes: int) -> None:
    """Take the read-only attribute away."""
    create = smb.create(inner, smb.WRITE_ATTRIBUTES | smb.SYNCHRONIZE, options=NEVER_FOLLOW)
    bits = attributes & SETTABLE & ~READ_ONLY
    share.run(path, create, smb.change_facts(bits or NORMAL, 0, 0), smb.close())


def _demand_file(share: Share, inner: str, path: str) -> None:
    """Refuse what is no file, and one that another program does not let go, before anything is sent.

    :raises FileInUse, IsADirectoryError
    """
    for access in (smb.DELETE | smb.READ_ATTRIBUTES, smb.READ_ATTRIBUTES):
        try:
            found = share.run(path, smb.create(inner, access, options=NEVER_FOLLOW), smb.close())
        except FileInUse:
            raise
        except FileNotFoundError:
            return
        except PermissionError:
            continue  # a read-only one is made writable later; what may not be looked at will say so itself
        kind = windows_file("", smb.created(found[0].body)[1]).kind
        if kind != "file":
            raise IsADirectoryError(errno.EISDIR, f"is a {kind}, not a file", path)
        return


def _fill(share: Share, handle: bytes, path: str, content: Iterable[bytes]) -> None:
    deadline = share.deadline()
    piece = min(PIECE, share.login.largest_write)
    waiting: deque[tuple[Ticket, int]] = deque()

    def settle() -> None:
        ticket, length = waiting.popleft()
        answer = share.collect(ticket, deadline)[0]
        if answer.status != SUCCESS:
            raise file_error(answer.status, path)
        if smb.written(answer.body) != length:
            raise file_error(0xC000007F, path)

    offset = 0
    try:
        for data in _even(content, piece):
            waiting.append((share.submit([smb.write(data, offset, handle)]), len(data)))
            offset += len(data)
            while len(waiting) * piece >= ON_THE_WAY:
                settle()
        while waiting:
            settle()
    finally:
        for ticket, _length in waiting:
            share.forget(ticket)
    answer = share.exchange(smb.flush(handle))[0]
    if answer.status != SUCCESS:
        raise file_error(answer.status, path)


def _put_in_place(share: Share, handle: bytes, inner: str, path: str) -> None:
    keep, put = smb.remove_on_close(False, handle), smb.rename(inner, handle)
    kept, renamed = share.exchange(keep, put)
    if kept.status != SUCCESS:
        raise file_error(kept.status, path)
    status = renamed.status
    if status in (ACCESS_DENIED, SHARING_VIOLATION, CANNOT_DELETE) and _make_way(share, inner, path):
        status = share.exchange(put)[0].status
    if status == ACCESS_DENIED and _is_open(share, inner):
        raise FileInUse(errno.EACCES, "is in use by another program, so it cannot be replaced", path)
    if status != SUCCESS:
        raise file_error(status, path)


def _make_way(share: Share, inner: str, path: str) -> bool:
    """Whether something that kept a file from being replaced could be taken away."""
    try:
        found = share.run(path, smb.create(inner, LOOKING, options=NEVER_FOLLOW), smb.close())
        attributes = smb.created(found[0].body)[1].attributes
        if not attributes & READ_ONLY:
            return False
        clear_read_only(share, inner, path, attributes)
    except OSError:
        return False
    return True


def _is_open(share: Share, inner: str) -> bool:
    """Whether somebody has it open: it cannot be had for oneself alone."""
    create = smb.create(inner, smb.DELETE | smb.READ_ATTRIBUTES, share=0, options=NEVER_FOLLOW)
    opened, _closed = share.exchange(create, smb.close())
    return opened.status == SHARING_VIOLATION


def _even(content: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of one size, but for the last."""
    held = bytearray()
    for data in content:
        held += data
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
