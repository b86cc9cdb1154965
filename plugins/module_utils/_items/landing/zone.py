# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One landing zone: its places, whether they are fit, and that one run at a time moves anything in them."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..._entries import path_to_text
from ..._errors import RecoveryError

INCOMING = b"incoming"
TAKEN = b"taken"
_LOCK = b".lock"
_LOCK_STEP = 0.2


class LandingUnfit(RecoveryError):
    """A landing zone is not there, or its folders are not as they must be."""


class LandingDamaged(RecoveryError):
    """What the collection keeps for itself in a landing zone cannot be understood."""


class LandingBusy(RecoveryError):
    """Another run works in this landing zone."""


@dataclass(frozen=True)
class Zone:
    """The landing zone of one source; ``folder`` is its absolute path, raw bytes.

    ``ignore_writers``: names of programs that keep files open although nobody writes to them any more.
    """

    folder: bytes
    ignore_writers: tuple[str, ...] = ()

    @property
    def incoming(self) -> bytes:
        """Where files arrive."""
        return os.path.join(self.folder, INCOMING)

    @property
    def taken(self) -> bytes:
        """Where files go before they are read: out of the reach of whoever sent them."""
        return os.path.join(self.folder, TAKEN)

    def check(self) -> None:
        """Refuse a zone in which a sender could reach what was taken, or in which nothing can be taken at once.

        :raises LandingUnfit: it is such a one, or none
        """
        incoming, taken = self._folder(self.incoming), self._folder(self.taken)
        if incoming.st_dev != taken.st_dev:
            raise self._unfit(self.taken, "is on another file system than incoming, so nothing can be moved at once")
        if taken.st_uid != os.geteuid() or stat.S_IMODE(taken.st_mode) & 0o077:
            raise self._unfit(self.taken, "must belong to the user of the module (root), and to nobody else: mode 0700")

    def _folder(self, path: bytes) -> os.stat_result:
        try:
            status = os.lstat(path)
        except OSError as error:
            raise self._unfit(path, f"cannot be looked at: {error.strerror}") from None
        if not stat.S_ISDIR(status.st_mode):
            raise self._unfit(path, "is no folder")
        return status

    @staticmethod
    def _unfit(path: bytes, what: str) -> LandingUnfit:
        return LandingUnfit(
            f"This folder of the landing zone {what}",
            item=path_to_text(path),
            hint="The role ucops.recovery.backup_host sets landing zones up.",
        )

    @contextmanager
    def lock(self, wait: float = 0.0, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Be the only run that moves anything here. A run that dies gives the lock back.

        :param wait: seconds to wait for another run
        :raises LandingBusy: it still works
        """
        handle = os.open(os.path.join(self.taken, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            until = time.monotonic() + wait
            while not _locked(handle):
                if time.monotonic() >= until:
                    raise LandingBusy(
                        "Another run works in this landing zone",
                        item=path_to_text(self.folder),
                        hint="Let it end, and run this again.",
                    )
                sleep(_LOCK_STEP)
            yield
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True
