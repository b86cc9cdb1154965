# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a UCServer keeps in a real Active Directory domain (Samba), backed up and restored by real playbooks."""

from __future__ import annotations

import json

import pytest
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository

from lab.directory import REALM, Directory

FOREIGN = "fax server: queue 7"
OURS = ["<1,1>", "<12,+49 30 1>"]
SNAPSHOT = {"kind": "vm_snapshot", "reference": "esx1 dc1-snap-12", "taken_at": "2026-01-31T22:00:00Z"}


class Site:
    """A domain with one user, a repository, a controller."""

    def __init__(self, folder, domain):
        self.domain = domain
        self.directory = Directory(domain)
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)
        self.unit = self.directory.add_unit("playbooks")
        self.user = self.directory.add_user("mueller", self.unit, {"extensionName": [*OURS, FOREIGN]})
        self.reach = {
            "repository": str(self.store.path),
            "writer_key_file": str(self.store.writer_key_file),
            "source": "dc1",
            "host": domain.address,
            "username": f"Administrator@{REALM}",
            "password": domain.password,
            "ca_file": domain.ca_file,
            "base_dns": [self.unit],
        }

    @property
    def values(self):
        return {value.decode() for value in self.directory.values(self.user, "extensionName")}

    def play(self, *tasks, arguments=()):
        unlocked = {"domain_master_secret": SECRET, "allowed_signers": self.store.allowed_signers}
        named = []
        for name, verb, options in tasks:
            given = {**self.reach, **(unlocked if verb == "restore" else {}), **options}
            named.append({"name": name, f"ucops.recovery.ad_attributes_{verb}": given})
        play = self.controller.play(named, *arguments)
        assert self.domain.password not in play.output
        return play


@pytest.fixture(scope="module")
def site(domain, tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("directory"), domain)
    yield site
    site.directory.close()


@pytest.fixture(scope="module")
def before(site):
    """The first generations, in whose result all others are held."""
    change = {"phase": "pre_change", "change_id": "CHG1"}
    return site.play(
        ("look", "backup", {}), ("before", "backup", {**change, "companions": [SNAPSHOT]}), ("again", "backup", {})
    )


def test_a_backup_is_complete_once_changed_and_says_what_belongs_to_it(before):
    assert before.code == 0, before.output
    assert [before[name]["changed"] for name in ("look", "before", "again")] == [True, False, False]
    result = before["before"]
    assert result["generation"]["id"] == "dc1/ad_attributes/2" and result["generation"]["status"] == "complete"
    assert result["companions"] == {"demanded": [], "declared": [SNAPSHOT]}
    assert result["findings"] == [] and isinstance(result["notes"], list)


def test_values_come_back_beside_those_of_others(site, before):
    site.directory.set(site.user, "extensionName", ["<1,0>", FOREIGN, "added since by another application"])
    want = {"generation": "pre_change", "change_id": "CHG1"}
    planned = site.play(("plan", "restore", want), arguments=("--check", "--diff"))
    assert planned.code == 0, planned.output
    assert planned["plan"]["changed"] and planned["plan"]["plan"]["companions"]["declared"] == [SNAPSHOT]
    assert "<1,0>" in site.values
    play = site.play(("restore", "restore", want), ("again", "restore", want))
    assert play.code == 0, play.output
    assert site.values == {*OURS, FOREIGN, "added since by another application"}
    assert play["restore"]["changed"] and play["restore"]["restored_items"]
    assert not play["again"]["changed"]


def test_what_cannot_be_is_refused_and_writes_nothing(site, before):
    count = len(list((site.store.path / "commits").rglob("*.json")))
    play = site.play(
        ("wrong password", "backup", {"password": "wrong"}),
        ("unknown authority", "backup", {"ca_file": "/etc/ssl/certs/ca-certificates.crt"}),
        ("no time", "backup", {"companions": [{**SNAPSHOT, "taken_at": "last night"}]}),
        ("no signers", "restore", {"allowed_signers": ""}),
    )
    assert play["wrong password"]["error"] == "AuthenticationFailed"
    assert "authority (CA) that is not trusted" in play["unknown authority"]["msg"]
    assert play["no time"]["error"] == play["no signers"]["error"] == "OptionInvalid"
    assert len(list((site.store.path / "commits").rglob("*.json"))) == count


def test_a_jump_in_the_nightly_backup_is_told(site, before):
    night = {"phase": "scheduled"}
    for number in range(6):
        site.directory.add_user(f"new{number}", site.unit, {"extensionName": ["<1,1>"]})
    play = site.play(("night", "backup", night), ("next night", "backup", night))
    assert play.code == 0, play.output
    # the restore made a generation of its own right before: it announced whatever it changed
    assert play["night"]["findings"] == [], json.dumps(play["night"]["findings"])
    for number in range(6, 14):
        site.directory.add_user(f"new{number}", site.unit, {"extensionName": ["<1,1>"]})
    play = site.play(("third night", "backup", night))
    (finding,) = play["third night"]["findings"]
    assert finding["grade"] == "high" and "users then" in finding["text"]
