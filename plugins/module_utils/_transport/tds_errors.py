# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a SQL Server says, and what it means: its numbered messages as one sentence and what to do next.

The numbers are those of ``sys.messages``. Its texts come in the server's language and are never interpreted, but for
the number of the operating system's error, which stands before an opening bracket in every language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .._errors import AuthenticationFailed, CommandFailed, RecoveryError

ERROR_SEVERITY = 10
"""Messages up to this severity are information: the progress of a backup, a changed database."""

EXCLUSIVE_ACCESS = 3101
NEWER_BACKUP = 3169

_MENTIONED_LAST = frozenset((3013, 3014, 3621))
"""Terminating abnormally, processed, the statement has been terminated: they follow the message that says why."""

_OS_ERROR = re.compile(r"\b(\d+)\s?\(")
_LONGEST = 300
_DISK_FULL = 112


@dataclass(frozen=True)
class SqlMessage:
    """One message of the server: its number, severity, state, and its text in the server's language."""

    number: int
    severity: int
    state: int
    text: str

    @property
    def is_error(self) -> bool:
        """Whether it says that something went wrong."""
        return self.severity > ERROR_SEVERITY


_LOGIN = {
    18456: (
        "refuses the login",
        "Check user name and password, and whether the server allows this kind of login.",
    ),
    18452: ("does not trust the domain of the account", "Log in as DOMAIN\\user, or with mssql_authentication: sql."),
    18470: ("has disabled the login", "Enable it, or use another one."),
    18486: ("has locked the login", "Unlock it; somebody tried too many wrong passwords."),
    18487: ("says that the password has expired", "Give the login a new password."),
    18488: ("wants the password to be changed first", "Give the login a new password."),
}

_OS = {
    2: ("the file is not there", "Check backup_folder."),
    3: ("the folder is not there", "Check backup_folder."),
    5: ("access is denied", "Let the account of the SQL Server's service write into backup_folder."),
    32: ("another program holds the file", "Keep virus scanners and backup programs out of backup_folder."),
    _DISK_FULL: ("the disk is full", "Make room on the SQL Server's host."),
}

_RIGHTS = "Give the login the rights that docs/products/mssql.md lists."
_GROUP = "Take it out of the group, restore it on the primary, then add it again."
_DAMAGED = "Restore another generation, and check the disks of the SQL Server's host."
LACKS_A_RIGHT = frozenset((229, 262, 297, 300, 371, 916, 2571, 3110, 7983, 15247))
_MEANS = {
    **dict.fromkeys(LACKS_A_RIGHT, ("The login lacks a right", _RIGHTS)),
    916: ("The login may not enter this database", _RIGHTS),
    3110: ("The login may not restore this database", _RIGHTS),
    911: ("There is no such database", "Check the option database."),
    924: ("The database is in single-user mode and somebody else is in it", "End that session, then run this again."),
    927: ("The database is in the middle of a restore", "Restore it to its end, or restore a generation."),
    1205: ("The SQL Server chose this request as the victim of a deadlock", "Run it again."),
    1222: ("Somebody else holds a lock for too long", "Run it again when the database is less busy."),
    1844: ("This edition cannot compress backups", "Set compression to false."),
    3101: ("Somebody else is in the database", "Stop what uses it, then run this again."),
    1468: ("The database is mirrored or in an availability group", _GROUP),
    3104: ("The database is mirrored or in an availability group", _GROUP),
    3154: ("The backup is one of another database", "Choose the generation of this database."),
    3169: ("The backup was made on a newer SQL Server", "Restore it to the same or a newer version."),
    3183: ("The backup holds a damaged page", _DAMAGED),
    3189: ("The backup is damaged", _DAMAGED),
    3203: ("The backup cannot be read to its end", _DAMAGED),
    3241: ("The file is no backup that this SQL Server understands", _DAMAGED),
    3242: ("The file is no backup", _DAMAGED),
    3257: ("There is not enough room for the database", "Make room on the SQL Server's host."),
    5030: ("The database cannot be locked for this", "Stop what uses it, then run this again."),
    5061: ("The database cannot be locked for this", "Stop what uses it, then run this again."),
    5064: ("Somebody else uses the database in single-user mode", "End that session, then run this again."),
    9002: ("The transaction log of the database is full", "Back up or enlarge the log."),
    33111: (
        "The certificate that the database is encrypted with is not on this SQL Server",
        "Put certificate and private key there first (CREATE CERTIFICATE ... WITH PRIVATE KEY).",
    ),
}
_FILES = {
    3201: "cannot open the backup file",
    3202: "cannot write the backup file",
    3271: "cannot write the backup file",
}


def error_of(messages: Sequence[SqlMessage], host: str, username: str = "") -> RecoveryError:
    """The error that a refused request is raised as; ``number`` stands in its details."""
    telling = [message for message in messages if message.is_error]
    chosen = next((message for message in telling if message.number not in _MENTIONED_LAST), None)
    message = chosen or (telling[-1] if telling else SqlMessage(0, 16, 0, "it says nothing"))
    if message.number in _LOGIN:
        what, hint = _LOGIN[message.number]
        who = f" of {username}" if username and message.number == 18456 else ""
        return AuthenticationFailed(f"The SQL Server {what}{who}", host=host, hint=hint, number=message.number)
    if message.number in _FILES:
        found = _OS_ERROR.search(message.text)
        reason, hint = _OS.get(int(found[1]) if found else -1, ("", ""))
        sentence = f"The SQL Server {_FILES[message.number]}{': ' + reason if reason else _quote(message)}"
        return CommandFailed(sentence, host=host, hint=hint or None, number=message.number)
    if message.number in _MEANS:
        sentence, next_step = _MEANS[message.number]
        return CommandFailed(sentence, host=host, hint=next_step, number=message.number)
    return CommandFailed(
        f"The SQL Server refuses with error {message.number}{_quote(message)}", host=host, number=message.number
    )


def _quote(message: SqlMessage) -> str:
    words = " ".join(message.text.split()).rstrip(".")
    return f": {words[:_LONGEST]}" if words else ""
