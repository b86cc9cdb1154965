# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PBX is backed up and drilled on a spare host, where a call goes through; and every target that is really production
is refused before anything is touched on it."""

from __future__ import annotations

import json

import pytest

from lab.controller import Controller
from lab.host import Host
from lab.hosts import Fleet
from lab.kamailio import install
from lab.recovery import REPOSITORY, SECRET, WRITER_KEY, Recovery

DRILL_KEY = "/etc/ucops/drill_key"
TRUNK = "10.77.200.1"
CALL = {
    "domain": "lab.test",
    "caller": {"number": "1001", "password": "Winter-1001"},
    "callee": {"number": "1002", "password": "Sommer-1002"},
}


class Site:
    """A PBX in production, a spare host that is cut off from the trunk, and a generation of the PBX."""

    def __init__(self, fleet: Fleet, controller: Controller) -> None:
        self.controller, self.fleet = controller, fleet
        self.pbx = install(fleet.add("pbx"), "dbtext").host
        self.spare = fleet.add("spare")
        # one that serves on whatever address its host has
        self.pbx.run("sed -i '/^listen=/d' /etc/kamailio/kamailio.cfg && service kamailio restart")
        self.pbx.wait_for_port(5060, protocol="udp")
        controller.meet()
        self.recovery = Recovery.create(controller)
        backup_host = controller.backup_host
        backup_host.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", DRILL_KEY])
        public = backup_host.read(f"{DRILL_KEY}.pub").decode().strip()
        play = self.recovery.run(
            "repository",
            writer_key_file=WRITER_KEY,
            domain_master_secret=SECRET,
            signers=[{"name": "auditor", "public_key": public, "roles": ["drill"]}],
        )
        assert play.passed, play.output
        self.recovery.allowed_signers = play.result("Do it")["allowed_signers"]
        play = self.recovery.back_up(self.pbx)
        assert play.passed, play.output
        self.cut_off(self.spare)
        key = {
            "recovery_private_key_file": "/root/.ssh/id_ed25519",
            "recovery_known_hosts_file": "/root/.ssh/known_hosts",
        }
        controller.describe(self.spare, **key)
        controller.describe(
            self.pbx,
            **key,
            recovery_product="kamailio",
            recovery_drill_kind="host",
            recovery_drill_target="spare",
            recovery_drill_minimum="call",
        )

    @staticmethod
    def cut_off(host: Host) -> None:
        """Packets to the trunk vanish."""
        lines = ("table inet cut {", "chain output {", "type filter hook output priority 0;", f"ip daddr {TRUNK} drop")
        host.run(["nft", "-f", "-"], input="\n".join((*lines, "}", "}", "")))

    def drill(self, *arguments: str, **variables):
        """Run the playbook for the PBX."""
        given = {
            "recovery_backup_host": self.controller.backup_host.name,
            "recovery_repository": REPOSITORY,
            "recovery_writer_key_file": WRITER_KEY,
            "recovery_domain_master_secret": SECRET,
            "recovery_allowed_signers": self.recovery.allowed_signers,
            "recovery_drill_key_file": DRILL_KEY,
            "recovery_drill_unreachable": [TRUNK],
            # test hosts show the serial numbers of the machine that they run on
            "recovery_drill_shares_hardware": True,
            "recovery_drill_call": CALL,
            "recovery_report_folder": "/root/lab/reports",
            "drill_now": True,
            **variables,
        }
        play = self.controller.play("ucops.recovery.restore_drill", "--limit", "pbx", *arguments, variables=given)
        for secret in (SECRET, CALL["caller"]["password"], CALL["callee"]["password"]):
            assert secret not in play.output
        outcomes = [
            event["result"]["ansible_facts"]["recovery_outcome"]
            for event in play.events
            if event["host"] == "pbx" and "recovery_outcome" in event["result"].get("ansible_facts", {})
        ]
        return play, outcomes[-1]

    def evidence(self) -> list[str]:
        return self.controller.backup_host.output(
            f"find {REPOSITORY}/drills -name '*.json' 2>/dev/null | sort || true"
        ).split()


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Site:
    return Site(fleet, controller)


def test_a_target_that_is_really_production_is_refused_by_each_of_its_identities(site: Site) -> None:
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
    assert site.pbx.fingerprint("/etc/kamailio") == untouched


def test_a_target_that_reaches_the_trunk_is_refused(site: Site) -> None:
    site.spare.heal()
    trunk = site.fleet.add("trunk")
    trunk.run(["ip", "address", "add", f"{TRUNK}/16", "dev", "eth0"])
    play, outcome = site.drill()
    assert not play.passed and f"may reach what it must not: {TRUNK}:5060" in outcome["problem"], play.output
    play, outcome = site.drill(recovery_drill_unreachable=[])
    assert "not declared what the target must not reach" in outcome["problem"], play.output
    assert site.evidence() == []
    site.cut_off(site.spare)


def test_a_spare_host_serves_a_call_of_the_generation(site: Site) -> None:
    before, empty = site.pbx.fingerprint("/etc/kamailio"), site.spare.fingerprint("/etc/kamailio")
    lay_about = site.spare.output("ls -A /tmp")
    play, outcome = site.drill("--check")
    assert play.passed and outcome["outcome"] == "ok" and outcome["changed"], play.output
    assert site.evidence() == [] and site.spare.fingerprint("/etc/kamailio") == empty

    play, outcome = site.drill(recovery_rto="1h", recovery_rpo="26h")
    assert play.passed, play.output
    steps = {step["rung"]: (step["result"], step["detail"]) for step in outcome["drill"]["steps"]}
    assert {result for result, _detail in steps.values()} == {"passed"}, steps
    assert "the call was ended" in steps["call"][1] and "as saved" in steps["counts"][1]
    assert outcome["drill"]["reached"] == "counts" and outcome["drill"]["objectives_met"] is True
    (evidence,) = site.evidence()
    told = json.loads(site.controller.backup_host.read(evidence))
    assert told["target"]["isolation"] == [f"{TRUNK}:5060: tcp silent, udp silent"]
    assert told["target"]["shown_as"].startswith("spare (machine id")
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


def test_a_call_with_a_wrong_password_is_no_passed_drill(site: Site) -> None:
    """The target still holds everything: nothing is written, and all of it is proved again."""
    wrong = {**CALL, "caller": {"number": "1001", "password": "falsch"}}
    play, outcome = site.drill(recovery_drill_call=wrong)
    assert not play.passed and outcome["outcome"] == "failed", play.output
    assert "call failed: INVITE did not lead to a call" in outcome["problem"]
    steps = {step["rung"]: step["result"] for step in outcome["drill"]["steps"]}
    assert steps["restored"] == steps["service"] == "passed" and steps["counts"] == "not_tried"
    assert len(site.evidence()) == 2
    assert site.spare.run(["pidof", "kamailio"], check=False).returncode != 0
