# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of the Software Appliance: files as an appliance leaves them on its export, and what people declare."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._module import keyfactor_appliance, receiving
from ansible_collections.ucops.recovery.plugins.module_utils._module.appliance_secret import fingerprint
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend

BACKUP = bytes(range(256)) * 256
OTHER = bytes(range(255, -1, -1)) * 256
QUICK = {"polls": 2, "poll_interval": 0, "quiet_period": 0, "wait_timeout": 0}
DECLARED = {
    "schedule": "scheduled",
    "expected_every": "24h",
    "filename_prefix": "ca1-",
    "storage": {"type": "nfs", "nfs_version": "4.2", "nfs_url": "backup1", "path": "/ca1"},
    "oauth_attested": {"by": "anna", "at": "2026-01-15"},
    "escrow": [{"where": "safe in Berlin", "by": "anna", "at": "2026-01-15"}],
    "key_storage": "soft",
    "database": "internal",
    "release": "3.4.1",
}
HSM = {"key_storage": "hsm", "hsm_backup": {"source": "hsm1"}}
APPLIANCE_SECRET = "planted appliance secret"
HOUR, DAY = 3600, 86400
NOW = time.time


@dataclass
class Site:
    """A repository, and the landing zone of the appliance C(ca1)."""

    repository: TestRepository
    landing: Any
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def zone(self):
        return self.landing / "ca1"

    def deliver(self, name="ca1-1.bak", content=BACKUP):
        (self.zone / "incoming" / name).write_bytes(content)

    def lying(self):
        return sorted(os.listdir(self.zone / "incoming"))

    def backup(self, *, check=False, **options):
        key = {"writer_key_file": str(self.repository.writer_key_file)}
        return run_module("keyfactor_appliance_backup", self.arguments(**key, **options), check=check)

    def info(self, **options):
        return run_module("keyfactor_appliance_info", self.arguments(**options))

    def arguments(self, **options):
        given = {"repository": str(self.repository.path), "source": "ca1", "landing": str(self.landing)}
        return {**given, **QUICK, **DECLARED, **self.options, **options}

    def extracted(self, generation, folder):
        given = {"repository": str(self.repository.path), "generation": generation, "dest": str(folder)}
        result = run_unsealing("generation_extract", given, SECRET)
        assert not result.get("failed"), result
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch):
    monkeypatch.setattr(LocalBackend, "_sync", lambda self, paths: None)


@pytest.fixture
def site(repository, tmp_path):
    one = Site(repository, tmp_path / "landing")
    (one.zone / "incoming").mkdir(parents=True)
    (one.zone / "taken").mkdir(mode=0o700)
    return one


@pytest.fixture(scope="module")
def marks():
    """Fingerprints of two secrets with one salt, and of one with another salt."""
    first = fingerprint(APPLIANCE_SECRET, log_n=15)
    return [str(one) for one in (first, fingerprint("another secret", first), fingerprint(APPLIANCE_SECRET, log_n=15))]


def later(monkeypatch, seconds):
    """The clock of this host, later."""
    for module in (receiving, keyfactor_appliance):
        monkeypatch.setattr(module.time, "time", lambda: NOW() + seconds)


def warned(site, **options):
    """What a look gives, and all that it warns of."""
    with mock.patch("ansible.module_utils.basic.AnsibleModule.warn") as warn:
        seen = site.info(**options)
    return seen, " ".join(call.args[0] for call in warn.call_args_list)


def one_ok(site, **options):
    site.deliver(content=options.pop("content", BACKUP))
    result = site.backup(**options)
    assert not result.get("failed"), result
    return result


# --- what is taken in ------------------------------------------------------------------------------------------------
def test_the_backup_and_what_is_declared_are_one_generation(site, marks, tmp_path):
    details = {"Backup Details": "2 GB", "Version": "3.4.1"}
    result = one_ok(site, appliance_secret_fingerprint=marks[0], backup_details=details)
    assert result["generation"]["id"] == "ca1/keyfactor_appliance/1"
    assert result["generation"]["status"] == "complete" and result["generation"]["release"] == "3.4.1"
    assert (result["level"], result["files"][0]["verified"]) == ("plausible", "opaque")
    files = site.extracted("ca1/keyfactor_appliance/1", tmp_path / "out")
    content = {os.path.basename(name): data for name, data in files.items()}
    assert content["ca1-1.bak"] == BACKUP
    declared = json.loads(content["declared.json"])
    assert declared["backup_details"] == details
    assert declared["configuration"]["storage"]["nfs_version"] == "4.2"
    assert "fingerprint" not in json.dumps(declared)
    assert json.loads(content["appliance-secret.json"]) == {"fingerprint": marks[0]}


