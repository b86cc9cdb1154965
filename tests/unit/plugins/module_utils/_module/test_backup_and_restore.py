# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup and restore of a small Linux tree on this machine, through the real store, items and local transport."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    ConnectionLost,
    HostMismatch,
    KeyRequired,
    RepositoryDamaged,
    RepositoryFull,
    RestoreFailed,
    RestoreRefused,
    VersionMismatch,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import tree_listing
from ansible_collections.ucops.recovery.plugins.module_utils._items.file_tree import FileTree
from ansible_collections.ucops.recovery.plugins.module_utils._items.services import ServiceControl
from ansible_collections.ucops.recovery.plugins.module_utils._module.backup import (
    BackupOptions,
    BackupOutcome,
    Occasion,
    generation_result,
    incomplete_error,
    take_backup,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.companions import Provided
from ansible_collections.ucops.recovery.plugins.module_utils._module.drill_guard import DrillConditions, DrillRefused
from ansible_collections.ucops.recovery.plugins.module_utils._module.release_change import ReleaseChange
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore import Restorer
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_planner import RestorePlan
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_subject import RestoreOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Check, Companion, Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.linux import Linux
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import CommitRecord
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import (
    RestoreJournal,
    interrupted_restores,
    open_restores,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.prune import PruneOptions, Pruner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader, sealed_headers
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import RepositoryWriter
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

SECRET = "correct horse battery staple"
MANUAL = Occasion("manual")
NOTHING = Provided()
LONG = "dial plan line\n" * 1000


class Sick(Linux):
    """A product whose health can be switched off, and that counts, demands and is licensed as it is told."""

    healthy = True
    users: int | None = None
    demands: tuple[Companion, ...] = ()

    def probe(self, transport: Any) -> Probe:
        probe = super().probe(transport)
        if self.users is not None:
            probe.counts, probe.licences = {"users": self.users}, ["KEY-1111", "KEY-2222"]
        return probe

    def companions(self, probe: Probe) -> list[Companion]:
        return list(self.demands)

    def health(self, transport: Any, probe: Probe) -> list[Check]:
        return [Check("answer", self.healthy, "answers" if self.healthy else "says nothing")]


@dataclass
class Site:
    """A host that is a folder, its repository, and the identity that opens it."""

    root: pathlib.Path
    store: RepositoryWriter
    identity: age.X25519Identity
    transport: LocalTransport
    options: dict[str, Any] = field(default_factory=dict)
    users: int | None = None
    demands: tuple[Companion, ...] = ()

    @property
    def product(self) -> Sick:
        paths = [
            {"name": "voip", "path": "/etc/voip", "data_class": "voip_config"},
            {"name": "records", "path": "/var/log/calls", "data_class": "logs", "required": False},
        ]
        product = Sick({"root": str(self.root), "paths": paths, "system_config": False, **self.options})
        product.users, product.demands = self.users, self.demands
        return product

    def backup(
        self,
        *,
        dry_run: bool = False,
        accept: tuple[str, ...] = (),
        occasion: Occasion = MANUAL,
        provided: Provided = NOTHING,
    ) -> BackupOutcome:
        product = self.product
        probe = product.probe(self.transport)
        options = BackupOptions("pbx", "", occasion, accept_shrunken=accept, provided=provided)
        return take_backup(self.store, self.transport, product, probe, product.items(probe), options, dry_run=dry_run)

    def reader(self, outcome: BackupOutcome) -> GenerationReader:
        assert outcome.committed is not None
        record = outcome.committed.record
        return GenerationReader(self.store.backend, record, self.keys_of(record))

    def keys_of(self, record: CommitRecord) -> dict[str, bytes]:
        headers = sealed_headers(self.store.backend, [record])
        return {sha: age.unwrap(age.parse_header(raw), [self.identity]) for sha, raw in headers.items()}

    def restorer(
        self,
        outcome: BackupOutcome,
        product: Sick | None = None,
        expected: BackupOutcome | None = None,
        **options: Any,
    ) -> Restorer:
        product = product or self.product
        chosen = RestoreOptions("pbx", "", Occasion("pre_restore"), **options)
        now, reader = product.probe(self.transport), self.reader(outcome)
        known = self.reader(expected) if expected is not None else None
        return Restorer(self.store, self.transport, product, reader, now, chosen, known)

    def state(self) -> dict[str, tuple[int, int, bytes]]:
        """Mode, time and content of every file, by path."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path)] = (status.st_mode, status.st_mtime_ns if path.is_file() else 0, content)
        return found


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[Site]:
    root = tmp_path / "host"
    (root / "etc/voip/conf.d").mkdir(parents=True)
    (root / "var/log/calls").mkdir(parents=True)
    (root / "etc/machine-id").write_text("a" * 32 + "\n")
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n')
    (root / "etc/voip/dialplan.cfg").write_text(LONG)
    (root / "etc/voip/Ansage Büro\n.txt").write_text("hallo\n")
    (root / "etc/voip/conf.d/trunk.cfg").write_text("trunk = carrier-a\n")
    os.chmod(root / "etc/voip/conf.d/trunk.cfg", 0o600)
    (root / "var/log/calls/2026.csv").write_text("1001,1002\n")
    backend = LocalBackend(str(tmp_path / "repository"))
    key = WriterKey.generate("backup-host")
    documents = {"FORMAT.md": b"", "RECOVERY.md": b"", "recover.py": b""}
    plan = owner.plan_create(owner.read_state(backend), SECRET, documents, key.public, work_factor=1)
    owner.apply_plan(backend, plan)
    identity = owner.unlock(owner.read_state(backend), SECRET)[0]
    with RepositoryWriter(backend, key.with_pins(**plan.facts["pins"])) as store:
        yield Site(root, store, identity, LocalTransport())


# --- backup ----------------------------------------------------------------------------------------------------------
def test_a_backup_is_complete_and_the_second_says_unchanged(site: Site) -> None:
    first, second = site.backup(), site.backup()
    assert (first.gathering.status, first.content_changed, first.changed_items) == (
        "complete",
        True,
        ["records", "voip"],
    )
    assert (second.content_changed, second.changed_items, second.changed) == (False, [], False)
    assert second.committed is not None and second.committed.record.sequence == 2


def test_a_touched_file_is_no_change_and_a_changed_one_names_its_item(site: Site) -> None:
    site.backup()
    os.utime(site.root / "etc/voip/dialplan.cfg", (1, 1))
    assert site.backup().content_changed is False
    (site.root / "etc/voip/conf.d/trunk.cfg").write_text("trunk = carrier-b\n")
    assert site.backup().changed_items == ["voip"]


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_damaged_record_in_the_middle_of_the_line_stops_no_backup(site: Site, damage: str) -> None:
    for _each in range(3):
        site.backup()
    record = pathlib.Path(site.store.backend.location, "commits/pbx/linux/2.json")
    record.unlink() if damage == "gone" else record.write_bytes(record.read_bytes()[:-2])
    with RepositoryWriter(site.store.backend, site.store.writer_key) as store:
        outcome = dataclasses.replace(site, store=store).backup()
    assert outcome.committed is not None and outcome.committed.record.sequence == 4
    assert outcome.gathering.status == "complete" and outcome.content_changed is False
    (warning,) = outcome.committed.warnings
    assert "commits/pbx/linux/2.json" in warning and "another copy of the repository" in warning
    assert "Nothing before it was compared" in warning


def test_a_damaged_newest_record_is_told_with_what_to_do(site: Site) -> None:
    site.backup()
    pathlib.Path(site.store.backend.location, "commits/pbx/linux/1.json").write_bytes(b"{}\n")
    with pytest.raises(RepositoryDamaged, match="another copy"):
        site.backup()


def test_check_mode_compares_and_writes_nothing(site: Site) -> None:
    site.backup()
    before = sorted(site.store.backend.list())
    assert site.backup(dry_run=True).content_changed is False
    (site.root / "etc/voip/new").write_text("x")
    outcome = site.backup(dry_run=True)
    assert (outcome.content_changed, outcome.committed) == (True, None)
    assert sorted(site.store.backend.list()) == before


def test_a_missing_required_item_makes_it_partial_and_is_named(site: Site) -> None:
    shutil.rmtree(site.root / "etc/voip")
    outcome = site.backup()
    assert outcome.committed is not None and outcome.committed.record.status == "partial"
    error = incomplete_error(outcome, "pbx", site.product)
    assert error is not None and "voip: demanded, but not found" in str(error)
    options = BackupOptions("pbx", "", Occasion("manual"))
    assert generation_result(outcome, site.product, options)["missing"] == ["voip"]


def test_what_spoils_several_items_is_told_once(site: Site) -> None:
    outcome = site.backup(dry_run=True)
    for name in ("voip", "records"):
        outcome.gathering.reports[name].problem("db", "The disk is full")
    for number in range(6):
        outcome.gathering.reports["voip"].problem("", f"problem {number}")
    error = incomplete_error(outcome, "pbx", site.product)
    assert error is not None and error.message.count("The disk is full") == 1
    assert "voip, records: db: The disk is full; voip: problem 0; " in error.message
    assert error.message.endswith("voip: problem 3; and 2 more, see generation.problems"), error.message


def test_a_missing_optional_item_is_no_gap(site: Site) -> None:
    shutil.rmtree(site.root / "var/log/calls")
    assert site.backup().gathering.status == "complete"


def test_an_item_below_half_of_its_usual_size_is_suspicious_unless_it_is_declared(site: Site) -> None:
    for _time in range(3):
        site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("short\n")
    outcome = site.backup()
    assert outcome.gathering.missing() == ["voip"]
    assert "median of its last 3 complete generations" in outcome.gathering.problems()[0]["message"]
    assert site.backup(accept=("voip",)).gathering.status == "complete"


def test_an_item_that_nobody_looks_for_any_more_is_named(site: Site) -> None:
    site.backup()
    site.options = {"paths": [{"name": "voip", "path": "/etc/voip"}]}
    outcome = site.backup()
    assert outcome.gathering.missing() == ["records"]
    assert "not even looked for" in outcome.gathering.problems()[0]["message"]
    assert site.backup(accept=("records",)).gathering.status == "complete"


def test_a_jump_in_a_scheduled_backup_is_a_finding_and_fails_nothing(site: Site) -> None:
    site.users = 100
    assert site.backup(occasion=Occasion("scheduled")).findings == []
    site.users = 50
    checked = site.backup(occasion=Occasion("scheduled"), dry_run=True)
    outcome = site.backup(occasion=Occasion("scheduled"))
    assert [finding.grade for finding in outcome.findings] == ["high"] and checked.findings == outcome.findings
    assert incomplete_error(outcome, "pbx", site.product) is None
    assert outcome.committed is not None and outcome.committed.record.counts == {"users": 50}


def test_licences_are_sealed_and_only_counted_in_the_result(site: Site) -> None:
    site.users = 1
    outcome = site.backup()
    result = generation_result(outcome, site.product, BackupOptions("pbx", "", Occasion("manual")))
    assert (result["licence_count"], result["counts"]) == (2, {"users": 1})
    assert "KEY-" not in str(result)
    assert outcome.committed is not None and b"KEY-" not in outcome.committed.record.to_bytes()
    assert site.restorer(outcome)._reader.manifest.version["licences"] == ["KEY-1111", "KEY-2222"]


def test_a_companion_that_is_not_there_makes_it_partial_and_is_named(site: Site) -> None:
    site.demands = (Companion("linux", "its database runs there", source="db1"),)
    run = Occasion("manual", run_id="run-7")
    outcome = site.backup(occasion=run)
    assert outcome.committed is not None
    assert outcome.committed.record.missing == ("companion db1/linux",)
    error = incomplete_error(outcome, "pbx", site.product)
    assert error is not None and "run ucops.recovery.linux_backup for it first" in str(error)
    with_reason = site.backup(occasion=run, provided=Provided(elsewhere={"db1/linux": "the database team"}))
    assert with_reason.gathering.status == "complete"


def test_a_companion_of_the_same_run_completes_it_and_a_restore_names_it(site: Site) -> None:
    run = Occasion("manual", run_id="run-7")
    options = BackupOptions("db1", "", run)
    product = site.product
    probe = product.probe(site.transport)
    take_backup(site.store, site.transport, product, probe, product.items(probe), options)
    site.demands = (Companion("linux", "its database runs there", source="db1"),)
    snapshot = {"kind": "vm_snapshot", "reference": "esx1 snap-12"}
    outcome = site.backup(occasion=run, provided=Provided([snapshot]))
    assert outcome.gathering.status == "complete"
    assert outcome.companions[0].generation == "db1/linux/1"
    (site.root / "etc/voip/dialplan.cfg").write_text("x")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False).to_result()
    assert plan["companions"]["demanded"][0]["generation"] == "db1/linux/1"
    assert plan["companions"]["declared"] == [snapshot]
    # what is put aside before a restore needs no companions
    restorer.run(restorer.plan(look_only=False))
    (before,) = [one for one in load_chain(site.store.backend, "pbx", "linux") if one.phase == "pre_restore"]
    assert before.status == "complete"


def test_check_mode_does_not_miss_what_no_check_mode_makes(site: Site) -> None:
    site.demands = (Companion("linux", "its database runs there", source="db1"),)
    outcome = site.backup(dry_run=True, occasion=Occasion("manual", run_id="run-7"))
    assert outcome.gathering.status == "complete" and not outcome.companions[0].missing


# --- restore ---------------------------------------------------------------------------------------------------------
def test_a_restore_brings_everything_back_exactly_and_a_second_has_nothing_to_do(site: Site) -> None:
    outcome = site.backup()
    before = site.state()
    (site.root / "etc/voip/dialplan.cfg").write_text("broken")
    (site.root / "etc/voip/conf.d/trunk.cfg").unlink()
    (site.root / "etc/voip/later").mkdir()
    (site.root / "etc/voip/later/file").write_text("later")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    actions = {(change.action, change.path) for change in plan.changes["voip"]}
    assert ("remove", b"/etc/voip/later/file") in actions and ("write", b"/etc/voip/conf.d/trunk.cfg") in actions
    result = restorer.run(plan)
    assert result["pre_restore"] == "pbx/linux/2"
    assert site.state() == before
    assert open_restores(site.store.backend, "pbx", "linux") == []
    assert site.restorer(outcome).plan(look_only=False).items == []


def test_what_is_read_from_a_shadow_copy_is_put_back_exactly_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def copied(product: Linux, name: str, paths: Any, *others: Any, **more: Any) -> Any:
        return tree(product, name, paths, *others, **{**more, "consistency": "shadow_copy"})

    tree = Linux.tree
    monkeypatch.setattr(Sick, "tree", copied)
    outcome = site.backup()
    before = site.state()
    (site.root / "etc/voip/later").mkdir()
    (site.root / "etc/voip/later/file").write_text("later")
    assert site.restorer(outcome).plan(look_only=True).unknown == ["voip", "records"]
    restorer = site.restorer(outcome)
    restorer.run(restorer.plan(look_only=False))
    assert site.state() == before


def test_growing_records_stay_unless_they_are_named_or_gone(site: Site) -> None:
    outcome = site.backup()
    calls = site.root / "var/log/calls/2026.csv"
    assert site.restorer(outcome).plan(look_only=False).warnings == []
    calls.write_text("1001,1002\n1003,1004\n")
    plan = site.restorer(outcome).plan(look_only=False)
    assert (plan.items, plan.left_alone) == ([], ["records"])
    assert [warning.partition(";")[0] for warning in plan.warnings] == [
        "records: it grows by itself and some of it is on the host, so it is left alone"
    ]
    assert site.restorer(outcome, only_items=["records"]).plan(look_only=False).items == ["records"]
    shutil.rmtree(calls.parent)
    assert site.restorer(outcome).plan(look_only=False).items == ["records"]


def test_records_are_gone_where_only_the_folder_of_their_package_is_there(site: Site) -> None:
    calls = site.root / "var/log/calls/2026.csv"
    outcome = site.backup()
    calls.unlink()
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert (plan.items, plan.left_alone) == (["records"], [])
    restorer.run(plan)
    assert calls.read_text() == "1001,1002\n"


@pytest.mark.parametrize("consistency", ["none", "shadow_copy"])
def test_what_was_let_go_of_a_generation_is_left_alone_on_the_host(
    site: Site, monkeypatch: pytest.MonkeyPatch, consistency: str
) -> None:
    def taken(product: Linux, name: str, paths: Any, *others: Any, **more: Any) -> Any:
        return tree(product, name, paths, *others, **{**more, "consistency": consistency})

    tree = Linux.tree
    monkeypatch.setattr(Sick, "tree", taken)
    outcome = site.backup()
    pruner = SigningKey.generate()
    state = owner.read_state(site.store.backend)
    signers = [Signer("janitor", pruner.public, ("prune",))]
    owner.apply_plan(site.store.backend, owner.plan_change(state, SECRET, signers=signers))
    options = PruneOptions(max_ages={"logs": 60})
    run = Pruner(site.store.backend, options, pruner, lambda: time.time() + 3600)
    run.run(run.plan())
    (site.root / "etc/voip/dialplan.cfg").write_text("broken")
    (site.root / "var/log/calls/2026.csv").write_text("what the host has now\n")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert plan.items == ["voip"] and plan.left_alone == []
    assert any(warning.startswith("The logs of the generation pbx/linux/1 were let go") for warning in plan.warnings)
    restorer.run(plan)
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == LONG
    assert (site.root / "var/log/calls/2026.csv").read_text() == "what the host has now\n"
    with pytest.raises(RestoreRefused, match="holds no item records"):
        site.restorer(outcome, only_items=["records"])


def test_only_some_paths_are_put_back(site: Site) -> None:
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("mine")
    (site.root / "etc/voip/conf.d/trunk.cfg").write_text("wrong")
    restorer = site.restorer(outcome, paths=["/etc/voip/conf.d"])
    restorer.run(restorer.plan(look_only=False))
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == "mine"
    assert (site.root / "etc/voip/conf.d/trunk.cfg").read_text() == "trunk = carrier-a\n"


@pytest.mark.parametrize("change", ["nothing", "unlink", "write", "both"])
def test_a_hardlink_whose_other_name_is_not_asked_for_is_put_back_as_a_file(site: Site, change: str) -> None:
    trunk, other = site.root / "etc/voip/conf.d/trunk.cfg", site.root / "etc/voip/trunk2.cfg"
    os.link(trunk, other)
    outcome = site.backup()
    if change == "unlink":
        other.unlink()
    elif change == "write":
        other.unlink()
        other.write_text("trunk = carrier-b\n")
    elif change == "both":
        other.write_text("trunk = carrier-b\n")
    before = trunk.read_text()
    restorer = site.restorer(outcome, paths=["/etc/voip/trunk2.cfg"])
    plan = restorer.plan(look_only=False)
    assert plan.items == ([] if change == "nothing" else ["voip"])
    restorer.run(plan)
    assert other.read_text() == "trunk = carrier-a\n" and other.stat().st_mode & 0o7777 == 0o600
    assert trunk.read_text() == before and trunk.samefile(other) is (change == "nothing")
    assert not site.restorer(outcome, paths=["/etc/voip/trunk2.cfg"]).plan(look_only=False).is_needed


def test_a_failed_restore_puts_the_host_back_and_tells_both_stories(site: Site) -> None:
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("the operator's present state\n" * 500)
    (site.root / "etc/voip/new").write_text("new")
    before = site.state()
    product = site.product
    product.healthy = False
    restorer = site.restorer(outcome, product)
    with pytest.raises(RestoreFailed, match="answer: says nothing.*was put back to pbx/linux/2") as caught:
        restorer.run(restorer.plan(look_only=False))
    assert caught.value.details["rolled_back_to"] == "pbx/linux/2"
    assert site.state() == before
    assert open_restores(site.store.backend, "pbx", "linux") == []


def test_without_a_pre_restore_generation_a_failure_keeps_the_journal_open_until_one_works(site: Site) -> None:
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("x")
    product = site.product
    product.healthy = False
    restorer = site.restorer(outcome, product, pre_restore="skip")
    with pytest.raises(RestoreFailed, match="no pre_restore generation"):
        restorer.run(restorer.plan(look_only=False))
    assert len(open_restores(site.store.backend, "pbx", "linux")) == 1
    assert site.backup().open_restores
    (site.root / "etc/voip/dialplan.cfg").write_text("y")
    again = site.restorer(outcome)
    plan = again.plan(look_only=False)
    assert any("began and never ended" in warning for warning in plan.warnings)
    again.run(plan)
    assert open_restores(site.store.backend, "pbx", "linux") == []


def test_a_backup_that_came_since_the_keys_were_asked_for_keeps_nobody_from_going_back(site: Site) -> None:
    outcome = site.backup()
    dialplan = site.root / "etc/voip/dialplan.cfg"
    product = site.product
    product.healthy = False
    restorer = site.restorer(outcome, product)
    dialplan.write_text("work of today\n" * 400)
    site.backup()
    with pytest.raises(RestoreFailed, match="answer: says nothing.*was put back to pbx/linux/4"):
        restorer.run(restorer.plan(look_only=False))
    assert dialplan.read_text() == "work of today\n" * 400
    assert open_restores(site.store.backend, "pbx", "linux") == []


def test_a_pre_restore_generation_that_can_be_read_is_not_taken_twice(site: Site) -> None:
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("work of today\n" * 400)
    restorer = site.restorer(outcome)
    assert restorer.run(restorer.plan(look_only=False))["pre_restore"] == "pbx/linux/2"


def test_another_host_and_another_release_are_refused_before_anything_is_touched(site: Site) -> None:
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("x")
    before = site.state()
    (site.root / "etc/machine-id").write_text("b" * 32 + "\n")
    with pytest.raises(HostMismatch, match="allow_different_host"):
        site.restorer(outcome).plan(look_only=False)
    allowed = site.restorer(outcome, allow_different_host=True).plan(look_only=False)
    assert any("another host" in warning for warning in allowed.warnings)
    (site.root / "etc/machine-id").write_text("a" * 32 + "\n")
    (site.root / "etc/os-release").write_text('ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n')
    with pytest.raises(VersionMismatch, match="allow_version_mismatch"):
        site.restorer(outcome).plan(look_only=False)
    (site.root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n')
    assert {path: state[2] for path, state in site.state().items()} == {
        path: state[2] for path, state in before.items()
    }


def test_a_volume_without_room_is_refused_by_its_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = site.backup()
    shutil.rmtree(site.root / "etc/voip")
    before = site.state()
    monkeypatch.setattr(Sick, "volume_of", lambda self, path: "D:\\" if b"conf.d" in path else self.root)
    monkeypatch.setattr(site.transport, "free_space", lambda path: 10 if path == "D:\\" else None)
    with pytest.raises(RestoreRefused, match=r"10 bytes free below D:"):
        site.restorer(outcome).plan(look_only=True)
    monkeypatch.setattr(site.transport, "free_space", lambda path: 2**40)
    assert site.restorer(outcome).plan(look_only=True).items == ["voip"]
    assert site.state() == before


def test_host_and_release_are_judged_before_a_dump_is_started(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = site.backup()
    restorer = site.restorer(outcome)
    restorer._now.identity = {"machine_id": "b" * 32}
    monkeypatch.setattr(restorer, "_gather", lambda *items, **how: pytest.fail("gathered"))
    with pytest.raises(HostMismatch):
        restorer.plan(look_only=False)


def test_what_is_not_in_the_generation_is_refused_by_name(site: Site) -> None:
    outcome = site.backup()
    with pytest.raises(RestoreRefused, match="no item trunks.*"):
        site.restorer(outcome, only_items=["trunks"])
    with pytest.raises(RestoreRefused, match="nothing at or under"):
        site.restorer(outcome, paths=["/srv"])


def test_content_without_its_key_is_found_before_anything_is_touched(site: Site) -> None:
    outcome = site.backup()
    assert outcome.committed is not None
    (site.root / "etc/voip/dialplan.cfg").write_text("x")
    before = site.state()
    restorer = site.restorer(outcome)
    manifest = outcome.committed.record.manifest[0]
    restorer._reader.file_keys = {manifest: restorer._reader.file_keys[manifest]}
    with pytest.raises(KeyRequired):
        restorer.prove_content()
    assert site.state() == before


# --- what a generation failed to read --------------------------------------------------------------------------------
def spoil(monkeypatch: pytest.MonkeyPatch, path: bytes, problem: bytes) -> None:
    """From now on nothing at or below ``path`` comes from the host, and ``problem`` is what is said of it."""

    def gather_the_rest(self: FileTree, transport: Any, report: Any) -> Any:
        for entry, content in gather(self, transport, report):
            if entry.path == path or entry.path.startswith(path + b"/"):
                b"".join(content)
            else:
                yield entry, content
        if self.covers(path):
            report.problem(problem, "Input/output error")

    gather = FileTree.gather
    monkeypatch.setattr(FileTree, "gather", gather_the_rest)


@pytest.mark.parametrize("problem", [b"/etc/voip/conf.d", b"/etc/voip/conf.d/trunk.cfg", b""])
def test_what_a_generation_failed_to_read_is_not_removed(site: Site, problem: bytes) -> None:
    trunk, later = site.root / "etc/voip/conf.d/trunk.cfg", site.root / "etc/voip/later"
    with pytest.MonkeyPatch.context() as patched:
        spoil(patched, problem or b"/etc/voip/conf.d/trunk.cfg", problem)
        outcome = site.backup()
    assert outcome.gathering.status == "partial"
    trunk.write_text("trunk = carrier-b\n")
    later.write_text("later")
    (site.root / "etc/voip/dialplan.cfg").write_text("broken")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    removed = [change.path for change in plan.changes["voip"] if change.action == "remove"]
    assert removed == ([b"/etc/voip/later"] if problem else [])
    told = f"could not read {problem.decode()}; what the host has there is not removed" if problem else "nothing is re"
    assert any(warning.startswith("voip: pbx/linux/1 ") and told in warning for warning in plan.warnings)
    restorer.run(plan)
    assert trunk.read_text() == "trunk = carrier-b\n" and later.exists() is not bool(problem)
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == LONG
    assert not site.restorer(outcome).plan(look_only=False).is_needed


def test_what_still_cannot_be_read_fails_no_restore_of_a_generation_that_could_not_either(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    trunk = b"/etc/voip/conf.d/trunk.cfg"
    good = site.backup()
    spoil(monkeypatch, trunk, trunk)
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("broken")
    restorer = site.restorer(outcome, pre_restore="best_effort")
    restorer.run(restorer.plan(look_only=False))
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == LONG
    other = site.restorer(good, pre_restore="best_effort")
    with pytest.raises(RestoreFailed, match="cannot be read again.*was put back to pbx/linux/4"):
        other.run(other.plan(look_only=False))


def test_going_back_to_a_pre_restore_generation_removes_nothing_that_it_failed_to_read(site: Site) -> None:
    trunk = site.root / "etc/voip/conf.d/trunk.cfg"
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("broken")
    product = site.product
    product.healthy = False
    restorer = site.restorer(outcome, product, pre_restore="best_effort")
    plan = restorer.plan(look_only=False)
    pre_restore = restorer._pre_restore

    def half_blind() -> Any:
        with pytest.MonkeyPatch.context() as patched:
            spoil(patched, b"/etc/voip/conf.d/trunk.cfg", b"/etc/voip/conf.d/trunk.cfg")
            return pre_restore()

    restorer._pre_restore = half_blind  # type: ignore[method-assign]
    with pytest.raises(RestoreFailed, match="was put back to pbx/linux/2"):
        restorer.run(plan)
    assert trunk.read_text() == "trunk = carrier-a\n"
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == "broken"


def test_a_partial_generation_ends_no_restore_of_another_one_that_may_have_written_what_it_lacks(site: Site) -> None:
    site.backup()
    with pytest.MonkeyPatch.context() as patched:
        spoil(patched, b"/etc/voip/conf.d/trunk.cfg", b"/etc/voip/conf.d/trunk.cfg")
        partial = site.backup()
    killed = begun(site, "voip")
    restorer = site.restorer(partial)
    restorer.run(restorer.plan(look_only=False))
    assert open_restores(site.store.backend, "pbx", "linux") == [killed]


# --- what a generation never looked at -------------------------------------------------------------------------------
def voip(*more: str, **others: Any) -> dict[str, Any]:
    """The options with which the item C(voip) means more paths, or leaves some out."""
    return {"paths": [{"name": "voip", "paths": ["/etc/voip", *more], **others}]}


@pytest.fixture
def recordings(site: Site) -> pathlib.Path:
    """A folder below the item's path, with a call in it."""
    folder = site.root / "etc/voip/recordings"
    folder.mkdir()
    (folder / "call.wav").write_text("hello")
    return folder


def removed(plan: RestorePlan) -> list[bytes]:
    return [change.path for change in plan.changes["voip"] if change.action == "remove"]


def test_what_was_excluded_when_it_was_made_stays_also_where_the_exclude_is_dropped(
    site: Site, recordings: pathlib.Path
) -> None:
    site.options = voip(exclude=["recordings"])
    outcome = site.backup()
    site.options = voip()
    (site.root / "etc/voip/later").write_text("later")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=True)
    assert removed(plan) == [b"/etc/voip/later"]
    assert plan.warnings == [
        "voip: pbx/linux/1 did not look at /etc/voip/recordings; what the host has there is not removed."
    ]
    restorer.run(plan)
    assert (recordings / "call.wav").read_text() == "hello"
    assert not (site.root / "etc/voip/later").exists()
    assert not site.restorer(outcome).plan(look_only=False).is_needed


def test_what_only_today_s_paths_mean_is_not_removed_nor_a_folder_that_holds_it(site: Site) -> None:
    site.options = voip(exclude=["*.wav"])
    outcome = site.backup()
    site.options = voip("/srv/queue*")
    for path in ("srv/queue1/a", "srv/queue2/b", "etc/voip/new/call.wav", "etc/voip/new/else"):
        (site.root / path).parent.mkdir(parents=True, exist_ok=True)
        (site.root / path).write_text("later")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert removed(plan) == [b"/etc/voip/new/else"]
    assert "did not look at /etc/voip/new/call.wav, /srv/queue1, /srv/queue2;" in plan.warnings[0]
    restorer.run(plan)
    assert (site.root / "etc/voip/new/call.wav").exists() and (site.root / "srv/queue2/b").exists()
    assert not (site.root / "etc/voip/new/else").exists()


def test_a_later_folder_that_holds_what_is_always_left_out_stays_and_is_named(site: Site) -> None:
    site.options = voip(exclude=["*.wav"])
    outcome = site.backup()
    for path in ("etc/voip/new/in/call.wav", "etc/voip/new/else", "etc/voip/gone/else"):
        (site.root / path).parent.mkdir(parents=True, exist_ok=True)
        (site.root / path).write_text("later")
    with socket.socket(socket.AF_UNIX) as server:
        (site.root / "etc/voip/run").mkdir()
        server.bind(os.path.relpath(site.root / "etc/voip/run/control"))
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert removed(plan) == [b"/etc/voip/gone", b"/etc/voip/gone/else", b"/etc/voip/new/else"]
    assert plan.warnings == [
        "voip: these folders came later and hold what the item leaves out, so they stay: /etc/voip/new/in,"
        " /etc/voip/run."
    ]
    restorer.run(plan)
    assert (site.root / "etc/voip/new/in/call.wav").exists() and not (site.root / "etc/voip/new/else").exists()
    assert not (site.root / "etc/voip/gone").exists() and (site.root / "etc/voip/run/control").exists()
    assert not site.restorer(outcome).plan(look_only=False).is_needed


def test_what_today_s_options_leave_out_is_not_removed_either(site: Site, recordings: pathlib.Path) -> None:
    outcome = site.backup()
    (recordings / "later.wav").write_text("later")
    site.options = voip(exclude=["later.wav"])
    (site.root / "etc/voip/later").write_text("later")
    plan = site.restorer(outcome).plan(look_only=False)
    assert removed(plan) == [b"/etc/voip/later"] and not plan.warnings


def test_a_failed_restore_puts_back_what_the_generation_never_looked_at(site: Site, recordings: pathlib.Path) -> None:
    site.options = voip(exclude=["recordings"])
    outcome = site.backup()
    site.options = voip()
    (site.root / "etc/voip/dialplan.cfg").write_text("broken")
    before = site.state()
    product = site.product
    product.healthy = False
    restorer = site.restorer(outcome, product)
    plan = restorer.plan(look_only=False)
    put_back = restorer._put_back

    def spoilt(items: Any, reader: Any, wanted: Any, **how: Any) -> None:
        put_back(items, reader, wanted, **how)
        if not how:
            (recordings / "call.wav").unlink()

    restorer._put_back = spoilt  # type: ignore[method-assign]
    with pytest.raises(RestoreFailed, match="was put back to pbx/linux/2"):
        restorer.run(plan)
    assert site.state() == before


def test_of_a_generation_that_does_not_tell_what_it_looked_at_nothing_is_removed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(FileTree, "scope", lambda self: {})
        outcome = site.backup()
    (site.root / "etc/voip/later").write_text("later")
    (site.root / "etc/voip/dialplan.cfg").write_text("broken")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert removed(plan) == []
    assert plan.warnings == [
        "voip: pbx/linux/1 does not tell what it looked at, so this is not removed: /etc/voip/later."
    ]
    restorer.run(plan)
    assert (site.root / "etc/voip/later").exists()
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == LONG


# --- what a restore would lose ---------------------------------------------------------------------------------------
@pytest.fixture
def change(site: Site) -> tuple[BackupOutcome, BackupOutcome]:
    """The generations before and after a change of the dial plan, which added a file and removed one."""
    before = site.backup(occasion=Occasion("pre_change", change_id="CHG1"))
    (site.root / "etc/voip/dialplan.cfg").write_text(LONG + "changed\n")
    (site.root / "etc/voip/queue.cfg").write_text("queue = sales\n")
    (site.root / "etc/voip/conf.d/trunk.cfg").unlink()
    return before, site.backup(occasion=Occasion("post_change", change_id="CHG1"))


def told(restorer: Restorer) -> set[tuple[str, str]]:
    plan = restorer.plan(look_only=False).to_result()
    return {(loss["action"], loss["path"]) for loss in plan["losses"]}


def test_what_only_the_change_did_is_nothing_to_lose(site: Site, change: tuple[BackupOutcome, BackupOutcome]) -> None:
    before, after = change
    os.utime(site.root / "etc/voip/queue.cfg", (1, 1))
    restorer = site.restorer(before, expected=after)
    plan = restorer.plan(look_only=False)
    assert plan.items == ["voip"] and plan.losses == [] and plan.expected == "pbx/linux/2"
    restorer.run(plan)
    assert site.restorer(before, expected=after).plan(look_only=False).is_needed is False


def test_what_came_after_the_change_is_named_and_refused(
    site: Site, change: tuple[BackupOutcome, BackupOutcome]
) -> None:
    before, after = change
    (site.root / "etc/voip/dialplan.cfg").write_text(LONG + "changed\nand mended by hand\n")
    (site.root / "etc/voip/new.cfg").write_text("made since")
    (site.root / "etc/voip/Ansage Büro\n.txt").unlink()
    (site.root / "etc/voip/queue.cfg").unlink()
    state = site.state()
    # the queue is gone as it was before the change: whoever did that loses nothing
    assert told(site.restorer(before, expected=after)) == {
        ("changed", "/etc/voip/dialplan.cfg"),
        ("added", "/etc/voip/new.cfg"),
        ("removed", "/etc/voip/Ansage Büro%0A.txt"),
    }
    restorer = site.restorer(before, expected=after)
    with pytest.raises(RestoreRefused, match="what came after pbx/linux/2.*and 2 more.*confirm_losses") as caught:
        restorer.run(restorer.plan(look_only=False))
    assert caught.value.details["loss_count"] == 3
    assert site.state() == state and open_restores(site.store.backend, "pbx", "linux") == []
    confirmed = site.restorer(before, expected=after, confirm_losses=True)
    confirmed.run(confirmed.plan(look_only=False))
    assert not (site.root / "etc/voip/new.cfg").exists()


def test_without_a_generation_after_the_change_every_difference_is_a_loss(
    site: Site, change: tuple[BackupOutcome, BackupOutcome]
) -> None:
    before, _after = change
    assert told(site.restorer(before, expected=before)) == {
        ("changed", "/etc/voip/dialplan.cfg"),
        ("added", "/etc/voip/queue.cfg"),
        ("removed", "/etc/voip/conf.d/trunk.cfg"),
    }


def test_growing_records_are_no_loss_and_what_cannot_be_compared_is(
    site: Site, change: tuple[BackupOutcome, BackupOutcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = change
    (site.root / "var/log/calls/2026.csv").write_text("1001,1002\n1003,1004\n")
    assert told(site.restorer(before, expected=after)) == set()

    def opaque(product: Linux, name: str, paths: Any, *others: Any, **more: Any) -> Any:
        return tree(product, name, paths, *others, **{**more, "comparable": name != "voip"})

    tree = Linux.tree
    monkeypatch.setattr(Sick, "tree", opaque)
    assert told(site.restorer(before, expected=after)) == {("not_compared", "")}
    time.sleep(1.1)
    other = site.restorer(before, expected=after, only_items=["records"], confirm_losses=True)
    other.run(other.plan(look_only=False))
    # what cannot be compared is put back once, not again and again
    restorer = site.restorer(before, expected=after, confirm_losses=True)
    restorer.run(restorer.plan(look_only=False))
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == LONG
    begun(site, "elsewhere")
    plan = site.restorer(before, expected=after).plan(look_only=False)
    assert plan.items == [] and any("cannot be compared, and was put back at" in one for one in plan.warnings)


# --- restores that were cut off --------------------------------------------------------------------------------------
def failing(error: BaseException) -> Any:
    def fail(*_what: Any, **_how: Any) -> Any:
        raise error

    return fail


def test_a_restore_that_was_killed_is_finished_without_asking_again(
    site: Site, change: tuple[BackupOutcome, BackupOutcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = change
    restorer = site.restorer(before, expected=after)

    def half(*_items: Any, **_how: Any) -> None:
        (site.root / "etc/voip/dialplan.cfg").write_text("half of")
        raise KeyboardInterrupt

    monkeypatch.setattr(restorer, "_put_back", half)
    with pytest.raises(KeyboardInterrupt):
        restorer.run(restorer.plan(look_only=False))
    (begun,) = interrupted_restores(site.store.backend, "pbx", "linux")
    assert (begun.generation, list(begun.items)) == ("pbx/linux/1", ["voip"])
    again = site.restorer(before, expected=after)
    plan = again.plan(look_only=False)
    assert plan.losses == [] and plan.open_restores == [begun.identifier]
    again.run(plan)
    assert (site.root / "etc/voip/dialplan.cfg").read_text() == LONG
    assert open_restores(site.store.backend, "pbx", "linux") == []


def test_a_restore_that_was_killed_after_its_last_write_is_ended_by_the_next(site: Site) -> None:
    outcome = site.backup()
    RestoreJournal.start(site.store, "pbx", "linux", generation="pbx/linux/1", plan={"items": ["voip"]})
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert plan.items == [] and plan.is_needed
    result = restorer.run(plan)
    assert result["pre_restore"] is None and result["checks"]
    assert open_restores(site.store.backend, "pbx", "linux") == []


def begun(site: Site, *items: str, paths: tuple[str, ...] = ()) -> str:
    """A restore of the first generation that was killed; its identifier."""
    plan = {"items": items, "paths": paths}
    return RestoreJournal.start(site.store, "pbx", "linux", generation="pbx/linux/1", plan=plan).identifier


@pytest.mark.parametrize(
    "elsewhere", [{"paths": ["/etc/voip/conf.d"]}, {"only_items": ["records"]}, {"only_items": ["voip"]}]
)
def test_a_restore_of_something_else_ends_none_that_was_killed(site: Site, elsewhere: dict[str, Any]) -> None:
    outcome = site.backup()
    killed = begun(site, "voip", "records")
    (site.root / "etc/voip/dialplan.cfg").write_text("half of")
    for _time in range(2):
        restorer = site.restorer(outcome, **elsewhere)
        plan = restorer.plan(look_only=False)
        assert plan.open_restores == []
        assert any(killed in warning and "so it stays open" in warning for warning in plan.warnings)
        restorer.run(plan)
        assert open_restores(site.store.backend, "pbx", "linux") == [killed]
    whole = site.restorer(outcome, only_items=["voip", "records"])
    whole.run(whole.plan(look_only=False))
    assert open_restores(site.store.backend, "pbx", "linux") == []


def test_records_of_which_a_killed_restore_wrote_some_are_put_back_as_a_whole(site: Site) -> None:
    older, newer = site.root / "var/log/calls/2025.csv", site.root / "var/log/calls/2026.csv"
    older.write_text("old records\n")
    outcome = site.backup()
    older.unlink()
    killed = begun(site, "records", paths=("/var/log/calls",))
    plan = site.restorer(outcome).plan(look_only=False)
    assert (plan.left_alone, plan.open_restores) == (["records"], []) and killed in str(plan.warnings)
    begun(site, "records")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert (plan.items, plan.left_alone) == (["records"], [])
    restorer.run(plan)
    assert older.read_text() == "old records\n" and newer.exists()
    assert open_restores(site.store.backend, "pbx", "linux") == []


def test_some_paths_that_were_killed_are_ended_by_the_same_paths_or_all(site: Site) -> None:
    outcome = site.backup()
    for paths in (["/etc/voip/conf.d"], ["/etc/voip/dialplan.cfg", "/etc/voip/conf.d"], None):
        killed = begun(site, "voip", paths=("/etc/voip/conf.d",))
        other = site.restorer(outcome, paths=["/etc/voip/dialplan.cfg"])
        other.run(other.plan(look_only=False))
        assert open_restores(site.store.backend, "pbx", "linux") == [killed]
        same = site.restorer(outcome, paths=paths)
        same.run(same.plan(look_only=False))
        assert open_restores(site.store.backend, "pbx", "linux") == []


def test_the_journal_says_to_which_paths_a_restore_was_limited(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = site.backup()
    (site.root / "etc/voip/conf.d/trunk.cfg").write_text("wrong")
    restorer = site.restorer(outcome, paths=["/etc/voip/conf.d"])
    monkeypatch.setattr(restorer, "_put_back", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        restorer.run(restorer.plan(look_only=False))
    (killed,) = interrupted_restores(site.store.backend, "pbx", "linux")
    assert (list(killed.items), list(killed.paths)) == (["voip"], ["/etc/voip/conf.d"])


# --- services for the sake of another host ---------------------------------------------------------------------------
@pytest.fixture
def switchboard(site: Site) -> pathlib.Path:
    """A service of the host; the file is there while it runs."""
    runs = site.root.parent / "runs"
    runs.touch()
    site.options = {
        "services": [
            {
                "name": "switchboard",
                "start": ["touch", str(runs)],
                "stop": ["rm", "-f", str(runs)],
                "status": ["test", "-e", str(runs)],
            }
        ]
    }
    return runs


def test_a_host_is_stopped_stands_in_the_journal_and_is_started_by_its_restore(
    site: Site, switchboard: pathlib.Path
) -> None:
    outcome = site.backup()
    assert site.restorer(outcome).stop_services(look_only=True) == {"changed": True, "stopped": ["switchboard"]}
    assert switchboard.exists()
    assert site.restorer(outcome).stop_services(look_only=False)["stopped"] == ["switchboard"]
    assert not switchboard.exists() and site.backup().open_restores
    assert site.restorer(outcome).stop_services(look_only=False) == {"changed": False, "stopped": []}
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert plan.to_result()["stop_and_start"] == ["switchboard"]
    restorer.run(plan)
    assert switchboard.exists() and site.backup().open_restores == []


def test_a_host_that_was_stopped_in_vain_is_started_again(site: Site, switchboard: pathlib.Path) -> None:
    outcome = site.backup()
    site.restorer(outcome).stop_services(look_only=False)
    assert site.restorer(outcome).start_services(look_only=False) == {"changed": True, "started": ["switchboard"]}
    assert switchboard.exists() and site.backup().open_restores == []
    RestoreJournal.start(site.store, "pbx", "linux", generation="pbx/linux/1", plan={"items": ["voip"]})
    with pytest.raises(RestoreRefused, match="half done"):
        site.restorer(outcome).start_services(look_only=False)


def test_a_backup_tells_how_long_the_services_that_it_stops_may_need_to_run_again(
    site: Site, switchboard: pathlib.Path
) -> None:
    site.options["stop_services_for_backup"] = True
    told = []

    def stopping(seconds: float) -> None:
        told.append((seconds, switchboard.exists()))

    product = site.product
    probe = product.probe(site.transport)
    options = BackupOptions("pbx", "", MANUAL)
    take_backup(site.store, site.transport, product, probe, product.items(probe), options, stopping=stopping)
    assert told == [(210.0, True)] and switchboard.exists()


def test_a_service_that_cannot_be_stopped_leaves_the_others_running(site: Site, switchboard: pathlib.Path) -> None:
    outcome = site.backup()
    site.options["services"][0]["stop"] = ["false"]
    with pytest.raises(CommandFailed):
        site.restorer(outcome).stop_services(look_only=False)
    assert switchboard.exists() and site.backup().open_restores == []


def test_a_service_that_stays_down_after_the_pre_restore_generation_keeps_the_journal_open(
    site: Site, switchboard: pathlib.Path
) -> None:
    broken = switchboard.with_name("broken")
    site.options["stop_services_for_backup"] = True
    site.options["services"][0]["start"] = ["sh", "-c", f"test ! -e {broken} && touch {switchboard}"]
    outcome = site.backup()
    dialplan = site.root / "etc/voip/dialplan.cfg"
    dialplan.write_text("changed")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    broken.touch()
    with pytest.raises(RestoreFailed, match="switchboard ran before and may be stopped now") as caught:
        restorer.run(plan)
    assert not switchboard.exists() and dialplan.read_text() == "changed"
    assert "nothing was touched" not in str(caught.value)
    assert open_restores(site.store.backend, "pbx", "linux") == [caught.value.details["journal"]]
    broken.unlink()
    again = site.restorer(outcome)
    again.run(again.plan(look_only=False))
    assert switchboard.exists() and open_restores(site.store.backend, "pbx", "linux") == []


def test_a_pre_restore_generation_that_fails_while_all_runs_again_closes_the_journal(
    site: Site, switchboard: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.options["stop_services_for_backup"] = True
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("changed")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    monkeypatch.setattr(site.store, "commit", failing(RepositoryFull("The disk is full")))
    with pytest.raises(RestoreRefused, match="so nothing was put back: .*disk is full"):
        restorer.run(plan)
    assert switchboard.exists() and open_restores(site.store.backend, "pbx", "linux") == []


def test_a_host_that_is_lost_while_its_services_are_stopped_keeps_the_journal_open(
    site: Site, switchboard: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.options["stop_services_for_backup"] = True
    outcome = site.backup()
    (site.root / "etc/voip/dialplan.cfg").write_text("changed")
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)

    lost = failing(ConnectionLost("The line is dead", host="pbx"))

    def stop_and_lose(service: Any) -> None:
        switchboard.unlink()
        monkeypatch.setattr(site.transport, "run", lost)
        lost()

    monkeypatch.setattr(ServiceControl, "stop", lambda _control, service: stop_and_lose(service))
    with pytest.raises(RestoreFailed, match="The line is dead.*switchboard ran before"):
        restorer.run(plan)
    assert len(open_restores(site.store.backend, "pbx", "linux")) == 1


def test_a_service_that_is_down_is_started_although_nothing_else_differs(site: Site, switchboard: pathlib.Path) -> None:
    outcome = site.backup()
    switchboard.unlink()
    restorer = site.restorer(outcome)
    plan = restorer.plan(look_only=False)
    assert (plan.items, plan.stopped, plan.is_needed) == ([], ["switchboard"], True)
    restorer.run(plan)
    assert switchboard.exists() and not site.restorer(outcome).plan(look_only=False).is_needed


@pytest.mark.parametrize("lives", [False, True])
def test_what_a_service_writes_when_it_starts_must_be_declared(
    site: Site, switchboard: pathlib.Path, monkeypatch: pytest.MonkeyPatch, lives: bool
) -> None:
    state = site.root / "etc/voip/state"
    (service,) = site.options["services"]
    service["start"] = ["sh", "-c", f"date +%s%N >{state}; touch {switchboard}"]
    outcome = site.backup()
    dialplan = site.root / "etc/voip/dialplan.cfg"
    dialplan.write_text("changed")
    product = site.product
    items = [dataclasses.replace(item, lives=lives) for item in product.items(product.probe(site.transport))]
    monkeypatch.setattr(product, "items", lambda probe: items)
    restorer = site.restorer(outcome, product)
    plan = restorer.plan(look_only=False)
    if lives:
        assert restorer.run(plan)["compared"] == {"voip": 5}
        assert dialplan.read_text() == LONG
    else:
        with pytest.raises(RestoreFailed, match="differs again.*state should not be there.*was put back to") as caught:
            restorer.run(plan)
        assert dialplan.read_text() == "changed" and "lives: true" in str(caught.value)
    assert state.exists() and switchboard.exists() and open_restores(site.store.backend, "pbx", "linux") == []


def test_below_the_reserve_nothing_begins_but_a_restore_s_own(site: Site) -> None:
    outcome = site.backup()
    before = sorted(site.store.backend.list())
    product = site.product
    probe = product.probe(site.transport)
    options = BackupOptions("pbx", "", MANUAL, reserve=2**62)
    for dry_run in (True, False):
        with pytest.raises(RepositoryFull, match="so no backup begins"):
            take_backup(site.store, site.transport, product, probe, product.items(probe), options, dry_run=dry_run)
    assert sorted(site.store.backend.list()) == before
    (site.root / "etc/voip/dialplan.cfg").write_text("x")
    restorer = site.restorer(outcome)
    assert restorer.run(restorer.plan(look_only=False))["pre_restore"] == "pbx/linux/2"


def test_another_release_is_a_finding_announced_or_not_and_a_restore_names_what_fits(site: Site) -> None:
    change = ReleaseChange("Debian 13", "https://vendor.example/notes", "Ann", "2026-01-31")
    occasion = Occasion("pre_change", change_id="CHG1", reason="new release")
    product = site.product
    probe = product.probe(site.transport)
    options = BackupOptions("pbx", "", occasion, release_change=change)
    first = take_backup(site.store, site.transport, product, probe, product.items(probe), options)
    assert first.committed is not None and first.findings == []
    assert first.committed.record.reason == f"new release ({change.words()})"
    contract = site.restorer(first)._reader.manifest.contract
    assert contract["release_change"] == change.to_json("Debian 12")
    (site.root / "etc/os-release").write_text('ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n')
    second = site.backup()
    assert [finding.grade for finding in second.findings] == ["medium"]
    assert site.backup().findings == []
    with pytest.raises(VersionMismatch) as caught:
        site.restorer(first).plan(look_only=False)
    text = str(caught.value)
    assert "pbx/linux/1 was made with Debian 12, the host runs Debian 13: a configuration may not be accepted" in text
    assert "Install Debian 12 first, restore pbx/linux/3, which was made with Debian 13, or, when" in text


# --- drills --------------------------------------------------------------------------------------------------------
def drilling(**given: Any) -> DrillConditions:
    return DrillConditions("192.0.2.1", **{"accept_reachable": "there is no trunk", **given})


def test_a_drill_refuses_the_host_that_the_generation_was_made_of(site: Site) -> None:
    outcome = site.backup()
    before = site.state()
    restorer = site.restorer(outcome, pre_restore="skip", drill=drilling())
    with pytest.raises(DrillRefused, match="machine id"):
        restorer.plan(look_only=False)
    assert site.state() == before and restorer.target is None


def test_a_drill_proves_the_whole_also_where_nothing_has_to_be_written(site: Site) -> None:
    outcome = site.backup()
    (site.root / "etc/machine-id").write_text("b" * 32 + "\n")
    restorer = site.restorer(outcome, pre_restore="skip", drill=drilling())
    plan = restorer.plan(look_only=False)
    assert plan.items == [] and restorer.target is not None
    assert restorer.target.to_result()["isolation"] == ["accepted without proof: there is no trunk"]
    done = restorer.run(plan)
    assert done["compared"]["voip"] > 0 and done["pre_restore"] is None
    assert [check["kind"] for check in done["checks"]][-1] == "health"


def test_a_drill_that_fails_tells_which_check_it_was(site: Site) -> None:
    outcome = site.backup()
    (site.root / "etc/machine-id").write_text("b" * 32 + "\n")
    product = site.product
    product.healthy = False
    restorer = site.restorer(outcome, product, pre_restore="skip", drill=drilling())
    with pytest.raises(RestoreFailed) as caught:
        restorer.run(restorer.plan(look_only=False))
    (check,) = [one for one in caught.value.details["checks"] if one["ok"] is False]
    assert (check["name"], check["kind"]) == ("answer", "health")


def test_what_a_drill_started_is_stopped_for_good_and_the_journal_says_nothing(
    site: Site, switchboard: pathlib.Path
) -> None:
    outcome = site.backup()

    def stop(**how: bool) -> dict[str, Any]:
        return site.restorer(outcome, pre_restore="skip", drill=drilling()).stop_services(**how)

    with pytest.raises(DrillRefused, match="machine id"):
        stop(look_only=False)
    assert switchboard.exists()
    (site.root / "etc/machine-id").write_text("b" * 32 + "\n")
    assert stop(look_only=True) == {"changed": True, "stopped": ["switchboard"]}
    assert switchboard.exists()
    assert stop(look_only=False) == {"changed": True, "stopped": ["switchboard"]}
    assert not switchboard.exists() and site.backup().open_restores == []
    assert stop(look_only=False) == {"changed": False, "stopped": []}


def test_a_service_that_a_drill_started_and_nobody_can_stop_is_told(site: Site, switchboard: pathlib.Path) -> None:
    outcome = site.backup()
    (site.root / "etc/machine-id").write_text("b" * 32 + "\n")
    site.options["services"][0]["stop"] = ["false"]
    with pytest.raises(CommandFailed):
        site.restorer(outcome, pre_restore="skip", drill=drilling()).stop_services(look_only=False)
    assert switchboard.exists() and site.backup().open_restores == []


def test_a_plan_alone_warns_of_what_a_restore_would_be_refused_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The partner that runs now is stopped before the restore itself."""

    def refuse(*_unused: Any) -> list[str]:
        raise RestoreRefused("The partner runs")

    outcome = site.backup()
    monkeypatch.setattr(Sick, "refuse_restore", refuse)
    plan = site.restorer(outcome).plan(look_only=False, only_plan=True)
    assert "As things are now it would be refused: The partner runs." in plan.warnings
    with pytest.raises(RestoreRefused, match="The partner runs"):
        site.restorer(outcome).plan(look_only=False)


# --- large files that need not be read again -------------------------------------------------------------------------
ANNOUNCEMENT = random.Random(7).randbytes(700_000)
NOTES = "known/pbx/linux.json"
Hand = Callable[[pathlib.Path], object]


@dataclass
class SiteOfOldFiles(Site):
    """A site whose large file counts as one that nobody touched for a minute, and whose writer's clock can be set."""

    now: float = field(default_factory=time.time)

    @property
    def announcement(self) -> pathlib.Path:
        return self.root / "etc/voip/announcement.wav"

    def has_read(self) -> bool:
        """Whether a backup, which is complete, read the large file."""
        outcome = self.backup()
        assert outcome.gathering.status == "complete"
        assert (outcome.not_read is None) == (outcome.bytes_read >= len(ANNOUNCEMENT))
        return outcome.not_read is None

    def stored(self) -> set[str]:
        return {name for name, _size in self.store.backend.list()}

    def newest_content(self) -> bytes:
        """The large file as the newest generation has it."""
        newest = load_chain(self.store.backend, "pbx", "linux")[-1]
        with GenerationReader(self.store.backend, newest, self.keys_of(newest)) as reader:
            (stored,) = [one for one in reader.entries() if one.entry.path == b"/etc/voip/announcement.wav"]
            content = reader.read(stored)
            assert hashlib.sha256(content).hexdigest() == stored.sha256
            return content


@pytest.fixture
def old(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[SiteOfOldFiles]:
    assert " -cmin +1 " in tree_listing.SCRIPT
    monkeypatch.setattr(tree_listing, "SCRIPT", tree_listing.SCRIPT.replace(" -cmin +1 ", " "))
    values = {one.name: getattr(site, one.name) for one in dataclasses.fields(site)}
    made = SiteOfOldFiles(**values)
    made.announcement.write_bytes(ANNOUNCEMENT)
    with RepositoryWriter(site.store.backend, site.store.writer_key, clock=lambda: made.now) as store:
        made.store = store
        yield made


def test_a_large_file_that_nobody_wrote_to_is_not_read_again(old: SiteOfOldFiles) -> None:
    first = old.backup()
    before = old.stored()
    second = old.backup()
    assert first.not_read is None and first.bytes_read > len(ANNOUNCEMENT)
    assert second.bytes_read == first.bytes_read - len(ANNOUNCEMENT) > len(LONG)  # the small ones are read
    assert second.content_changed is False and "1 large file was not read again (700000 bytes)" in str(second.not_read)
    assert {name.rpartition(".")[2] for name in old.stored() - before} == {"json", "sig"}
    assert len(old.stored() - before) == 2 and old.newest_content() == ANNOUNCEMENT


def test_beside_a_changed_file_it_is_in_the_new_generation_all_the_same(old: SiteOfOldFiles) -> None:
    old.backup()
    (old.root / "etc/voip/dialplan.cfg").write_text(LONG + "more\n")
    outcome = old.backup()
    assert outcome.changed_items == ["voip"] and outcome.not_read is not None
    assert outcome.committed is not None and outcome.committed.bytes_stored < 100_000
    assert old.newest_content() == ANNOUNCEMENT
    assert not old.has_read()


def _write_with_the_old_time(path: pathlib.Path) -> None:
    status = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"other")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _put_another_in_its_place(path: pathlib.Path) -> None:
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"other" + ANNOUNCEMENT[5:])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.rename(other, path)


def _append(path: pathlib.Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more")


@pytest.mark.parametrize("hand", [_write_with_the_old_time, _put_another_in_its_place, _append])
def test_whatever_is_done_to_it_it_is_read(old: SiteOfOldFiles, hand: Hand) -> None:
    old.backup()
    hand(old.announcement)
    assert old.has_read() and old.newest_content() == old.announcement.read_bytes() != ANNOUNCEMENT
    assert not old.has_read()


@pytest.mark.parametrize(
    "hand",
    [
        lambda path: path.chmod(0o600),
        lambda path: os.utime(path, (1, 1)),
        lambda path: os.link(path, path.with_name("second name")),
    ],
    ids=["its mode", "its time", "a second name"],
)
def test_what_is_done_to_its_inode_makes_it_be_read(old: SiteOfOldFiles, hand: Hand) -> None:
    old.backup()
    hand(old.announcement)
    assert old.has_read() and old.newest_content() == ANNOUNCEMENT


def test_what_was_touched_a_moment_ago_is_not_believed(site: Site) -> None:
    (site.root / "etc/voip/announcement.wav").write_bytes(ANNOUNCEMENT)
    for _time in range(2):
        assert site.backup().bytes_read > len(ANNOUNCEMENT)
    assert not site.store.backend.exists(NOTES)


@pytest.mark.parametrize(
    ("days", "passed", "is_read"),
    [(7, 6.9, False), (7, 7.1, True), (0, 0, True), (7, -1.0, True), (30, 20.0, False)],
)
def test_it_is_read_again_after_some_days(old: SiteOfOldFiles, days: int, passed: float, is_read: bool) -> None:
    old.options["reread_days"] = days
    old.backup()
    old.now += passed * 86400
    assert old.has_read() is is_read


@pytest.mark.parametrize("what", ["gone", "cut", "no JSON", "other bytes", "another file's", "a list", "none of ours"])
def test_without_notes_or_with_wrong_ones_it_is_read(old: SiteOfOldFiles, what: str) -> None:
    second = old.root / "etc/voip/second.wav"
    second.write_bytes(random.Random(8).randbytes(300_000))
    old.backup()
    path = pathlib.Path(old.store.backend.location, NOTES)
    notes = json.loads(path.read_bytes())
    (one, two), files = sorted(notes["files"]), notes["files"]
    swapped = {one: files[two], two: files[one]}
    flipped = {name: base64.b64encode(base64.b64decode(text)[:-1] + b"?").decode() for name, text in files.items()}
    damaged = {
        "cut": path.read_bytes()[:-20],
        "no JSON": b"\0" * 100,
        "other bytes": json.dumps({"format": 1, "files": flipped}).encode(),
        "another file's": json.dumps({"format": 1, "files": swapped}).encode(),
        "a list": b"[]",
        "none of ours": json.dumps({"format": 1, "files": {one: 7, two: "Grüße"}}).encode(),
    }
    path.unlink()
    if what in damaged:
        path.write_bytes(damaged[what])
    assert old.has_read() and old.newest_content() == ANNOUNCEMENT
    assert not old.has_read()


def test_the_notes_tell_a_thief_nothing_of_a_file(old: SiteOfOldFiles) -> None:
    old.backup()
    data = pathlib.Path(old.store.backend.location, NOTES).read_bytes()
    (sealed,) = json.loads(data)["files"].values()
    for secret in (b"announcement", b"voip", hashlib.sha256(ANNOUNCEMENT).hexdigest().encode()):
        assert secret not in data and secret not in base64.b64decode(sealed)


def test_of_an_incomplete_generation_nothing_is_noted(old: SiteOfOldFiles) -> None:
    shutil.rmtree(old.root / "etc/voip/conf.d")
    old.options["paths"] = [
        {"name": "voip", "path": "/etc/voip", "data_class": "voip_config"},
        {"name": "gone", "path": "/etc/gone", "data_class": "voip_config"},
    ]
    assert old.backup().gathering.status == "partial"
    assert not old.store.backend.exists(NOTES)


def test_what_is_put_aside_before_a_restore_is_read(old: SiteOfOldFiles) -> None:
    first = old.backup()
    assert old.backup(occasion=Occasion("pre_restore")).bytes_read > len(ANNOUNCEMENT)
    old.announcement.write_bytes(b"x" * len(ANNOUNCEMENT))
    restorer = old.restorer(first)
    restorer.run(restorer.plan(look_only=False))
    assert old.announcement.read_bytes() == ANNOUNCEMENT


def test_check_mode_believes_it_and_notes_nothing(old: SiteOfOldFiles) -> None:
    old.backup()
    pathlib.Path(old.store.backend.location, NOTES).unlink()
    assert old.backup(dry_run=True).bytes_read > len(ANNOUNCEMENT)
    assert not old.store.backend.exists(NOTES)
    old.backup()
    outcome = old.backup(dry_run=True)
    assert outcome.content_changed is False and outcome.not_read is not None


def test_when_its_pieces_are_lost_it_is_read_and_stored_anew(old: SiteOfOldFiles) -> None:
    first = old.backup().committed
    assert first is not None
    for sha in first.record.objects:
        pathlib.Path(old.store.backend.location, "objects", sha[:2], sha).unlink()
    assert old.has_read() and old.newest_content() == ANNOUNCEMENT


def test_a_host_that_lost_its_tar_is_read_in_another_way_as_ever(
    old: SiteOfOldFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    old.backup()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tar").write_text("#!/bin/sh\nexit 2\n")
    (tmp_path / "bin/tar").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    outcome = old.backup()
    assert outcome.bytes_read > len(ANNOUNCEMENT) and outcome.not_read is None
    assert "SFTP" in outcome.gathering.reports["voip"].notes["read_by"]


def test_in_another_data_class_it_is_read_and_stored_anew(old: SiteOfOldFiles) -> None:
    old.backup()
    old.options["paths"] = [{"name": "voip", "path": "/etc/voip", "data_class": "user_data"}]
    outcome = old.backup()
    assert outcome.not_read is None and outcome.committed is not None
    assert outcome.committed.bytes_stored > len(ANNOUNCEMENT) * 0.9
