# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules starface_backup, starface_restore and starface_info, from options to results, against stand-ins of the
appliance's REST interface and status service (support.starface_stand_in)."""

from __future__ import annotations

import json
import os
import pathlib
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest import mock

import pytest
from ansible.module_utils.basic import AnsibleModule
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, TestRepository
from support.starface_stand_in import Appliance, StarfaceStandIn, StatusStandIn
from support.starface_stand_in.appliance import CLIENT_SECRET, PASSWORD, TOKEN_MARK, archive
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import RepositoryFull
from ansible_collections.ucops.recovery.plugins.module_utils._module import backup_module
from ansible_collections.ucops.recovery.plugins.module_utils._module.retry import Earlier, look_for_earlier
from ansible_collections.ucops.recovery.plugins.module_utils._products import starface_archive
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import RepositoryWriter

PLANTED = (PASSWORD, CLIENT_SECRET, TOKEN_MARK, "s1p-s3cret")
FAST = {"job_poll_interval": 0, "busy_wait": 0, "busy_timeout": 0, "restart_timeout": 5, "connect_timeout": 5}


@dataclass
class Site:
    """A repository and an appliance."""

    repository: TestRepository
    folder: pathlib.Path
    appliance: Appliance = field(default_factory=Appliance)
    server: StarfaceStandIn | None = None
    results: list = field(default_factory=list)
    warned: list = field(default_factory=list)

    def arguments(self, **options):
        reached = {}
        if self.server is not None:
            reached = {
                "host": self.server.address,
                "port": self.server.port,
                "ca_file": self.server.ca_file,
                "username": self.appliance.username,
                "password": PASSWORD,
                "client_secret": CLIENT_SECRET if self.appliance.login == "oauth" else None,
            }
        where = {
            "repository": str(self.repository.path),
            "writer_key_file": str(self.repository.writer_key_file),
            "source": "pbx",
        }
        given = {**where, **FAST, **reached, **options}
        return {name: value for name, value in given.items() if value is not None}

    def backup(self, *, check=False, **options):
        said = []
        with mock.patch.object(AnsibleModule, "warn", lambda _module, text: said.append(text)):
            result = run_module("starface_backup", self.arguments(**options), check=check)
        self.results.append(result)
        self.warned.append(" ".join(said))
        return result

    def restore(self, *, check=False, diff=False, **options):
        given = {"confirm_host": self.server.address if self.server else "", **options}
        result = run_unsealing(
            "starface_restore",
            self.arguments(allowed_signers=self.repository.allowed_signers, **given),
            SECRET,
            check=check,
            diff=diff,
        )
        self.results.append(result)
        return result

    def records(self):
        return load_chain(self.repository.backend, "pbx", "starface")

    def extracted(self, generation):
        folder = self.folder / f"extracted-{len(self.results)}"
        result = run_unsealing(
            "generation_extract",
            {"repository": str(self.repository.path), "generation": generation, "dest": str(folder)},
            SECRET,
        )
        assert not result.get("failed"), result
        return {path.name: path.read_bytes() for path in folder.rglob("*.sar")}

    def clear_files(self):
        """Every file of the test whose content is the secret of an archive in the clear."""
        return [
            path
            for path in self.folder.rglob("*")
            if path.is_file() and "extracted" not in str(path) and b"s1p-s3cret" in path.read_bytes()
        ]


@pytest.fixture
def site(repository, tmp_path):
    one = Site(repository, tmp_path)
    yield one
    told = json.dumps([one.results, one.warned], ensure_ascii=False)
    assert not [secret for secret in PLANTED if secret in told]
    if one.server is not None:
        assert one.appliance.complaints == []


@pytest.fixture
def reach(site):
    opened = []

    def one(**how):
        names = how.pop("names", ())
        site.appliance = Appliance(**how)
        site.server = StarfaceStandIn(site.appliance, *names)
        site.server.__enter__()
        opened.append(site.server)
        return site

    yield one
    for server in opened:
        server.__exit__()


