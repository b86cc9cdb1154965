# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One restore of a host at a time on the machine where restores run.

When a controller is killed its module goes on, and that is good: a restore that ends is better than half of one. The
run that comes after it has to wait for it, though, and not work on the same host beside it.
"""

from __future__ import annotations

import errno
import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .._errors import RestoreRefused

PATIENCE = 900.0
"""Seconds to wait for another one."""
_PAUSE = 0.5


@contextmanager
def alone(
    name: str,
    *,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold a name inside the block. Raises RestoreRefused when another process holds it all the time.

    The name is an abstract socket's: the kernel lets go of it when the process ends, however that happens, and there is
    no file that could be left behind.
    """
    address = (
        b"\0ucops-recovery-restore-" + hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest().encode()
    )
    until = clock() + patience
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as held:
        while True:
            try:
                held.bind(address)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            if clock() >= until:
                raise RestoreRefused(
                    f"Another restore of {name.rpartition(' ')[2]} runs on this machine for more than {patience:g} s",
                    hint="Nothing was touched. Wait for it, or end it if it hangs, and restore again.",
                )
            sleep(_PAUSE)
        yield
