# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restore drills are shown with: a PBX in production that was backed up, and somebody who may sign."""

from __future__ import annotations

import json
from typing import Any

from lab.changes import Operator
from lab.controller import Controller, Play
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
KEY = {
    "recovery_private_key_file": "/root/.ssh/id_ed25519",
    "recovery_known_hosts_file": "/root/.ssh/known_hosts",
}
"""How the backup host logs in to every host."""


class Site:
    """A PBX in production, and a generation of it."""

    def __init__(self, fleet: Fleet, controller: Controller) -> None:
        self.controller, self.fleet = controller, fleet
        self.pbx = install(fleet.add("pbx"), "dbtext").host
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
        self.operator = Operator(self.recovery)
        for name in KEY:
            del self.operator.variables[name]
        self.operator.variables.update(
            recovery_drill_key_file=DRILL_KEY,
            recovery_drill_unreachable=[TRUNK],
            # test hosts show the serial numbers of the machine that they run on
            recovery_drill_shares_hardware=True,
            recovery_drill_call=CALL,
            drill_now=True,
        )

    def declare(self, kind: str, target: str, **variables: Any) -> None:
        """Where the PBX is drilled."""
        self.controller.describe(
            self.pbx,
            **KEY,
            recovery_product="kamailio",
            recovery_drill_kind=kind,
            recovery_drill_target=target,
            recovery_drill_minimum="call",
            **variables,
        )

    @staticmethod
    def cut_off(host: Host) -> None:
        """Packets to the trunk vanish."""
        lines = ("table inet cut {", "chain output {", "type filter hook output priority 0;", f"ip daddr {TRUNK} drop")
        host.run(["nft", "-f", "-"], input="\n".join((*lines, "}", "}", "")))

    def drill(self, *arguments: str, **variables: Any) -> tuple[Play, dict[str, Any]]:
        """Run the playbook for the PBX: all of it, and what became of the PBX."""
        play = self.operator.run("restore_drill", "--limit", "pbx", *arguments, **variables)
        for secret in (SECRET, CALL["caller"]["password"], CALL["callee"]["password"]):
            assert secret not in play.output
        outcomes = [
            event["result"]["ansible_facts"]["recovery_outcome"]
            for event in play.events
            if event["host"] == "pbx" and "recovery_outcome" in event["result"].get("ansible_facts", {})
        ]
        assert outcomes, play.output
        return play, outcomes[-1]

    def evidence(self) -> list[str]:
        """The files in the repository, oldest first."""
        return self.controller.backup_host.output(
            f"find {REPOSITORY}/drills -name '*.json' 2>/dev/null | sort || true"
        ).split()

    def told(self, evidence: str) -> dict[str, Any]:
        """What a file of them says."""
        return dict(json.loads(self.controller.backup_host.read(evidence)))

    def journal(self, target: str, state: str) -> list[str]:
        """The restores to a target that are in a state in the journal, oldest first."""
        found = self.controller.backup_host.output(
            f"ls {REPOSITORY}/journal/{target}/kamailio 2>/dev/null | grep '{state}.json$' || true"
        )
        return [name.partition(".")[0] for name in found.split()]