# --- backup by REST --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("login", ["oauth", "nonce"])
def test_a_backup_by_rest(reach, login):
    site = reach(login=login)
    result = site.backup()
    assert not result.get("failed"), result
    generation = result["generation"]
    assert (generation["id"], generation["release"], generation["status"]) == (
        "pbx/starface/1",
        "STARFACE 10.0",
        "complete",
    )
    assert site.extracted("pbx/starface/1") == {"backup.sar": site.appliance.archive}
    assert site.appliance.files == {}
    assert site.clear_files() == []
    assert any("zip, tested" in note for note in result["notes"])


def test_a_file_of_no_known_kind_is_opaque(reach):
    site = reach(archive=bytes(range(1, 256)) * 40)
    result = site.backup()
    assert any("unknown, opaque: nothing is claimed" in note for note in result["notes"])
    assert result["generation"]["status"] == "complete"


def test_the_next_backup_is_another_generation_and_nobody_knows_what_changed(reach):
    site = reach()
    site.backup()
    site.appliance.archive = archive(5000)
    result = site.backup()
    assert result["generation"]["id"] == "pbx/starface/2"
    assert result["generation"]["content_changed"] is None and result["changed"] is False
    assert site.backup()["generation"]["content_changed"] is False


def test_check_mode_starts_nothing(reach):
    site = reach()
    result = site.backup(check=True)
    assert not result.get("failed") and result["generation"]["id"] is None
    assert site.appliance.jobs == {} and site.records() == []


@thorough
@pytest.mark.parametrize("cuts", [1, 2])
def test_a_download_that_breaks_off_is_made_again(reach, cuts):
    site = reach(cuts=cuts)
    result = site.backup()
    assert not result.get("failed"), result
    assert site.extracted("pbx/starface/1") == {"backup.sar": site.appliance.archive}


@thorough
def test_a_download_that_breaks_off_each_time_is_partial(reach):
    site = reach(cuts=99)
    result = site.backup()
    assert result["failed"] and result["generation"]["status"] == "partial"
    assert "backup.sar" in result["msg"]
    assert "job 17 still lies in the clear on the appliance" in site.warned[-1]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"delivers": b""}, "empty"),
        ({"delivers": bytes(9000)}, "zeros"),
        ({"delivers": archive()[:-50]}, "ends before its end"),
        ({"told_length": False}, "nobody knows whether it is whole"),
        ({"other_second_time": True}, "another content the second time"),
        ({"error": f"disk full {PASSWORD} {CLIENT_SECRET} {{token}}"}, "disk full *** *** ***"),
        ({"backups": False, "version": "9.0.0.1"}, "makes no backups by REST"),
        ({"may_backup": False}, "403"),
        ({"busy": 9, "busy_way": "409"}, "Archivierung"),
        ({"never_done": True}, "been at it for more than"),
    ],
)
def test_what_goes_wrong_fails_and_is_named(reach, how, says):
    site = reach(**how)
    result = site.backup(mode="rest", job_timeout=0 if "never_done" in how else 60)
    assert result["failed"] and says in result["msg"], result["msg"]


@thorough
def test_a_file_that_stays_on_the_appliance_is_told(reach):
    site = reach(keeps_forever=True)
    result = site.backup()
    assert not result.get("failed")
    assert "job 17 may still lie in the clear on the appliance: it is" in site.warned[-1]


def test_a_file_may_be_left_there(reach):
    site = reach()
    site.backup(remove_from_appliance=False)
    assert len(site.appliance.files) == 1
    assert "job 17 still lies in the clear on the appliance" in site.warned[-1]


