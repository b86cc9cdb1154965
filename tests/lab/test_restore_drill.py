# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PBX is backed up and drilled on a spare host, where a call goes through; and every target that is really production
is refused before anything is touched on it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from lab.changes import wait_until
from lab.controller import HOME, Controller
from lab.drill_site import CALL, KEY, TRUNK, Site
from lab.hosts import Fleet


class SpareSite(Site):
    """With a spare host that is cut off from the trunk."""

    def __init__(self, fleet: Fleet, controller: Controller) -> None:
        super().__init__(fleet, controller)
        self.spare = fleet.add("spare")
        self.cut_off(self.spare)
        controller.describe(self.spare, **KEY)
        # the operator's own way to reset it, which says where it ran
        self.resets = f"{HOME}/resets"
        reset = {"name": "Reset it", "ansible.builtin.shell": f"hostname >>{self.resets}"}
        controller.host.write(f"{HOME}/reset.yml", json.dumps([reset]))
        self.declare("host", "spare", recovery_drill_clean_tasks=f"{HOME}/reset.yml")


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> SpareSite:
    return SpareSite(fleet, controller)


def test_a_target_that_is_really_production_is_refused_by_each_of_its_identities(site: SpareSite) -> None:
    spare, untouched = site.spare, site.pbx.fingerprint("/etc/kamailio")
    own = spare.read("/etc/machine-id")
    spare.write("/etc/machine-id", site.pbx.read("/etc/machine-id"))
    play, outcome = site.drill()
    assert not play.passed and outcome["outcome"] == "refused" and "machine id" in outcome["problem"], play.output
    spare.run(["rm", "-f", "/etc/machine-id", "/var/lib/dbus/machine-id"])
    play, outcome = site.drill()
    assert "cannot be told from" in outcome["problem"], play.output
    spare.write("/etc/machine-id", own)

    play, outcome = site.drill(recovery_host_key=spare.host_key, recovery_known_hosts_file=None)
    assert "shows the SSH host key of the production host" in outcome["problem"], play.output
    play, outcome = site.drill(recovery_drill_target_options={"host": site.pbx.address})
    assert "where the production host is" in outcome["problem"], play.output
    assert site.evidence() == [] and not spare.exists("/var/lib/kamailio/dbtext/subscriber")
    assert not site.controller.host.exists(site.resets)
    assert site.pbx.fingerprint("/etc/kamailio") == untouched


def test_a_target_that_reaches_the_trunk_is_refused(site: SpareSite) -> None:
    site.spare.heal()
    trunk = site.fleet.add("trunk")
    trunk.run(["ip", "address", "add", f"{TRUNK}/16", "dev", "eth0"])
    play, outcome = site.drill()
    assert not play.passed and f"may reach what it must not: {TRUNK}:5060" in outcome["problem"], play.output
    play, outcome = site.drill(recovery_drill_unreachable=[])
    assert "not declared what the target must not reach" in outcome["problem"], play.output
    assert site.evidence() == []
    site.cut_off(site.spare)


def test_a_spare_host_serves_a_call_of_the_generation(site: SpareSite) -> None:
    before, empty = site.pbx.fingerprint("/etc/kamailio"), site.spare.fingerprint("/etc/kamailio")
    lay_about = site.spare.output("ls -A /tmp")
    play, outcome = site.drill("--check")
    assert play.passed and outcome["outcome"] == "ok" and outcome["changed"], play.output
    assert site.evidence() == [] and site.spare.fingerprint("/etc/kamailio") == empty
    assert not site.controller.host.exists(site.resets)

    play, outcome = site.drill(recovery_rto="1h", recovery_rpo="26h")
    assert play.passed, play.output
    steps = {step["rung"]: (step["result"], step["detail"]) for step in outcome["drill"]["steps"]}
    assert {result for result, _detail in steps.values()} == {"passed"}, steps
    assert "the call was ended" in steps["call"][1] and "as saved" in steps["counts"][1]
    assert outcome["drill"]["reached"] == "counts" and outcome["drill"]["objectives_met"] is True
    (evidence,) = site.evidence()
    told = site.told(evidence)
    assert told["target"]["isolation"] == [f"{TRUNK}:5060: tcp silent, udp silent"]
    assert told["target"]["shown_as"].startswith("spare (machine id")
    # reset before and after, and nowhere near production
    assert site.controller.host.read(site.resets).decode().split() == ["controller"] * 2
    # the service that the drill started is stopped, production goes on and knows of nothing
    assert site.spare.run(["pidof", "kamailio"], check=False).returncode != 0
    assert site.pbx.run(["pidof", "kamailio"], check=False).returncode == 0
    assert site.pbx.fingerprint("/etc/kamailio") == before
    assert site.spare.output("ls -A /tmp") == lay_about
    after = site.recovery.back_up(site.pbx)
    assert after.passed and after.result("Do it")["open_restores"] == []
    assert not after.result("Do it")["changed"]

    command = "ssh-keygen -Y verify -f /tmp/allowed -I auditor -n ucops-recovery-drill"
    site.controller.backup_host.write("/tmp/allowed", site.recovery.allowed_signers)
    assert "Good" in site.controller.backup_host.output(f"{command} -s {evidence}.sig <{evidence}")


