# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate before a change, and its end, as playbooks on hosts behind a real sshd: what opens it, and what does not."""

from __future__ import annotations

import json
import random
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.change_site import ChangeSite
from support.killing import kill_at, wait_for
from support.starface_stand_in.appliance import archive

from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId, object_name
from ansible_collections.ucops.recovery.plugins.module_utils._repository.holds import active, load_holds
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import RestoreJournal
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import RepositoryWriter

pytestmark = pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
GATE = "Let the change go on or not"
CHANGE = "CHG0042"
APPLIANCE = {
    "storage": {"type": "nfs", "nfs_version": "4.2", "nfs_url": "backup1", "path": "/ca1"},
    "database": "internal",
    "key_storage": "soft",
}


@pytest.fixture(scope="module")
def server():
    with Sshd() as one:
        yield one


@pytest.fixture
def site(tmp_path, server):
    return ChangeSite(tmp_path, server)


def held(site, source, product="linux"):
    """The numbers of the generations that are held."""
    backend = site.store.backend
    return sorted(active(load_holds(backend, load_keyring(backend), ChainId(source, product)), "2020-01-01T00:00:00Z"))


def not_fine(ran):
    return {one["host"]: one["outcome"] for one in ran.stats["not_fine"]}


def test_one_host_down_the_gate_refuses_and_a_retry_touches_only_what_is_missing(site):
    site.add("pbx-a", "pbx-b", "pbx-c")
    site.cut("pbx-c")
    ran = site.run("pre_change", change_id=CHANGE, reason="New trunk", requester="anna", ticket="https://t/42")
    assert ran.code == 2, ran.output
    assert site.records() == ["pbx-a/linux/1", "pbx-b/linux/1"]
    assert not_fine(ran) == {"pbx-c": "unreachable"} and ran.stats["result"] == "partial"
    assert (ran.stats["ok"], ran.stats["hosts_total"], ran.stats["skipped"]) == (2, 4, 1)
    # the gate is the last task, and fails on every host
    told = ran.of(GATE)["msg"]
    assert "stays closed" in told and "pbx-c (unreachable)" in told and "pbx-a" not in told
    assert sorted(ran.ran(GATE)) == sorted(site.hosts)
    assert ran.events[-1]["task"].endswith(GATE)
    # everything is recorded
    (record,) = load_chain(site.store.backend, "pbx-a", "linux")
    assert (record.phase, record.change_id, record.status) == ("pre_change", CHANGE, "complete")
    assert record.reason == "New trunk; requested by anna; ticket https://t/42" and record.actor
    assert held(site, "pbx-a") == held(site, "pbx-b") == [1]
    assert set(json.loads(site.heads.read_text())) == {"pbx-a/linux", "pbx-b/linux"}
    page, data = (site.reports / name for name in sorted(path.name for path in site.reports.iterdir())[::-1])
    assert [str(page), str(data)] == ran.stats["reports"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (page, data)} == {0o600}
    assert "the gate is closed" in page.read_text() and "pbx-c" in page.read_text()
    assert json.loads(data.read_text())["result"]["result"] == "partial"

    # what is saved already is not even reached: it is down now, and its files are others
    site.mend("pbx-c")
    site.cut("pbx-a")
    site.path("pbx-b").write_text("other\n")
    ran = site.run("pre_change", change_id=CHANGE)
    assert ran.code == 0, ran.output
    assert site.records() == ["pbx-a/linux/1", "pbx-b/linux/1", "pbx-c/linux/1"]
    assert (ran.stats["result"], ran.stats["changed"], ran.stats["unchanged"]) == ("success", 1, 2)
    assert sorted(
        event["result"]["changed"] for event in ran.events if "Hold it" in event["task"] and event["status"] == "ok"
    ) == [False, False, True]
    assert "3 hosts are saved" in ran.of(GATE)["msg"]

    # forced, there is a second try, and only that is the current one
    site.mend("pbx-a")
    ran = site.run("pre_change", "--limit", "pbx-b", change_id=CHANGE, force=True)
    assert ran.code == 0, ran.output
    assert site.records()[-2:] == ["pbx-b/linux/2", "pbx-c/linux/1"]
    assert load_chain(site.store.backend, "pbx-b", "linux")[-1].attempt == 2
    # who was not looked at is named
    assert ran.of("Say what nobody looked at")["msg"].endswith("pbx-a, pbx-c")

    closing = site.run("close_change", "--check", change_id=CHANGE)
    assert closing.code == 0 and held(site, "pbx-b") == [1, 2], closing.output
    assert "4 generations would be released" in closing.output
    closed = site.run("close_change", change_id=CHANGE, reason="successful")
    assert closed.code == 0 and "4 generations are released" in closed.output, closed.output
    assert held(site, "pbx-a") == held(site, "pbx-b") == held(site, "pbx-c") == []
    again = site.run("close_change", change_id=CHANGE)
    assert again.code == 0 and again.of("Release what is held for it")["changed"] is False


