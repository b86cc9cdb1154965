# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change is taken back: only what differs is touched, what would be lost is asked for first, and whatever is killed
on the way, the same command again ends in the right state."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest

from lab.changes import REPORTS, Operator, wait_until
from lab.controller import Controller, Play
from lab.host import Host
from lab.hosts import Fleet
from lab.kamailio import Pbx, install
from lab.recovery import REPOSITORY, SECRET, Recovery

KAMAILIO = "/etc/kamailio"
APP = {"paths": [{"name": "app", "path": "/etc/app", "data_class": "voip_config"}], "system_config": False}
ADD = "INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ('{}','lab.test','','x','y')"


@dataclasses.dataclass
class Site:
    """A telephone server with its users in MariaDB, two servers of files, and who changes them."""

    operator: Operator
    pbx: Pbx
    files: Host
    other: Host
    changes: int = 0

    def before(self, *arguments: str) -> str:
        """Save everything before the next change. Returns the change's id."""
        self.changes += 1
        change = f"CHG{self.changes}"
        saved = self.operator.run("backup", *arguments, change=change, phase="pre_change")
        assert saved.passed, saved.output
        return change

    def change(self, change: str, *arguments: str, saved: bool = True) -> None:
        """Change the telephone server's routes and a user, and one server of files; save what that made."""
        self.pbx.host.run(f"echo '# {change}' >>{KAMAILIO}/routes.cfg; echo new >{KAMAILIO}/new.cfg")
        self.pbx.sql("UPDATE subscriber SET ha1 = 'broken' WHERE username = '1001'")
        self.files.write("/etc/app/app.conf", f"port = {change}\n")
        if saved:
            play = self.operator.run("backup", *arguments, change=change, phase="post_change")
            assert play.passed, play.output

    def fingerprint(self) -> tuple[str, ...]:
        return (
            self.pbx.host.fingerprint(KAMAILIO),
            self.pbx.sql("SELECT username, ha1 FROM subscriber ORDER BY username"),
            self.files.fingerprint("/etc/app"),
            self.other.fingerprint("/etc/app"),
        )

    def journal(self, state: str) -> int:
        """How many records of a state the journal of the telephone server has."""
        folder = self.operator.controller.backup_host
        found = folder.run(f"ls {REPOSITORY}/journal/pbx/kamailio 2>/dev/null | grep -c '{state}.json$'", check=False)
        return int(found.stdout or 0)


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Site:
    recovery = Recovery.create(controller)
    pbx = install(fleet.add("pbx"), "mariadb")
    hosts = [fleet.add("files"), fleet.add("other")]
    for host in hosts:
        host.run("mkdir /etc/app && echo 'port = 5060' >/etc/app/app.conf")
    operator = Operator(recovery)
    operator.describe(pbx.host, "kamailio")
    for host in hosts:
        operator.describe(host, "linux", APP)
    return Site(operator, pbx, *hosts)


def outcome(play: Play, host: str) -> dict[str, object]:
    """What the run says of a host at its end."""
    found = play.result("Say what became of it", host)
    return dict(found["ansible_facts"]["recovery_outcome"])


def test_only_what_differs_goes_back_and_a_second_time_nothing_does(site: Site) -> None:
    change = site.before()
    before = site.fingerprint()
    site.change(change)
    changed = site.fingerprint()

    looked = site.operator.run("rollback", "--check", "--diff", change=change)
    assert looked.passed, looked.output
    assert [outcome(looked, host)["changed"] for host in ("pbx", "files", "other")] == [True, True, False]
    assert site.fingerprint() == changed and not site.operator.controller.host.exists(REPORTS)

    done = site.operator.run("rollback", change=change, reason="calls fail", requester="Müller <script>")
    assert done.passed, done.output
    assert site.fingerprint() == before
    assert [outcome(done, host)["changed"] for host in ("pbx", "files", "other")] == [True, True, False]
    assert outcome(done, "backup1")["outcome"] == "skipped"
    assert all(check["ok"] for check in outcome(done, "pbx")["checks"])
    names = site.operator.controller.host.output(["ls", REPORTS]).split()
    assert sorted(name.rpartition(".")[2] for name in names) == ["html", "json", "md"], names
    html = site.operator.controller.host.output(f"cat {REPORTS}/rollback-{change}-*.html")
    assert "Müller &lt;script&gt;" in html and "pbx/kamailio/1" in html
    for secret in (*site.pbx.secrets, SECRET):
        assert secret not in done.output and secret not in html and secret not in looked.output

    again = site.operator.run("rollback", change=change)
    assert again.passed, again.output
    assert [outcome(again, host)["changed"] for host in ("pbx", "files", "other")] == [False, False, False]
    assert site.fingerprint() == before


