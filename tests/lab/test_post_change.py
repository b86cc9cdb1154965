# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change goes over a fleet and breaks two hosts in different ways: post_change names both, and why."""

from __future__ import annotations

import html.parser
import json
from typing import Any

import pytest

from lab.controller import HOME, Controller, Play
from lab.hosts import Fleet
from lab.kamailio import DBTEXT_FOLDER, Pbx, install
from lab.recovery import SECRET, Recovery

CHANGE = "CHG 42/x"
REPORTS = f"{HOME}/reports"
EMERGENCY = '    if ($rU =~ "^11[02]$") { ds_select_dst("1", "4"); t_relay(); exit; }\n'
TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'touch /tmp/executed') }}"
HOSTILE = f"# <script>alert(1)</script> </pre> ``` @all {TEMPLATE} \x1b]0;owned\x07 \u202e\n"


class Parser(html.parser.HTMLParser):
    """Which elements there are, whether each is closed, and what is written between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


class Site:
    """Two telephone systems, a host of files, and one that will be cut off; what is kept of them, their controller."""

    def __init__(self, fleet: Fleet, controller: Controller) -> None:
        self.trunkless, self.mute = (install(fleet.add(name), "dbtext") for name in ("pbx-trunk", "pbx-112"))
        self.files, self.gone = fleet.add("files"), fleet.add("gone")
        self.routes = self.mute.host.read("/etc/kamailio/routes.cfg").decode()
        at = self.routes.index('    if ($rU =~ "^0")')
        self.before = self.routes[:at] + EMERGENCY + self.routes[at:]
        self.after = self.routes[:at] + HOSTILE + self.routes[at:]
        self.write_routes(self.before)
        for host in (self.files, self.gone):
            host.write("/srv/settings.conf", "name = one\npassword = planted-Secret-1\n")
            host.write("/srv/status", "Objects found: 5\n")
        controller.meet()
        self.controller = controller
        self.recovery = Recovery.create(controller)
        common = {
            "recovery_backup_host": controller.backup_host.name,
            "recovery_repository": self.recovery.repository,
            "recovery_writer_key_file": self.recovery.writer_key_file,
            "recovery_allowed_signers": self.recovery.allowed_signers,
            "recovery_private_key_file": "/root/.ssh/id_ed25519",
            "recovery_known_hosts_file": "/root/.ssh/known_hosts",
        }
        controller.describe(controller.backup_host, **common)
        for pbx in (self.trunkless, self.mute):
            controller.describe(pbx.host, recovery_product="kamailio", **common)
        contacts = {"name": "contacts", "argv": ["cat", "/srv/status"], "pattern": r"Objects found: (\d+)"}
        settings = {"path": "/srv/settings.conf", "name": "settings"}
        linux = {"system_config": False, "paths": [settings], "counters": [contacts]}
        for host in (self.files, self.gone):
            controller.describe(host, recovery_product="linux", recovery_options=linux, **common)

    def write_routes(self, routes: str) -> None:
        """Give the second system other routes, and let it take them."""
        self.mute.host.write("/etc/kamailio/routes.cfg", routes)
        restart(self.mute)

    def play(self, name: str, *arguments: str, secret: bool = True, **variables: Any) -> Play:
        """One of the collection's playbooks for the change."""
        given = {
            "change_id": CHANGE,
            "reason": "New trunk",
            "requester": "anna",
            "recovery_report_folder": REPORTS,
            "recovery_retry_for": 1,
            "recovery_retry_every": 1,
            **({"recovery_domain_master_secret": SECRET} if secret else {}),
            **variables,
        }
        return self.controller.play(f"ucops.recovery.{name}", *arguments, variables=given)

    def reports(self, run: str) -> dict[str, str]:
        """The files of a report, by what they end with."""
        found = self.controller.host.output(f"ls {REPORTS}").split()
        wanted = [name for name in found if name.startswith("post_change-") and run in name]
        return {name.rpartition(".")[2]: self.controller.host.read(f"{REPORTS}/{name}").decode() for name in wanted}


def restart(pbx: Pbx) -> None:
    """As a change does it."""
    pbx.stop()
    pbx.start()


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Site:
    site = Site(fleet, controller)
    before = site.play("backup", phase="pre_change")
    assert before.passed, before.output
    return site


@pytest.fixture(scope="module")
def broken(site: Site) -> Play:
    """The change, and what post_change says of it."""
    dispatcher = site.trunkless.host.read(f"{DBTEXT_FOLDER}/dispatcher").decode()
    site.trunkless.host.write(f"{DBTEXT_FOLDER}/dispatcher", dispatcher.splitlines()[0] + "\n")
    restart(site.trunkless)
    site.write_routes(site.after)
    site.files.write("/srv/settings.conf", "name = two\npassword = planted-Secret-2\n")
    site.gone.reset()
    play = site.play("post_change", "-vvv", run_id="first")
    site.gone.heal()
    return play


