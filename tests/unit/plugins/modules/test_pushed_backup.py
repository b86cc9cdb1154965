# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module pushed_backup: a landing zone and a repository in, generations and verdicts out."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import time
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._items.landing import claiming, scanning
from ansible_collections.ucops.recovery.plugins.module_utils._items.pushed_files import READ_SIZE
from ansible_collections.ucops.recovery.plugins.module_utils._module import freshness, receipt, receiving
from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.drills import record_drill
from ansible_collections.ucops.recovery.plugins.module_utils._repository.expiry import bury
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import GenerationId, object_name
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer, load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey

BACKUP = bytes(range(256)) * 64
OTHER = bytes(range(255, -1, -1)) * 64
QUICK = {"polls": 2, "poll_interval": 0, "quiet_period": 0, "wait_timeout": 0}
DAY = 86400
NOW = time.time


@dataclass
class Site:
    """A repository, and the landing zone of the source C(pbx)."""

    repository: TestRepository
    landing: Any

    @property
    def incoming(self):
        return self.landing / "pbx" / "incoming"

    @property
    def taken(self):
        return self.landing / "pbx" / "taken"

    def deliver(self, name, content=BACKUP, folder=""):
        place = os.path.join(
            os.fsencode(self.incoming), folder.encode(), name if isinstance(name, bytes) else name.encode()
        )
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as handle:
            handle.write(content)
        return place

    def backup(self, *, check=False, **options):
        return run_module("pushed_backup", self.arguments(**{**QUICK, **options}), check=check)

    def info(self, **options):
        options = {**QUICK, **options}
        arguments = {key: value for key, value in self.arguments(**options).items() if key != "writer_key_file"}
        return run_module("pushed_info", arguments)

    def arguments(self, **options):
        where = {"landing": str(self.landing)} if "path" not in options else {}
        return {
            "repository": str(self.repository.path),
            "writer_key_file": str(self.repository.writer_key_file),
            "source": "pbx",
            **where,
            **options,
        }

    def records(self):
        return load_chain(self.repository.backend, "pbx", "pushed")

    def extracted(self, generation, folder):
        result = run_unsealing(
            "generation_extract",
            {"repository": str(self.repository.path), "generation": generation, "dest": str(folder)},
            SECRET,
        )
        assert not result.get("failed"), result
        return folder

    def lying(self):
        """What lies in the zone, but for what the collection keeps for itself."""
        found = [os.path.join(where, name) for where, _folders, names in os.walk(self.incoming) for name in names]
        return sorted(os.path.relpath(one, self.incoming) for one in found)

    def claims(self):
        return [name for name in os.listdir(self.taken) if not name.startswith(".")]


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch):
    monkeypatch.setattr(LocalBackend, "_sync", lambda self, paths: None)


@pytest.fixture
def site(repository, tmp_path):
    one = Site(repository, tmp_path / "landing")
    one.incoming.mkdir(parents=True)
    one.taken.mkdir(mode=0o700)
    return one


def let_go(site, record, data_class=""):
    """Let a generation go, or its data class."""
    backend, key = site.repository.backend, SigningKey.from_seed(b"p" * 32)
    signers = [Signer("pruner", key.public, ("prune",))]
    owner.apply_plan(backend, owner.plan_change(owner.read_state(backend), SECRET, signers=signers))
    objects = record.objects if data_class else ()
    assert bury(backend, load_keyring(backend), key, record, "2026-02-01T00:00:00Z", "old", data_class, objects)


def emptied(site):
    """The repository without any of its objects."""
    for place in (site.repository.path / "objects").rglob("*"):
        if place.is_file():
            place.unlink()


def spoilt(site):
    """The repository with one bit of each bundle turned."""
    for sha in site.records()[-1].objects:
        place = site.repository.path / object_name(sha)
        content = bytearray(place.read_bytes())
        content[-1] ^= 1
        place.chmod(0o600)
        place.write_bytes(content)


def aged(monkeypatch, seconds):
    """The clock of this host, later."""
    monkeypatch.setattr(receiving.time, "time", lambda: NOW() + seconds)


