# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A STARFACE by real playbooks, against a stand-in of its REST interface and status service: it is no STARFACE."""

from __future__ import annotations

import time

import pytest
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository
from support.starface_stand_in import Appliance, StarfaceStandIn, StatusStandIn
from support.starface_stand_in.appliance import CLIENT_SECRET, PASSWORD, TOKEN_MARK, archive

ADDRESS = "127.0.22.1"
CHANGE = {"phase": "pre_change", "change_id": "CHG7"}
FAST = {"job_poll_interval": 0, "busy_wait": 0, "busy_timeout": 0, "restart_timeout": 30}

OBSERVED = {"path": "name", "size": "size", "received_at": "received_at"}


class Site:
    """An appliance, a repository, a controller."""

    def __init__(self, folder, server):
        self.folder = folder
        self.server = server
        self.appliance = server.appliance
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)
        self.reach = {
            "repository": str(self.store.path),
            "writer_key_file": str(self.store.writer_key_file),
            "source": "pbx",
            "host": ADDRESS,
            "port": server.port,
            "ca_file": server.ca_file,
            "username": self.appliance.username,
            "password": PASSWORD,
            "client_secret": CLIENT_SECRET,
            **FAST,
        }

    def play(self, *tasks, arguments=()):
        unlocked = {"domain_master_secret": SECRET, "allowed_signers": self.store.allowed_signers}
        named = []
        for name, verb, options in tasks:
            given = {**self.reach, **(unlocked if verb == "restore" else {}), **options}
            if verb == "config":
                given = {"source": "pbx", **options}
            if verb == "info":
                given = {key: value for key, value in given.items() if key not in ("repository", "writer_key_file")}
            register = name.replace(" ", "_")
            named.append({"name": name, f"ucops.recovery.starface_{verb}": given, "register": register})
        play = self.controller.play(named, *arguments)
        for secret in (PASSWORD, CLIENT_SECRET, TOKEN_MARK, "s1p-s3cret"):
            assert secret not in play.output
        assert self.appliance.complaints == []
        return play


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with StarfaceStandIn(Appliance(), address=ADDRESS) as server:
        yield Site(tmp_path_factory.mktemp("starface"), server)


@pytest.fixture(scope="module")
def before(site):
    """The generation before the change, and what the appliance held then."""
    play = site.play(("look", "backup", {}), ("before", "backup", CHANGE), arguments=("-v",))
    assert play.code == 0, play.output
    return play, site.appliance.archive


def test_a_backup_before_a_change(site, before):
    play, _content = before
    assert play["before"]["generation"]["id"] == "pbx/starface/2"
    assert play["before"]["generation"]["status"] == "complete"
    assert site.appliance.files == {}


def test_the_appliance_is_put_back(site, before):
    _play, content = before
    site.appliance.archive = archive(9000, "another")
    want = {"generation": "pre_change", "change_id": "CHG7", "confirm_host": ADDRESS}
    planned = site.play(("plan", "restore", want), arguments=("--check", "--diff"))
    assert planned["plan"]["changed"] and site.appliance.restored == []
    play = site.play(("restore", "restore", want))
    assert play.code == 0, play.output
    assert play["restore"]["restored"] and site.appliance.restored == [content]


def test_bad_days_fail_and_are_named(site, before):
    site.appliance.error = "disk full {token}"
    site.appliance.calls = 2
    play = site.play(
        ("failed", "backup", {}),
        ("wrong password", "backup", {"password": "wr0ng"}),
        ("not trusted", "backup", {"ca_file": "/etc/ssl/certs/ca-certificates.crt"}),
        ("not confirmed", "restore", {"generation": "2"}),
        ("calls", "restore", {"generation": "2", "confirm_host": ADDRESS}),
    )
    site.appliance.error, site.appliance.calls = "", 0
    assert "disk full ***" in play["failed"]["msg"]
    assert play["wrong password"]["error"] == "AuthenticationFailed"
    assert play["not trusted"]["error"] == "CertificateRejected"
    assert "not confirmed" in play["not confirmed"]["msg"] and "2 calls" in play["calls"]["msg"]
    assert len(site.appliance.restored) == 1


