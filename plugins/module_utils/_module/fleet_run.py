# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many hosts at once, within limits and deadlines. Knows nothing of backups: a job is something that can be cut off.

Each job has a thread of its own. The thread that runs the fleet begins them, watches the clock, and takes what they
return. One that does not end after it was cut off is left behind, and its host has failed.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .fleet_limits import Limits, Place

GRACE = 60.0
"""Seconds that a job has to end after it was cut off, beside those that it needs itself."""

LOOKS_EVERY = 1.0
"""Seconds after which the run looks up at the latest: somebody may have asked it to stop."""

SILENT_AFTER = 3.0
"""Seconds after which a host that was begun and has not answered is silent: it keeps no other from its turn."""

Result = Mapping[str, Any]


class Job(ABC):
    """What is done for one host."""

    name: str
    place: Place
    more_grace = 0.0
    """Seconds that it may need to give back what it took from its host, when it was cut off: services run again."""

    @abstractmethod
    def run(self, answered: Callable[[], None]) -> Result:
        """Do it; what the host's task returns. Never raises.

        :param answered: to be called when the host has shown that it is there. Who let another one take its place
            because it was silent waits here until there is one again, or until it is cut off
        """

    @abstractmethod
    def cut_off(self, why: str) -> None:
        """Let ``run`` end soon. Called from another thread, once. Never raises."""

    @abstractmethod
    def given_up(self, why: str) -> Result:
        """The result of a job that did not end although it was cut off, or that never began."""


@dataclass(frozen=True)
class Deadlines:
    """Seconds: for one host from its beginning, and for the whole run; None is none."""

    host: float
    run: float | None = None
    grace: float = GRACE


@dataclass
class Progress:
    """How far a run is."""

    total: int
    done: int = 0
    failed: int = 0
    running: int = 0


class _Running:
    def __init__(self, job: Job, now: float) -> None:
        self.job = job
        self.began = now
        self.cut_off_at: float | None = None
        self.reason = ""
        self.has_place = False
        self.waits_since: float | None = None

    @property
    def is_waiting(self) -> bool:
        """It has answered late, and there is no place for it yet. Its clock stands still."""
        return self.waits_since is not None and not self.has_place

    def is_silent(self, now: float) -> bool:
        return not self.has_place and now - self.began >= SILENT_AFTER

    def take_place(self, now: float) -> None:
        if self.waits_since is not None:
            self.began += now - self.waits_since
        self.has_place = True


