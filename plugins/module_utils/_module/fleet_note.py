# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a fleet's job is, in a small file that the controller looks at while the job runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable

from .fleet_run import Progress

TOLD_EVERY = 0.5
"""Seconds between two notes; none is written while nothing moves."""

LEFT_BEHIND = 86400.0
"""Seconds after which a note that nobody writes any more is one of a job that was killed."""

_NAME = re.compile(r"\.ucops-[0-9a-f]{32}(\.new)?\Z")


class ProgressNote:
    """Keeps the file up to date inside its context, and removes it at the end, with those that killed jobs left.

    Whatever goes wrong with the file is no matter of the job.

    :param path: the file; None: nobody looks
    :param bytes_read: how many bytes were read until now
    """

    def __init__(self, path: str | None, bytes_read: Callable[[], int]) -> None:
        self._path = path
        self._bytes_read = bytes_read
        self._progress: Progress | None = None
        self._written = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_up, name="progress", daemon=True)

    def __enter__(self) -> ProgressNote:
        if self._path is not None:
            _sweep(os.path.dirname(self._path))
            self._thread.start()
        return self

    def __exit__(self, *_what: object) -> None:
        if self._path is not None:
            self._over.set()
            self._thread.join()
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    def tell(self, progress: Progress) -> None:
        """Take the newest state. It is written soon, by another thread."""
        self._progress = progress

    def _keep_up(self) -> None:
        while not self._over.wait(TOLD_EVERY):
            if self._progress is not None:
                with contextlib.suppress(OSError):
                    self._write(self._progress)

    def _write(self, progress: Progress) -> None:
        text = json.dumps(
            {
                "total": progress.total,
                "done": progress.done,
                "failed": progress.failed,
                "running": progress.running,
                "bytes": self._bytes_read(),
            }
        )
        if text == self._written:
            return
        beside = f"{self._path}.new"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        os.replace(beside, str(self._path))
        self._written = text


def _sweep(folder: str) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as names:
        for one in names:
            if _NAME.match(one.name) and one.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    if time.time() - one.stat(follow_symlinks=False).st_mtime > LEFT_BEHIND:
                        os.unlink(one.path)