def test_an_older_appliance_gets_the_steps(site, before):
    site.appliance.backups = False
    play = site.play(
        ("backup", "backup", {"mode": "rest"}), ("restore", "restore", {"generation": "2", "confirm_host": ADDRESS})
    )
    site.appliance.backups = True
    assert "landing" in play["backup"]["msg"]
    assert play["restore"]["restored"] is False and len(play["restore"]["steps"]) > 8


def test_what_it_says_of_itself(site):
    at = int(time.time() * 1000)
    text = f"<<<starface_backups>>>\n[SFTP]192.0.2.9:/in {at} de.vertico.backup.sftpRightProblem\n".encode()
    with StatusStandIn(text, address=ADDRESS) as service:
        targets = [{"kind": "sftp", "server": "192.0.2.9", "path": "/in"}]
        play = site.play(("said", "info", {"status_port": service.port, "targets": targets}))
    assert play.code == 0, play.output
    assert play["said"]["ok"] is False and play["said"]["verdicts"][0]["code"] == "sftpRightProblem"
    assert play["said"]["rest"]["backups"] is True


def test_a_declared_configuration(site):
    target = {
        "kind": "windows_share",
        "username": "LAB\\pbx",
        "password": f"{PASSWORD},x",
        "server": "192.0.2.8",
        "share": "backup",
        "security": "ntlmssp",
    }
    declared = {"name": "pbx", "interval": "daily", "start": "2026-11-30 02:00", "targets": [target]}
    play = site.play(("bad", "config", declared), ("told", "config", {**declared, "fail_on": "never"}))
    assert play["bad"]["error"] == "ConfigUnfit" and "comma" in play["bad"]["msg"]
    codes = {one["code"] for one in play["told"]["advice"]}
    assert {"smb_password_comma", "smb_unsigned", "smb1_tried"} <= codes
    assert "| Freigabe | backup |" in play["told"]["runbook"]


def test_what_was_pushed_is_held_against_the_declaration(site):
    zone = site.folder / "landing" / "pushing"
    folder = zone / "incoming" / "starface-backup" / "pbx-old"
    folder.mkdir(parents=True)
    (zone / "taken").mkdir(mode=0o700)
    for number, size in enumerate([20000, 20100, 20200, 20300, 500]):
        (folder / f"{number}.sar").write_bytes(archive(size))
        time.sleep(0.02)
    landed = {"landing": str(zone.parent), "polls": 2, "poll_interval": 0, "quiet_period": 0, "wait_timeout": 0}
    declared = {
        "name": "pbx",
        "interval": "daily",
        "start": "2026-01-01 02:00",
        "targets": [{"kind": "sftp", "username": "pbx", "server": "192.0.2.9", "path": "/"}],
        "fail_on": "never",
        "watched": ["sftp"],
        "repository": str(site.store.path),
        "source": "pushing",
    }
    newest = {name: f"{{{{ taken.files[-1].{key} }}}}" for name, key in OBSERVED.items()}
    play = site.play(
        ("taken", "backup", {"mode": "landing", "source": "pushing", "size_at_least": 0.01, **landed}),
        ("history", "config", declared),
        ("declared", "config", {**declared, "observed": [newest]}),
    )
    assert play.code == 0, play.output
    for name, paths in (("history", [""] * 5), ("declared", [""] * 4 + ["starface-backup/pbx-old/4.sar"])):
        assert [one["path"] for one in play[name]["observed"]] == paths
        assert {one["target"] for one in play[name]["observed"]} == {"sftp"}
    found = {name: {one["code"] for one in play[name]["differences"]} for name in ("history", "declared")}
    assert "size" in found["history"] and found["declared"] - found["history"] == {"folder_name"}
    assert "target" not in found["history"]
