# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the first backup: a small fleet of which most is not ready, looked at by the playbook; no host notices."""

from __future__ import annotations

import csv
import io
import json
import os
import pathlib
import re
from typing import Any

import pytest

from lab.controller import Controller, Play
from lab.host import Host, User
from lab.hosts import Fleet
from lab.kamailio import install
from lab.recovery import REPOSITORY, WRITER_KEY, Recovery

PASSWORD, WRONG = "Login-Geheim-5", "Login-Falsch-6"
REPORTS = "/root/lab/reports"
APP = {"system_config": False, "paths": [{"name": "app", "path": ["/etc/app"]}]}
AS_OPS = {"recovery_username": "ops", "recovery_password": PASSWORD, "recovery_private_key_file": ""}
OWN_NOTES = re.compile(r"/var/log|/run(/sudo.*|/utmp)?\Z|/var/lib/sudo")
"""What a host itself writes down of whoever logs in and uses sudo."""

NOT_READY = {
    "stranger": ("failed", "identity: ", "shows SHA256:", "Nobody logged in"),
    "locked": ("failed", "login: ", "refuses the login of ops", "Check the user name"),
    "guest": ("failed", "sudo: ", "may not become root", "Allow it in sudoers"),
    "denied": ("failed", "contents: app: /etc/app/private: Permission denied", "would be partial"),
    "empty": ("failed", "contents: app: demanded, but not found"),
    "bare": ("failed", "contents: configuration: demanded, but not found"),
    "hole": ("failed", "identity: ", "did not answer within 2 s"),
    "shared": ("refused", "independence: the repository shares storage san1 with this host"),
    "odd": ("failed", "options: ", "Unsupported parameters: banana"),
}
"""Host -> how it ended, and words of its one line."""


def state(host: Host) -> dict[str, tuple[int, ...]]:
    """All that a host has written since it was made, and its /run, /tmp and /dev/shm, with sizes and times. Something
    that is made and removed again changes its folder."""
    found = {}
    inside = pathlib.Path(f"/proc/{host.pid}/root")
    for top in (host.changes, *(inside / name for name in ("run", "tmp", "dev/shm"))):
        for folder, _folders, files in os.walk(top):
            for path in (pathlib.Path(folder), *(pathlib.Path(folder, name) for name in files)):
                status = path.lstat()
                name = "/" + str(path.relative_to(top if top == host.changes else inside))
                found[name] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return {name: seen for name, seen in found.items() if not OWN_NOTES.match(name)}


