# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change over twenty hosts, from the gate before it to its end: it breaks two of them in different ways, both are
named, the rollback repairs them, calls go through again, and what was saved is held until the change is closed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lab.changes import Operator
from lab.controller import Controller
from lab.host import Host
from lab.hosts import Fleet
from lab.kamailio import Pbx, install
from lab.phones import Phone, call_drill
from lab.recovery import TASK, Recovery

CHANGE = "CHG0042"
FORKS = ("--forks", "10")
RUNNING = "/root/gateway.runs"
SERVICE = {
    "name": "gateway",
    "start": ["touch", RUNNING],
    "stop": ["rm", "-f", RUNNING],
    "status": ["test", "-e", RUNNING],
}
GATEWAY = {
    "paths": [{"name": "gateway", "path": "/etc/gateway", "data_class": "voip_config"}],
    "services": [SERVICE],
    "system_config": False,
}
CONFIGURATION = "port = 5060\nroute 112 = carrier-a\nroute 0 = carrier-b\n"


@dataclasses.dataclass
class Site:
    """Three telephone servers, of which one serves two telephones, and seventeen gateways."""

    operator: Operator
    pbx: Pbx
    gateways: list[Host]
    phones: tuple[Phone, Phone]
    names: list[str]

    def calls(self) -> bool:
        return call_drill(self.pbx.host, *self.phones).passed

    def state(self) -> dict[str, str]:
        """What the change may have touched, by host."""
        found = {host.name: host.fingerprint("/etc/gateway") + str(host.exists(RUNNING)) for host in self.gateways}
        tables = [self.pbx.sql(f"SELECT * FROM {name} ORDER BY 1") for name in ("subscriber", "dispatcher", "address")]
        return {**found, self.pbx.host.name: "\n".join([self.pbx.host.fingerprint("/etc/kamailio"), *tables])}

    def generations(self) -> list[dict[str, Any]]:
        """Those of the change."""
        return self.operator.recovery.generations(change_id=CHANGE)

    def let_go(self) -> set[str]:
        """What retention would let go that keeps one generation of each host."""
        play = self.operator.recovery.run("repository_prune", "--check", last=1, allow_many=True)
        assert play.passed, play.output
        return set(play.result(TASK)["pruned"])


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Site:
    recovery = Recovery.create(controller)
    operator = Operator(recovery)
    operator.variables.update(recovery_retry_for=0, reason="new trunk", requester="ops", ticket="T-1")
    kinds = {"pbx1": "mariadb", "pbx2": "dbtext", "pbx3": "sqlite"}
    pbxs = [install(fleet.add(name), kind) for name, kind in kinds.items()]
    for pbx in pbxs:
        operator.describe(pbx.host, "kamailio")
    gateways = [fleet.add(f"gateway{number:02}") for number in range(1, 18)]
    for gateway in gateways:
        gateway.write("/etc/gateway/gateway.conf", CONFIGURATION)
        gateway.run(["touch", RUNNING])
        controller.variables[gateway.name] = {"recovery_product": "linux", "recovery_options": GATEWAY}
    phones = (Phone(fleet.add("alice"), "1001", "Winter-1001"), Phone(fleet.add("bob"), "1002", "Sommer-1002"))
    controller.meet()
    names = [pbx.host.name for pbx in pbxs] + [host.name for host in gateways]
    return Site(operator, pbxs[0], gateways, phones, names)


def outcomes(play: Any, site: Site) -> dict[str, dict[str, Any]]:
    """What the run says of each host at its end."""
    found: dict[str, dict[str, Any]] = {}
    for event in play.events:
        outcome = (event["result"].get("ansible_facts") or {}).get("recovery_outcome")
        if outcome and event["host"] in site.names:
            found[event["host"]] = outcome
    return found


def test_a_change_that_breaks_two_of_twenty_is_found_taken_back_and_closed(site: Site) -> None:
    operator, broken = site.operator, {"pbx1", "gateway07"}
    assert len(site.names) == 20 and site.calls()
    before = site.state()

    opened = operator.run("pre_change", *FORKS, change=CHANGE)
    assert opened.passed, opened.output
    saved = site.generations()
    assert sorted(one["source"] for one in saved) == sorted(site.names)
    assert {(one["phase"], one["status"]) for one in saved} == {("pre_change", "complete")}

    # a telephone server loses its trunk and a user's password, a gateway its emergency route and its service
    site.pbx.sql("DELETE FROM dispatcher; UPDATE subscriber SET ha1 = 'x', ha1b = 'x' WHERE username = '1002'")
    gateway = site.gateways[6]
    gateway.write("/etc/gateway/gateway.conf", CONFIGURATION.replace("route 112 = carrier-a\n", ""))
    gateway.run(["rm", RUNNING])
    for other in site.gateways[:3]:
        other.write("/etc/gateway/gateway.conf", CONFIGURATION.replace("carrier-b", "carrier-c"))
    assert not site.calls()

    looked = operator.run("post_change", *FORKS, change=CHANGE)
    assert not looked.passed
    told = outcomes(looked, site)
    assert {host for host, one in told.items() if one["outcome"] != "ok"} == broken, looked.output
    assert all(host in looked.output for host in broken)

    back = operator.run("rollback", *FORKS, change=CHANGE)
    assert back.passed, back.output
    told = outcomes(back, site)
    assert {host for host, one in told.items() if one["changed"]} == {*broken, "gateway01", "gateway02", "gateway03"}
    assert {one["outcome"] for one in told.values()} == {"ok"} and len(told) == 20
    assert site.state() == before
    assert site.calls()

    pairs = site.generations()
    pinned = {one["id"] for one in pairs if one["phase"] in ("pre_change", "post_change")}
    assert len(pinned) == 40
    assert all(one["holds"] for one in pairs if one["id"] in pinned)
    later = operator.run("backup", "--limit", "gateway01,backup1")
    assert later.passed, later.output
    assert site.let_go() & pinned == set()
    closed = operator.run("close_change", change=CHANGE)
    assert closed.passed, closed.output
    assert not any(one["holds"] for one in site.generations())
    assert {"gateway01/linux/1", "gateway01/linux/2"} <= site.let_go()
