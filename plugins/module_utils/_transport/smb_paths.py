# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Absolute Windows paths, taken apart: drive, and the path as SMB wants it."""

from __future__ import annotations

import datetime
import errno
import re

from .windows_files import filetime

_DRIVE = re.compile(r"([A-Za-z]):\\?(.*)\Z", re.DOTALL)
_NEVER = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
LONGEST_PATH = 32760
"""UTF-16 units, the most that NTFS takes."""


def split(path: str) -> tuple[str, str]:
    r"""``C:\Program Files\x`` as (``C``, ``Program Files\x``). Raises OSError (EINVAL) for what is no absolute path of
    plain names: streams, ``..`` and everything that would mean another file than it says."""
    found = _DRIVE.match(path)
    inner = found[2].rstrip("\\") if found else ""
    names = inner.split("\\") if inner else []
    if found is None or any(not plain_name(name) for name in names) or len(inner) > LONGEST_PATH:
        raise OSError(errno.EINVAL, "is no absolute path of plain names", path)
    return found[1], inner


def plain_name(name: str) -> bool:
    """Whether this can be the name of one file, as NTFS keeps it."""
    return name not in ("", ".", "..") and not _NEVER.search(name) and len(name) <= 255


def ancestors(inner: str) -> list[str]:
    r"""The folders above ``a\b\c``: ``a`` and ``a\b``; the drive itself is none."""
    names = inner.split("\\")
    return ["\\".join(names[:count]) for count in range(1, len(names))]


def folders_to(inner: str) -> list[str]:
    """The folders above a folder, and the folder; for the drive itself there is nothing to ask about."""
    return [*ancestors(inner), inner] if inner else []


def parent(inner: str) -> str:
    """The folder that it lies in; empty for the drive itself."""
    return inner.rpartition("\\")[0]


def moment_of(token: str) -> int:
    """C(@GMT-2026.01.31-12.00.00) as a FILETIME. Raises ValueError."""
    moment = datetime.datetime.strptime(token, "@GMT-%Y.%m.%d-%H.%M.%S").replace(tzinfo=datetime.timezone.utc)
    return filetime(int(moment.timestamp()) * 10**9)
