# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ConnectionLost,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_status import (
    connection_error,
    file_error,
    login_error,
    share_error,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import FileInUse

PATH = r"C:\a\b"


@pytest.mark.parametrize(
    ("status", "kind", "number"),
    [
        (0xC0000034, FileNotFoundError, errno.ENOENT),
        (0xC000003A, FileNotFoundError, errno.ENOENT),
        (0xC0000022, PermissionError, errno.EACCES),
        (0xC0000061, PermissionError, errno.EACCES),
        (0xC0000121, PermissionError, errno.EACCES),
        (0xC0000043, FileInUse, errno.EACCES),
        (0xC0000054, FileInUse, errno.EACCES),
        (0xC0000056, FileInUse, errno.EACCES),
        (0xC000007F, OSError, errno.ENOSPC),
        (0xC0000044, OSError, errno.ENOSPC),
        (0xC0000802, OSError, errno.ENOSPC),
        (0xC0000035, FileExistsError, errno.EEXIST),
        (0xC00000BA, IsADirectoryError, errno.EISDIR),
        (0xC0000103, NotADirectoryError, errno.ENOTDIR),
        (0xC0000101, OSError, errno.ENOTEMPTY),
        (0x8000002D, OSError, errno.ELOOP),
        (0xC0000033, OSError, errno.EINVAL),
        (0xC0000001, OSError, errno.EIO),
    ],
)
def test_errors_of_files(status: int, kind: type[OSError], number: int) -> None:
    error = file_error(status, PATH)
    assert (type(error), error.errno, error.filename) == (kind, number, PATH) and error.strerror


def test_a_status_that_nobody_knows_is_told_by_its_number() -> None:
    assert "0xC0FFEE00" in (file_error(0xC0FFEE00, PATH).strerror or "")


@pytest.mark.parametrize("status", [0xC000006D, 0xC000006A, 0xC0000071, 0xC0000072, 0xC0000234, 0xC000015B])
def test_logins_that_are_refused(status: int) -> None:
    error = login_error(status, "h", r"LAB\admin")
    assert isinstance(error, AuthenticationFailed) and r"LAB\admin" in error.message and error.hint


def test_logins_that_break() -> None:
    error = login_error(0xC0000001, "h", "admin")
    assert error.__class__ is ConnectionFailed and "0xC0000001" in error.message


def test_shares() -> None:
    assert "smb_shares" in (share_error(0xC00000CC, "h", "D$").hint or "")
    assert isinstance(share_error(0xC0000022, "h", "C$"), AuthenticationFailed)
    assert "0xC0000001" in share_error(0xC0000001, "h", "C$").message


def test_what_ends_the_connection_and_what_does_not() -> None:
    assert isinstance(connection_error(0xC0000203, "h"), ConnectionLost)
    assert connection_error(0xC0000022, "h") is None