class FleetRun:
    """Runs jobs and gives their results by name.

    :param tell: is told how far it is whenever that changes, in the thread that runs the fleet
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        limits: Limits,
        deadlines: Deadlines,
        tell: Callable[[Progress], object] = lambda progress: None,
    ) -> None:
        awaited = {product for job in jobs for product in job.place.after}
        # whom others wait for comes first
        self._waiting = sorted(jobs, key=lambda job: job.place.product not in awaited)
        self._places = [job.place for job in self._waiting]
        self._limits = limits
        self._deadlines = deadlines
        self._tell = tell
        self._running: dict[str, _Running] = {}
        self._results: dict[str, Result] = {}
        self._changed = threading.Condition()
        self._ended: list[tuple[_Running, Result]] = []
        self._stirred = False
        self._interrupted = ""
        self._progress = Progress(len(jobs))

    def run(self) -> dict[str, Result]:
        """All results; returns when every job has one."""
        began = time.monotonic()
        over = began + self._deadlines.run if self._deadlines.run is not None else None
        while self._waiting or self._running:
            now = time.monotonic()
            if self._interrupted:
                self._stop_everything(now, self._interrupted)
            elif over is not None and now >= over:
                self._stop_everything(now, f"The run took longer than {self._deadlines.run:g} s")
            self._begin_what_may()
            self._watch(now)
            with self._changed:
                if not self._stirred:
                    self._changed.wait(self._patience(over))
                self._stirred = False
                ended, self._ended = self._ended, []
            for one, result in ended:
                if self._running.get(one.job.name) is one:
                    del self._running[one.job.name]
                    self._take(one.job.name, result)
        return self._results

    def stop(self, why: str) -> None:
        """Begin nothing more, and cut off what is at work. May be called by a signal handler."""
        self._interrupted = self._interrupted or why

    def _begin_what_may(self) -> None:
        while True:
            with self._changed:  # nobody answers meanwhile
                now = time.monotonic()
                self._let_in(now)
                running = self._running.values()
                position = self._limits.choose(
                    self._places,
                    [one.job.place for one in running if not one.is_silent(now)],
                    [one.job.place for one in running if one.is_silent(now)],
                )
                if position is None:
                    return
                del self._places[position]
                one = _Running(self._waiting.pop(position), now)
                self._running[one.job.name] = one
            threading.Thread(target=self._work, args=(one,), name=f"host {one.job.name}", daemon=True).start()
            self._told()

    def _let_in(self, now: float) -> None:
        """Give places to those that have answered late, before anybody else begins."""
        silent = [one for one in self._running.values() if one.is_silent(now)]
        running = len(self._running) - len(silent)
        for one in [one for one in silent if one.is_waiting and one.cut_off_at is None]:
            if not self._limits.admits(running, len(silent)):
                return
            one.take_place(now)
            silent.remove(one)
            running += 1
            self._changed.notify_all()

    def _work(self, one: _Running) -> None:
        result = one.job.run(lambda: self._answered(one))
        with self._changed:
            self._ended.append((one, result))
            self._stir()

    def _answered(self, one: _Running) -> None:
        with self._changed:
            now = time.monotonic()
            if not one.is_silent(now):
                one.take_place(now)
                return
            one.waits_since = now
            self._stir()
            while one.is_waiting and one.cut_off_at is None:
                self._changed.wait()

    def _stir(self) -> None:
        self._stirred = True
        self._changed.notify_all()

    def _watch(self, now: float) -> None:
        """Cut off what takes too long, give up what does not end."""
        for one in list(self._running.values()):
            if one.cut_off_at is None:
                if not one.is_waiting and now - one.began >= self._deadlines.host:
                    self._cut_off(one, now, f"The host took longer than {self._deadlines.host:g} s")
            elif now >= self._given_up_at(one, one.cut_off_at):
                del self._running[one.job.name]
                self._take(one.job.name, one.job.given_up(f"{one.reason} and did not end when it was cut off"))

    def _stop_everything(self, now: float, why: str) -> None:
        waiting, self._waiting, self._places = self._waiting, [], []
        for job in waiting:
            self._take(job.name, job.given_up(f"{why} and did not come to this host"))
        for one in self._running.values():
            if one.cut_off_at is None:
                self._cut_off(one, now, why)

    def _cut_off(self, one: _Running, now: float, why: str) -> None:
        one.reason = why
        one.job.cut_off(why)
        with self._changed:
            one.cut_off_at = now
            self._changed.notify_all()

    def _given_up_at(self, one: _Running, cut_off_at: float) -> float:
        return cut_off_at + self._deadlines.grace + one.job.more_grace

    def _patience(self, over: float | None) -> float:
        """Seconds until somebody has to be looked at."""
        now = time.monotonic()
        times = [now + LOOKS_EVERY]
        for one in self._running.values():
            if one.cut_off_at is not None:
                times.append(self._given_up_at(one, one.cut_off_at))
            elif not one.is_waiting:
                times.append(one.began + self._deadlines.host)
        if self._waiting:
            times += [one.began + SILENT_AFTER for one in self._running.values() if not one.is_silent(now)]
        if over is not None and any(one.cut_off_at is None for one in self._running.values()):
            times.append(over)
        return max(0.01, min(times) - now)

    def _take(self, name: str, result: Result) -> None:
        self._results[name] = result
        self._progress.done += 1
        self._progress.failed += bool(result.get("failed") or result.get("unreachable"))
        self._told()

    def _told(self) -> None:
        self._progress.running = len(self._running)
        self._tell(self._progress)