@pytest.mark.parametrize("left", [True, False])
def test_what_could_not_be_kept_is_not_removed_from_the_appliance(reach, monkeypatch, left):
    def full(_self, _prepared):
        raise RepositoryFull("No space is left", hint="Make room.")

    site = reach()
    monkeypatch.setattr(RepositoryWriter, "commit", full)
    result = site.backup(remove_from_appliance=left)
    assert result["failed"] and "No space is left" in result["msg"] and "Make room." in result["msg"]
    assert "job 17 still lies in the clear on the appliance" in result["msg"]
    assert list(site.appliance.files) == ["17"] and site.records() == []


@pytest.mark.parametrize("how", [{"looks_lost": 10**6}, {"never_done": True}])
def test_a_job_that_is_given_up_is_named_and_what_to_do(reach, how):
    site = reach(**how)
    result = site.backup(job_timeout=0)
    assert result["failed"] and site.records() == []
    assert "Job 17 may still run, and its file may lie in the clear on the appliance" in result["msg"]
    assert "GET /rest/server/backups/files/17" in result["msg"]


def test_one_broken_look_spoils_nothing(reach):
    site = reach(looks_lost=1)
    assert not site.backup().get("failed")
    assert site.appliance.files == {} and site.records()[0].is_complete


def test_it_is_removed_after_the_commit(reach, monkeypatch):
    site = reach()
    there = []
    commit = RepositoryWriter.commit

    def watched(self, prepared):
        there.append(list(site.appliance.files))
        return commit(self, prepared)

    monkeypatch.setattr(RepositoryWriter, "commit", watched)
    assert not site.backup().get("failed")
    assert there == [["17"]] and site.appliance.files == {}


@pytest.mark.parametrize("how", [{"other_second_time": True}, {"delivers": bytes(9000)}])
def test_what_is_not_whole_is_not_removed_from_the_appliance(reach, how):
    site = reach(**how)
    result = site.backup()
    assert result["failed"] and result["generation"]["status"] == "partial"
    assert list(site.appliance.files) == ["17"]
    assert "job 17 still lies in the clear on the appliance" in site.warned[-1]


def test_a_backup_that_was_made_meanwhile_leaves_the_file_of_this_one(reach, monkeypatch):
    site = reach()
    other = site.backup(phase="pre_change", change_id="CHG1")["generation"]["id"]
    looked = iter([Earlier(), None])

    def look(*where):
        return next(looked) or look_for_earlier(*where)

    monkeypatch.setattr(backup_module, "look_for_earlier", look)
    result = site.backup(phase="pre_change", change_id="CHG1", max_age="1h")
    assert result["reused"] is True and result["generation"]["id"] == other
    assert list(site.appliance.files) == ["18"]
    assert "job 18 still lies in the clear on the appliance" in site.warned[-1]


def test_a_token_that_ends_in_between(reach):
    site = reach(expire_after=3)
    assert not site.backup().get("failed")
    assert site.appliance.refreshes > 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"password": "wr0ng"}, "refuses the login of backup"),
        ({"client_secret": "wr0ng"}, "refuses the login of backup"),
        ({"ca_file": "/etc/hostname"}, "holds no certificate"),
        ({"ca_file": None}, "Nobody whom we trust"),
        ({"host": "localhost"}, "another name"),
        ({"api_base": "rest"}, "base path"),
        ({"min_size": 10**6}, "at least 1000000"),
        ({"containers": ["gzip"]}, "demanded is gzip"),
    ],
)
def test_what_is_given_wrong(reach, options, says):
    site = reach()
    result = site.backup(mode="rest", **options)
    assert result["failed"] and says in result["msg"], result["msg"]
    assert "wr0ng" not in json.dumps(result)


def test_a_shrunken_file_is_suspicious(reach):
    site = reach(archive=archive(20000))
    site.backup()
    site.appliance.archive = archive(100)
    result = site.backup()
    assert result["failed"] and "accept_shrunken" in result["msg"]
    assert not site.backup(accept_shrunken=["files", "contents"]).get("failed")


