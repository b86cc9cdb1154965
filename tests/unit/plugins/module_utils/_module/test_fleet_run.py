# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service
from ansible_collections.ucops.recovery.plugins.module_utils._module import fleet_run
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_limits import Limits, Place
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_run import Deadlines, FleetRun, Job
from ansible_collections.ucops.recovery.plugins.module_utils._module.stopping import stopped


class Work(Job):
    """A job that ends when it is told to, or hangs."""

    def __init__(self, name, *, hangs=False, deaf=False, failed=False, at_work=None, product="linux", answers=None):
        self.name = name
        self.place = Place(product)
        self._hangs = hangs
        self._deaf = deaf
        self._failed = failed
        self._at_work = at_work if at_work is not None else set()
        self._cut_off = threading.Event()
        self.most = 0
        self._answers = answers

    def run(self, answered):
        if self._answers is not None:
            time.sleep(self._answers)
            answered()
        self._at_work.add(self.name)
        self.most = len(self._at_work)
        if self._hangs:
            self._cut_off.wait(30)
        self._at_work.discard(self.name)
        return {"changed": not self._failed, "failed": self._failed or self._cut_off.is_set()}

    def cut_off(self, why):
        self.why = why
        if not self._deaf:
            self._cut_off.set()

    def given_up(self, why):
        self._cut_off.set()
        return {"changed": False, "failed": True, "msg": why}


def run(jobs, limits=None, host=0.2, run_timeout=None, grace=0.1, tell=lambda progress: None):
    return FleetRun(jobs, limits or Limits(4), Deadlines(host, run_timeout, grace), tell).run()


def test_all_have_a_result_and_the_limit_holds():
    at_work: set[str] = set()
    jobs = [Work(f"h{number}", at_work=at_work, failed=number == 3) for number in range(50)]
    results = run(jobs, Limits(3), host=60.0)
    assert set(results) == {job.name for job in jobs}
    assert [name for name, result in results.items() if result["failed"]] == ["h3"]
    assert max(job.most for job in jobs) <= 3


def test_no_hosts_are_no_results():
    assert run([]) == {}


def test_one_that_hangs_is_cut_off_while_the_others_end():
    slow = Work("slow", hangs=True)
    results = run([slow, *(Work(f"h{number}") for number in range(10))], Limits(2))
    assert results["slow"]["failed"] and "longer than 0.2 s" in slow.why
    assert not any(results[f"h{number}"]["failed"] for number in range(10))


def test_one_that_does_not_even_end_when_it_is_cut_off_is_given_up():
    deaf = Work("deaf", hangs=True, deaf=True)
    results = run([deaf, Work("other")], Limits(1))
    assert "did not end" in results["deaf"]["msg"] and not results["other"]["failed"]


@pytest.mark.parametrize("deadlines", [Deadlines(0.05, None, 0.1), Deadlines(60.0, 0.05, 0.1)])
def test_services_that_are_stopped_run_again_before_the_last_host_is_given_up(deadlines):
    class Slow:
        """Services that need longer than the grace to come up, and less than they may."""

        longest = 5.0

        def __init__(self):
            self.active = {"web", "sip", "rtp"}

        def exists(self, service):
            return True

        def is_active(self, service):
            return service.name in self.active

        def stop(self, service):
            self.active.discard(service.name)

        def start(self, service):
            time.sleep(0.08)
            self.active.add(service.name)

    class Stopping(Work):
        def run(self, answered):
            services = [Service(name) for name in ("web", "sip", "rtp")]
            with stopped(control, services, lambda seconds: setattr(self, "more_grace", seconds)):
                return super().run(answered)

    control = Slow()
    results = FleetRun([Stopping("pbx", hangs=True)], Limits(1), deadlines).run()
    assert control.active == {"web", "sip", "rtp"}
    assert results["pbx"]["failed"] and "msg" not in results["pbx"]


def test_a_run_that_takes_too_long_tells_whom_it_did_not_come_to():
    jobs = [Work("slow", hangs=True), Work("waiting")]
    results = run(jobs, Limits(1), host=60.0, run_timeout=0.1)
    assert results["slow"]["failed"] and "The run took longer than 0.1 s" in jobs[0].why
    assert "did not come to this host" in results["waiting"]["msg"]


def test_progress_counts_up_to_the_end():
    told = []
    run(
        [Work("a"), Work("b", failed=True)],
        host=60.0,
        tell=lambda progress: told.append((progress.done, progress.failed)),
    )
    assert told[-1] == (2, 1) and told == sorted(told)


