# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup file on its way through a folder of the SQL Server's host: written there by one side, taken by the other."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator

from .._errors import CommandFailed, OptionInvalid, RecoveryError
from .._transport.tds import SqlServerTransport
from .._transport.windows_files import FileInUse, WindowsFiles
from . import sql_statements

HEADERS = (b"TAPE", b"MSSQLBAK")
"""How backups begin: Microsoft Tape Format, and what SQL Server puts in front of a compressed one."""

_REMOVAL_TRIES = 5
"""After a backup was cut off, SQL Server holds its file a little longer."""


class BackupFile:
    """One file with a name of its own. :meth:`remove` it in every case.

    :param folder: where the SQL Server may write and read
    :raises OptionInvalid: nothing leads to the files of the server's host, or no folder is known
    """

    def __init__(
        self,
        transport: SqlServerTransport,
        database: str,
        folder: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if transport.files is None:
            raise OptionInvalid(
                "Nothing leads to the files of the SQL Server's host",
                host=transport.host,
                hint="Set smb_username and smb_password, or log in with an account of Windows.",
            )
        if not folder:
            raise OptionInvalid(
                "This version of SQL Server does not tell its folder for backups",
                host=transport.host,
                hint="Set backup_folder to one in which it may write.",
            )
        self._host = transport.host
        self._files: WindowsFiles = transport.files
        self._sleep = sleep
        self._folder = folder.rstrip("\\")
        self._prefix = "ucops-recovery-" + _digest(database)[:12] + "-"
        self.path = f"{self._folder}\\{self._prefix}{secrets.token_hex(4)}.bak"

    def sweep(self) -> None:
        """Remove what killed runs left of this database. Nobody else works on it: see :func:`alone`."""
        with self._told("The backup folder cannot be read"):
            names = [
                one.name
                for one in self._files.list_folder(self._folder)
                if one.kind == "file" and one.name.lower().startswith(self._prefix)
            ]
        for name in names:
            with self._told("What a killed run left behind cannot be removed"):
                self._remove(f"{self._folder}\\{name}")

    def free_space(self) -> int:
        """Bytes that may still be written there."""
        with self._told("The backup folder cannot be read"):
            return self._files.free_space(self._folder)

    def size(self) -> int:
        """Its size."""
        with self._told("The backup file is not where the SQL Server was told to write it"):
            return self._files.stat(self.path).size

    def read(self) -> Iterator[bytes]:
        """Its content. Raises OSError and what goes wrong on the way to the host."""
        return self._files.read(self.path)

    def write(self, content: Iterable[bytes]) -> None:
        """Put it there."""
        with self._told("The backup cannot be put into the backup folder"):
            self._files.write(self.path, content)

    def remove(self) -> str | None:
        """Remove it, if it is there. Never raises; a sentence when it could not be removed."""
        try:
            self._remove(self.path)
        except RecoveryError as error:
            return error.message
        except OSError as error:
            return _words(error)
        return None

    def _remove(self, path: str) -> None:
        for left in range(_REMOVAL_TRIES - 1, -1, -1):
            try:
                self._files.remove(path)
            except FileNotFoundError:
                return
            except FileInUse:
                if not left:
                    raise
                self._sleep(1)
                continue
            return

    @contextlib.contextmanager
    def _told(self, message: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CommandFailed(
                f"{message}: {_words(error)}",
                host=self._host,
                item=self._folder,
                hint="Check backup_folder, smb_shares, the rights of the account on both, and the space there.",
            ) from None


@contextlib.contextmanager
def alone(transport: SqlServerTransport, database: str) -> Iterator[None]:
    """While this lasts, no other run backs up or restores this database. Its end needs no goodbye: the lock is the
    session's.

    :raises CommandFailed: another run does
    """
    name = f"ucops.recovery:{_digest(database)}"
    answer = transport.execute(sql_statements.lock(name)).value
    if answer is None or int(answer) < 0:
        raise CommandFailed(
            "Another run backs up or restores this database",
            host=transport.host,
            item=database,
            hint="Wait for its end, then run this again.",
        )
    try:
        yield
    finally:
        with contextlib.suppress(RecoveryError):
            transport.execute(sql_statements.unlock(name))


def _digest(database: str) -> str:
    """The same for every spelling that the server takes for one name."""
    return hashlib.sha256(database.casefold().encode("utf-8")).hexdigest()


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
