# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host is made for a drill by the operator's own tasks, and is gone afterwards, whatever became of the drill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.changes import wait_until
from lab.controller import Controller
from lab.drill_site import Site
from lab.host import Host
from lab.hosts import Fleet
from lab.hypervisor import Hypervisor
from lab.machine import PROJECT

TASKS = PROJECT / "tests" / "lab" / "recipes" / "drill"
AS_EVER = ["DELETE /made", "PUT /made", "DELETE /made"]


class MadeSite(Site):
    """With somebody who makes a host, and removes it."""

    def __init__(self, fleet: Fleet, controller: Controller) -> None:
        super().__init__(fleet, controller)
        self.hypervisor = Hypervisor(fleet, "hypervisor", self.cut_off)
        controller.meet()
        self.declare(
            "made",
            "made",
            hypervisor_url=self.hypervisor.url,
            # the restore of a drill that was killed goes on, until its host is gone for so long
            recovery_options={"silence_timeout": 10, "connect_timeout": 10},
            recovery_drill_create_tasks=str(TASKS / "create.yml"),
            recovery_drill_clean_tasks=str(TASKS / "clean.yml"),
        )

    def asked(self) -> list[str]:
        """What was asked since the last time."""
        asked, self.hypervisor.asked = self.hypervisor.asked, []
        return asked


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Iterator[MadeSite]:
    site = MadeSite(fleet, controller)
    with site.hypervisor.serve():
        yield site


def test_a_host_that_a_killed_drill_left_is_removed_and_another_one_serves_a_call(site: MadeSite) -> None:
    def prepare(host: Host) -> None:
        site.cut_off(host)
        host.slow_down("200kbit")

    site.hypervisor.prepare = prepare
    before = site.pbx.fingerprint("/etc/kamailio")
    running = site.operator.begin("restore_drill", "--limit", "pbx")
    wait_until(lambda: bool(site.journal("made", "started")), running, lambda: site.fleet.log_text("killed"))
    site.operator.kill(running, whole_machine=True)
    left, site.hypervisor.prepare = site.fleet["made"], site.cut_off
    assert site.asked() == AS_EVER[:2] and left.running and site.evidence() == []

    play, outcome = site.drill()
    assert play.passed and outcome["outcome"] == "ok", play.output
    assert site.asked() == AS_EVER and "made" not in site.fleet.hosts and not left.running
    steps = {step["rung"]: step["result"] for step in outcome["drill"]["steps"]}
    assert set(steps.values()) == {"passed"} and "call" in steps
    (evidence,) = site.evidence()
    told = site.told(evidence)
    assert (told["outcome"], told["target"]["kind"], told["target"]["name"]) == ("passed", "made", "made")
    assert left.machine_id not in told["target"]["shown_as"]
    assert site.journal("made", "started") == site.journal("made", "finished")
    assert site.pbx.fingerprint("/etc/kamailio") == before


def test_a_restore_that_fails_is_evidence_and_a_host_that_is_still_there_is_told_of(site: MadeSite) -> None:
    def without_room(host: Host) -> None:
        site.cut_off(host)
        host.mount_tmpfs("/var/lib/kamailio", "16k")
        site.hypervisor.lazy.add("DELETE /made")

    evidence, site.hypervisor.prepare = site.evidence(), without_room
    play, outcome = site.drill(restore_drill_gone_within=3)
    assert not play.passed and outcome["outcome"] == "failed", play.output
    assert site.asked() == AS_EVER and site.fleet["made"].running
    assert "did not pass: restored failed" in outcome["problem"] and "No space left" in outcome["problem"]
    assert f": made still answers at {site.fleet['made'].address}, port 22" in outcome["problem"]
    (new,) = set(site.evidence()) - set(evidence)
    told = site.told(new)
    assert told["outcome"] == "failed"
    assert [step["result"] for step in told["steps"]][:3] == ["passed", "passed", "failed"]


def test_a_host_whose_making_fails_is_removed_and_no_drill_was_done(site: MadeSite) -> None:
    """The one that the last drill could not get rid of goes away, too."""
    site.hypervisor.lazy.clear()
    site.hypervisor.prepare = site.cut_off
    site.hypervisor.late.add("PUT /made")
    left, evidence = site.fleet["made"], site.evidence()
    play, outcome = site.drill()
    assert not play.passed and outcome["outcome"] == "failed", play.output
    assert outcome["problem"].startswith("The host could not be made: Make the host: "), outcome
    assert site.asked() == AS_EVER and "made" not in site.fleet.hosts and not left.running
    assert site.evidence() == evidence
    # what the failed one left open was on a host that is gone; production knows of nothing
    after = site.recovery.back_up(site.pbx)
    assert after.passed and after.result("Do it")["open_restores"] == []