def test_it_stays_where_the_storage_browser_of_the_appliance_looks(site):
    one_ok(site)
    assert site.lying() == ["ca1-1.bak"]
    again = site.backup()
    assert not again.get("failed") and again["verdict"] == "nothing_came"
    one_ok(site, after="remove", content=OTHER)
    assert "ca1-1.bak" not in site.lying()


def test_a_backup_tells_of_files_with_another_prefix(site):
    result = one_ok(site)
    assert not any("begin with" in note for note in result["notes"])
    for name in ("other-1.bak", "other-2.bak"):
        site.deliver(name)
    nothing = site.backup()
    site.deliver("ca1-2.bak", b"second" * 999)
    for result in (nothing, site.backup(), site.backup(check=True)):
        (note,) = [note for note in result["notes"] if "begin with" in note]
        assert "2 files" in note and "'ca1-'" in note and "other-1.bak" in note


def test_only_files_with_the_declared_prefix_are_taken(site):
    site.deliver("other-1.bak")
    result = site.backup()
    assert result["failed"] and result["verdict"] == "nothing_came"
    seen = site.info()
    assert seen["landing"]["other"] == ["other-1.bak"]
    assert any(one["field"] == "filename_prefix" and "other-1.bak" in one["text"] for one in seen["advice"])
    assert not site.backup(patterns=["other-*"]).get("failed")


def test_in_check_mode_nothing_is_written_or_taken(site):
    site.deliver()
    result = site.backup(check=True)
    assert not result.get("failed") and result["generation"]["id"] is None
    assert site.lying() == ["ca1-1.bak"] and os.listdir(site.zone / "taken") in ([], [".lock"])


# --- what is wrong with it -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "verdict"),
    [(b"", "empty"), (bytes(70_000), "all_zero"), (BACKUP[:8000], "shrunken"), (BACKUP * 8, "grown")],
)
def test_a_bad_file_is_partial_and_named(site, content, verdict):
    one_ok(site)
    site.deliver("ca1-2.bak", content)
    result = site.backup()
    assert result["failed"] and result["error"] == "BackupIncomplete" and result["verdict"] == verdict
    assert result["generation"]["status"] == "partial" and "ca1/keyfactor_appliance/1" in result["msg"]
    assert result["storage"]["total"] > 0 and "allowed" in result["restart"]


def test_overdue_fails_and_names_the_last_good_one(site, monkeypatch):
    one_ok(site)
    later(monkeypatch, 26 * HOUR)
    result = site.backup(grace="1h")
    assert result["failed"] and result["error"] == "BackupOverdue" and result["overdue"]
    assert "ca1/keyfactor_appliance/1" in result["msg"]
    assert not result["restart"]["allowed"] and "has not come" in result["restart"]["reasons"][0]
    seen = site.info(grace="1h")
    assert seen["overdue"] and seen["last_good"]["id"] == "ca1/keyfactor_appliance/1"


def test_what_goes_wrong_beside_a_bad_backup_does_not_hide_it(site, monkeypatch):
    def gone(folder):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(keyfactor_appliance.Storage, "of", gone)
    site.deliver(content=b"")
    result = site.backup()
    assert result["error"] == "BackupIncomplete" and result["verdict"] == "empty"


