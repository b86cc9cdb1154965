# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that keeps a repository: verify, let go, copy; and what it does not do to a damaged one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
import yaml
from support.killing import kill_at, wait_for
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository, entry

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import Trust, verify

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


class Site:
    """A controller, a backup host with a repository, and a second host for its copy."""

    def __init__(self, folder):
        self.controller = Controller(folder)
        self.key = folder / "prune_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.key)], check=True)
        self.store, self.variables = self.repository(folder)
        self.second = folder / "second"
        for number in range(6):
            self.store.backup({"/a": b"%d" % number}, release="5.7" if number < 3 else "5.8")
        self.write_inventory(hosts={"backup1": HERE, "backup2": HERE}, vars=self.variables)

    def repository(self, folder):
        """A repository in which the key may let go, and what its hosts declare."""
        store = TestRepository.create(folder)
        signer = Signer("janitor", self.key.with_suffix(".pub").read_text().strip(), ("prune",))
        plan = owner.plan_change(owner.read_state(store.backend), SECRET, signers=[signer])
        owner.apply_plan(store.backend, plan)
        return store, {
            "recovery_backup_host": "backup1",
            "recovery_repository": str(store.path),
            "recovery_allowed_signers": plan.facts["allowed_signers"],
            "recovery_retention": {"last": 2},
        }

    def write_inventory(self, **everything):
        (self.controller.folder / "inventory.yml").write_text(yaml.safe_dump({"all": everything}))

    @property
    def full(self):
        """The options with which everything is done."""
        options = {
            "recovery_prune_key_file": str(self.key),
            "recovery_copy_host": "backup2",
            "recovery_copy_repository": str(self.second),
            "recovery_copy_source": str(self.store.path),
        }
        return ["-e", json.dumps(options)]

    def command(self, *arguments):
        """What runs the playbook."""
        program = self.controller.ansible("ansible-playbook")
        return [program, "-i", "inventory.yml", "ucops.recovery.maintenance", *arguments]

    def run(self, *arguments, **settings):
        """Exit code, output, and results by task."""
        events = self.controller.folder / "events.jsonl"
        events.write_text("")
        done = self.controller.run(self.command(*arguments), LAB_EVENTS=str(events), **settings)
        told = list(map(json.loads, events.read_text().splitlines()))
        found = {event["task"].rpartition(" : ")[2]: event["result"] for event in told}
        return done.returncode, done.stdout, found


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_verify_let_go_and_copy(site):
    before = {name for name, _size in site.store.backend.list()}
    code, output, found = site.run("--check", "--diff", *site.full)
    assert code == 0 and "1 generations would be let go" in output and "- pbx/kamailio/1" in output, output
    assert {name for name, _size in site.store.backend.list()} - before == set() and not site.second.exists()
    assert found["Pull the second copy"]["generations_total"] == 6
    code, output, found = site.run(*site.full)
    assert code == 0 and "1 generations were let go" in output, output
    assert found["Verify"]["verdict"] == "authentic" and found["Let go what no rule keeps"]["pruned"] == [
        "pbx/kamailio/1"
    ]
    assert found["Pull the second copy"]["heads"] == found["Verify"]["heads"]


def test_without_a_key_retention_is_only_shown(site):
    before = {name for name, _size in site.store.backend.list()} | {"journal/verified.json"}
    code, output, found = site.run(ANSIBLE_SHOW_CUSTOM_STATS="1")
    assert code == 0 and "1 generations would be let go" in output, output
    kept = {one["generation"]: one["reasons"] for one in found["Let go what no rule keeps"]["decisions"]}
    assert kept["pbx/kamailio/2"] == ["per_release 5.7"]
    assert '"operation": "maintenance"' in output and '"result": "success"' in output
    assert {name for name, _size in site.store.backend.list()} == before


def test_of_a_damaged_repository_nothing_is_let_go_and_what_is_whole_is_copied(site):
    bundle = next(path for path in site.store.path.glob("objects/*/*"))
    bundle.write_bytes(bundle.read_bytes()[:-1])
    code, output, found = site.run(*site.full)
    assert code != 0 and found["Verify"]["error"] == "RepositoryDamaged", output
    assert not (site.store.path / "expired").exists()
    copied = found["Pull the second copy"]
    assert copied["findings_total"] == 1 and copied["generations_total"] == 6


def test_nothing_is_taken_of_a_repository_that_was_rolled_back(site):
    heads = site.controller.folder / "heads.json"
    heads.write_text(json.dumps({"pbx/kamailio": "0" * 64}))
    code, output, found = site.run(*site.full, "-e", f"recovery_heads_file={heads}")
    assert code != 0 and "rolled back" in found["Verify"]["msg"], output
    assert found["Pull the second copy"]["error"] == "RolledBack" and not site.second.exists()