def test_what_may_demand_others_begins_after_them_and_waits_for_nobody_else():
    ended: list[str] = []
    late = Work("late", at_work=Ended(ended), product="procall_server")
    late.place = Place("procall_server", after=frozenset({"mssql"}))
    slow = Work("slow", hangs=True, at_work=Ended(ended))
    databases = [Work(f"sql{number}", at_work=Ended(ended), product="mssql") for number in range(4)]
    others = [Work(f"h{number}", at_work=Ended(ended)) for number in range(4)]
    results = run([late, slow, *others, *databases], Limits(2), host=0.5)
    assert results["slow"]["failed"] and not results["late"]["failed"]
    order = [name for name in ended if name[:3] == "sql" or name in ("late", "slow")]
    assert order[-2:] == ["late", "slow"] and len(order) == 6


def test_whom_others_wait_for_comes_first():
    begun: list[str] = []

    class Told(Work):
        def run(self, answered):
            begun.append(self.name)
            return super().run(answered)

    late = Told("late", product="procall_server")
    late.place = Place("procall_server", after=frozenset({"mssql"}))
    run([late, Told("h1"), Told("sql1", product="mssql")], Limits(1), host=60.0)
    assert begun == ["sql1", "late", "h1"]


def test_hosts_that_do_not_answer_keep_nobody_from_his_turn(monkeypatch):
    monkeypatch.setattr(fleet_run, "SILENT_AFTER", 0.05)
    dead = [Work(f"dead{number}", hangs=True) for number in range(3)]
    done: list[str] = []
    others = [Work(f"h{number}", at_work=Ended(done)) for number in range(20)]
    run([*dead, *others], Limits(2), host=2.0, tell=lambda progress: done.append(f"{progress.done} done"))
    # the first twenty to end are all others, before one of the dead was cut off
    assert {f"h{number}" for number in range(20)} <= set(done[: done.index("20 done")])
    assert all(job.why for job in dead)


class Ended(set):
    """Tells a list who ended."""

    def __init__(self, told):
        super().__init__()
        self._told = told

    def discard(self, name):
        super().discard(name)
        self._told.append(name)


def test_one_that_answered_and_is_slow_keeps_its_place(monkeypatch):
    monkeypatch.setattr(fleet_run, "SILENT_AFTER", 0.01)
    at_work: set[str] = set()
    slow = [Work(f"slow{number}", hangs=True, at_work=at_work, answers=0.0) for number in range(3)]
    run(slow, Limits(1), host=0.1)
    assert max(job.most for job in slow) == 1


def test_silent_hosts_that_answer_late_are_never_more_at_work_than_may_be(monkeypatch):
    """All of them fall silent, are overtaken, and answer while others have their places. Nobody's clock runs while he
    waits for a place."""
    monkeypatch.setattr(fleet_run, "SILENT_AFTER", 0.01)

    class Late(Work):
        def run(self, answered):
            time.sleep(0.03)
            answered()
            self._at_work.add(self.name)
            self.most = len(self._at_work)
            time.sleep(0.05)
            self._at_work.discard(self.name)
            return {"changed": True, "failed": self._cut_off.is_set()}

    at_work: set[str] = set()
    jobs = [Late(f"late{number}", at_work=at_work) for number in range(8)]
    results = run(jobs, Limits(2), host=0.25)
    assert max(job.most for job in jobs) <= 2
    assert not any(result["failed"] for result in results.values())


def test_one_that_waits_for_a_place_is_cut_off_with_the_run(monkeypatch):
    monkeypatch.setattr(fleet_run, "SILENT_AFTER", 0.01)
    jobs = [Work("slow", hangs=True, answers=0.0), Work("late", hangs=True, answers=0.05)]
    jobs[1].place = Place("linux")
    results = run([jobs[1], jobs[0]], Limits(1), host=60.0, run_timeout=0.2)
    assert all(result["failed"] for result in results.values())
    assert all("The run took longer than" in job.why for job in jobs)


def test_a_run_that_is_stopped_begins_nothing_more_and_waits_for_services_to_run_again(monkeypatch):
    monkeypatch.setattr(fleet_run, "LOOKS_EVERY", 0.05)

    class Stopping(Work):
        longest = 5.0

        def run(self, answered):
            self.more_grace = 5.0
            super().run(answered)
            time.sleep(0.3)  # longer than the grace
            self.runs_again = True
            return {"changed": False, "failed": True}

    jobs = [Stopping("pbx", hangs=True), Work("waiting")]
    fleet = FleetRun(jobs, Limits(1), Deadlines(60.0, None, 0.1))
    threading.Timer(0.05, fleet.stop, ["The run was interrupted by SIGINT"]).start()
    results = fleet.run()
    assert jobs[0].runs_again and jobs[0].why == "The run was interrupted by SIGINT"
    assert "did not come to this host" in results["waiting"]["msg"]