def test_what_arrived_becomes_a_generation_and_is_let_go(site, tmp_path):
    delivered = os.stat(site.deliver("backup.sar", folder="starface-backup/Default")).st_ctime
    result = site.backup()
    assert not result.get("failed"), result
    assert result["changed"] and result["verdict"] == "ok" and result["level"] == "plausible"
    assert result["generation"]["id"] == "pbx/pushed/1" and result["generation"]["status"] == "complete"
    assert result["files"] == [
        {
            "name": "starface-backup/Default/backup.sar",
            "size": len(BACKUP),
            "received_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(delivered)),
            "container": "unknown",
            "verified": "opaque",
            "level": "plausible",
            "verdict": "ok",
            "reason": "",
            "generation": "pbx/pushed/1",
            "repeated": False,
        }
    ]
    assert site.lying() == [] and site.claims() == []
    folder = site.extracted("pbx/pushed/1", tmp_path / "out")
    (found,) = folder.rglob("backup.sar")
    assert found.read_bytes() == BACKUP and "pushed/starface-backup/Default" in str(found)


def test_the_time_of_a_file_is_when_it_was_received(site, tmp_path):
    place = site.deliver("backup.sar")
    for told in (946684800, 4102444800):
        os.utime(place, (told, told))
        begun = time.time()
        result = site.backup(accept_repeated=True)
        assert result["verdict"] == "ok", result
        folder = site.extracted(result["generation"]["id"], tmp_path / str(told))
        (found,) = folder.rglob("backup.sar")
        assert abs(found.stat().st_mtime - begun) < 30
        place = site.deliver("backup.sar")


def test_the_same_contents_are_one_generation_whatever_they_are_called(site):
    site.deliver("monday.sar")
    site.backup()
    site.deliver("tuesday.sar")
    result = site.backup()
    assert not result.get("failed") and not result["changed"]
    assert result["verdict"] == "repeated" and result["generation"]["id"] == "pbx/pushed/1"
    assert result["files"][0]["repeated"] is True
    assert len(site.records()) == 1 and site.lying() == []


@pytest.mark.parametrize("data_class", ["", "voip_config"])
def test_contents_that_were_let_go_are_stored_again(site, tmp_path, data_class):
    for content in (BACKUP, OTHER):
        site.deliver("a.sar", content)
        site.backup()
    let_go(site, site.records()[0], data_class)
    site.deliver("a.sar", BACKUP)
    result = site.backup()
    assert result["verdict"] == "ok" and result["generation"]["id"] == "pbx/pushed/3", result
    (found,) = site.extracted("pbx/pushed/3", tmp_path / "out").rglob("a.sar")
    assert found.read_bytes() == BACKUP and site.lying() == []


@pytest.mark.parametrize("options", [{}, {"accept_repeated": True}], ids=["once", "each_time"])
@pytest.mark.parametrize("damage", [emptied, spoilt])
def test_contents_of_which_the_repository_lost_something_are_stored_anew(site, tmp_path, damage, options):
    site.deliver("a.sar")
    site.backup()
    damage(site)
    site.deliver("a.sar")
    with mock.patch("ansible.module_utils.basic.AnsibleModule.warn") as warn:
        result = site.backup(**options)
    assert result["verdict"] == "ok" and result["generation"]["id"] == "pbx/pushed/2", result
    assert any("pbx/pushed/1" in call.args[0] and "stored anew" in call.args[0] for call in warn.call_args_list)
    (found,) = site.extracted("pbx/pushed/2", tmp_path / "out").rglob("a.sar")
    assert found.read_bytes() == BACKUP and site.lying() == []
    # and the next one is held against what is whole
    site.deliver("a.sar")
    assert site.backup()["verdict"] == "repeated" and len(site.records()) == 2


def test_the_same_name_with_other_contents_is_another_generation(site):
    for number, content in enumerate((BACKUP, OTHER, BACKUP + b"x"), 1):
        site.deliver("backup.sar", content)
        assert site.backup()["generation"]["id"] == f"pbx/pushed/{number}"


def test_repeated_contents_count_where_that_is_said(site):
    site.deliver("a.sar")
    site.backup()
    for number, name in enumerate(("a.sar", "other name.sar"), 2):
        site.deliver(name)
        result = site.backup(accept_repeated=True)
        assert result["generation"]["id"] == f"pbx/pushed/{number}"
        assert not result["changed"] and result["generation"]["content_changed"] is False
    site.deliver("a.sar", OTHER)
    assert site.backup(accept_repeated=True)["changed"]


def test_before_a_change_repeated_contents_count(site):
    site.deliver("a.sar")
    site.backup()
    site.deliver("a.sar")
    result = site.backup(phase="pre_change", change_id="CHG1")
    assert result["generation"]["id"] == "pbx/pushed/2" and result["generation"]["change_id"] == "CHG1"


