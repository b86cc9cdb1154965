# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a program costs: seconds, CPU seconds, memory, and bytes on disk."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LAUNCHER = str(pathlib.Path(__file__).with_name("launch.py"))


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
    total = Usage(0.0, 0.0, 0)
    for command in commands:
        told, tell = os.pipe()
        with (
            log.open("wb") as output,
            os.fdopen(told, "rb") as answer,
            subprocess.Popen(
                [sys.executable, "-IS", LAUNCHER, str(tell), *command.argv],
                cwd=command.cwd,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[tell],
            ),
        ):
            os.close(tell)
            text = answer.read()
        found = json.loads(text or '{"code": "its launcher"}')
        if found["code"] != 0:
            end = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command.argv)[:200]} ended with {found['code']}:\n{end}")
        total = total.plus(Usage(found["wall"], found["cpu"], found["memory"]))
    return total


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