class TwoRepositories:
    """On one backup host that declares neither of them; their hosts share a file of heads. One line of the first has no
    host any more."""

    def __init__(self, site, folder):
        self.site = site
        self.other, variables = site.repository(folder)
        for number in range(10):
            self.other.backup({"/b": b"%d" % number}, source="gw", release="1")
        self.gone = site.store.backup({"/c": b"c"}, source="gone").record.hash
        self.heads = site.controller.folder / "heads.json"
        self.known = {
            name: load_chain(store.backend, *name.split("/"))[-1].hash
            for name, store in (("pbx/kamailio", site.store), ("gw/kamailio", self.other))
        }
        self.write_heads(self.gone)
        declared = {"recovery_product": "kamailio", "recovery_prune_key_file": str(site.key)}
        declared["recovery_heads_file"] = str(self.heads)
        site.write_inventory(
            hosts={"backup1": HERE},
            children={
                "berlin": {"hosts": {"pbx": {}}, "vars": {**site.variables, **declared}},
                "hamburg": {"hosts": {"gw": {}}, "vars": {**variables, **declared}},
            },
        )

    def write_heads(self, gone):
        self.heads.write_text(json.dumps({**self.known, "gone/kamailio": gone}))

    def pruned(self):
        """Generations that were let go, of both."""
        found = [path for store in (self.site.store, self.other) for path in (store.path / "expired").rglob("*.json")]
        return sorted("/".join(path.parts[-3:]).removesuffix(".json") for path in found)


def test_every_repository_that_hosts_declare_is_kept_and_each_has_its_own_heads(site, tmp_path):
    two = TwoRepositories(site, tmp_path / "other")
    code, output, _found = site.run()
    assert code == 0, output
    assert two.pruned() == ["gw/kamailio/1", "gw/kamailio/2", "pbx/kamailio/1"], output
    # a line that nobody declares any more is still held against what is known of it, and the other repository is kept
    two.write_heads("0" * 64)
    code, output, _found = site.run(ANSIBLE_SHOW_CUSTOM_STATS="1")
    assert code != 0 and '"result": "failed"' in output and '"hosts_total": 1' in output, output
    assert f"{site.store.path}: " in output and "gone/kamailio: It was rolled back" in output, output
    assert f"{two.other.path}: " not in output
    assert two.pruned() == [*(f"gw/kamailio/{number}" for number in (1, 2, 3)), "pbx/kamailio/1"], output


@pytest.mark.parametrize(
    "hosts, arguments, story",
    [
        ({"pbx": {"recovery_repository": "/srv/recovery"}}, [], "No host has both recovery_backup_host"),
        ({"pbx": {"recovery_repository": "/a", "recovery_backup_host": "nas"}}, [], "has no host nas"),
        (
            {"pbx": {"recovery_repository": "/a", "recovery_backup_host": "backup1"}, "backup1": {}},
            ["--limit", "pbx"],
            "those that do are backup1",
        ),
    ],
)
def test_where_nothing_is_kept_the_run_fails(site, hosts, arguments, story):
    site.write_inventory(hosts=hosts)
    code, output, _found = site.run(*arguments)
    assert code != 0 and "Nothing is kept." in output and story in output, output


def test_hosts_that_differ_in_what_they_say_of_a_repository(site):
    hosts = {f"pbx{last}": {**site.variables, "recovery_retention": {"last": last}} for last in (1, 2)}
    site.write_inventory(hosts={"backup1": HERE, **hosts})
    code, output, found = site.run()
    assert code != 0 and "Hosts of this repository differ in recovery_retention" in output, output
    assert "Verify" not in found


def test_personal_data_goes_by_its_age_alone_where_no_rules_are_said(site):
    contents = [(entry("/a"), b"a"), (entry("/log", item="log", data_class="logs"), b"log" * 99)]
    old = time.time() - 20 * 86400
    for day in range(3):
        site.store.backup(contents, source="phones", at=old + day)
    del site.variables["recovery_retention"]
    site.write_inventory(hosts={"backup1": HERE}, vars=site.variables)
    options = {"recovery_prune_key_file": str(site.key), "recovery_personal_data_max_age": {"logs": "10d"}}
    code, output, found = site.run("-e", json.dumps(options))
    done = found["Let go what no rule keeps"]
    assert code == 0 and done["pruned"] == [], output
    assert [one["data_class"] for one in done["expired"]] == ["logs"] * 3
    assert len(list((site.store.path / "expired").rglob("*.json"))) == 3, output


@pytest.mark.parametrize("with_modules", [False, True], ids=["modules go on", "modules die"])
def test_killed_in_the_middle_the_next_run_ends_it(site, with_modules):
    """Killed once something was let go, and in the middle of an object that is copied."""
    site.store.backup({"/large": os.urandom(64 * 2**20)}, source="large")
    tombstones, incoming = site.store.path / "expired", site.second / "incoming"
    second = LocalBackend(str(site.second))

    def kill(moment):
        wait_for(kill_at(moment, site.controller, site.command(*site.full), with_modules=with_modules))

    kill(lambda: any(tombstones.rglob("*.json")))
    assert site.second.exists() is False
    kill(lambda: any(size > 2**20 for _name, size in second.list("incoming")))
    left = list(incoming.iterdir())
    assert bool(left) == with_modules
    for path in left:
        # a day later
        os.utime(path, (0, 0))
    code, output, found = site.run(*site.full)
    assert code == 0 and found["Verify"]["verdict"] == "authentic", output
    assert sorted(path.name for path in tombstones.rglob("*.json")) == ["1.json", "4.json"]
    assert found["Let go what no rule keeps"]["pruned"] == [] and not any(incoming.iterdir())
    report = verify(second, 1, Trust(expected_heads=found["Verify"]["heads"]))
    assert report.findings == [] and set(report.heads) == {"large/kamailio", "pbx/kamailio"}