def test_progress_stands_in_the_system_log(reach, monkeypatch):
    lines = []
    monkeypatch.setattr("syslog.syslog", lambda level, line: lines.append(line))
    reach().backup()
    told = [line for line in lines if line.startswith("ucops.recovery: 127.0.0.1: ")]
    assert [line.rpartition(": ")[2] for line in told] == ["0 % done", "50 % done", "100 % done"]


BAND = [
    ({}, 4.0, "has "),
    ({"size_at_most": 5}, 4.0, ""),
    ({"size_at_least": 0.9}, 0.7, "has only "),
    ({"size_at_least": 0.1}, 0.3, ""),
    ({}, 0.3, "has only "),
    ({"accept_shrunken": ["files"]}, 4.0, ""),
]


def judged_by_its_size(result, says):
    assert bool(result.get("failed")) is bool(says), result
    assert not says or (f"files: {says}" in result["msg"] and "accept_shrunken" in result["msg"])


@thorough
@pytest.mark.parametrize(("options", "factor", "says"), BAND)
def test_the_size_is_held_against_the_declared_band(reach, options, factor, says):
    site = reach(archive=archive(20000))
    assert not site.backup().get("failed")
    site.appliance.archive = archive(int(20000 * factor))
    judged_by_its_size(site.backup(**options), says)
    assert bool(site.appliance.files) is bool(says)


# --- backup from a landing zone --------------------------------------------------------------------------------------
QUICK = {"polls": 2, "poll_interval": 0, "quiet_period": 0, "wait_timeout": 0}


def land(site, name="x.sar", content=None):
    incoming = site.folder / "landing" / "pbx" / "incoming" / "starface-backup" / "pbx-berlin"
    incoming.mkdir(parents=True, exist_ok=True)
    taken = site.folder / "landing" / "pbx" / "taken"
    taken.mkdir(mode=0o700, exist_ok=True)
    (incoming / name).write_bytes(archive() if content is None else content)
    return {"landing": str(site.folder / "landing"), **QUICK}


def test_a_backup_that_was_pushed(site):
    result = site.backup(mode="landing", release="9.0", **land(site))
    assert not result.get("failed"), result
    assert result["generation"]["release"] == "STARFACE 9.0" and result["level"] == "plausible"
    assert site.extracted("pbx/starface/1") == {"x.sar": archive()}
    assert site.clear_files() == []


def test_what_is_kept_in_the_landing_zone_is_told_each_time(site):
    where = land(site)
    assert not site.backup(mode="landing", **where).get("failed")
    assert "in the clear" not in site.warned[-1] and site.clear_files() == []
    land(site, "y.sar", archive(5000))
    for _run in range(2):
        site.backup(mode="landing", after="keep", **where)
        (kept,) = site.clear_files()
        assert f"{kept.relative_to(site.folder / 'landing' / 'pbx' / 'incoming')} is" in site.warned[-1]
        assert "in the clear" in site.warned[-1] and "after: remove" in site.warned[-1]
    land(site, "z.sar", archive(5100))
    site.backup(mode="landing", after="keep", **where)
    assert "and 1 more are" in site.warned[-1] and len(site.clear_files()) == 2
    land(site, "bad.sar", bytes(5000))
    assert site.backup(mode="landing", after="keep", **where)["failed"]
    assert "in the clear" in site.warned[-1]


def test_what_was_pushed_and_is_bad(site):
    result = site.backup(mode="landing", **land(site, content=bytes(5000)))
    assert result["failed"] and "zeros" in result["msg"] and result["verdict"] == "all_zero"


@pytest.mark.parametrize("backups", [True, False])
def test_auto_takes_rest_where_it_can_and_the_landing_zone_else(reach, backups):
    site = reach(backups=backups, version="10.0.1" if backups else "9.0.1")
    result = site.backup(**land(site))
    assert not result.get("failed"), result
    assert bool(site.appliance.jobs) == backups
    assert ("files" in result) != backups
    assert len(site.records()) == 1


def test_auto_without_any_login_is_the_landing_zone(site):
    assert not site.backup(**land(site)).get("failed")


