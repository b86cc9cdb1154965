# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host of the lab for other programs' tests, such as molecule's: ``python -m lab.one_host FOLDER NAME``.

Writes ``login_key``, ``known_hosts`` and, when the host is up, ``pid`` into the folder. The host is gone when
the folder is, or when this ends.
"""

from __future__ import annotations

import pathlib
import signal
import sys

from lab.hosts import Fleet
from lab.machine import why_not

ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK = 2
"""Seconds between two looks whether the folder is still there."""


def serve(folder: pathlib.Path, name: str) -> None:
    """Bring the host up, say how to enter it, and wait for the end."""
    with Fleet() as fleet:
        host = fleet.add(name)
        key = folder / "login_key"
        key.touch(0o600)
        key.write_text(fleet.keypair.private)
        (folder / "known_hosts").write_text(fleet.known_hosts())
        (folder / "pid.part").write_text(str(host.pid))
        (folder / "pid.part").rename(folder / "pid")
        while folder.exists() and not signal.sigtimedwait(ENDS, LOOK):
            pass


def main() -> int:
    reason = why_not()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    serve(pathlib.Path(sys.argv[1]), sys.argv[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