def test_what_came_since_is_listed_and_nothing_is_touched_until_it_is_confirmed(site: Site) -> None:
    change = site.before()
    before = site.fingerprint()
    site.change(change)
    site.pbx.sql(ADD.format("1003"))
    site.pbx.host.run(f"echo 'by hand' >{KAMAILIO}/new.cfg")
    now = site.fingerprint()

    refused = site.operator.run("rollback", change=change)
    assert not refused.passed
    assert site.fingerprint() == now
    told = outcome(refused, "pbx")
    assert told["outcome"] == "refused" and "rollback_confirm" in str(told["problem"])
    assert {(loss["item"], loss["action"]) for loss in told["losses"]} == {
        ("configuration", "changed"),
        ("database", "changed"),
    }
    words = [(word["kind"], word["object"], word["action"]) for word in told["lost_changes"]]
    assert ("subscriber", "1003@lab.test", "added") in words, words
    assert not any(name.startswith("1001") for _kind, name, _action in words)
    assert outcome(refused, "files")["outcome"] == "refused" and outcome(refused, "other")["outcome"] == "ok"

    wrong = site.operator.run("rollback", change=change, rollback_confirm=["files"])
    assert not wrong.passed and site.fingerprint() == now
    done = site.operator.run("rollback", change=change, rollback_confirm=["pbx"])
    assert done.passed, done.output
    assert site.fingerprint() == before
    kept = str(outcome(done, "pbx")["pre_restore"])
    assert kept.startswith("pbx/kamailio/")
    report = json.loads(
        site.operator.controller.host.output(f"cat $(ls -t {REPORTS}/rollback-{change}-*.json | head -1)")
    )
    assert [one["host"] for one in report["losses"]] == ["pbx"]


def test_without_a_generation_after_the_change_all_that_differs_is_asked_for(site: Site) -> None:
    change = site.before()
    before = site.fingerprint()
    site.change(change, saved=False)
    refused = site.operator.run("rollback", change=change)
    assert not refused.passed
    assert {loss["path"] for loss in outcome(refused, "files")["losses"]} == {"/etc/app/app.conf"}
    assert outcome(refused, "pbx")["outcome"] == "refused"
    done = site.operator.run("rollback", change=change, rollback_confirm=True)
    assert done.passed, done.output
    assert site.fingerprint() == before


def test_a_change_that_stopped_a_service_is_taken_back_too(site: Site) -> None:
    change = site.before()
    assert site.operator.run("backup", change=change, phase="post_change").passed
    site.pbx.stop()
    done = site.operator.run("rollback", change=change)
    assert done.passed, done.output
    assert outcome(done, "pbx")["changed"] is True and outcome(done, "files")["changed"] is False
    site.pbx.host.wait_for_port(5060)


def test_one_host_that_is_gone_fails_the_run_and_keeps_no_other_from_its_rollback(site: Site) -> None:
    change = site.before()
    before = site.fingerprint()
    site.change(change)
    site.files.reset()
    failed = site.operator.run("rollback", change=change)
    site.files.heal()
    assert not failed.passed
    assert outcome(failed, "files")["outcome"] == "unreachable" and outcome(failed, "pbx")["outcome"] == "ok"
    assert site.fingerprint()[:2] == before[:2] and site.fingerprint()[2] != before[2]
    again = site.operator.run("rollback", change=change)
    assert again.passed, again.output
    assert [outcome(again, host)["changed"] for host in ("pbx", "files", "other")] == [False, True, False]
    assert site.fingerprint() == before