def test_what_the_change_broke_is_named(site: Site, broken: Play) -> None:
    assert broken.code == 2, broken.output
    said = broken.result("Fail when a host is not fine")["msg"]
    assert "3 of 4 hosts are not fine after CHG 42/x" in said
    assert "pbx-trunk (failed): dispatcher 1 sip:10.77.200.1:5060 removed" in said
    assert "trunks_up: 1 before, 0 now" in said
    assert "pbx-112 (failed): route block" in said
    assert "gone (unreachable)" in said and "files" not in said.replace("files.", "")


def test_the_report_tells_it_in_three_ways(site: Site, broken: Play) -> None:
    found = site.reports("first")
    assert set(found) == {"md", "html", "json"}
    told = json.loads(found["json"])
    hosts = {host["host"]: host for host in told["hosts"]}
    assert told["verdict"] == "not fine"
    assert told["counted"] == {"not fine": 2, "unknown": 1, "look": 0, "fine": 1}
    rules = {name: {one["rule"] for one in host["findings"]} for name, host in hosts.items()}
    assert rules["pbx-trunk"] >= {"trunk_removed", "counter_fell"}
    assert "emergency_route" in rules["pbx-112"]
    assert rules["files"] == set() and hosts["files"]["verdict"] == "fine"
    assert (hosts["files"]["before"], hosts["files"]["after"]) == ("files/linux/1", "files/linux/2")
    assert "name = two" in hosts["files"]["text"]
    page = Parser(found["html"])
    assert page.open == [] and "script" not in page.tags and "alert(1)" in page.text
    assert "name = two" in page.text and "name = two" in found["md"]
    for text in found.values():
        assert "planted" not in text and not set("\x1b\x07\u202e") & set(text)
    modes = site.controller.host.output(f"stat -c %a {REPORTS} {REPORTS}/*").split()
    assert modes[0] == "700" and set(modes[1:]) == {"600"}


def test_what_a_host_says_is_never_run_and_no_secret_is_shown(site: Site, broken: Play) -> None:
    assert not site.controller.host.exists("/tmp/executed")
    assert TEMPLATE in json.loads(site.reports("first")["json"])["hosts"][0]["text"] + "".join(
        host["text"] for host in json.loads(site.reports("first")["json"])["hosts"]
    )
    for secret in (SECRET, "planted-Secret", *site.mute.secrets):
        assert secret not in broken.output


def test_the_second_of_the_pair_is_held(site: Site, broken: Play) -> None:
    (generation,) = site.recovery.generations(source="pbx-112", change_id=CHANGE, phase="post_change")
    assert [(hold["active"], hold["change_id"]) for hold in generation["holds"]] == [(True, CHANGE)]
    assert generation["counters"]["trunks_up"] == 1


def test_mended_hosts_are_fine_and_the_others_are_still_named(site: Site, broken: Play) -> None:
    site.write_routes(site.before)
    # what only the operator's own command tells: telephones that did not come back
    site.files.write("/srv/status", "Objects found: 2\n")
    again = site.play("post_change", run_id="second", recovery_fail_on="high")
    site.files.write("/srv/status", "Objects found: 5\n")
    assert again.code == 2
    said = again.result("Fail when a host is not fine")["msg"]
    assert "2 of 4 hosts are not fine" in said and "pbx-trunk" in said
    assert "files (failed): contacts: 5 before, 2 now" in said


def test_findings_need_not_fail_and_without_the_secret_only_the_items_are_told(site: Site, broken: Play) -> None:
    play = site.play("post_change", run_id="keyless", recovery_fail_on="none", secret=False)
    assert play.passed, play.output
    told = json.loads(site.reports("keyless")["json"])
    hosts = {host["host"]: host for host in told["hosts"]}
    assert told["verdict"] == "look" and hosts["pbx-trunk"]["verdict"] == "look"
    assert hosts["files"]["changed_items"] == ["settings"] and hosts["files"]["text"] == ""
    assert not hosts["files"]["opened"]
    assert "cannot be told without the Domain Master Secret" in site.reports("keyless")["md"]


def test_without_a_generation_of_before_it_fails_and_keeps_the_one_of_after(site: Site, broken: Play) -> None:
    play = site.play("post_change", "--limit", "files", change_id="CHG7")
    assert play.code == 2
    said = play.result("Fail when a host is not fine")["msg"]
    assert "no complete pre_change generation of files/linux for CHG7" in said
    (kept,) = site.recovery.generations(source="files", change_id="CHG7", phase="post_change")
    assert kept["status"] == "complete" and kept["holds"][0]["active"]


def test_check_mode_makes_nothing(site: Site, broken: Play) -> None:
    before = len(site.recovery.generations())
    files = site.controller.host.output(f"ls {REPORTS}")
    play = site.play("post_change", "--check", "--diff")
    assert play.passed, play.output
    assert "planted" not in play.output and SECRET not in play.output
    assert len(site.recovery.generations()) == before and site.controller.host.output(f"ls {REPORTS}") == files