def test_check_mode_tells_the_truth_and_writes_nothing(site):
    site.add("pbx-a", "pbx-b")
    site.cut("pbx-b")
    site.add_pushing("sf")
    before = {name for name, _size in site.store.backend.list()}
    ran = site.run("pre_change", "--check", "--diff", change_id=CHANGE)
    assert ran.code == 2 and not_fine(ran) == {"pbx-b": "unreachable", "sf": "awaiting_push"}, ran.output
    assert "sf (" not in ran.of(GATE)["msg"]
    site.mend("pbx-b")
    ran = site.run("pre_change", "--check", "--diff", change_id=CHANGE)
    assert ran.code == 0 and "2 hosts would be saved" in ran.of(GATE)["msg"], ran.output
    assert "would wait for a push of sf" in ran.of(GATE)["msg"] and ran.stats["reports"] == []
    assert {name for name, _size in site.store.backend.list()} == before
    assert not site.reports.exists() and not site.heads.exists()


def test_who_is_wanted_and_limited_away_or_without_a_product_is_named(site):
    site.add("pbx-a", "pbx-b")
    site.hosts["phone"] = {}
    ran = site.run("pre_change", "--limit", "pbx-a,phone", change_id=CHANGE, scope="pbx-a:pbx-b:phone")
    assert ran.code == 2 and not_fine(ran) == {"pbx-b": "refused"}, ran.output
    assert "left out of this run by --limit" in ran.of(GATE)["msg"]
    ran = site.run("pre_change", change_id=CHANGE, scope="pbx-a:phone", recovery_require_product=True)
    assert ran.code == 2 and not_fine(ran) == {"phone": "refused"}, ran.output
    ran = site.run("pre_change", change_id=CHANGE, scope="phone")
    assert ran.code == 2 and "Nothing was saved" in ran.of(GATE)["msg"], ran.output
    assert ran.stats["result"] == "failed"


def test_an_open_restore_keeps_the_gate_closed_and_the_change_open(site):
    site.add("pbx-a")
    assert site.run("pre_change", change_id=CHANGE).code == 0
    with RepositoryWriter(site.store.backend, WriterKey.load(str(site.store.writer_key_file))) as store:
        journal = RestoreJournal.start(store, "pbx-a", "linux", generation="pbx-a/linux/1")
    ran = site.run("pre_change", change_id=CHANGE)
    assert ran.code == 2 and not_fine(ran) == {"pbx-a": "refused"}, ran.output
    assert journal.identifier in ran.of(GATE)["msg"]
    closing = site.run("close_change", change_id=CHANGE)
    assert closing.code == 2 and "a restore of pbx-a/linux began" in closing.output and held(site, "pbx-a") == [1]
    forced = site.run("close_change", change_id=CHANGE, force=True)
    assert forced.code == 0 and held(site, "pbx-a") == [], forced.output


def test_what_is_damaged_is_made_anew_and_what_is_too_old_is_never_replaced(site):
    site.add("pbx-a")
    assert site.run("pre_change", change_id=CHANGE).code == 0
    (record,) = load_chain(site.store.backend, "pbx-a", "linux")
    bundle = site.store.path / object_name(next(iter(record.objects)))
    bundle.chmod(0o600)
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"?")
    ran = site.run("pre_change", change_id=CHANGE)
    assert ran.code == 0 and site.records() == ["pbx-a/linux/1", "pbx-a/linux/2"], ran.output
    assert "is damaged" in ran.output and held(site, "pbx-a") == [1, 2]
    # the change may have begun hours ago, and the host be another one by now
    ran = site.run("pre_change", change_id=CHANGE, recovery_max_age="0s")
    assert ran.code == 2 and len(site.records()) == 2 and held(site, "pbx-a") == [1, 2], ran.output
    assert "pbx-a/linux/2, of before the change" in ran.output and "run this again with force" in ran.output
    # the inventory's max_age is that of before the change: what comes after it is always made anew
    for number in (3, 4):
        ran = site.run("post_change", change_id=CHANGE, recovery_max_age="4h")
        assert ran.code == 0 and site.records()[-1] == f"pbx-a/linux/{number}", ran.output
    bundle.unlink()
    (record,) = [one for one in load_chain(site.store.backend, "pbx-a", "linux") if one.sequence == 2]
    for name in record.objects:
        (site.store.path / object_name(name)).unlink()
    ran = site.run("pre_change", change_id=CHANGE)
    assert ran.code == 2 and site.records()[-1] == "pbx-a/linux/4", ran.output
    assert "pbx-a/linux/4 was made after the change" in ran.output