def test_a_restore_that_fails_leaves_alone_what_comes_after_it_and_again_goes_on(site: Site) -> None:
    """The telephone server declares to come before the server of files. Its configuration cannot be written."""
    site.operator.describe(site.pbx.host, "kamailio", recovery_restore_order=10)
    site.operator.describe(site.files, "linux", APP, recovery_restore_order=20)
    change = site.before()
    before = site.fingerprint()
    site.change(change)
    changed = site.fingerprint()
    site.pbx.host.run(f"chattr +i {KAMAILIO}/routes.cfg || mount --bind -o ro {KAMAILIO} {KAMAILIO}")
    failed = site.operator.run("rollback", change=change)
    site.pbx.host.run(f"umount {KAMAILIO} 2>/dev/null || chattr -i {KAMAILIO}/routes.cfg")
    assert not failed.passed
    assert outcome(failed, "pbx")["outcome"] == "failed", outcome(failed, "pbx")
    held = outcome(failed, "files")
    assert held["outcome"] == "refused" and "pbx has to come before it" in str(held["problem"])
    assert site.fingerprint()[2:] == changed[2:]
    again = site.operator.run("rollback", change=change)
    assert again.passed, again.output
    assert site.fingerprint() == before


def test_what_was_not_saved_before_the_change_is_refused_and_what_has_no_part_is_left_alone(site: Site) -> None:
    change = f"CHG{site.changes + 1}"
    site.files.run("rm -r /etc/app")
    partial = site.operator.run("backup", "--limit", "files", change=change, phase="pre_change")
    assert not partial.passed
    site.files.run("mkdir /etc/app && echo 'port = 5060' >/etc/app/app.conf")
    site.changes += 1
    refused = site.operator.run("rollback", change=change)
    assert not refused.passed
    told = outcome(refused, "files")
    assert told["outcome"] == "refused" and "was not saved completely" in str(told["problem"])
    assert outcome(refused, "pbx")["outcome"] == outcome(refused, "other")["outcome"] == "skipped"


# --- killed ----------------------------------------------------------------------------------------------------------
def in_the_journal(site: Site, begun: int) -> bool:
    return site.journal("started") > begun


def stopped(site: Site, _begun: int) -> bool:
    return site.pbx.host.run(["pidof", "kamailio"], check=False).returncode != 0


def half_written(site: Site, _begun: int) -> bool:
    return not site.pbx.host.exists(f"{KAMAILIO}/new.cfg")


Moment = Callable[[Site, int], bool]


@pytest.mark.parametrize(
    ("dies", "moment"),
    [
        ("ansible", in_the_journal),
        ("controller", stopped),
        ("backup host", stopped),
        ("backup host", half_written),
    ],
    ids=["ansible, at the beginning", "controller, while it is down", "backup host, then", "backup host, half written"],
)
def test_killed_on_the_way_the_same_command_ends_in_the_right_state(site: Site, dies: str, moment: Moment) -> None:
    controller, only = site.operator.controller, ("--limit", "pbx,backup1")
    change = site.before(*only)
    before = site.fingerprint()
    site.change(change, *only)
    begun = site.journal("started")
    running = site.operator.begin("rollback", *only, change=change)
    wait_until(lambda: moment(site, begun), running, lambda: controller.fleet.log_text("killed"))
    if dies == "backup host":
        controller.backup_host.kill()
        controller.backup_host.boot()
    site.operator.kill(running, whole_machine=dies == "controller")
    if dies == "backup host":
        assert site.journal("started") > site.journal("finished")
        gate = "pre_change" if moment is stopped else "post_change"
        named = f"{change}-next" if moment is stopped else change
        closed = site.operator.run(gate, *only, change=named, recovery_retry_for=0)
        assert not closed.passed and "began and never ended" in closed.output, closed.output
    again = site.operator.run("rollback", *only, change=change)
    assert again.passed, again.output
    assert site.fingerprint()[:2] == before[:2]
    assert site.journal("started") == site.journal("finished")
    site.pbx.host.wait_for_port(5060)
