# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a program costs: seconds, CPU seconds, memory, and bytes on disk."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A program to run, with the folder it runs in."""

    argv: Sequence[str]
    cwd: pathlib.Path


@dataclass(frozen=True)
class Usage:
    """Seconds, CPU seconds with those of all children, bytes of the largest process at its peak."""

    wall: float
    cpu: float
    memory: int

    def plus(self, other: Usage) -> Usage:
        """This and then another."""
        return Usage(self.wall + other.wall, self.cpu + other.cpu, max(self.memory, other.memory))

    def times(self, factor: float) -> Usage:
        """The same for so many times as much work, one after the other."""
        return Usage(self.wall * factor, self.cpu * factor, self.memory)


@dataclass(frozen=True)
class Stored:
    """What a repository takes up: bytes of its files, bytes of its blocks on disk (with folders), number of files."""

    apparent: int
    blocks: int
    files: int

    def times(self, factor: float) -> Stored:
        """The same for so many times as much."""
        return Stored(round(self.apparent * factor), round(self.blocks * factor), round(self.files * factor))

    def minus(self, other: Stored) -> Stored:
        """What came on top of another."""
        return Stored(self.apparent - other.apparent, self.blocks - other.blocks, self.files - other.files)


def go_before_others() -> None:
    """Let this process and all that it starts go before others on a shared machine. Needs root."""
    os.setpriority(os.PRIO_PROCESS, 0, -15)
    group = pathlib.Path("/proc/self/autogroup")
    if group.exists():
        # the kernel groups processes by session, and a priority counts within its group only
        group.write_text("-19")


def run(commands: Sequence[Command], environment: Mapping[str, str], log: pathlib.Path) -> Usage:
    """Run programs one after the other. Raises RuntimeError with the end of their output when one fails."""
    wall = cpu = 0.0
    memory = 0
    for command in commands:
        with log.open("wb") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            # wait4 counts this program and what it started, and nothing that ran before
            _pid, status, usage = os.wait4(process.pid, 0)
            wall += time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            text = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command.argv)[:200]} ended with {process.returncode}:\n{text}")
        cpu += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss * 1024)
    return Usage(wall, cpu, memory)


def stored(folder: pathlib.Path) -> Stored:
    """What a folder takes up."""
    apparent = files = 0
    blocks = folder.stat().st_blocks * 512
    for parent, folders, names in os.walk(folder):
        for name in folders:
            blocks += os.lstat(os.path.join(parent, name)).st_blocks * 512
        for name in names:
            status = os.lstat(os.path.join(parent, name))
            apparent += status.st_size
            blocks += status.st_blocks * 512
            files += 1
    return Stored(apparent, blocks, files)


def warm(files: Iterable[pathlib.Path]) -> None:
    """Bring files into the page cache, and write everything that waits in it to the disk."""
    buffer = bytearray(1024 * 1024)
    for path in files:
        with path.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass
    os.sync()
