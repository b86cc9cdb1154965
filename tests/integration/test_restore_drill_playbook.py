# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drills into folders: who is drilled and who is overdue, evidence and reports, and what is refused. The whole ladder,
on a spare host, is in the lab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.drills import load_drills
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer, load_keyring

PLANTED = "planted-trunk-secret"


class Site:
    """A controller, a backup host with a repository, and two sources of which one was never backed up."""

    def __init__(self, folder):
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)
        self.place = folder / "drills"
        self.reports = folder / "reports"
        self.key = folder / "drill_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.key)], check=True)
        signer = Signer("auditor", self.key.with_suffix(".pub").read_text().strip(), ("drill",))
        plan = owner.plan_change(owner.read_state(self.store.backend), SECRET, signers=[signer])
        owner.apply_plan(self.store.backend, plan)
        self.allowed = plan.facts["allowed_signers"]
        self.store.backup({"/etc/a": b"one", "/etc/b": PLANTED.encode()}, source="pbx", product="linux")
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        self.hosts = {"backup1": here, "pbx": {**here, "recovery_product": "linux"}}
        self.variables = {
            "recovery_backup_host": "backup1",
            "recovery_repository": str(self.store.path),
            "recovery_writer_key_file": str(self.store.writer_key_file),
            "recovery_allowed_signers": self.allowed,
            "recovery_domain_master_secret": SECRET,
            "recovery_drill_key_file": str(self.key),
            "recovery_drill_folder": str(self.place),
            "recovery_report_folder": str(self.reports),
            "recovery_drill_every": "90d",
            "recovery_rto": "1h",
            "recovery_rpo": "26h",
        }

    def command(self, *arguments):
        inventory = {"all": {"hosts": self.hosts, "vars": self.variables}}
        (self.controller.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
        program = self.controller.ansible("ansible-playbook")
        return [program, "-i", "inventory.yml", "ucops.recovery.restore_drill", *arguments]

    def run(self, *arguments):
        """Exit code, output, and the outcome of each host."""
        events = self.controller.folder / "events.jsonl"
        events.write_text("")
        done = self.controller.run(self.command(*arguments), LAB_EVENTS=str(events), ANSIBLE_SHOW_CUSTOM_STATS="1")
        outcomes = {}
        for event in map(json.loads, events.read_text().splitlines()):
            found = event["result"].get("ansible_facts", {}).get("recovery_outcome")
            if found:
                outcomes[event["host"]] = found
        assert SECRET not in done.stdout and PLANTED not in done.stdout
        return done.returncode, done.stdout, outcomes

    def drills(self, source="pbx"):
        return load_drills(self.store.backend, load_keyring(self.store.backend), ChainId(source, "linux"))

    def files(self):
        return {name for name, _size in self.store.backend.list()}

    def nothing_is_left(self):
        return not self.place.exists() or not any(self.place.iterdir())


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_a_drill_is_signed_reported_and_not_done_again(site):
    before = site.files()
    code, output, outcomes = site.run("--check", "--diff")
    assert code == 0, output
    assert site.files() == before and not site.reports.exists() and site.nothing_is_left()
    assert outcomes["pbx"]["outcome"] == "ok" and outcomes["pbx"]["changed"] is True

    code, output, outcomes = site.run("-e", "run_id=R1")
    assert code == 0, output
    (drill,) = site.drills()
    assert (drill.outcome, drill.facts["reached"], drill.facts["objectives_met"]) == ("passed", "complete", True)
    assert [step["result"] for step in drill.facts["steps"]] == ["passed"] * 2 + ["not_possible"] * 4 + ["passed"]
    assert outcomes["pbx"]["drill"]["digest"] == drill.digest and outcomes["backup1"]["outcome"] == "skipped"
    assert site.nothing_is_left()

    names = sorted(path.name for path in site.reports.iterdir())
    assert names == ["restore_drill-R1-pbx.json"] + [f"restore_drill-R1.{form}" for form in ("html", "json", "md")]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in site.reports.iterdir())
    protocol = subprocess.run(["sha256sum", site.reports / names[0]], capture_output=True, text=True, check=True)
    assert protocol.stdout.split()[0] == drill.facts["report_digest"]
    text = (site.reports / "restore_drill-R1.md").read_text()
    page = (site.reports / "restore_drill-R1.html").read_text()
    for wanted in (drill.digest, "CON.3.A15", "M 6.101", "ssh-keygen -Y verify", "pbx/linux/1", "auditor"):
        assert wanted in text and wanted in page
    assert PLANTED not in text + page and SECRET not in text + page
    told = json.loads((site.reports / "restore_drill-R1.json").read_text())
    assert told["drills"][0]["evidence"]["outcome"] == "passed" and told["rules"][0]["host"] == "pbx"

    # it is not due again; one that is, and for which the budget leaves no time, is seen
    site.store.backup({"/etc/a": b"x"}, source="other", product="linux")
    site.hosts["other"] = site.hosts["pbx"]
    code, output, outcomes = site.run("-e", "recovery_drill_budget=0s")
    assert code != 0 and len(site.drills()) == 1, output
    assert "its last passed drill was" in output and outcomes["pbx"]["outcome"] == "ok"
    assert outcomes["other"]["outcome"] == "failed" and outcomes["other"]["overdue"] is True
    assert "The restore drill is overdue: it never passed a drill; it needs about 15 min" in output


