# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an SMB server answers with, as the errors that Python programs expect (MS-ERREF 2.3.1)."""

from __future__ import annotations

import errno

from .._errors import AuthenticationFailed, ConnectionFailed, ConnectionLost, RecoveryError
from .windows_files import FileInUse

SUCCESS = 0
PENDING = 0x00000103
BUFFER_OVERFLOW = 0x80000005
NO_MORE_FILES = 0x80000006
STOPPED_ON_SYMLINK = 0x8000002D
NO_SUCH_FILE = 0xC000000F
END_OF_FILE = 0xC0000011
ACCESS_DENIED = 0xC0000022
SHARING_VIOLATION = 0xC0000043
CANNOT_DELETE = 0xC0000121

_ABSENT = {NO_SUCH_FILE, 0xC0000034, 0xC000003A, 0xC0000039, 0xC0000225}
_DENIED = {
    ACCESS_DENIED: "access is denied",
    0xC0000061: "the account lacks the privilege",
    0xC000005A: "the account may not make this one the owner",
    0xC00000A2: "the disk is write-protected",
    CANNOT_DELETE: "it is read-only",
    0xC0000024: "is of another kind than it should be",
}
_IN_USE = {SHARING_VIOLATION, 0xC0000054, 0xC0000055, 0xC0000056}
_FULL = {0xC000007F, 0xC0000044, 0xC0000802}
_OTHERS = {
    0xC0000035: (errno.EEXIST, "is there already"),
    0xC00000BA: (errno.EISDIR, "is a folder"),
    0xC0000103: (errno.ENOTDIR, "is no folder"),
    0xC0000101: (errno.ENOTEMPTY, "the folder is not empty"),
    0xC0000033: (errno.EINVAL, "is no name that the host takes"),
    0xC000003B: (errno.EINVAL, "is no path that the host takes"),
    0xC0000275: (errno.EINVAL, "is no link"),
    0xC00000BB: (errno.EOPNOTSUPP, "the host does not know how to do this"),
    0xC0000010: (errno.EOPNOTSUPP, "the host does not know how to do this"),
    STOPPED_ON_SYMLINK: (errno.ELOOP, "a link stands above it, and links are not followed"),
    0xC0000032: (errno.EIO, "the disk is damaged"),
    0xC0000102: (errno.EIO, "the file is damaged"),
    0xC000003E: (errno.EIO, "the disk cannot be read"),
    0xC0000185: (errno.EIO, "the disk cannot be read"),
}
_GONE = {
    0xC00000C9: "The share is gone",
    0xC0000203: "The session was ended by the host",
    0xC000035C: "The login has expired",
    0xC000020C: "The connection was ended by the host",
}
_LOGIN = {
    0xC000006D: "The host refuses the user name or the password",
    0xC000006A: "The host refuses the password",
    0xC0000064: "The host does not know the user",
    0xC000006E: "The account may not log in (is its password empty?)",
    0xC000006F: "The account may not log in at this time of day",
    0xC0000070: "The account may not log in from here",
    0xC0000071: "The password has expired",
    0xC0000072: "The account is disabled",
    0xC0000193: "The account has expired",
    0xC0000224: "The password must be changed first",
    0xC0000234: "The account is locked",
    0xC000015B: "The account may not log in over the network",
    0xC0000022: "The host denies the login",
    0xC0000413: "The host's authentication policy refuses the account",
}


def file_error(status: int, path: str) -> OSError:
    """The error for one path."""
    if status in _ABSENT:
        return FileNotFoundError(errno.ENOENT, "is not there", path)
    if status in _IN_USE:
        return FileInUse(errno.EACCES, "is in use by another program", path)
    if status in _DENIED:
        return PermissionError(errno.EACCES, _DENIED[status], path)
    if status in _FULL:
        return OSError(errno.ENOSPC, "the disk of the host is full", path)
    number, message = _OTHERS.get(status, (errno.EIO, f"the host answered with NTSTATUS 0x{status:08X}"))
    return OSError(number, message, path)


def connection_error(status: int, host: str) -> RecoveryError | None:
    """The error of the whole connection that a status means; None when it concerns one file only."""
    if status not in _GONE:
        return None
    return ConnectionLost(_GONE[status], host=host, hint="Look at the host, then run this again.")


def login_error(status: int, host: str, username: str) -> ConnectionFailed:
    """The error of a login."""
    if status in _LOGIN:
        return AuthenticationFailed(
            f"{_LOGIN[status]} (login as {username})",
            host=host,
            hint="Check the user name, its domain and the password; a local account must be a member of the"
            " Administrators group, and LocalAccountTokenFilterPolicy be 1 unless it is the built-in Administrator.",
        )
    return ConnectionFailed(f"The host does not finish the login (NTSTATUS 0x{status:08X})", host=host)


def share_error(status: int, host: str, share: str) -> ConnectionFailed:
    """The error of reaching a share."""
    if status == 0xC00000CC:
        return ConnectionFailed(
            f"There is no share {share}",
            host=host,
            hint="Administrative shares may be switched off (AutoShareServer, AutoShareWks); smb_shares can name"
            " another share for a drive.",
        )
    if status == ACCESS_DENIED:
        return AuthenticationFailed(
            f"The account may not use the share {share}",
            host=host,
            hint="Administrative shares are for administrators; a local one that is not the built-in Administrator"
            " needs LocalAccountTokenFilterPolicy 1.",
        )
    return ConnectionFailed(f"The share {share} cannot be used (NTSTATUS 0x{status:08X})", host=host)