# --- the appliance's own secret --------------------------------------------------------------------------------------
def test_another_fingerprint_is_an_alarm_until_it_is_accepted(site, marks):
    one_ok(site, appliance_secret_fingerprint=marks[0])
    site.deliver("ca1-2.bak", OTHER)
    alarm = site.backup(appliance_secret_fingerprint=marks[1])
    assert alarm["failed"] and alarm["generation"]["missing"] == ["appliance-secret"]
    assert "can be set only once" in alarm["msg"]
    site.deliver("ca1-3.bak", OTHER[1:])
    meant = site.backup(appliance_secret_fingerprint=marks[1], accept_new_appliance_secret=True)
    assert not meant.get("failed"), meant
    site.deliver("ca1-4.bak", OTHER[2:])
    assert not site.backup(appliance_secret_fingerprint=marks[1]).get("failed")
    shown = json.dumps([alarm, meant])
    assert all(mark not in shown for mark in marks)


def test_a_fingerprint_that_is_declared_no_more_is_an_alarm_too(site, marks):
    one_ok(site, appliance_secret_fingerprint=marks[0])
    site.deliver("ca1-2.bak", OTHER)
    result = site.backup()
    assert result["failed"] and "appliance-secret" in result["generation"]["missing"]


def test_a_secret_that_is_not_the_declared_one(site, marks):
    given = {"appliance_secret_fingerprint": marks[0], "appliance_secret": marks[1]}
    site.deliver()
    result = site.backup(**given)
    assert result["failed"] and "is not the one of appliance_secret_fingerprint" in result["msg"]
    assert result["appliance_secret"] == {"known": True, "compared": True, "differs": True}
    seen, warnings = warned(site, **given)
    assert seen["appliance_secret"]["differs"] and "is not the one" in warnings
    right = site.info(appliance_secret_fingerprint=marks[0], appliance_secret=marks[0])
    assert right["appliance_secret"] == {"known": True, "compared": True, "differs": False}


@pytest.mark.parametrize("run", ["backup", "info"])
def test_the_secret_itself_never_belongs_on_the_backup_host(site, run):
    result = getattr(site, run)(appliance_secret=APPLIANCE_SECRET)
    assert result["failed"] and "never belongs" in result["msg"]
    assert APPLIANCE_SECRET not in json.dumps(result)


# --- what the backup does not hold -----------------------------------------------------------------------------------
def push_hsm(site, **facts):
    return site.repository.backup({"/pushed/hsm.bak": b"keys"}, "hsm1", "pushed", **facts)


def test_a_missing_companion_makes_it_partial_by_name(site):
    site.deliver()
    external = {"database": "external", "database_backup": {"product": "mssql", "source": "db1", "instance": "EJBCA"}}
    result = site.backup(**HSM, **external)
    assert result["failed"] and result["generation"]["status"] == "partial"
    assert result["generation"]["missing"] == ["companion hsm1/pushed", "companion db1/mssql@EJBCA"]
    assert "keys are in an HSM" in result["msg"] and "is of this run or at most 1 d old" in result["msg"]


def test_a_companion_of_the_same_age_or_run_will_do(site):
    """Of the same age as what arrived: a later clock of the run that takes it in counts for nothing."""
    push_hsm(site, at=NOW() - 3 * DAY)
    push_hsm(site, at=NOW() - 2 * DAY, run_id="run-1")
    site.deliver()
    assert site.backup(**HSM)["generation"]["missing"] == ["companion hsm1/pushed"]
    for number, (options, found) in enumerate(
        [({"companion_max_age": "30d"}, 2), ({"run_id": "run-1", "companion_max_age": "1s"}, 2), ({}, 3)]
    ):
        if found == 3:
            push_hsm(site)
        site.deliver(f"ca1-{number}.bak", OTHER[number:])
        result = site.backup(**HSM, **options)
        assert not result.get("failed"), result
        assert result["companions"]["demanded"][0]["generation"] == f"hsm1/pushed/{found}"


def test_others_look_after_the_hsm(site):
    site.deliver()
    elsewhere = [{"companion": "hsm1/pushed", "reason": "the key custodians keep its cards"}]
    assert not site.backup(**HSM, companions_elsewhere=elsewhere).get("failed")


@pytest.mark.parametrize("options", [{"key_storage": "hsm"}, {"database": "external"}])
def test_what_is_outside_has_a_backup_somewhere(site, options):
    result = site.backup(**options)
    assert result["failed"] and result["error"] == "OptionInvalid"


