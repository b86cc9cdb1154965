# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at what lies in a landing zone. No link is followed, and nothing is opened but folders.

Whoever sends may change folders while they are read. So every folder is opened from the one above it, by its plain name
and without following links: there is no path that could lead elsewhere.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from .facts import FileFacts, Observation, kind_word
from .open_files import being_written
from .zone import Zone

MOST_FILES = 100_000
DEEPEST = 32
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
SPARSE_FROM = 2**30
SPARSE_RATIO = 1000
"""A file of at least SPARSE_FROM bytes, of which less than one in SPARSE_RATIO lies on the disk, is a bomb."""


@dataclass(frozen=True)
class Limits:
    """What is looked at and taken at most. ``max_size``: bytes of one file."""

    max_size: int = 2**40
    most_files: int = MOST_FILES


@dataclass
class _Scan:
    limits: Limits
    files: dict[bytes, FileFacts] = field(default_factory=dict)
    refused: dict[bytes, str] = field(default_factory=dict)


def look(zone: Zone, limits: Limits = Limits()) -> Observation:
    """What lies in ``incoming`` now, who has it open, and what is refused by name. Raises OSError for ``incoming``."""
    scan = _Scan(limits)
    handle = os.open(zone.incoming, _FOLDER)
    try:
        _read_folder(handle, b"", 0, os.fstat(handle).st_dev, scan)
    finally:
        os.close(handle)
    writers, complete = being_written({facts.identity for facts in scan.files.values()}, zone.ignore_writers)
    return Observation(time.monotonic(), time.time_ns(), scan.files, scan.refused, writers, complete)


def open_folder(
    zone: Zone, name: bytes, *, make: bool = False, on_the_way: Callable[[int], None] = lambda folder: None
) -> tuple[int, bytes]:
    """The folder below ``incoming`` that a file stands in, opened without following any link, and the file's last name.

    The caller closes it. ``make``: folders that are missing are made. ``on_the_way`` is told each folder, from
    ``incoming`` down, and raises nothing. Raises OSError, and ValueError for a name that leads elsewhere.
    """
    *folders, last = checked_names(name)
    handle = os.open(zone.incoming, _FOLDER)
    on_the_way(handle)
    for folder in folders:
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(folder, 0o755, dir_fd=handle)
            below = os.open(folder, _FOLDER, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
        on_the_way(handle)
    return handle, last


def checked_names(name: bytes) -> list[bytes]:
    """The single names of a path below ``incoming``. Raises ValueError for one that leads elsewhere."""
    names = name.split(b"/")
    if any(one in (b"", b".", b"..") or b"\0" in one for one in names):
        raise ValueError("a name that leads elsewhere")
    return names


def _read_folder(handle: int, path: bytes, depth: int, device: int, scan: _Scan) -> None:
    for one in sorted(os.listdir(handle)):
        # a descriptor makes os.listdir give text
        name = os.fsencode(one)
        whole = path + b"/" + name if path else name
        if len(scan.files) + len(scan.refused) >= scan.limits.most_files:
            scan.refused[path or b"."] = f"more than {scan.limits.most_files} files; the rest was not looked at"
            return
        try:
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                _enter(handle, name, whole, depth, device, status, scan)
                continue
        except FileNotFoundError:
            continue
        except OSError as error:
            scan.refused[whole] = f"cannot be looked at: {error.strerror}"
            continue
        facts = FileFacts.of(whole, status)
        reason = "is " + kind_word(status.st_mode) if not stat.S_ISREG(status.st_mode) else refusal(facts, scan.limits)
        if reason:
            scan.refused[whole] = reason
        else:
            scan.files[whole] = facts


def _enter(
    handle: int, name: bytes, whole: bytes, depth: int, device: int, status: os.stat_result, scan: _Scan
) -> None:
    if status.st_dev != device:
        scan.refused[whole] = "is a folder of another file system"
    elif depth >= DEEPEST:
        scan.refused[whole] = f"lies more than {DEEPEST} folders deep"
    else:
        below = os.open(name, _FOLDER, dir_fd=handle)
        try:
            _read_folder(below, whole, depth + 1, device, scan)
        finally:
            os.close(below)


def refusal(facts: FileFacts, limits: Limits) -> str | None:
    """Why a regular file is not taken at all, None when it is."""
    if facts.links != 1:
        return f"has {facts.links} names: under another one it could be changed after it was taken"
    if facts.size > limits.max_size:
        return f"has {facts.size} bytes, at most {limits.max_size} are taken"
    if facts.size >= SPARSE_FROM and 0 < facts.stored < facts.size // SPARSE_RATIO:
        return f"says that it has {facts.size} bytes, and only {facts.stored} are there: it is all holes"
    return None
