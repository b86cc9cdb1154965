# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders on the way to a path, asked for at once: a link among them means that the path is not what it says.

A server follows a junction in the middle of a path without a word, so that only this tells.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from . import smb_messages as smb
from .smb_share import Share
from .smb_status import SUCCESS, file_error

REPARSE, DIRECTORY = 0x400, 0x10
SURROGATE = 0x20000000
"""The bit of a reparse tag that says: this stands for another path (junction, symlink, mount point)."""
NEVER_FOLLOW = smb.OPEN_REPARSE_POINT | smb.BACKUP_INTENT
LOOKING = smb.READ_ATTRIBUTES | smb.READ_CONTROL | smb.SYNCHRONIZE


def open_to_look(inner: str, moment: int | None = None) -> smb.Message:
    """Open whatever stands at a path, a link itself included, to ask about it."""
    return smb.create(inner, LOOKING, options=NEVER_FOLLOW, moment=moment)


def read_link(share: Share, inner: str, path: str, moment: int | None = None) -> bytes:
    """The raw reparse data of a link."""
    question = smb.control(smb.GET_REPARSE_POINT, b"", smb.UNIT)
    return smb.output_of(share.run(path, open_to_look(inner, moment), question, smb.close())[1].message)


def leads_elsewhere(share: Share, inner: str, path: str, moment: int | None = None) -> bool:
    """Whether a reparse point is a link, and not a file that is only kept in another way."""
    return bool(int.from_bytes(read_link(share, inner, path, moment)[:4], "little") & SURROGATE)


class Way:
    """Requests about folders that are on their way; what else is asked meanwhile need not wait for them."""

    def __init__(self, share: Share, folders: Sequence[str], path: str, moment: int | None) -> None:
        self._share = share
        self._path = path
        self._moment = moment
        self._asked = [(one, share.submit([open_to_look(one, moment), smb.close()])) for one in folders]

    def check(self) -> None:
        """Wait for the answers. Must come before anything is made of what was asked meanwhile.

        :raises PermissionError: one of them is a link
        :raises NotADirectoryError, FileNotFoundError: one of them is no folder, or not there
        """
        asked, self._asked = self._asked, []
        answers = [(folder, self._share.collect(ticket)[0]) for folder, ticket in asked]
        for folder, answer in answers:
            if answer.status != SUCCESS:
                raise file_error(answer.status, self._path)
            attributes = smb.created(answer.body)[1].attributes
            if attributes & REPARSE and leads_elsewhere(self._share, folder, self._path, self._moment):
                story = f"{folder} is a link, and links are not followed"
                raise PermissionError(errno.EACCES, story, self._path)
            if not attributes & DIRECTORY:
                raise NotADirectoryError(errno.ENOTDIR, f"{folder} is no folder", self._path)