def test_auto_with_nothing_says_what_is_needed(site):
    result = site.backup(host="127.0.0.1")
    assert result["failed"] and "username and password" in result["msg"]


def test_one_way_may_follow_the_other(reach):
    site = reach()
    site.backup(mode="landing", **land(site))
    result = site.backup(mode="rest")
    assert not result.get("failed"), result
    assert [record.is_complete for record in site.records()] == [True, True]


# --- backup by SSH ---------------------------------------------------------------------------------------------------
@pytest.fixture
def disk(site, monkeypatch):
    if SSHD is None:
        pytest.skip(WITHOUT_SSHD)
    place = site.folder / "appliance" / "Default"
    place.mkdir(parents=True)
    monkeypatch.setattr(starface_archive, "BACKUP_FOLDER", str(place.parent))
    with Sshd() as server:
        login = {
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "private_key_file": str(server.client_key),
            "known_hosts_file": str(server.known_hosts),
        }
        yield place, {"mode": "ssh_pull", "host": "pbx.example", "settle": 0, "ssh": login}


def _file(place, name, content, age):
    path = place / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age, time.time() - age))


def test_the_newest_file_is_fetched_by_ssh(site, disk):
    place, options = disk
    _file(place, "2099-01-01.sar", archive(10), 5000)
    _file(place, "b.sar", archive(20), 500)
    _file(place, "c.txt", b"no", 1)
    (place / "d.sar").symlink_to(place / "c.txt")
    result = site.backup(**options)
    assert not result.get("failed"), result
    assert site.extracted("pbx/starface/1") == {"b.sar": archive(20)}


@pytest.mark.parametrize(("options", "factor", "says"), BAND[:3])
def test_the_size_of_a_file_that_is_fetched_by_ssh(site, disk, options, factor, says):
    place, given = disk
    _file(place, "a.sar", archive(20000), 5000)
    assert not site.backup(**given).get("failed")
    _file(place, "b.sar", archive(int(20000 * factor)), 4000)
    judged_by_its_size(site.backup(**given, **options), says)


@pytest.mark.parametrize(("hours", "fails"), [(0, False), (26, False), (5, True)])
def test_a_file_that_is_too_old(site, disk, hours, fails):
    place, options = disk
    _file(place, "a.sar", archive(), 10 * 3600)
    result = site.backup(max_age_hours=hours, **options)
    assert bool(result.get("failed")) is fails
    assert any("10.0 hours before" in note for note in result["notes"])
    if fails:
        assert "does the appliance's own backup still run?" in result["msg"]


def test_several_configurations_are_asked_about(site, disk):
    place, options = disk
    (place.parent / "Other").mkdir()
    _file(place, "a.sar", archive(), 500)
    result = site.backup(**options)
    assert result["failed"] and "Default, Other" in result["msg"]
    assert not site.backup(backup_name="Default", **options).get("failed")


@pytest.mark.parametrize(("name", "says"), [("Default", "is no backup file"), ("Gone", "cannot be listed")])
def test_nothing_is_there(site, disk, name, says):
    _place, options = disk
    result = site.backup(backup_name=name, **options)
    assert result["failed"] and says in result["msg"]


@pytest.mark.parametrize("name", ["../x", "a/b", ".."])
def test_a_name_that_leads_elsewhere_is_refused(site, disk, name):
    result = site.backup(backup_name=name, **disk[1])
    assert result["failed"] and "name of a folder" in result["msg"]


def test_a_file_that_grows_is_not_taken(site, disk, monkeypatch):
    place, options = disk
    _file(place, "a.sar", archive(), 500)
    looked = starface_archive._newest

    def grows(*where):
        found = looked(*where)
        with (place / "a.sar").open("ab") as handle:
            handle.write(b"more")
        return found

    monkeypatch.setattr(starface_archive, "_newest", grows)
    result = site.backup(**options)
    assert result["failed"] and "still grows" in result["msg"]


