# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller that is killed while a playbook runs, at a moment that is seen and not slept for."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import time
from collections.abc import Callable, Sequence

from .playbooks import Controller

LONGEST = 120.0
"""Seconds that a moment may take to come."""


def kill_at(
    moment: Callable[[], object],
    controller: Controller,
    command: Sequence[str],
    *,
    with_modules: bool = False,
    **settings: str,
) -> list[int]:
    """Run a playbook, and kill it as soon as the moment is there.

    :param with_modules: what it started dies with it, as when one machine is everything. Otherwise modules go on, as on
        a backup host, which learns of nothing; their processes are returned, for :func:`wait_for`
    """
    events = controller.folder / "killed.jsonl"
    events.write_text("")
    running = controller.start(command, LAB_EVENTS=str(events), **settings)
    deadline = time.monotonic() + LONGEST
    while not moment():
        if running.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"The moment never came:\n{events.read_text()}")
        time.sleep(0.002)
    # nothing begins while it is looked who is there
    os.kill(running.pid, signal.SIGSTOP)
    below = descendants(running.pid)
    doomed = [pid for pid in below if with_modules or b"ansible-playbook" in _command(pid)]
    for pid in (running.pid, *doomed):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    return [pid for pid in below if pid not in doomed]


def wait_for(processes: Sequence[int]) -> None:
    """Until they have ended."""
    deadline = time.monotonic() + LONGEST
    while any(_state(pid) not in ("", "Z") for pid in processes):
        if time.monotonic() > deadline:
            raise AssertionError(f"They never ended: {[_command(pid) for pid in processes]}")
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (*descendants(child), child)]


def _command(pid: int) -> bytes:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _state(pid: int) -> str:
    """One letter; empty when there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""
