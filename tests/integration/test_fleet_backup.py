# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All hosts of a play in one job: each has its own result, and none is in another one's way."""

from __future__ import annotations

import json
import os
import re
import socket

import pytest
import yaml
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.killing import kill_at
from support.playbooks import PROJECT
from support.repositories import SECRET, TestRepository
from support.ssh_fleet import SshFleet

from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import verify

OPTIONS_FILE = str(PROJECT / "playbooks" / "vars" / "options.yml")
PASSWORD = "planted-secret-of-a-login"


@pytest.fixture(scope="module")
def server():
    if SSHD is None:
        pytest.skip(WITHOUT_SSHD)
    with Sshd() as one:
        yield one


class Outcome:
    """By host the results of its two tasks, and what was printed."""

    def __init__(self, code, output, events):
        self.code = code
        self.output = output
        self.of = {event["host"]: event for event in events if event["task"] == "Own result"}
        self.job = next((event["result"] for event in events if event["task"] == "One job"), None)

    def statuses(self):
        return {host: event["status"] for host, event in self.of.items()}

    def ids(self):
        return {host: event["result"].get("generation", {}).get("id") for host, event in self.of.items()}


def run(fleet, *arguments, **options):
    fleet.write_inventory()
    (fleet.controller.folder / "play.yml").write_text(yaml.safe_dump(fleet.plays(**options), sort_keys=False))
    events = fleet.controller.folder / "events.jsonl"
    events.write_text("")
    command = [fleet.controller.ansible("ansible-playbook"), "-i", "inventory.yml", "play.yml", *arguments]
    done = fleet.controller.run(command, LAB_EVENTS=str(events), OPTIONS_FILE=OPTIONS_FILE)
    return Outcome(done.returncode, done.stdout, [json.loads(line) for line in events.read_text().splitlines()])


def logins(server):
    """How often somebody logged in."""
    return server.log.count("Accepted publickey")