class Looks:
    """Counts the looks at the folder, and nobody sleeps."""

    def __init__(self, monkeypatch, at=lambda number: None):
        self.slept = []
        self.number = 0
        looked = starface_archive._newest

        def look(*where):
            self.number += 1
            at(self.number)
            return looked(*where)

        monkeypatch.setattr(starface_archive, "_newest", look)
        monkeypatch.setattr(starface_archive, "time", SimpleNamespace(sleep=self.slept.append, time=time.time))


@pytest.mark.parametrize(
    ("age", "clock", "slept"),
    [
        (500, True, [10, 10]),
        (0, True, [50, 10]),
        (45, True, [10, 10]),
        (-(10**6), True, [50, 10]),
        (500, False, [50, 10]),
    ],
    ids=["quiet for long", "just written", "quiet enough when looked at", "from the future", "no clock"],
)
def test_a_file_is_looked_at_until_it_was_quiet_for_long_enough(site, disk, monkeypatch, age, clock, slept):
    place, options = disk
    _file(place, "a.sar", archive(), age)
    if not clock:
        monkeypatch.setattr(starface_archive, "_clock_of", lambda ssh: None)
    looks = Looks(monkeypatch)
    result = site.backup(**{**options, "settle": 10})
    assert not result.get("failed"), result
    assert [round(seconds, -1) for seconds in looks.slept] == slept
    assert looks.number == 4  # three before, one after it was read


@pytest.mark.parametrize("look", [2, 3, 4])
def test_a_file_that_is_written_in_between_is_not_taken(site, disk, monkeypatch, look):
    place, options = disk
    half = archive()[:-50]
    _file(place, "a.sar", half, 500)
    Looks(monkeypatch, lambda number: _file(place, "a.sar", archive(), 499) if number == look else None)
    result = site.backup(**options)
    assert result["failed"] and ("still grows" in result["msg"] or "changed while" in result["msg"])
    assert not [record for record in site.records() if record.is_complete]


def test_how_many_looks_and_how_quiet_is_declared(site, disk, monkeypatch):
    place, options = disk
    _file(place, "a.sar", archive(), 5)
    looks = Looks(monkeypatch)
    assert not site.backup(**options, polls=5, quiet_period=0).get("failed")
    assert looks.slept == [0] * 4 and looks.number == 6
    assert "polls" in site.backup(**options, polls=1)["msg"]
    assert "quiet_period" in site.backup(**options, quiet_period=-1)["msg"]


# --- restore ---------------------------------------------------------------------------------------------------------
def test_a_restore_by_rest(reach):
    site = reach()
    site.backup()
    first = site.appliance.archive
    site.appliance.archive = archive(7000)
    result = site.restore()
    assert not result.get("failed"), result
    assert result["restored"] is True and result["changed"] is True
    assert site.appliance.restored == [first]
    assert result["pre_restore"] == "pbx/starface/2"
    assert site.extracted("pbx/starface/2") == {"backup.sar": site.appliance.archive}
    (check,) = result["checks"]
    assert check == {"name": "appliance", "ok": True, "detail": "answers, version 10.0.2.5", "kind": "health"}
    assert site.backup()["open_restores"] == []


def test_what_was_pushed_is_restored_by_rest(reach):
    site = reach()
    site.backup(mode="landing", release="10.0", **land(site))
    result = site.restore(allow_different_host=False)
    assert not result.get("failed"), result
    assert site.appliance.restored == [archive()]


def test_check_mode_shows_the_plan_and_touches_nothing(reach):
    site = reach()
    site.backup()
    before = len(site.records())
    result = site.restore(check=True, diff=True)
    assert result["changed"] is True and result["restored"] is False
    assert result["plan"]["restore_order"] == ["files"] and "pbx/starface/1" in result["diff"]["prepared"]
    assert site.appliance.restored == [] and len(site.records()) == before