@pytest.mark.parametrize(
    "content, options, verdict",
    [
        (b"", {}, "empty"),
        (b"\0" * 5000, {}, "all_zero"),
        (b"x", {"min_size": 2}, "too_small"),
        (gzip.compress(random.Random(1).randbytes(4000), mtime=0)[:-20], {}, "truncated"),
        (gzip.compress(b"abc" * 999, mtime=0)[:20] + b"\xff" * 30, {}, "damaged"),
        (BACKUP, {"containers": ["zip", "7z"]}, "other_container"),
        (BACKUP, {"ends_with": "END"}, "truncated"),
    ],
    ids=range(7),
)
def test_what_is_not_plausible_is_kept_as_partial_and_fails(site, content, options, verdict):
    site.deliver("backup.bin", content)
    result = site.backup(**options)
    assert result["failed"] and result["error"] == "BackupIncomplete"
    assert result["verdict"] == verdict == result["files"][0]["verdict"]
    assert result["level"] == "stable" and result["generation"]["status"] == "partial"
    assert "there is no good one at all" in result["msg"]
    assert site.lying() == [] and len(site.records()) == 1
    again = site.deliver("again.bin", content)
    result = site.backup(**options)
    # the same bad contents again are no second generation, and no better
    assert os.path.exists(again) is False
    assert result["failed"] and result["verdict"] == verdict and len(site.records()) == 1


@pytest.mark.parametrize("size, verdict", [(4000, "shrunken"), (60000, "grown")])
def test_an_unusual_size_fails_unless_it_is_meant(site, size, verdict):
    for number in range(3):
        site.deliver("a", os.urandom(16000 + number))
        assert not site.backup().get("failed")
    site.deliver("a", os.urandom(size))
    result = site.backup()
    assert result["failed"] and result["verdict"] == verdict
    assert "the last good one is pbx/pushed/3" in result["msg"]
    site.deliver("a", os.urandom(size))
    assert not site.backup(accept_shrunken=["files"]).get("failed")
    # it was meant, so it is what is usual now
    site.deliver("a", os.urandom(size + 1))
    assert site.backup()["verdict"] == "ok"


def test_a_backup_that_is_late_is_overdue(site, monkeypatch):
    site.deliver("a")
    site.backup()
    quiet = site.backup(expected_every="24h")
    assert not quiet.get("failed") and quiet["verdict"] == "nothing_came" and quiet["overdue"] is False
    aged(monkeypatch, DAY + 3500)
    assert not site.backup(expected_every="24h").get("failed")
    aged(monkeypatch, DAY + 4000)
    result = site.backup(expected_every="24h")
    assert result["failed"] and result["error"] == "BackupOverdue" and result["verdict"] == "overdue"
    assert "pbx/pushed/1, received 1 d" in result["msg"] and result["overdue"] is True
    assert result["last_good"]["id"] == "pbx/pushed/1"


def test_a_backup_that_waited_in_the_zone_is_as_old_as_its_arrival(site, monkeypatch):
    """The first run comes three days later, by this host's clock, which the repository's writer follows."""
    site.deliver("a")
    arrived = int(os.stat(site.incoming / "a").st_ctime)
    aged(monkeypatch, 3 * DAY)

    def clock():
        return time.time()  # as it is by then

    monkeypatch.setattr(receiving, "RepositoryWriter", partial(receiving.RepositoryWriter, clock=clock))
    result = site.backup(expected_every="24h")
    assert result["failed"] and result["error"] == "BackupOverdue" and result["overdue"] is True, result
    assert "pbx/pushed/1, received 3 d" in result["msg"] and result["generation"]["status"] == "complete"
    (record,) = site.records()
    assert record.received_at > result["last_good"]["received_at"] and result["last_good"]["age"] >= 3 * DAY
    assert receipt.received(record) == arrived
    # it is no count of the configuration, and no change of it is told
    assert generation_info(site)["counts"] == {"container_unknown": 1} == result["generation"]["counts"]
    assert generation_info(site)["counters"] == {}
    assert site.info(expected_every="24h")["overdue"] is True
    site.deliver("b", OTHER)
    later = site.backup(expected_every="3d 1h")
    assert not later.get("failed") and later["findings"] == [], later


def generation_info(site):
    """What is told of the newest generation."""
    told = run_module("generation_info", {"repository": str(site.repository.path), "source": "pbx"})
    return told["generations"][0]


def test_an_old_file_that_is_pushed_again_does_not_hide_that_it_is_overdue(site, monkeypatch):
    site.deliver("a")
    site.backup()
    site.deliver("a")
    aged(monkeypatch, 2 * DAY)
    result = site.backup(expected_every="24h")
    assert result["error"] == "BackupOverdue" and result["files"][0]["repeated"] is True


def test_nothing_at_all_is_a_failure(site):
    result = site.backup()
    assert result["failed"] and result["error"] == "NothingCame" and result["verdict"] == "nothing_came"
    assert result["last_good"] is None and result["level"] is None


