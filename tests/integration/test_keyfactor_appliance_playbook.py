# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a Software Appliance by real playbooks: files as it leaves them on its export, here a plain folder."""

from __future__ import annotations

import json
import time

import pytest
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository

BACKUP = bytes(range(256)) * 256
QUICK = {"polls": 2, "poll_interval": 0, "quiet_period": 0, "wait_timeout": 0}
APPLIANCE_SECRET = "planted-appliance-secret"
DECLARED = {
    "schedule": "scheduled",
    "expected_every": "24h",
    "storage": {"type": "nfs", "nfs_version": "4.2", "nfs_url": "backup1", "path": "/ca1"},
    "key_storage": "hsm",
    "hsm_backup": {"source": "hsm1"},
    "database": "internal",
    "release": "3.4.1",
    "escrow": [{"where": "safe in Berlin", "by": "anna", "at": "2026-01-15"}],
}


class Site:
    """The landing zones of an appliance and its HSM, a repository, a controller."""

    def __init__(self, folder):
        self.landing = folder / "landing"
        for source in ("ca1", "hsm1"):
            (self.landing / source / "incoming").mkdir(parents=True)
            (self.landing / source / "taken").mkdir(mode=0o700)
        self.store = TestRepository.create(folder)
        self.controller = Controller(folder)
        self.common = {"repository": str(self.store.path), "landing": str(self.landing), **QUICK}
        self.key = {"writer_key_file": str(self.store.writer_key_file)}

    def deliver(self, name, content=BACKUP, source="ca1"):
        (self.landing / source / "incoming" / name).write_bytes(content)

    def task(self, name, module, **options):
        given = {**self.common, "source": "ca1", **options}
        if module == "keyfactor_appliance_restore_plan":
            given = {"repository": str(self.store.path), **options}
        if module.endswith("_backup"):
            given.update(self.key)
        if module in ("keyfactor_appliance_backup", "keyfactor_appliance_info"):
            given = {**DECLARED, **given}
        return {"name": name, f"ucops.recovery.{module}": given}

    def play(self, *tasks, arguments=()):
        # What opens the repository is a default of the whole group; these modules have no use for it.
        defaults = {"domain_master_secret": "{{ opens }}", "allowed_signers": self.store.allowed_signers}
        # Ansible shows the lines around a task that failed, so secrets stand elsewhere, as in any good playbook.
        secrets = self.controller.folder / "secrets.json"
        secrets.write_text(json.dumps({"right": APPLIANCE_SECRET, "wrong": "another secret", "opens": SECRET}))
        play = self.controller.play(tasks, "-e", f"@{secrets}", *arguments, defaults=defaults)
        assert APPLIANCE_SECRET not in play.output and SECRET not in play.output
        return play


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("appliance"))


@pytest.fixture(scope="module")
def mark(site):
    """The fingerprint that the look gives once."""
    play = site.play(site.task("enrol", "keyfactor_appliance_info", appliance_secret="{{ right }}"))
    assert play.code == 0, play.output
    return play["enrol"]["appliance_secret"]["fingerprint"]


@pytest.fixture(scope="module")
def first(site, mark):
    """An appliance without and then with the backup of its HSM."""
    site.deliver("backup-1.bak")
    proof = {"appliance_secret_fingerprint": mark, "appliance_secret": "{{ right }}"}
    alone = site.play(site.task("alone", "keyfactor_appliance_backup", **proof), arguments=("-v",))
    site.deliver("hsm.bak", b"keys" * 1000, "hsm1")
    site.deliver("backup-2.bak", BACKUP[1:])
    both = site.play(
        site.task("hsm", "pushed_backup", source="hsm1", run_id="night-1"),
        site.task("both", "keyfactor_appliance_backup", **proof, run_id="night-1"),
        site.task("look", "keyfactor_appliance_info", appliance_secret_fingerprint=mark),
        site.task(
            "plan",
            "keyfactor_appliance_restore_plan",
            generation="ca1/keyfactor_appliance/latest",
            domain_master_secret="{{ opens }}",
            allowed_signers=site.store.allowed_signers,
        ),
    )
    assert mark not in alone.output + both.output
    return alone, both


def test_without_the_hsm_it_is_partial_and_named(first):
    result = first[0]["alone"]
    assert result["error"] == "BackupIncomplete" and result["generation"]["missing"] == ["companion hsm1/pushed"]
    assert result["appliance_secret"] == {"known": True, "compared": True, "differs": False}


def test_with_it_the_generation_is_complete_and_the_plan_names_it(first):
    play = first[1]
    assert play.code == 0, play.output
    assert play["both"]["generation"]["status"] == "complete" and play["both"]["level"] == "plausible"
    assert play["both"]["companions"]["demanded"][0]["generation"] == "hsm1/pushed/1"
    assert "Restore the HSM first, from hsm1/pushed/1" in play["plan"]["text"]
    look = play["look"]
    assert look["storage"]["permissions"] == "read, write" and look["restart"]["allowed"]
    assert look["last_good"]["id"] == play["both"]["generation"]["id"] and not look["overdue"]


def test_each_bad_day_has_its_own_verdict(site, mark, first):
    proof = {"appliance_secret_fingerprint": mark}
    site.deliver("zero.bak", bytes(70_000))
    zero = site.play(site.task("zero", "keyfactor_appliance_backup", **proof))
    site.deliver("small.bak", BACKUP[:9000])
    small = site.play(site.task("small", "keyfactor_appliance_backup", **proof))
    site.deliver("changed.bak", BACKUP[2:])
    wrong = {"appliance_secret_fingerprint": mark, "appliance_secret": "{{ wrong }}"}
    time.sleep(2)
    rest = site.play(
        site.task("changed", "keyfactor_appliance_backup", **wrong),
        site.task("short", "keyfactor_appliance_backup", **{**wrong, "appliance_secret": "7 chars"}),
        site.task("overdue", "keyfactor_appliance_backup", **proof, expected_every="1s", grace="0s"),
        site.task("restart", "keyfactor_appliance_info", **proof, restart_lock="CHG0042"),
    )
    assert zero["zero"]["verdict"] == "all_zero" and small["small"]["verdict"] == "shrunken"
    assert rest["changed"]["generation"]["missing"] == ["appliance-secret"]
    assert rest["changed"]["appliance_secret"]["differs"] and "another secret" not in rest.output
    assert rest["short"]["error"] == "WeakSecret"
    assert (
        rest["overdue"]["error"] == "BackupOverdue"
        and "last good one is ca1/keyfactor_appliance/" in rest["overdue"]["msg"]
    )
    assert not rest["restart"]["restart"]["allowed"] and "CHG0042" in rest["restart"]["restart"]["reasons"][0]