@thorough
@pytest.mark.parametrize(
    ("how", "options", "says"),
    [
        ({}, {"confirm_host": "pbx"}, "is not confirmed"),
        ({"calls": 3}, {}, "There are 3 calls"),
        ({"version": "11.0.0.1"}, {}, "major version"),
        ({"backups": False}, {}, "restores nothing by REST"),
        ({}, {"ignore_ip": True}, "not published"),
        ({}, {"password": None}, "no login to the appliance's REST"),
        ({"error": "disk full"}, {}, "No whole pre_restore generation"),
    ],
)
def test_a_restore_that_is_refused_touches_nothing(reach, how, options, says):
    site = reach()
    site.backup()
    for name, value in how.items():
        setattr(site.appliance, name, value)
    result = site.restore(**options)
    assert result["failed"] and says in result["msg"], result["msg"]
    assert site.appliance.restored == []
    if "REST" in says or "published" in says:
        assert result["restored"] is False and len(result["steps"]) > 8 and "IP-Adresse" in result["text"]


def test_a_restore_that_ends_calls_on_purpose(reach):
    site = reach(calls=2)
    site.backup()
    result = site.restore(allow_active_calls=True)
    assert not result.get("failed"), result
    assert any("ends 2 calls" in warning for warning in result["plan"]["warnings"])


def test_a_restore_that_goes_on_after_the_appliance_was_away(reach):
    site = reach(restore_looks=4)
    site.backup()
    result = site.restore()
    assert not result.get("failed"), result


def test_calls_that_nobody_can_ask_for_are_a_warning(reach):
    site = reach(calls=None)
    site.backup()
    result = site.restore()
    assert any("Nobody could be asked" in warning for warning in result["plan"]["warnings"])


def test_ignore_ip_where_its_name_is_known(reach):
    site = reach()
    site.backup()
    assert not site.restore(ignore_ip=True, ignore_ip_part="ignoreIp").get("failed")
    assert site.appliance.restored_parts == [{"ignoreIp": "true"}]


def test_a_restore_that_failed_is_taken_back(reach):
    site = reach(outcome="FAILED")
    site.backup()
    first = site.appliance.archive
    site.appliance.archive = archive(7000)
    result = site.restore()
    assert result["failed"] and "says that the restore failed: no space" in result["msg"]
    assert site.appliance.restored == [first, site.appliance.archive]


@thorough
@pytest.mark.parametrize("outcome", ["forgotten", "nameless"])
def test_a_restore_of_which_nobody_knows_is_not_taken_back_on_a_guess(reach, outcome):
    site = reach(outcome=outcome)
    site.backup()
    result = site.restore()
    assert result["failed"] and "Nobody knows whether the restore" in result["msg"]
    assert "restore pbx/starface/2" in result["msg"]
    assert len(site.appliance.restored) == 1
    assert site.backup()["open_restores"]


def test_an_appliance_that_stays_away(reach):
    site = reach(away=10**6)
    site.backup()
    result = site.restore(restart_timeout=0)
    assert result["failed"] and "took the file and does not serve" in result["msg"]
    assert len(site.appliance.restored) == 1


def test_a_file_that_is_not_taken_changes_nothing(reach):
    site = reach(file_part="other")
    site.backup()
    result = site.restore()
    assert result["failed"] and "did not take the file" in result["msg"] and "status 400" in result["msg"]
    assert not site.restore(file_part="other").get("failed")


def test_an_upload_that_breaks_off_is_not_taken_back_on_a_guess(reach, monkeypatch):
    site = reach()
    site.backup()
    monkeypatch.setattr(StarfaceStandIn.handler, "_restore", lambda self, body: self.cut())
    result = site.restore()
    assert result["failed"] and "did not reach the appliance to its end" in result["msg"]
    assert site.appliance.restored == [] and result["details"]["pre_restore"] == "pbx/starface/2"