def test_before_a_change_something_must_come(site):
    site.deliver("a")
    site.backup()
    result = site.backup(expected_every="24h", phase="pre_change", change_id="CHG1")
    assert result["error"] == "NothingCame" and "pbx/pushed/1" in result["msg"]


def test_several_that_waited_are_generations_in_the_order_of_receipt(site):
    for name in ("b", "a", "c"):
        site.deliver(name, name.encode() * 9000)
        time.sleep(0.02)
    result = site.backup()
    assert [one["name"] for one in result["files"]] == ["b", "a", "c"]
    assert [one["id"] for one in result["generations"]] == [f"pbx/pushed/{number}" for number in (1, 2, 3)]


def test_what_belongs_together_is_one_generation(site):
    for name in ("full-1.tar", "full-2.tar", "other.tar"):
        site.deliver(name, name.encode() * 1000)
    result = site.backup(group_by="pattern", group_pattern=r"^(\w+)-\d")
    assert sorted(one["generation"] for one in result["files"]) == ["pbx/pushed/1", "pbx/pushed/1", "pbx/pushed/2"]


def test_a_file_that_is_still_written_is_waited_for(site):
    place = site.deliver("a")
    with open(place, "ab"):
        result = site.backup()
    assert result["error"] == "NothingCame" and result["verdict"] == "waiting" and result["level"] == "received"
    assert "open for writing" in result["waiting"][0]["waits_for"] and os.path.exists(place)


def test_unfinished_names_are_left_alone(site):
    place = site.deliver("a.sar.filepart")
    result = site.backup()
    assert result["verdict"] == "nothing_came" and os.path.exists(place)


def test_links_and_devices_are_refused_by_name(site):
    os.symlink("/etc/shadow", site.incoming / "link.sar")
    os.symlink("/etc", site.incoming / "folder")
    os.mkfifo(site.incoming / "pipe")
    os.link(site.deliver("a"), site.incoming / "b")
    result = site.backup()
    assert result["verdict"] == "nothing_came" and not site.records()
    assert {one["name"]: one["reason"] for one in result["refused"]} == {
        "link.sar": "is a symlink",
        "folder": "is a symlink",
        "pipe": "is a named pipe",
        "a": "has 2 names: under another one it could be changed after it was taken",
        "b": "has 2 names: under another one it could be changed after it was taken",
    }


def test_names_that_are_no_text_survive(site, tmp_path):
    site.deliver(b"new\nline \xff\xfe%.sar")
    result = site.backup()
    assert result["files"][0]["name"] == "new%0Aline %FF%FE%25.sar"
    folder = site.extracted("pbx/pushed/1", tmp_path / "out")
    assert os.listdir(os.fsencode(folder / "pushed")) == [b"new\nline \xff\xfe%.sar"]


def test_kept_files_are_shown_pruned_and_never_taken_again(site):
    for number in range(4):
        site.deliver(f"{number}.sar", os.urandom(9000))
        result = site.backup(after="keep", keep=2)
        assert result["generation"]["id"] == f"pbx/pushed/{number + 1}"
        assert site.backup(after="keep", keep=2, expected_every="1d")["verdict"] == "nothing_came"
    assert site.lying() == ["2.sar", "3.sar"]
    assert (site.incoming / "3.sar").stat().st_mode & 0o777 == 0o440
    info = site.info()
    assert sorted(info["kept"]) == ["2.sar", "3.sar"] and info["files"] == []


def test_what_replaces_a_kept_file_is_new(site):
    site.deliver("a.sar", BACKUP)
    site.backup(after="keep")
    os.unlink(site.incoming / "a.sar")
    site.deliver("a.sar", OTHER)
    result = site.backup(after="keep", keep=0)
    assert result["generation"]["id"] == "pbx/pushed/2" and site.lying() == []


def test_check_mode_looks_and_moves_nothing(site):
    place = site.deliver("a")
    result = site.backup(check=True)
    assert not result.get("failed") and result["changed"] and result["generation"]["id"] is None
    assert result["files"][0]["level"] == "plausible"
    assert os.path.exists(place) and not site.records() and os.listdir(site.taken) == []
    site.backup()
    site.deliver("a")
    assert not site.backup(check=True)["changed"]


def test_another_kind_of_container_is_told(site):
    site.deliver("a", gzip.compress(BACKUP))
    site.backup()
    site.deliver("a", BACKUP)
    with mock.patch("ansible.module_utils.basic.AnsibleModule.warn") as warn:
        result = site.backup(size_at_most=1000)
    assert result["verdict"] == "ok"
    assert any("What came is unknown; pbx/pushed/1 was gzip" in call.args[0] for call in warn.call_args_list)