def generations(fleet):
    folder = fleet.store.path / "commits"
    return {"/".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.json")}


@pytest.fixture
def fleet(tmp_path, server):
    return SshFleet(tmp_path, server, [f"pbx{number}" for number in range(1, 7)])


def test_each_host_has_its_own_result_and_a_second_try_does_what_is_missing(fleet):
    dead = socket.create_server(("127.0.0.1", 0))
    port = dead.getsockname()[1]
    dead.close()
    fleet.variables["pbx2"]["ansible_port"] = port
    fleet.variables["pbx3"]["recovery_options"]["pahts"] = []
    fleet.variables["pbx4"] |= {"recovery_password": PASSWORD, "ansible_user": "nobody-of-this-name"}
    del fleet.variables["pbx4"]["recovery_private_key_file"]
    fleet.variables["pbx5"]["recovery_options"] = {"system_config": False, "paths": [{"path": ["/gone"], "name": "x"}]}
    fleet.variables["pbx6"].pop("recovery_product")
    before = logins(fleet.server)
    first = run(fleet, run_id="night-1")
    assert first.code != 0
    assert first.statuses() == {
        "pbx1": "ok",
        "pbx2": "unreachable",
        "pbx3": "failed",
        "pbx4": "unreachable",
        "pbx5": "failed",
        "pbx6": "skipped",
    }, first.output
    assert "pahts" in first.of["pbx3"]["result"]["msg"]
    assert logins(fleet.server) - before == 2, "pbx1 and pbx5; pbx3 was refused before anybody connected to it"
    assert first.of["pbx4"]["result"]["error"] == "AuthenticationFailed"
    assert first.of["pbx5"]["result"]["generation"]["status"] == "partial"
    assert first.of["pbx1"]["result"]["changed"]
    assert PASSWORD not in first.output + json.dumps([first.of, first.job]) and SECRET not in first.output
    assert generations(fleet) == {"pbx1/linux/1", "pbx5/linux/1"}

    fleet.variables["pbx2"]["ansible_port"] = fleet.server.port
    fleet.variables["pbx5"]["recovery_options"]["paths"] = [{"path": [str(fleet.hosts["pbx5"])], "name": "x"}]
    second = run(fleet, run_id="night-1")
    assert second.statuses()["pbx2"] == "ok" and second.statuses()["pbx5"] == "ok", second.output
    assert second.of["pbx1"]["result"]["reused"] and not second.of["pbx1"]["result"]["changed"]
    assert second.ids()["pbx1"] == "pbx1/linux/1"
    assert generations(fleet) == {"pbx1/linux/1", "pbx2/linux/1", "pbx5/linux/1", "pbx5/linux/2"}


def test_check_mode_writes_nothing_and_a_difference_is_each_hosts_own(fleet):
    assert run(fleet, "--check").code == 0
    assert generations(fleet) == set()
    first = run(fleet)
    assert first.code == 0, first.output
    (fleet.hosts["pbx1"] / "0.conf").write_text("value=changed\n")
    second = run(fleet, "--diff", domain_master_secret="{{ secret }}")
    assert second.code == 0, second.output
    assert {host for host, event in second.of.items() if event["result"]["changed"]} == {"pbx1"}
    shown = {host: event["diff"] for host, event in second.of.items()}
    assert "+value=changed" in shown.pop("pbx1") and set(shown.values()) == {""}
    assert second.output.count("+value=changed") == 1
    assert SECRET not in second.output


@pytest.fixture
def hanging(fleet):
    """pbx3 takes connections and says nothing, and one may wait for it longer than for anything else here."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fleet.variables["pbx3"]["ansible_port"] = silent.getsockname()[1]
        fleet.variables["pbx3"]["recovery_options"]["connect_timeout"] = 90
        yield fleet


def test_a_host_that_hangs_is_cut_off_and_one_can_see_how_far_the_job_is(hanging):
    done = run(hanging, host_timeout=4, concurrency=2, progress_interval=1)
    assert {host for host, status in done.statuses().items() if status == "ok"} == set(hanging.hosts) - {"pbx3"}
    assert "longer than 4 s" in done.of["pbx3"]["result"]["msg"], done.output
    assert 4 <= done.job["duration"] < 30
    assert re.search(r"^[0-9] of 6 hosts done, 0 failed, [0-9] at work, ", done.output, re.MULTILINE), done.output


def test_one_that_hangs_has_no_place_that_others_wait_for(hanging):
    """There is one place, and the run is over long before the host's own deadline."""
    done = run(hanging, host_timeout=600, run_timeout=15, concurrency=1)
    assert {host for host, status in done.statuses().items() if status == "ok"} == set(hanging.hosts) - {"pbx3"}
    assert "The run took longer than 15 s" in done.of["pbx3"]["result"]["msg"], done.output
    assert 15 <= done.job["duration"] < 40


def test_what_differs_for_the_whole_run_is_refused_for_that_host_only(fleet):
    fleet.variables["pbx2"]["recovery_writer_key_file"] = "/srv/elsewhere.json"
    fleet.variables["pbx3"]["recovery_repository"] = "/srv/elsewhere"
    done = run(fleet)
    assert done.statuses()["pbx2"] == "failed" and "writer_key_file" in done.of["pbx2"]["result"]["msg"], done.output
    assert done.statuses()["pbx3"] == "skipped" and done.of["pbx3"]["result"]["own_task"]
    assert "its repository is another one: it needs a task of its own" in done.output
    assert list(done.statuses().values()).count("ok") == 4


@pytest.mark.parametrize("alone", ["pbx1", "pbx3"])
def test_hosts_that_are_not_for_the_job_are_backed_up_once_by_a_task_of_their_own(fleet, tmp_path, alone):
    """Whether the first host or a later one wants no part in it, and one whose repository is another one. The heads of
    each go to the file that it names."""
    other = TestRepository.create(tmp_path / "other")
    for variables in fleet.variables.values():
        variables["recovery_heads_file"] = str(tmp_path / "heads.json")
    del fleet.variables["pbx6"]["recovery_heads_file"]
    fleet.variables[alone]["recovery_fleet"] = False
    fleet.variables["pbx5"] |= {
        "recovery_repository": str(other.path),
        "recovery_writer_key_file": str(other.writer_key_file),
        "recovery_heads_file": str(tmp_path / "heads-of-the-other.json"),
    }
    fleet.write_inventory()
    command = [fleet.controller.ansible("ansible-playbook"), "-i", "inventory.yml", "ucops.recovery.backup"]
    done = fleet.controller.run(command)
    assert done.returncode == 0, done.stdout
    assert generations(fleet) == {f"{host}/linux/1" for host in fleet.hosts if host != "pbx5"}
    assert [path.name for path in other.path.glob("commits/pbx5/linux/*.json")] == ["1.json"]
    heads, others = (json.loads((tmp_path / f"heads{name}.json").read_text()) for name in ("", "-of-the-other"))
    assert set(heads) == {f"pbx{number}/linux" for number in range(1, 5)} and set(others) == {"pbx5/linux"}


def test_without_a_repository_every_host_has_failed(fleet):
    for variables in fleet.variables.values():
        variables["recovery_repository"] = str(fleet.store.path) + "-gone"
    done = run(fleet)
    assert set(done.statuses().values()) == {"failed"}, done.output
    assert all("There is no repository" in event["result"]["msg"] for event in done.of.values())


def test_killed_in_the_middle_leaves_only_whole_generations(fleet):
    (fleet.hosts["pbx1"] / "big").write_bytes(os.urandom(64 * 2**20))
    fleet.write_inventory()
    (fleet.controller.folder / "play.yml").write_text(yaml.safe_dump(fleet.plays(run_id="killed"), sort_keys=False))
    command = [fleet.controller.ansible("ansible-playbook"), "-i", "inventory.yml", "play.yml"]
    kill_at(lambda: generations(fleet), fleet.controller, command, with_modules=True, OPTIONS_FILE=OPTIONS_FILE)
    there = generations(fleet)
    assert there and len(there) < len(fleet.hosts)
    assert verify(fleet.store.backend, 1).findings == []
    done = run(fleet, run_id="killed")
    assert done.code == 0, done.output
    assert set(done.ids().values()) == {f"{host}/linux/1" for host in fleet.hosts}
    assert all(done.of[name.split("/")[0]]["result"]["reused"] for name in there)
    assert verify(fleet.store.backend, 1).findings == []


def test_a_job_that_cannot_begin_stops_nobody_who_has_no_part_in_it(fleet):
    """Without pipelining no password is sent; and options that are no dictionary are one host's own matter."""
    fleet.variables["pbx1"]["recovery_fleet"] = False
    fleet.variables["pbx2"]["recovery_password"] = PASSWORD
    fleet.variables["pbx3"]["recovery_options"] = ["paths"]
    fleet.variables["pbx6"].pop("recovery_product")
    fleet.write_inventory()
    events = fleet.controller.folder / "events.jsonl"
    command = [fleet.controller.ansible("ansible-playbook"), "-i", "inventory.yml", "ucops.recovery.backup"]
    pipelining_off = {"ANSIBLE_PIPELINING": "false", "LAB_EVENTS": str(events)}
    done = fleet.controller.run([*command, "-e", "ansible_pipelining=false"], **pipelining_off)
    assert done.returncode != 0 and generations(fleet) == {"pbx1/linux/1"}, done.stdout
    told = {}
    for event in map(json.loads, events.read_text().splitlines()):
        if event["status"] == "failed" and event["host"] not in told:
            told[event["host"]] = event["result"]["msg"]
    assert all("Set ansible_pipelining: true" in told[host] for host in ("pbx2", "pbx4", "pbx5")), told
    assert "ansible_pipelining" not in told["pbx3"] and PASSWORD not in done.stdout + events.read_text()
