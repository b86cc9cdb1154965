# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was pushed, taken in by real playbooks: from the landing zone into the repository and out again."""

from __future__ import annotations

import gzip
import json
import os
import time

import pytest
import yaml
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository

QUICK = {"polls": 2, "poll_interval": 0, "quiet_period": 0, "wait_timeout": 0}


class Site:
    """A repository, a controller, and the landing zone of pbx."""

    def __init__(self, folder):
        self.store = TestRepository.create(folder)
        self.controller = Controller(folder)
        self.zone = folder / "landing" / "pbx"
        (self.zone / "incoming").mkdir(parents=True)
        (self.zone / "taken").mkdir(mode=0o700)
        self.defaults = {
            "repository": str(self.store.path),
            "allowed_signers": self.store.allowed_signers,
            "domain_master_secret": SECRET,
        }

    def deliver(self, name, content):
        path = self.zone / "incoming" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def play(self, tasks, *arguments):
        return self.controller.play(
            [{"name": name, f"ucops.recovery.{module}": options} for name, module, options in tasks],
            *arguments,
            defaults=self.defaults,
        )

    def pushed(self, **options):
        return {"source": "pbx", "landing": str(self.zone.parent), **QUICK, **options}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("pushed"))


def test_from_the_landing_zone_into_the_repository_and_out_again(site, tmp_path):
    content = gzip.compress(os.urandom(20_000))
    site.deliver("starface-backup/Default/x.sar", content)
    out = tmp_path / "out"
    key = {"writer_key_file": str(site.store.writer_key_file)}
    play = site.play(
        [
            ("look", "pushed_info", site.pushed()),
            ("take", "pushed_backup", site.pushed(**key, reason="nightly")),
            ("again", "pushed_backup", site.pushed(**key, expected_every="1d")),
            ("extract", "generation_extract", {"generation": "pbx/pushed/latest", "dest": str(out)}),
        ]
    )
    assert play.code == 0, play.output
    assert play["look"]["files"][0]["level"] == "stable" and play["look"]["files"][0]["container"] == "gzip"
    taken = play["take"]
    assert taken["verdict"] == "ok" and taken["files"][0]["verified"] == "tested" and taken["changed"]
    assert play["again"]["verdict"] == "nothing_came" and "generation" not in play["again"]
    assert (out / "pushed" / "starface-backup" / "Default" / "x.sar").read_bytes() == content
    record = json.loads(next((site.store.path / "commits").rglob("1.json")).read_text())
    assert record["reason"] == "nightly" and record["actor"] and record["counts"].pop("container_gzip") == 1
    assert time.time() - 60 < record["counts"].pop("at:received") <= time.time() and not record["counts"]
    assert SECRET not in play.output


def test_the_playbook_backs_up_what_came_and_fails_for_what_is_overdue(site):
    site.deliver("y.sar", gzip.compress(os.urandom(20_000)))
    inventory = yaml.safe_load((site.controller.folder / "inventory.yml").read_text())
    inventory["all"]["vars"] = {
        "recovery_backup_host": "backup1",
        "recovery_repository": str(site.store.path),
        "recovery_writer_key_file": str(site.store.writer_key_file),
        "recovery_landing": str(site.zone.parent),
    }
    command = [site.controller.ansible("ansible-playbook"), "-i", "fleet.yml", "ucops.recovery.backup"]

    def expecting(every):
        options = {**QUICK, "expected_every": every, "grace": "0s"}
        inventory["all"]["hosts"]["pbx"].update(recovery_product="pushed", recovery_options=options)
        (site.controller.folder / "fleet.yml").write_text(yaml.safe_dump(inventory))
        return site.controller.run(command)

    done = expecting("1d")
    assert done.returncode == 0, done.stdout
    assert "pbx/pushed/2: complete" in done.stdout, done.stdout
    time.sleep(1.5)
    done = expecting("1s")
    assert done.returncode != 0 and "is overdue: the last good one is pbx/pushed/2" in done.stdout, done.stdout
