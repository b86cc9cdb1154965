# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seven hosts on one bad day: one vanishes in the middle of its transfer, one is slow, one refuses the password, and
the disk of one is full. Each is told of once, the others are saved, and a second try does only what is missing. Then a
change is taken back while that disk has no room for it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from lab.changes import Operator
from lab.controller import Controller, Play
from lab.host import Host, User
from lab.hosts import Fleet
from lab.kamailio import Pbx, install
from lab.recovery import REPOSITORY, SECRET, Recovery, result_of

PASSWORD = "Login-Geheim-5"
WRONG_PASSWORD = "Login-Falsch-6"
CHANGE = "CHG0099"
SILENCE = 3
"""Seconds without a byte after which a host counts as gone."""
HOST_TIMEOUT = 40
TIGHT = {"silence_timeout": SILENCE, "connect_timeout": 10}
APP = {"paths": [{"name": "app", "path": ["/etc/app"]}], "system_config": False, **TIGHT}
KEY = {"recovery_private_key_file": "/root/.ssh/id_ed25519"}
VAR = "/srv/var"
"""The small disk of one host, where its database and what that needs in passing lie."""

VOICES = 1_500_000
"""Bytes of the largest table there."""

GOOD = ("pbx", "gateway1", "gateway2", "slow")
BAD = {
    "gone": ("BackupIncomplete", f"configuration: Nothing moved for {SILENCE} s"),
    "locked": ("AuthenticationFailed", "refuses the login of ops"),
    "full": ("BackupIncomplete", "No space left on device"),
}
"""Host -> kind of error, and words of its one message."""


@dataclasses.dataclass
class Site:
    """The hosts, and how each of the bad ones is broken and mended."""

    operator: Operator
    hosts: dict[str, Host]
    full: Pbx

    def break_all(self) -> None:
        self.hosts["gone"].silence(after=1_500_000)
        self.hosts["slow"].slow_down("1mbit")
        self.declare_password(WRONG_PASSWORD)
        self.fill()

    def mend_all(self) -> None:
        self.hosts["gone"].heal()
        self.hosts["slow"].speed_up()
        self.declare_password(PASSWORD)
        self.make_room()

    def declare_password(self, password: str) -> None:
        self.operator.describe(self.hosts["locked"], "linux", APP, recovery_username="ops", recovery_password=password)

    def fill(self, leave: int = 0) -> None:
        """Take all of the small disk but ``leave`` bytes."""
        self.full.host.run(f"cat /dev/zero >{VAR}/ballast", check=False)
        size = int(self.full.host.output(["stat", "-c", "%s", f"{VAR}/ballast"]))
        self.full.host.run(["truncate", "-s", str(size - leave), f"{VAR}/ballast"])

    def make_room(self) -> None:
        self.full.host.run(["rm", f"{VAR}/ballast"])

    def logins(self) -> dict[str, int]:
        """How often somebody logged in to each host."""
        count = "grep -c '^Accepted' /var/log/sshd.log || true"
        return {name: int(host.output(count)) for name, host in self.hosts.items()}

    def tables(self) -> str:
        """What the database of the host with the small disk holds."""
        names = ("subscriber", "dispatcher", "announcement")
        return "\n".join(self.full.sql(f"CHECKSUM TABLE {name}") for name in names)

    def journal(self) -> list[str]:
        """How each restore of the host with the small disk ended; one that did not is missing."""
        ends = f"{REPOSITORY}/journal/full/kamailio/*.finished.json"
        found = self.operator.controller.backup_host.output(f'grep -ho \'"outcome":"[a-z_]*"\' {ends}')
        return [line.split('"')[3] for line in found.splitlines()]

    def generations(self, **filters: Any) -> list[dict[str, Any]]:
        return self.operator.recovery.generations(**filters)


@pytest.fixture(scope="module")
def site(fleet: Fleet, controller: Controller) -> Site:
    operator = Operator(Recovery.create(controller))
    # each host says how to log in to it
    del operator.variables["recovery_private_key_file"]
    operator.variables.update(recovery_retry_for=0, recovery_host_timeout=HOST_TIMEOUT)
    ops = [User("ops", PASSWORD)]
    hosts = {name: fleet.add(name, ops if name == "locked" else ()) for name in (*GOOD, *BAD)}
    for name in ("gateway1", "gateway2", "slow", "locked"):
        hosts[name].run("mkdir /etc/app && echo 'port = 5060' >/etc/app/app.conf")
        controller.variables[name] = {"recovery_product": "linux", "recovery_options": APP, **KEY}
    for name in ("pbx", "gone", "full"):
        controller.variables[name] = {"recovery_product": "kamailio", "recovery_options": TIGHT, **KEY}
    hosts["slow"].run("head -c 600000 /dev/urandom >/etc/app/voices")
    install(hosts["pbx"], "mariadb")
    install(hosts["gone"], "dbtext")
    hosts["gone"].run("head -c 4000000 /dev/urandom >/etc/kamailio/announcement.wav")
    hosts["full"].mount_tmpfs(VAR, "160m")
    hosts["full"].run(
        f"mkdir -p {VAR}/mysql {VAR}/tmp && chown mysql {VAR}/* && mount --bind {VAR}/mysql /var/lib/mysql"
        f" && printf '[mariadbd]\\ntmpdir={VAR}/tmp\\n' >/etc/mysql/mariadb.conf.d/95-tmp.cnf"
    )
    full = install(hosts["full"], "mariadb")
    full.sql("CREATE TABLE announcement (name VARCHAR(20) PRIMARY KEY, voice LONGBLOB)")
    full.sql(f"INSERT INTO announcement VALUES ('welcome', REPEAT(RANDOM_BYTES(1000), {VOICES // 1000}))")
    controller.meet()
    return Site(operator, hosts, full)


