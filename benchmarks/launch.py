# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one program and writes what it took to the file descriptor that stands first: ``launch.py 7 program argument``.

A process of its own, because Linux counts the memory of the process that starts a program as that program's.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    told = int(sys.argv[1])
    os.set_inheritable(told, False)
    began = time.perf_counter()
    pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    # wait4 counts this program and what it started, and nothing that ran before
    _pid, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    found = {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * 1024,
    }
    os.write(told, json.dumps(found).encode())


if __name__ == "__main__":
    main()