def test_a_disk_that_is_full_loses_nothing(site):
    site.deliver("a")
    full = mock.patch.object(receiving, "take_backup", side_effect=OSError(28, "No space left on device"))
    with full:
        assert site.backup()["failed"]
    assert len(site.claims()) == 1 and site.lying() == []
    assert site.info()["unfinished"] == [{"names": ["a"], "state": "taken"}]
    assert site.backup()["generation"]["id"] == "pbx/pushed/1"
    assert site.claims() == []


@pytest.mark.parametrize("repeated", [False, True])
def test_killed_between_commit_and_tidying_it_is_not_taken_twice(site, repeated):
    site.deliver("a")
    with mock.patch.object(receiving, "finish", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        site.backup()
    assert len(site.records()) == 1 and len(site.claims()) == 1
    result = site.backup(accept_repeated=repeated)
    assert result["generation"]["id"] == "pbx/pushed/1" and len(site.records()) == 1 and site.claims() == []


LARGE = bytes(range(256)) * 4 * 3000
"""More than is read at once."""


class Reading:
    """Something happens whenever the second part of a file is read, while ``armed``."""

    def __init__(self, monkeypatch, file, action):
        self.armed, self._file, self._action, self._read = True, os.stat(file).st_ino, action, os.read
        monkeypatch.setattr(os, "read", self)

    def __call__(self, handle, size):
        if self.armed and os.fstat(handle).st_ino == self._file and os.lseek(handle, 0, os.SEEK_CUR) == READ_SIZE:
            self._action()
        return self._read(handle, size)


def broken_disk():
    raise OSError(5, "Input/output error")


def test_a_file_that_cannot_be_read_is_kept_until_it_can(site, tmp_path, monkeypatch):
    reading = Reading(monkeypatch, site.deliver("a.sar", LARGE), broken_disk)
    result = site.backup()
    assert result["failed"] and result["verdict"] == result["files"][0]["verdict"] == "unreadable"
    assert result["generation"]["status"] == "partial" and site.lying() == []
    (claim,) = site.claims()
    assert (site.taken / claim / "0").read_bytes() == LARGE
    assert site.info()["unfinished"] == [{"names": ["a.sar"], "state": "taken"}]
    # the same again is no second generation, and no better
    again = site.backup()
    assert again["verdict"] == "unreadable" and len(site.records()) == 1 and site.claims() == [claim]
    reading.armed = False
    result = site.backup()
    assert result["verdict"] == "ok" and result["generation"]["id"] == "pbx/pushed/2" and site.claims() == []
    (found,) = site.extracted("pbx/pushed/2", tmp_path / "out").rglob("a.sar")
    assert found.read_bytes() == LARGE


def test_what_was_read_of_a_broken_file_is_no_backup_of_a_shorter_one(site, monkeypatch):
    reading = Reading(monkeypatch, site.deliver("a.sar", b"\0" * len(LARGE)), broken_disk)
    site.backup()
    reading.armed = False
    (claim,) = site.claims()
    shutil.rmtree(site.taken / claim)
    site.deliver("a.sar", b"\0" * READ_SIZE)
    result = site.backup()
    assert result["verdict"] == "all_zero" and result["generation"]["id"] == "pbx/pushed/2"


def test_a_downloaded_file_that_cannot_be_read_stays(site, tmp_path, monkeypatch, capfd):
    place = tmp_path / "a.sar"
    place.write_bytes(LARGE)
    reading = Reading(monkeypatch, place, broken_disk)
    assert site.backup(path=str(place), after="remove")["verdict"] == "unreadable"
    assert place.read_bytes()[:1] == LARGE[:1] and "is in the repository" not in capfd.readouterr().err
    reading.armed = False
    assert site.backup(path=str(place), after="remove")["verdict"] == "ok" and not place.exists()


def test_a_file_that_is_written_while_it_is_read_is_given_back(site, tmp_path, monkeypatch):
    """By a program that is ignored, as it keeps files open that nobody writes to any more."""
    place = site.deliver("a.sar", LARGE)
    os.chmod(place, 0o640)
    monkeypatch.setattr(claiming, "being_written", lambda wanted, ignore: ({}, True))
    monkeypatch.setattr(scanning, "being_written", lambda wanted, ignore: ({}, True))
    with open(place, "ab", buffering=0) as handle:
        reading = Reading(monkeypatch, place, lambda: handle.write(b"more"))
        result = site.backup()
        reading.armed = False
        assert result["failed"] and result["verdict"] == result["files"][0]["verdict"] == "changed"
        assert site.lying() == ["a.sar"] and site.claims() == []
        assert os.stat(place).st_mode & 0o777 == 0o640 and os.path.getsize(place) > len(LARGE)
        handle.write(b"end")
    whole = (site.incoming / "a.sar").read_bytes()
    result = site.backup()
    assert result["verdict"] == "ok" and site.lying() == []
    (found,) = site.extracted(result["generation"]["id"], tmp_path / "out").rglob("a.sar")
    assert found.read_bytes() == whole and whole.endswith(b"end")


@pytest.mark.parametrize("disguised", [False, True], ids=["grown", "same_size_and_time"])
def test_what_is_written_between_the_claim_and_the_reading_has_changed(site, monkeypatch, disguised):
    place = site.deliver("a.sar", LARGE)
    real = receiving.take

    def written(*arguments):
        claim = real(*arguments)
        before = os.stat(claim.place(0))
        with open(claim.place(0), "r+b") as handle:
            handle.seek(0, os.SEEK_SET if disguised else os.SEEK_END)
            handle.write(b"x" * 10)
        if disguised:
            os.utime(claim.place(0), ns=(before.st_atime_ns, before.st_mtime_ns))
        return claim

    with mock.patch.object(receiving, "take", written):
        result = site.backup()
    assert result["failed"] and result["verdict"] == "changed" and result["generation"]["status"] == "partial"
    assert os.path.exists(place) and site.claims() == []
    assert site.backup()["verdict"] == "ok" and site.lying() == []


def test_two_runs_at_once_take_turns(site):
    site.deliver("a")
    with receiving.Zone(os.fsencode(site.landing / "pbx")).lock():
        result = site.backup()
    assert result["error"] == "LandingBusy"
    assert site.backup()["verdict"] == "ok"


def test_a_zone_that_a_sender_could_reach_into_is_refused(site):
    site.taken.chmod(0o755)
    assert site.backup()["error"] == "LandingUnfit"
    shutil.rmtree(site.taken)
    result = site.backup()
    assert result["error"] == "LandingUnfit" and "backup_host" in result["msg"]


def test_a_downloaded_file_is_taken_and_stays(site, tmp_path):
    place = tmp_path / "phonebook.xml"
    place.write_text("<?xml version='1.0'?><phonebook/>")
    with mock.patch("ansible.module_utils.basic.AnsibleModule.warn") as warn:
        result = site.backup(path=str(place), containers=["xml"], ends_with="<phonebook/>")
    assert result["generation"]["id"] == "pbx/pushed/1" and place.exists()
    assert any("in the clear" in call.args[0] for call in warn.call_args_list)
    assert site.backup(path=str(place), after="remove")["verdict"] == "repeated" and not place.exists()


def test_a_downloaded_link_or_nothing_is_refused(site, tmp_path):
    os.symlink("/etc/shadow", tmp_path / "link")
    assert site.backup(path=str(tmp_path / "link"))["error"] == "OptionInvalid"
    assert site.backup(path=str(tmp_path / "none"))["error"] == "ItemMissing"


def cucm(status="SUCCESS", components=("CCMDB", "TFTP")):
    inner = "".join(
        f"<ComponentObject><ComponentName>{name}</ComponentName><Status>{status}</Status></ComponentObject>"
        for name in components
    )
    return (
        "<?xml version='1.0'?><DRF><FeatureObject><FeatureName>UCM</FeatureName><vServerObject><ServerObj>"
        f"<ServerName>PUB</ServerName><Status>{status}</Status><vComponentObject>{inner}</vComponentObject>"
        "</ServerObj></vServerObject></FeatureObject></DRF>"
    ).encode()


STAMP = "2026-01-31-02-00-00"


def test_a_set_of_cisco_waits_for_all_its_parts(site):
    site.deliver(f"{STAMP}_PUB_UCM_CCMDB.tar")
    site.deliver(f"{STAMP}_PUB_drfComponent.xml", cucm())
    site.deliver("2026-01-30-02-00-00_PUB_UCM_CCMDB.tar")
    result = site.backup(group_by="cucm")
    assert result["verdict"] == "waiting"
    assert "1 of its 2 parts are not there" in result["waiting"][0]["waits_for"]
    site.deliver(f"{STAMP}_PUB_UCM_TFTP.tar", OTHER)
    result = site.backup(group_by="cucm")
    assert result["verdict"] == "ok" and len(result["files"]) == 3 and len(site.records()) == 1
    assert site.lying() == ["2026-01-30-02-00-00_PUB_UCM_CCMDB.tar"]


def test_a_set_of_cisco_that_says_it_failed_is_not_plausible(site):
    site.deliver(f"{STAMP}_PUB_UCM_CCMDB.tar")
    site.deliver(f"{STAMP}_PUB_drfComponent.xml", cucm("ERROR", ("CCMDB",)))
    result = site.backup(group_by="cucm")
    assert result["verdict"] == "component_failed" and "PUB_UCM_CCMDB" in result["msg"]


def test_a_document_of_cisco_that_is_none_is_heard_of(site):
    site.deliver(f"{STAMP}_PUB_drfComponent.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    result = site.backup(group_by="cucm")
    assert result["failed"] and result["verdict"] == "component_failed"


def test_the_info_module_says_what_lies_there(site):
    site.deliver("a.sar")
    site.deliver("b.tmp")
    os.symlink("x", site.incoming / "c")
    place = site.deliver("late.sar")
    with open(place, "ab"):
        info = site.info(expected_every="1d")
    assert [(one["names"], one["level"]) for one in info["files"]] == [
        (["a.sar"], "stable"),
        (["late.sar"], "received"),
    ]
    assert info["other"] == ["b.tmp"] and info["refused"] == [{"name": "c", "reason": "is a symlink"}]
    assert info["last_good"] is None and info["overdue"] is False and not info["changed"]
    assert os.listdir(site.taken) == []
    site.backup()
    assert site.info()["last_good"]["id"] == "pbx/pushed/1"


@pytest.mark.parametrize(
    "options, words",
    [
        ({"expected_every": "daily"}, "no span of time"),
        ({"group_by": "pattern", "group_pattern": "x"}, "no group"),
        ({"group_pattern": "(x)"}, "group_pattern is for"),
        ({"group_by": "pattern", "group_pattern": "("}, "no regular expression"),
        ({"polls": 1}, "polls must be at least 2"),
        ({"keep": -1}, "keep must be at least 0"),
        ({"size_at_least": -1}, "size_at_least must be"),
        ({"min_size": 0}, "min_size must be"),
    ],
)
def test_options_that_cannot_be_are_refused(site, options, words):
    result = site.backup(**options)
    assert result["error"] == "OptionInvalid" and words in result["msg"]


def test_a_file_that_changes_while_it_is_taken_goes_back(site):
    place = site.deliver("a")
    real = claiming._lock_out

    def touched(claim):
        real(claim)
        raise claiming.NotTaken("a was opened for writing at the last moment")

    with mock.patch.object(claiming, "_lock_out", touched):
        result = site.backup()
    assert result["verdict"] == "nothing_came" or result["verdict"] == "waiting"
    assert os.path.exists(place) and site.claims() == []
    assert os.stat(place).st_mode & 0o777 == 0o644
    assert site.backup()["verdict"] == "ok"


def test_ages_are_told_in_words():
    assert freshness.words_for(93784) == "1 d 2 h" and freshness.words_for(0) == "0 s"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"files": [{"name": "a"}]}'])
def test_notes_that_cannot_be_understood_are_named(site, content):
    (site.taken / "00-ab").mkdir()
    (site.taken / "00-ab" / "claim.json").write_bytes(content)
    result = site.backup()
    assert result["error"] == "LandingDamaged" and "claim.json" in result["msg"]


def test_a_list_of_kept_files_that_cannot_be_understood_is_named(site):
    (site.taken / ".kept.json").write_bytes(b'{"x": [["a"]]}')
    result = site.backup()
    assert result["error"] == "LandingDamaged" and ".kept.json" in result["msg"]


def test_a_zone_in_which_nothing_can_be_moved_is_told(site):
    place = site.deliver("a")
    with mock.patch.object(receiving, "take", side_effect=OSError(30, "Read-only file system")):
        result = site.backup()
    assert result["error"] == "LandingUnfit" and "Read-only file system" in result["msg"] and os.path.exists(place)


def test_two_lines_of_one_source_have_their_own_histories(site):
    for _night in range(2):
        site.deliver("config.zip.enc", os.urandom(9_000))
        site.deliver("vm.zip.enc", os.urandom(90_000))
        for instance in ("config", "vm"):
            assert site.backup(instance=instance, patterns=[f"{instance}.*"])["verdict"] == "ok"
    assert site.backup(expected_every="1d", instance="vm")["last_good"]["id"] == "pbx/pushed@vm/2"


def test_parts_of_cisco_without_their_document_are_listed(site):
    site.deliver(f"{STAMP}_PUB_UCM_CCMDB.tar")
    assert site.info(group_by="cucm")["other"] == [f"{STAMP}_PUB_UCM_CCMDB.tar"]


CHANGE = {"phase": "pre_change", "change_id": "CHG1"}


def test_a_retry_is_given_what_came_before_and_waits_for_nothing(site):
    site.deliver("a.bin")
    made = site.backup(**CHANGE, max_age="1h")
    assert made["reused"] is False and made["generation"]["received_at"]
    site.deliver("b.bin", OTHER)
    again = site.backup(**CHANGE, max_age="1h")
    assert not again.get("failed"), again
    assert (again["reused"], again["changed"], again["verdict"]) == (True, False, "reused")
    assert again["generation"]["id"] == made["generation"]["id"] and again["generation"]["head"]
    assert site.lying() == ["b.bin"] and len(site.records()) == 1
    forced = site.backup(**CHANGE, max_age="1h", force=True)
    assert forced["reused"] is False and forced["generation"]["attempt"] == 2


def test_what_came_too_early_is_taken_in_and_is_not_what_was_asked_for(site):
    site.deliver("a.bin")
    result = site.backup(**CHANGE, received_after="2099-01-01T00:00:00Z")
    assert result["error"] == "NothingCame" and "arrived since 2099-01-01T00:00:00Z" in result["msg"]
    assert "generation" not in result and result["generations"][0]["id"] == "pbx/pushed/1"
    (record,) = site.records()
    assert (record.phase, record.change_id, record.status) == ("scheduled", None, "complete")
    assert site.lying() == []


def later_than(place, monkeypatch):
    """From here on, only what arrives later than a file counts."""
    received = os.stat(place).st_ctime_ns
    monkeypatch.setattr(receiving, "earliest_of", lambda params: received + 1)
    # the clock of a file system has steps
    time.sleep(0.02)


def test_what_came_in_time_counts_beside_what_came_too_early(site, monkeypatch):
    later_than(site.deliver("a.bin"), monkeypatch)
    site.deliver("b.bin", OTHER)
    result = site.backup(**CHANGE)
    assert not result.get("failed"), result
    assert [(record.phase, record.change_id) for record in site.records()] == [
        ("scheduled", None),
        ("pre_change", "CHG1"),
    ]
    assert result["generation"]["id"] == "pbx/pushed/2" and len(result["generations"]) == 2


def test_what_came_too_early_and_is_bad_fails_nothing(site, monkeypatch, capfd):
    later_than(site.deliver("a.bin", b"\0" * 5000), monkeypatch)
    site.deliver("b.bin")
    result = site.backup(**CHANGE)
    assert not result.get("failed") and result["generation"]["status"] == "complete", result
    assert "The pushed backup is not complete: files: a.bin" in capfd.readouterr().err


def test_a_killed_run_goes_on_and_still_knows_what_came_too_early(site, monkeypatch):
    site.deliver("a.bin")
    monkeypatch.setattr(receiving, "finish", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        site.backup(**CHANGE, received_after="2099-01-01T00:00:00Z")
    monkeypatch.undo()
    result = site.backup(**CHANGE, received_after="2099-01-01T00:00:00Z")
    assert result["error"] == "NothingCame" and len(site.records()) == 1 and site.claims() == []


def test_check_mode_says_that_what_lies_there_is_too_early(site):
    site.deliver("a.bin")
    result = site.backup(check=True, **CHANGE, received_after="2099-01-01T00:00:00Z")
    assert result["error"] == "NothingCame" and site.lying() == ["a.bin"] and site.records() == []


def test_a_time_that_is_none_is_refused(site):
    assert site.backup(received_after="yesterday")["error"] == "OptionInvalid"


def test_what_a_drill_restored_is_proved_and_so_is_what_repeats_it(site):
    key = SigningKey.from_seed(b"d" * 32)
    backend = site.repository.backend
    signer = Signer("auditor", key.public, ("drill",))
    owner.apply_plan(backend, owner.plan_change(owner.read_state(backend), SECRET, signers=[signer]))
    site.deliver("backup.sar")
    first = site.backup()
    assert first["level"] == first["last_good"]["level"] == "plausible"
    assert site.info()["last_good"]["level"] == "plausible"
    (record,) = site.records()
    facts = {"at": record.received_at, "record": record.hash, "outcome": "passed"}
    record_drill(backend, load_keyring(backend), key, GenerationId.of(record), facts)
    assert site.info()["last_good"]["level"] == "restorable_proved"
    site.deliver("again.sar")
    again = site.backup()
    assert again["files"][0]["repeated"] is True and again["files"][0]["level"] == again["level"] == "restorable_proved"
    site.deliver("new.sar", OTHER)
    assert site.backup()["level"] == "plausible"