@pytest.mark.parametrize("variable", ["recovery_drill_every", "recovery_drill_minimum"])
def test_what_cannot_be_made_out_for_one_host_keeps_no_other_from_its_drill(site, variable):
    site.store.backup({"/etc/a": b"x"}, source="other", product="linux")
    site.hosts["other"] = site.hosts["pbx"]
    # the first of them, whose variables count for what is done once for all
    site.hosts = {"backup1": site.hosts.pop("backup1"), "bad": dict(site.hosts["pbx"]), **site.hosts}
    site.store.backup({"/etc/a": b"x"}, source="bad", product="linux")
    site.hosts["bad"][variable] = "{{ lookup('ansible.builtin.file', '/nobody/wrote/it') }}"
    code, output, outcomes = site.run()
    assert code == 2, output
    assert outcomes["bad"]["outcome"] == "failed" and "/nobody/wrote/it" in outcomes["bad"]["problem"], output
    assert [outcomes[name]["outcome"] for name in ("pbx", "other")] == ["ok", "ok"], output
    assert len(site.drills("pbx")) == len(site.drills("other")) == 1 and not site.drills("bad")
    assert "bad" in next(site.reports.glob("restore_drill-*.md")).read_text()


def tamper(site, source):
    """Change a byte of a bundle that only this source has."""
    before = set(site.store.path.glob("objects/*/*"))
    site.store.backup({"/etc/a": b"tampered"}, source=source, product="linux")
    bundles = [path for path in site.store.path.glob("objects/*/*") if path not in before]
    bundle = next(path for path in bundles if path.read_bytes().startswith(b"age-encryption"))
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")


def test_each_host_that_is_not_fine_fails_with_its_own_reason(site):
    """One run; what is wrong with one keeps no other from its drill."""
    foreign = site.place.with_name("foreign")
    foreign.mkdir(mode=0o777)
    # what removes a host never hears of the production host
    removed = site.place.with_name("removed")
    tasks = site.place.with_name("remove.yml")
    tasks.write_text(yaml.safe_dump([{"name": "Remove it", "ansible.builtin.command": ["touch", str(removed)]}]))
    made = {"recovery_drill_kind": "made"}
    made.update(dict.fromkeys(("recovery_drill_create_tasks", "recovery_drill_clean_tasks"), str(tasks)))
    # who -> variables, and what is said
    wrong = {
        "never": ({}, "There is no complete generation to drill: never/linux has none."),
        "tampered": ({}, "opens failed"),
        "late": ({"recovery_rto": "0s"}, "declared are 0s and 26h"),
        "other": ({"generation": "pbx/linux/1"}, "other/linux has none that is pbx/linux/1"),
        "nokey": ({"recovery_drill_key_file": ""}, "No key signs the evidence"),
        "writer": ({"recovery_drill_key_file": "{{ recovery_writer_key_file }}"}, "holds no OpenSSH private key"),
        "itself": ({**made, "recovery_drill_target": "itself"}, "is the production host"),
    }
    if os.geteuid() == 0:
        os.chown(foreign, 65534, 65534)
        wrong["foreign"] = ({"recovery_drill_folder": str(foreign)}, "belongs to somebody else")
    for name, (variables, _said) in wrong.items():
        site.hosts[name] = {**site.hosts["pbx"], **variables}
        if name == "tampered":
            tamper(site, name)
        elif name != "never":
            site.store.backup({"/etc/a": name.encode()}, source=name, product="linux")
    code, output, outcomes = site.run("-e", "recovery_drill_serial=100%")
    assert code != 0 and '"result": "partial"' in output, output
    assert outcomes["pbx"]["outcome"] == "ok" and site.drills()[0].passed
    for name, (_variables, said) in wrong.items():
        assert said in outcomes[name]["problem"], outcomes[name]
        assert outcomes[name]["outcome"] in ("failed", "refused")
    assert [one.outcome for one in site.drills("tampered")] == ["failed"]
    assert [one.outcome for one in site.drills("late")] == ["passed"]
    assert not removed.exists()
    others = set(wrong) - {"tampered", "late"}
    assert all(site.drills(name) == [] for name in others) and site.nothing_is_left()


def test_killed_in_the_middle_the_next_run_removes_what_was_left(site):
    """The controller is killed as soon as the folder exists."""
    command = site.command()
    home = site.controller.folder.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(site.controller._stage),
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        command,
        cwd=site.controller.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and site.nothing_is_left():
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not site.nothing_is_left() and site.drills() == []
    (left,) = site.place.iterdir()
    (left / "content").mkdir(exist_ok=True)
    (left / "content" / "half").write_text(PLANTED)
    code, output, _outcomes = site.run()
    assert code == 0 and len(site.drills()) == 1, output
    assert site.nothing_is_left()