@pytest.mark.parametrize(
    ("product", "options", "name", "content", "instruction"),
    [
        ("pushed", {}, "nightly.bin", b"before" * 1000, "Start the backup of this product"),
        # no STARFACE: only the files that one would push
        ("starface", {"mode": "landing"}, "nightly.sar", archive(), "open Server, Backup"),
        ("keyfactor_appliance", APPLIANCE, "backup.bin", random.Random(1).randbytes(30_000), "open Platform, Backup"),
    ],
    ids=["pushed", "starface", "keyfactor_appliance"],
)
def test_a_push_counts_only_when_it_came_after_the_change_was_opened(
    site, product, options, name, content, instruction
):
    if product == "starface":
        options = {**options, "landing": str(site.landing)}
    incoming = site.add_pushing("sf", product, **options)
    (incoming / name).write_bytes(content)
    opened = "2099-01-01T00:00:00Z"
    ran = site.run("pre_change", change_id=CHANGE, change_opened_at=opened)
    assert ran.code == 2 and not_fine(ran) == {"sf": "awaiting_push"}, ran.output
    assert instruction in ran.output and f"-e change_opened_at={opened}" in ran.output
    (record,) = load_chain(site.store.backend, "sf", product)
    assert (record.phase, record.change_id) == ("scheduled", None) and held(site, "sf", product) == []
    # the same contents, pushed again, are a backup of what there is before the change
    (incoming / f"again-{name}").write_bytes(content)
    ran = site.run("pre_change", change_id=CHANGE, change_opened_at="2020-01-01T00:00:00Z")
    assert ran.code == 0, ran.output
    assert load_chain(site.store.backend, "sf", product)[-1].phase == "pre_change" and held(site, "sf", product) == [2]
    # and a retry waits for no other
    ran = site.run("pre_change", change_id=CHANGE)
    assert ran.code == 0 and ran.stats["unchanged"] == 1, ran.output


def test_batches_are_one_run_and_a_failure_in_one_stops_no_other(site):
    site.add("pbx-a", "pbx-b", "pbx-c")
    site.cut("pbx-b")
    ran = site.run("pre_change", change_id=CHANGE, serial=1)
    assert ran.code == 2 and not_fine(ran) == {"pbx-b": "unreachable"}, ran.output
    runs = {load_chain(site.store.backend, source, "linux")[0].run_id for source in ("pbx-a", "pbx-c")}
    assert runs == {ran.stats["run_id"]}


def test_slices_of_one_run_write_side_by_side(site):
    site.add("pbx-a", "pbx-b", "pbx-c", "pbx-d")
    jobs = [
        site.command("pre_change", "--limit", limit, change_id=CHANGE, run_id="workflow-7", awx_job_id=number)
        for number, limit in enumerate(("pbx-a,pbx-b", "pbx-c,pbx-d"))
    ]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(site.controller.run, jobs))
    assert [one.returncode for one in done] == [0, 0], done
    assert site.records() == [f"pbx-{letter}/linux/1" for letter in "abcd"]
    for letter in "abcd":
        (record,) = load_chain(site.store.backend, f"pbx-{letter}", "linux")
        assert record.run_id == "workflow-7" and held(site, f"pbx-{letter}") == [1]
    assert set(json.loads(site.heads.read_text())) == {f"pbx-{letter}/linux" for letter in "abcd"}
    assert len(list(site.reports.iterdir())) == 4


def test_a_controller_that_was_killed_in_the_middle_is_gone_on_with(site):
    site.add("pbx-a", "pbx-slow")
    options = site.hosts["pbx-slow"]["recovery_options"]
    options["commands"] = [{"name": "slow", "argv": ["sleep", "10"]}]
    command = site.command("pre_change", change_id=CHANGE)
    left = kill_at(lambda: site.records() == ["pbx-a/linux/1"], site.controller, command)
    assert left and held(site, "pbx-a") == [] and not site.reports.exists()
    options["commands"] = [{"name": "slow", "argv": ["sleep", "0"]}]
    ran = site.run("pre_change", change_id=CHANGE)
    assert ran.code == 0 and ran.stats["ok"] == 2, ran.output
    assert [name for name in site.records() if name.startswith("pbx-a/")] == ["pbx-a/linux/1"]
    assert held(site, "pbx-a") == [1]
    # whoever of the two came first: the backup host goes on with what the dead controller asked for
    wait_for(left)
    (made,) = load_chain(site.store.backend, "pbx-slow", "linux")
    assert made.is_complete and held(site, "pbx-slow") == [1]