# --- the status ------------------------------------------------------------------------------------------------------
def test_status_storage_and_advice(site):
    one_ok(site)
    seen = site.info(quiet_period=60, wait_timeout=0)
    assert seen["status"]["next_scheduled_relative"] in ("in 23 hours", "in 1 day")
    assert seen["status"]["last_successful_relative"] == "now"
    assert "Domain Master Secret is set" in seen["status"]["cannot_be_created"][0]
    assert seen["storage"]["permissions"] == "read, write" and seen["storage"]["room_for"] > 0
    assert {one["field"] for one in seen["advice"]} == {"appliance_secret_fingerprint", "escrow", "appliance_size"}
    assert seen["escrow"] == DECLARED["escrow"] and seen["oauth_attested"] == DECLARED["oauth_attested"]
    assert seen["restart"] == {"allowed": True, "reasons": []}
    assert not seen["changed"]


def test_what_is_arriving_is_in_progress_and_forbids_a_restart(site):
    site.deliver()
    seen = site.info(quiet_period=3600)
    assert seen["status"]["current"] == "In Progress" and not seen["restart"]["allowed"]
    taken = site.backup(quiet_period=3600)
    assert taken["failed"] and taken["status"]["current"] == "In Progress" and not taken["restart"]["allowed"]


def test_what_a_person_read_in_webconf(site):
    read = {"current": "Not Running", "last_successful": "2 hours ago", "read_at": "2026-01-31T22:00:00Z"}
    seen = site.info(webconf_status=read)
    assert "did not arrive here" in seen["status"]["differences"][0]
    disabled = site.info(webconf_status={"next_scheduled": "Schedule Disabled", "problem": "no storage"})
    assert "Webconf says: no storage" in disabled["status"]["cannot_be_created"]
    assert site.info(webconf_status={"read_at": "yesterday"})["error"] == "OptionInvalid"


def test_a_lock_file_forbids_a_restart(site):
    (site.zone / "restart.lock").write_text("audit\n\x1b[31muntil noon")
    reasons = site.info()["restart"]["reasons"]
    assert len(reasons) == 1 and "audit" in reasons[0] and "\x1b" not in reasons[0]
    (site.zone / "restart.lock").write_text("")
    assert "restart.lock is there" in site.info()["restart"]["reasons"][0]
    (site.zone / "restart.lock").unlink()
    (site.zone / "restart.lock").mkdir()
    assert "cannot be read" in site.info()["restart"]["reasons"][0]
    assert "CHG7" in site.info(restart_lock="CHG7")["restart"]["reasons"][0]


def test_a_landing_zone_that_nobody_may_write_into(site):
    (site.zone / "incoming").chmod(0o500)
    seen, warnings = warned(site)
    (site.zone / "incoming").chmod(0o700)
    assert "may not write" in warnings
    assert any("may not write" in text for text in seen["status"]["cannot_be_created"])


def test_a_full_file_system_is_told_before(site):
    assert "% full" in warned(site, storage_warn_percent=1)[1]


@pytest.mark.parametrize("option", ["companion_max_age", "restart_window", "expected_every"])
def test_spans_that_are_none(site, option):
    result = site.info(**{option: "soon"})
    assert result["failed"] and option in result["msg"]


# --- the way back ----------------------------------------------------------------------------------------------------
def test_the_plan_of_a_generation(site, marks):
    push_hsm(site)
    one_ok(site, **HSM, appliance_secret_fingerprint=marks[0], cluster_nodes=["n1", "n2"])
    given = {"repository": str(site.repository.path), "generation": "ca1/keyfactor_appliance/latest"}
    plan = run_unsealing("keyfactor_appliance_restore_plan", given, SECRET)
    assert not plan.get("failed"), plan
    assert [branch["title"] for branch in plan["branches"]] == [
        "Rejoin the cluster",
        "Restore on the same machine",
        "Restore on a fresh machine",
        "Drill",
    ]
    assert "hsm1/pushed/1" in plan["text"] and "safe in Berlin" in plan["text"]
    assert "/ejbca/publicweb/healthcheck/ejbcahealth" in plan["text"]
    assert not any(mark in json.dumps(plan) for mark in marks)