def changed(before: dict[str, tuple[int, ...]], after: dict[str, tuple[int, ...]]) -> list[str]:
    """What is there, or is as it is, only once."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


BEFORE: dict[str, dict[str, tuple[int, ...]]] = {}
"""What each host was right before the flight."""


@pytest.fixture(scope="module")
def recovery(controller: Controller) -> Recovery:
    controller.backup_host.mount_tmpfs("/srv", "24m")
    return Recovery.create(controller)


@pytest.fixture(scope="module")
def flight(fleet: Fleet, controller: Controller, recovery: Recovery) -> Play:
    """The playbook over all of them, in a first run that may write reports."""
    users = [User("ops", PASSWORD, sudo="password")]
    pbx = fleet.add("pbx")
    install(pbx, "sqlite")
    for name in ("ready", "stranger", "locked", "denied", "shared", "odd"):
        fleet.add(name, users=users)
        fleet[name].run("mkdir -p /etc/app && echo x >/etc/app/x && head -c 5000 /dev/zero >/etc/app/data")
    fleet.add("guest", users=[User("ops", PASSWORD)])
    for name in ("empty", "bare", "hole"):
        fleet.add(name)
    fleet["bare"].run("rm -r /etc/kamailio")
    fleet["denied"].run("echo secret >/etc/app/private; chmod 600 /etc/app/private")
    linux: dict[str, Any] = {"recovery_product": "linux", "recovery_options": APP}
    sudo = {"recovery_become": True, "recovery_become_password": PASSWORD}
    variables = {
        "pbx": {"recovery_product": "kamailio"},
        "ready": {**linux, **AS_OPS, **sudo, "recovery_failure_domain": {"storage": "san2", "site": "Berlin"}},
        "stranger": {**linux, **AS_OPS},
        "locked": {**linux, **AS_OPS, "recovery_password": WRONG},
        "guest": {**linux, **AS_OPS, **sudo},
        "denied": {**linux, **AS_OPS},
        "empty": linux,
        "bare": {"recovery_product": "kamailio"},
        "hole": {**linux, "recovery_options": {**APP, "connect_timeout": 2}},
        "shared": {**linux, **AS_OPS, **sudo, "recovery_failure_domain": {"storage": "san1"}},
        "odd": {**linux, "recovery_options": {**APP, "banana": 1}},
        "backup1": {"recovery_failure_domain": {"hypervisor": "esx2", "storage": ["san1"], "site": "berlin"}},
    }
    for name, some in variables.items():
        controller.variables[name] = some
    controller.meet()
    # known when the controller met everybody, and another one since
    fleet["stranger"].change_host_key()
    controller.backup_host.run("ssh-keygen -R $(getent hosts stranger | cut -d' ' -f1) 2>/dev/null; true")
    fleet["hole"].swallow()
    for name in variables:
        BEFORE[name] = state(fleet[name])
    return fly(recovery, "-e", f"recovery_report_folder={REPORTS}", "-e", "run_id=first")


def fly(recovery: Recovery, *arguments: str, playbook: str = "preflight") -> Play:
    common = {
        "recovery_backup_host": recovery.controller.backup_host.name,
        "recovery_repository": REPOSITORY,
        "recovery_writer_key_file": WRITER_KEY,
    }
    names = {
        "recovery_private_key_file": "/root/.ssh/id_ed25519",
        "recovery_known_hosts_file": "/root/.ssh/known_hosts",
    }
    # of the inventory and not with -e, which would win over the hosts' own
    inventory = json.loads(recovery.controller.host.read("/root/lab/inventory.json"))
    inventory["all"]["vars"].update(names)
    recovery.controller.host.write("/root/lab/inventory.json", json.dumps(inventory))
    return recovery.controller.play(f"ucops.recovery.{playbook}", *arguments, variables=common)


def test_one_line_for_each_host_and_none_stops_another(flight: Play) -> None:
    assert flight.code != 0
    for name, (outcome, *words) in NOT_READY.items():
        result = flight.result("Say how it ended", name)["ansible_facts"]["recovery_outcome"]
        assert result["outcome"] == outcome, result
        assert "\n" not in result["problem"]
        for word in words:
            assert word in result["problem"], result["problem"]
    for name in ("pbx", "ready"):
        result = flight.result("Say how it ended", name)["ansible_facts"]["recovery_outcome"]
        assert (result["outcome"], result["problem"]) == ("ok", ""), result
    last = flight.result("Fail when a host is not ready", "ready")
    assert last["status"] == "failed" and "9 of 11 are not ready" in last["msg"]
    assert all(name in last["msg"] for name in NOT_READY)


def test_how_much_there_is_and_which_release(flight: Play, fleet: Fleet) -> None:
    ready = flight.result("Look as a backup would", "ready")
    (app,) = ready["contents"]
    assert (app["entries"], app["bytes"], ready["bytes"]) == (3, 5002, 5002)
    assert ready["release"].startswith("Debian")
    pbx = flight.result("Look as a backup would", "pbx")
    assert pbx["release"].startswith("kamailio") and pbx["missing"] == []
    assert "database" in pbx["not_measured"] and pbx["bytes"] > 1000
    assert [check["name"] for check in ready["checks"]][:6] == [
        *("repository", "identity", "login", "sudo", "product", "independence")
    ]


def test_a_host_that_nobody_knows_gets_no_secret_and_its_key_is_for_a_person(
    flight: Play, fleet: Fleet, controller: Controller
) -> None:
    stranger = flight.result("Look as a backup would", "stranger")
    (shown,) = stranger["shown"]
    fingerprint = fleet["stranger"].output("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert (shown["fingerprint"], shown["believed"]) == (fingerprint, False)
    assert [check["name"] for check in stranger["checks"]] == ["repository", "identity"]
    assert "ops" not in fleet["stranger"].output("cat /var/log/sshd.log")
    unverified = controller.host.read(f"{REPORTS}/known_hosts.unverified").decode()
    assert fingerprint in unverified and unverified.startswith("# UNVERIFIED")
    assert all(line.startswith("#") or not line for line in unverified.splitlines())
    assert f"#UNVERIFIED {fleet['stranger'].address} ssh-ed25519 AAAA" in unverified
    known = controller.backup_host.read("/root/.ssh/known_hosts").decode()
    assert shown["text"].split()[1] not in known


def test_the_table_on_the_terminal_and_in_files(flight: Play, controller: Controller) -> None:
    assert "NOT READY locked" in flight.output and "2 of 11 ready" in flight.output
    rows = list(csv.DictReader(io.StringIO(controller.host.read(f"{REPORTS}/preflight-first.csv").decode())))
    assert [row["source"] for row in rows if row["ready"] == "True"] == ["pbx", "ready"]
    (ready,) = (row for row in rows if row["source"] == "ready")
    assert (ready["bytes"], ready["entries"], ready["shared"]) == ("5002", "3", "shares site Berlin")
    everything = json.loads(controller.host.read(f"{REPORTS}/preflight-first.json"))
    assert len(everything["hosts"]) == len(rows) == 11 and everything["lost"] == []
    modes = controller.host.output(f"stat -c '%a' {REPORTS} {REPORTS}/*").split()
    assert modes[0] == "700" and set(modes[1:]) == {"600"}
    for secret in (PASSWORD, WRONG):
        assert secret not in flight.output + json.dumps(flight.events)
        assert controller.host.run(["grep", "-r", secret, REPORTS], check=False).returncode == 1


def test_nothing_was_written_on_any_of_them(flight: Play, fleet: Fleet, controller: Controller) -> None:
    for name in ("pbx", "ready", *NOT_READY):
        assert changed(BEFORE[name], state(fleet[name])) == [], name
    assert controller.backup_host.output(f"find {REPOSITORY} -newer {WRITER_KEY} -type f -path '*/commits/*'") == ""


def test_check_mode_looks_as_well_and_writes_no_report(
    flight: Play, recovery: Recovery, controller: Controller
) -> None:
    controller.host.run(["rm", "-r", REPORTS])
    play = fly(recovery, "--check", "-e", f"recovery_report_folder={REPORTS}", "--limit", "ready,backup1")
    assert play.passed, play.output
    assert result_of_line(play)["ready"] is True and not controller.host.exists(REPORTS)


def result_of_line(play: Play) -> dict[str, Any]:
    return dict(play.result("Note what was seen", "ready")["ansible_facts"]["preflight_line"])


def test_a_repository_on_the_host_itself_or_on_its_storage(flight: Play, recovery: Recovery, fleet: Fleet) -> None:
    there = recovery.controller.backup_host
    itself = {**recovery.reach(there), "system_config": False, "commands": [{"argv": ["uname", "-a"]}]}
    play = recovery.run_each(
        {
            "refused": ("linux_backup", {**itself, "allow_same_host": False}),
            "told": ("linux_backup", itself),
            "allowed": ("linux_backup", {**itself, "allow_same_host": True}),
        }
    )
    refused = play.result("refused")
    assert (refused["status"], refused["error"]) == ("failed", "IndependenceMissing"), refused
    assert [finding["grade"] for finding in play.result("told")["findings"]] == ["high"]
    assert play.result("allowed")["findings"] == [] and play.result("allowed")["generation"]["id"] == "backup1/linux/2"
    declared = fly(recovery, "--limit", "shared,backup1", playbook="backup")
    outcome = declared.result("Say what became of it", "shared")["ansible_facts"]["recovery_outcome"]
    assert (declared.code != 0, outcome["outcome"]) == (True, "refused"), outcome
    assert "The repository shares storage san1 with shared" in outcome["problem"]


def test_below_its_reserve_no_backup_begins(flight: Play, recovery: Recovery, fleet: Fleet) -> None:
    """The repository lies on a file system of 24 MiB, which is filled up to less than what is to stay free."""
    there = recovery.controller.backup_host
    backup = {**recovery.reach(fleet["empty"]), "system_config": False, "commands": [{"argv": ["uname", "-a"]}]}
    first = recovery.run("linux_backup", **backup, reserve=2**23)
    assert first.passed, first.output
    there.run("head -c 18000000 /dev/zero >/srv/others")
    there.run(["mkdir", "-p", "/etc/ansible/facts.d"])
    noted = {"repository": REPOSITORY, "reserve": 2**23}
    there.write("/etc/ansible/facts.d/ucops_backup_host.fact", json.dumps(noted))
    looked = {"repository": None, "product": "linux", "options": {**backup, "repository": REPOSITORY}}
    play = recovery.run_each(
        {
            "noted by the role": ("linux_backup", backup),
            "looked": ("preflight_info", looked),
            "said otherwise": ("linux_backup", {**backup, "reserve": 2**20}),
        }
    )
    refused = play.result("noted by the role")
    assert (refused["status"], refused["error"]) == ("failed", "RepositoryFull"), refused
    assert "and 8388608 are to stay free, so no backup begins" in refused["msg"]
    assert play.result("looked")["problem"].startswith("repository: There are ") and not play.result("looked")["ready"]
    assert play.result("said otherwise")["generation"]["id"] == "empty/linux/2"