def judge(play: Play, site: Site) -> None:
    """What is the same for every run on that day: who is fine, who is not and why, and in good time."""
    assert play.code != 0
    told = outcomes(play, site)
    assert {host: one["outcome"] for host, one in told.items()} == {
        **dict.fromkeys(GOOD, "ok"),
        **dict.fromkeys(BAD, "failed"),
    }, play.output
    assert {told[host]["generation"]["status"] for host in GOOD} == {"complete"}
    for host, (kind, words) in BAD.items():
        one = told[host]
        assert one["error"] == kind and one["problem"].startswith(f"{site.hosts[host].address}: "), one
        assert one["problem"].count(words) == 1 and "\n" not in one["problem"], one
        # partial where something was gathered, and nothing where nobody got in
        assert (one["generation"] or {}).get("status") == (None if host == "locked" else "partial")
    (result,) = (
        event["result"]["ansible_stats"]["data"]["recovery_result"]
        for event in play.events
        if "ansible_stats" in event["result"]
    )
    assert (result["result"], result["ok"], result["failed"]) == ("partial", len(GOOD), len(BAD))
    assert {one["host"] for one in result["not_fine"]} == set(BAD)
    # the slow one was longer on its way than any host may be silent, and the one that is gone was not waited for
    took = float(told["slow"]["generation"]["duration"])
    job = play.result("Run one job for all of them")["duration"]
    assert SILENCE < took < job < HOST_TIMEOUT, (took, job)
    for secret in (PASSWORD, WRONG_PASSWORD, SECRET, *site.full.secrets):
        assert secret not in play.output + json.dumps(play.events)


def outcomes(play: Play, site: Site) -> dict[str, dict[str, Any]]:
    """What the run says of each host at its end."""
    found: dict[str, dict[str, Any]] = {}
    for event in play.events:
        outcome = (event["result"].get("ansible_facts") or {}).get("recovery_outcome")
        if outcome and event["host"] in site.hosts:
            found[event["host"]] = outcome
    return found


def test_a_backup_saves_who_can_be_saved_and_names_the_others(site: Site) -> None:
    site.break_all()
    play = site.operator.run("backup")
    judge(play, site)
    assert sorted((one["source"], one["status"]) for one in site.generations()) == sorted(
        [*((host, "complete") for host in GOOD), ("gone", "partial"), ("full", "partial")]
    )


def test_the_gate_stays_closed_and_what_is_saved_is_held(site: Site) -> None:
    site.hosts["gone"].heal()
    site.hosts["gone"].silence(after=1_500_000)
    play = site.operator.run("pre_change", change=CHANGE)
    judge(play, site)
    (verdict,) = {play.result("Let the change go on or not", host)["msg"] for host in site.hosts}
    assert verdict.startswith(f"The gate of {CHANGE} stays closed.")
    assert all(f"{host} (failed): {site.hosts[host].address}: " in verdict for host in BAD)
    assert not any(f"{host} (" in verdict for host in GOOD)
    saved = site.generations(change_id=CHANGE)
    assert {one["source"] for one in saved if one["holds"]} == set(GOOD)
    assert {one["source"] for one in saved} == {*GOOD, "gone", "full"}


def test_a_second_try_after_all_is_mended_does_only_what_is_missing(site: Site) -> None:
    site.mend_all()
    before = site.logins()
    play = site.operator.run("pre_change", change=CHANGE)
    assert play.passed, play.output
    told = outcomes(play, site)
    assert {host for host, one in told.items() if one["reused"]} == set(GOOD)
    assert {one["outcome"] for one in told.values()} == {"ok"}
    assert {host for host, count in site.logins().items() if count > before[host]} == set(BAD)
    saved = [one for one in site.generations(change_id=CHANGE) if one["status"] == "complete"]
    assert sorted(one["source"] for one in saved) == sorted(site.hosts)
    assert all(one["holds"] for one in saved)


def test_a_restore_that_fills_the_disk_loses_nothing_and_can_be_done_again(site: Site) -> None:
    """The change dropped a large table. There is room to look at the database, and none to load that table again."""
    full, recovery = site.full, site.operator.recovery
    good = site.tables()
    full.sql("DROP TABLE announcement; UPDATE subscriber SET ha1 = 'x' WHERE username = '1001'")
    changed = site.tables()
    site.fill(leave=VOICES // 2)
    failed = result_of(recovery.restore(full.host, generation="pre_change", change_id=CHANGE))
    assert (failed["status"], failed["error"]) == ("failed", "RestoreFailed"), failed
    for words in (f"{full.host.address}: ", "database: ", "was put back to full/kamailio/", "as it was before"):
        assert words in failed["msg"], failed["msg"]
    assert site.tables() == changed
    assert site.journal() == ["rolled_back"]

    site.make_room()
    again = recovery.restore(full.host, generation="pre_change", change_id=CHANGE)
    assert again.passed, again.output
    assert site.tables() == good
    assert site.journal() == ["rolled_back", "restored"]