def test_an_appliance_that_falls_silent(reach):
    result = reach(slow=3).backup(mode="rest", silence_timeout=1)
    assert result["failed"] and "silent for more than 1 s" in result["msg"]


def test_two_files_in_one_generation_are_chosen_from(reach):
    site = reach()
    names = (b"/pushed/a.sar", b"/pushed/b.sar")
    entries = [(Entry("files", "voip_config", "file", name, sensitive=True), name * 50) for name in names]
    facts = {
        "release": "STARFACE 10.0",
        "version": {"release": "STARFACE 10.0", "identity": {"hostname": "127.0.0.1"}},
        "items": {"files": {"consistency": "dump"}},
    }
    site.repository.backup(entries, product="starface", **facts)
    assert "more than one" in site.restore()["msg"]
    assert not site.restore(only_paths=["/pushed/b.sar"]).get("failed")
    assert site.appliance.restored == [names[1] * 50]


def test_the_steps_are_given_without_touching_anything(reach):
    site = reach()
    site.backup()
    asked = len(site.appliance.requests)
    result = site.restore(method="procedure", ignore_ip=True, confirm_host=None)
    assert result["changed"] is False and result["restored"] is False
    assert [step["number"] for step in result["steps"]] == list(range(1, len(result["steps"]) + 1))
    assert 'Tick "IP-Adresse ignorieren"' in result["text"] and "pbx/starface/1" in result["text"]
    assert len(site.appliance.requests) == asked


# --- what it says of itself ------------------------------------------------------------------------------------------
SFTP = {"kind": "sftp", "username": "pbx", "server": "192.0.2.9", "path": "/in"}


def info(text, **options):
    with StatusStandIn(text, **options.pop("service", {})) as service:
        given = {"source": "pbx", "host": service.address, "status_port": service.port, "targets": [SFTP]}
        result = run_module("starface_info", {**given, **options})
        time.sleep(0.05)
        assert all(received == b"" for received in service.received)
    return result


def said(code, hours=1.0):
    at = int((time.time() - hours * 3600) * 1000)
    row = f"[SFTP]192.0.2.9:/in {at} de.vertico.backup.{code}\n"
    return f"<<<starface>>>\nstarface_version 9.0.1.2\n<<<starface_backups>>>\n{row}[HDD] {at} x\nbroken\n".encode()


@pytest.mark.parametrize(
    ("code", "hours", "ok"),
    [("successful", 1, True), ("successful", 48, False), ("mountfail", 1, False), ("newCode", 1, False)],
)
def test_the_status_service_is_judged(code, hours, ok):
    result = info(said(code, hours))
    assert result["ok"] is ok and result["version"] == "9.0.1.2"
    assert result["verdicts"][0]["code"] == code and len(result["rows"]) == 2
    assert not result.get("failed") and result["changed"] is False


def test_without_declared_places_there_is_no_verdict():
    assert info(said("mountfail"), targets=[])["ok"] is None


def test_a_service_that_says_nothing_of_backups_is_no_success():
    assert info(b"SSH-2.0-OpenSSH\r\n")["ok"] is False


def test_a_service_that_is_slow_or_endless_or_not_there():
    assert "within 1 s" in info(said("successful") * 5, service={"slow": 0.05}, status_timeout=1)["msg"]
    assert "more than" in info(b"", service={"endless": True})["msg"]
    with StatusStandIn(b"") as service:
        port = service.port
    result = run_module("starface_info", {"source": "pbx", "host": "127.0.0.1", "status_port": port})
    assert result["failed"] and "cannot be read" in result["msg"]


def test_the_rest_interface_is_asked_too(reach):
    site = reach(calls=4)
    given = {name: value for name, value in site.arguments().items() if name not in ("repository", "writer_key_file")}
    result = run_module("starface_info", {**given, "ask_status": False})
    site.results.append(result)
    assert result["rest"] == {"version": "10.0.2.5", "backups": True, "active_calls": 4}
    assert result["version"] == "10.0.2.5" and result["ok"] is None
