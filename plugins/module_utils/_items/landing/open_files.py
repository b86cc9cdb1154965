# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files some process has open for writing, from Linux' /proc."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

_WRITING = os.O_WRONLY | os.O_RDWR

Writers = Mapping["tuple[int, int]", str]
"""File (device, inode) -> name of a program that has it open for writing."""


def being_written(
    wanted: Collection[tuple[int, int]], ignore: Collection[str] = (), proc: bytes = b"/proc"
) -> tuple[Writers, bool]:
    """Of the wanted files those that are open for writing, and whether every process could be seen.

    Without root only processes of the same user can be seen.

    :param ignore: names of programs that keep files open longer than anybody writes to them
    """
    found: dict[tuple[int, int], str] = {}
    complete = True
    try:
        processes = [name for name in os.listdir(proc) if name.isdigit()] if wanted else []
    except OSError:
        return {}, False
    for process in processes:
        folder = os.path.join(proc, process)
        try:
            descriptors = os.listdir(os.path.join(folder, b"fd"))
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            complete = False
            continue
        for one in descriptors:
            try:
                status = os.stat(os.path.join(folder, b"fd", one))
                file = (status.st_dev, status.st_ino)
                if file in wanted and file not in found and _writes(os.path.join(folder, b"fdinfo", one)):
                    program = _program(folder)
                    if program not in ignore:
                        found[file] = program
            except OSError:
                continue  # it was closed, or is none that has a place
    return found, complete


def _program(folder: bytes) -> str:
    with open(os.path.join(folder, b"comm"), "rb") as handle:
        return handle.read().decode("utf-8", "replace").strip()


def _writes(info: bytes) -> bool:
    with open(info, "rb") as handle:
        for line in handle:
            if line.startswith(b"flags:"):
                return bool(int(line.split()[1], 8) & _WRITING)
    return False