def test_a_call_with_a_wrong_password_is_no_passed_drill(site: SpareSite) -> None:
    """The target still holds everything: nothing is written, and all of it is proved again."""
    wrong = {**CALL, "caller": {"number": "1001", "password": "falsch"}}
    play, outcome = site.drill(recovery_drill_call=wrong)
    assert not play.passed and outcome["outcome"] == "failed", play.output
    assert "call failed: INVITE did not lead to a call" in outcome["problem"]
    steps = {step["rung"]: step["result"] for step in outcome["drill"]["steps"]}
    assert steps["restored"] == steps["service"] == "passed" and steps["counts"] == "not_tried"
    assert len(site.evidence()) == 2
    assert site.spare.run(["pidof", "kamailio"], check=False).returncode != 0


# --- killed ----------------------------------------------------------------------------------------------------------
def half_written(site: SpareSite) -> bool:
    return site.spare.exists("/etc/kamailio/kamailio.cfg")


def calling(site: SpareSite) -> bool:
    return site.spare.run(["pidof", "sipp"], check=False).returncode == 0


@pytest.mark.parametrize("moment", [half_written, calling])
def test_killed_on_the_way_the_same_command_drills_the_same_spare_host(
    site: SpareSite, moment: Callable[[SpareSite], bool]
) -> None:
    """In the restore both the controller and the host of the restore lose their power: the journal keeps it open."""
    in_restore = moment is half_written
    site.spare.run("service kamailio stop; rm -rf /etc/kamailio /var/lib/kamailio/dbtext")
    evidence, begun = site.evidence(), site.journal("spare", "started")
    if in_restore:
        site.spare.slow_down("200kbit")
    running = site.operator.begin("restore_drill", "--limit", "pbx")
    wait_until(lambda: moment(site), running, lambda: site.fleet.log_text("killed"))
    if in_restore:
        site.controller.backup_host.kill()
        site.controller.backup_host.boot()
    site.operator.kill(running, whole_machine=True)
    if in_restore:
        site.spare.speed_up()
    assert site.evidence() == evidence
    first = site.journal("spare", "started")
    assert len(first) == len(begun) + 1
    assert (first == site.journal("spare", "finished")) != in_restore
    assert (site.spare.run(["pidof", "kamailio"], check=False).returncode == 0) != in_restore
    telephones = "ls -d /root/.ucops-recovery-drill-* 2>/dev/null || true"
    assert (site.spare.output(telephones) != "") != in_restore

    play, outcome = site.drill()
    assert play.passed and outcome["outcome"] == "ok", play.output
    assert {step["result"] for step in outcome["drill"]["steps"]} == {"passed"}
    (new,) = set(site.evidence()) - set(evidence)
    assert site.told(new)["outcome"] == "passed"
    assert site.journal("spare", "started") == site.journal("spare", "finished")
    # nothing of it runs on, and no password of a telephone is left
    assert site.spare.run(["pidof", "kamailio"], check=False).returncode != 0
    assert site.spare.output(telephones) == ""


APP_SERVICE = b"""#!/bin/sh
# Serves what stands in its configuration, or does not start.
case $1 in
  start) . /etc/app/app.conf && [ "$port" -gt 0 ] && start-stop-daemon --start --background --make-pidfile \\
    --pidfile /run/app.pid --exec /usr/bin/sleep -- "$port" ;;
  stop) start-stop-daemon --stop --oknodo --remove-pidfile --pidfile /run/app.pid ;;
  status) start-stop-daemon --status --pidfile /run/app.pid && echo "app is running" ;;
esac
"""


def test_a_host_of_another_product_is_drilled_up_to_its_service(site: SpareSite) -> None:
    """The same spare host takes a server that is no PBX; nobody can call it, and the report says so."""
    server = site.fleet.add("server")
    for host in (server, site.spare):
        host.write("/etc/init.d/app", APP_SERVICE)
        host.run(["chmod", "755", "/etc/init.d/app"])
    server.run("mkdir /etc/app && echo port=5060 >/etc/app/app.conf && service app start")
    site.controller.meet()
    app = {"paths": [{"name": "app", "path": ["/etc/app"]}], "system_config": False, "services": [{"name": "app"}]}
    kept = site.recovery.back_up(server, product="linux", **app)
    assert kept.passed, kept.output
    before = len(site.evidence())
    site.controller.describe(
        server,
        **KEY,
        recovery_product="linux",
        recovery_options=app,
        recovery_drill_kind="host",
        recovery_drill_target="spare",
    )
    play = site.operator.run("restore_drill", "--limit", "server", recovery_drill_call={})
    (outcome,) = [
        event["result"]["ansible_facts"]["recovery_outcome"]
        for event in play.events
        if event["host"] == "server" and "recovery_outcome" in event["result"].get("ansible_facts", {})
    ][-1:]
    assert play.passed, play.output
    steps = {step["rung"]: (step["result"], step["detail"]) for step in outcome["drill"]["steps"]}
    assert {rung: result for rung, (result, _detail) in steps.items()} == {
        **dict.fromkeys(("opens", "complete", "restored", "service", "counts"), "passed"),
        **dict.fromkeys(("validators", "call"), "not_possible"),
    }, steps
    assert "Nothing is known of what this host serves" in steps["call"][1]
    assert site.spare.read("/etc/app/app.conf") == b"port=5060\n"
    assert site.spare.run("service app status", check=False).returncode != 0, "stopped again after the drill"
    assert len(site.evidence()) == before + 1
    assert server.run("service app status", check=False).returncode == 0
