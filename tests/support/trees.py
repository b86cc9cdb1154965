# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in folders, to see that nobody wrote there."""

from __future__ import annotations

import hashlib
import pathlib
import stat


def tree_of(*folders: pathlib.Path) -> dict[str, tuple[object, ...]]:
    """Every file and folder with its mode, its time, and the hash of what it holds. One that is not there is told."""
    found: dict[str, tuple[object, ...]] = {}
    for folder in folders:
        found[str(folder)] = (folder.exists(),)
        for path in [folder, *folder.rglob("*")] if folder.exists() else []:
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else ""
            found[str(path)] = (stat.filemode(status.st_mode), status.st_mtime_ns, content)
    return found
