# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a whole inventory on one repository, with every bad day that a repository and an inventory can have."""

from __future__ import annotations

import time

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, entry

from ansible_collections.ucops.recovery.plugins.module_utils._module import recovery_report
from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository import verify as verifying
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.drills import record_drill
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId, GenerationId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.holds import HoldKeeper, utc_text
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import RestoreJournal
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer, load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import (
    GenerationFacts,
    RepositoryWriter,
)

NOW = 1_800_000_000
HOUR, DAY = 3600, 86400
LICENCES = entry("/@licences/licences.txt", kind="output", mode=None, mtime_ns=None, item="licences", sensitive=True)


@pytest.fixture(autouse=True)
def now(monkeypatch):
    monkeypatch.setattr(recovery_report.time, "time", lambda: NOW)


def back_up(repository, age, contents=None, source="pbx", product="kamailio", instance="", **facts):
    """A generation of so many seconds ago."""
    key = WriterKey.load(str(repository.writer_key_file))
    with RepositoryWriter(repository.backend, key, clock=lambda: NOW - age) as store:
        generation = store.begin(source, product, instance)
        for one, content in contents or [(entry("/etc/a"), b"%d" % age)]:
            generation.add(one, [content])
        return store.commit([generation.finish(GenerationFacts(**facts))])[0].record


def host(name="pbx", **declared):
    return {"host": name, "source": name, "product": "kamailio", **declared}


def report(repository, *hosts, **options):
    return run_module("recovery_report", {"repository": str(repository.path), "hosts": list(hosts), **options})


def kinds(one):
    return [finding["kind"] for finding in one["findings"]]


def verified(repository, ago, level=1, **how):
    verifying.verify(repository.backend, level=level, wall_clock=lambda: NOW - ago, **how)


def test_a_host_that_was_never_backed_up_is_the_first_line(repository):
    back_up(repository, HOUR)
    verified(repository, 0)
    back_up(repository, 90 * HOUR, source="late")
    result = report(repository, host(), host("aaa-late", source="late"), host("zzz-forgotten"))
    assert result["changed"] is False, result
    assert [one["host"] for one in result["hosts"]] == ["zzz-forgotten", "aaa-late", "pbx"]
    never, late, fine = result["hosts"]
    assert kinds(never) == ["never_backed_up"] and never["newest"] == {} == never["newest_complete"]
    assert late["state"] == "overdue"
    assert late["findings"][0]["text"] == "The last complete backup is 3 d 18 h old, 1 d 2 h are allowed"
    assert fine["state"] == "fine" and fine["findings"] == []
    assert fine["newest_complete"]["id"] == "pbx/kamailio/1" and fine["newest_complete"]["age_seconds"] == HOUR
    assert fine["generations"] == {"complete": 1, "partial": 0, "pruned": 0}
    assert fine["data_classes"]["voip_config"]["entries"] == 1


def test_what_is_declared_counts(repository):
    back_up(repository, 30 * HOUR)
    result = report(
        repository,
        host("a", source="pbx", rpo="48h", owner="telephony", shared_domain="storage san1"),
        host("b", source="pbx", expected_every="24h", grace="2h"),
        host("c", source="pbx", grace="90d"),
    )
    lines = {one["host"]: one for one in result["hosts"]}
    assert "overdue" not in kinds(lines["a"]) and "not_independent" in kinds(lines["a"])
    assert lines["a"]["owner"] == "telephony" and lines["a"]["rpo_declared"] is True
    assert "overdue" in kinds(lines["b"]) and lines["b"]["rpo_seconds"] == 26 * HOUR
    # a grace of nothing is none
    assert "overdue" in kinds(lines["c"]) and lines["c"]["rpo_declared"] is False
    assert all("duplicate" in kinds(one) for one in lines.values())
    assert lines["a"]["findings"][0]["text"].startswith("b, c is declared as the same source")


def test_a_host_that_stands_twice_in_the_list(repository):
    back_up(repository, HOUR)
    result = report(repository, host(), host())
    assert [kinds(one)[0] for one in result["hosts"]] == ["duplicate", "duplicate"]


def test_gaps(repository):
    back_up(repository, 3 * HOUR)
    back_up(repository, HOUR, status="partial", missing=["database"])
    back_up(repository, HOUR, source="never", status="partial")
    never, some = report(repository, host("never"), host())["hosts"]
    assert kinds(never)[0] == "never_complete" and "1 with gaps" in never["findings"][0]["text"]
    assert "partial" in kinds(some) and some["newest_complete"]["id"] == "pbx/kamailio/1"
    assert some["newest"]["missing"] == ["database"] and some["generations"]["partial"] == 1


def test_a_clock_before_the_newest_generation(repository):
    back_up(repository, -2 * DAY)
    (one,) = report(repository, host())["hosts"]
    assert kinds(one)[0] == "clock" and one["newest_complete"]["age_seconds"] == 0
    assert "yet to come" in one["findings"][0]["text"]


def test_never_verified_then_verified_then_overdue(repository):
    back_up(repository, HOUR)

    def state():
        return report(repository, host())

    one = state()["hosts"][0]
    assert kinds(one) == ["never_verified"] and one["verified"] == {"hashed_at": "", "opened_at": ""}
    assert state()["repository_state"]["verified"]["never"] == 3
    verified(repository, 40 * DAY)
    one = state()["hosts"][0]
    assert kinds(one) == ["verify_overdue"] and one["verified"]["hashed_at"] == utc_text(NOW - 40 * DAY)
    verified(repository, DAY)
    told = state()
    assert told["hosts"][0]["state"] == "fine"
    assert told["repository_state"]["verified"] == {
        "newest_at": utc_text(NOW - DAY),
        "oldest_at": utc_text(NOW - DAY),
        "never": 0,
        "opened_at": "",
    }
    # of a newer generation nothing was verified yet
    back_up(repository, 60)
    assert kinds(state()["hosts"][0]) == ["never_verified"]


def test_damaged_notes_on_verification_are_none(repository):
    back_up(repository, HOUR)
    verified(repository, DAY)
    (repository.path / "journal/verified.json").write_bytes(b"{}")
    assert kinds(report(repository, host())["hosts"][0]) == ["never_verified"]


def test_an_open_restore_and_a_pinned_change(repository):
    record = back_up(repository, HOUR, change_id="CHG1", phase="pre_change")
    key = WriterKey.load(str(repository.writer_key_file))
    with RepositoryWriter(repository.backend, key) as store:
        HoldKeeper(store, utc_text(NOW - HOUR)).place(
            ChainId("pbx", "kamailio").generation(record.sequence), "change", change_id="CHG1", reason="new trunk"
        )
        RestoreJournal.start(store, "pbx", "kamailio", generation="pbx/kamailio/1")
    (one,) = report(repository, host())["hosts"]
    assert kinds(one)[0] == "open_restore" and len(one["open_restores"]) == 1
    assert one["changes"] == [
        {
            "kind": "change",
            "change_id": "CHG1",
            "reason": "new trunk",
            "actor": "",
            "since": utc_text(NOW - HOUR),
            "generations": ["pbx/kamailio/1"],
        }
    ]


def test_no_drill_is_overdue_once_backups_are_made_for_long(repository):
    back_up(repository, 100 * DAY)
    back_up(repository, HOUR)
    early, due = report(repository, host("early", source="pbx"), host("due", source="pbx", drill_interval="90d"))[
        "hosts"
    ][::-1]
    lines = {one["host"]: one for one in (early, due)}
    assert "never_drilled" not in kinds(lines["early"]) and "never_drilled" in kinds(lines["due"])
    assert lines["due"]["drill_interval_declared"] is True and lines["due"]["drill"] == {}


def test_what_nobody_declares(repository):
    back_up(repository, HOUR)
    back_up(repository, 400 * DAY, source="gone", product="mssql", instance="CHAT")
    result = report(repository, host())
    (orphan,) = result["orphans"]
    assert orphan["line"] == "gone/mssql@CHAT" and orphan["newest"]["id"] == "gone/mssql@CHAT/1"
    assert result["repository_state"]["findings"][0]["kind"] == "orphans"
    assert orphan["stored_bytes"] > 0


def test_an_inventory_of_nothing(repository):
    result = report(repository)
    assert result["hosts"] == [] == result["orphans"] and result["repository_state"]["days_until_full"] is None


def test_an_empty_repository(repository):
    result = report(repository, host())
    assert kinds(result["hosts"][0]) == ["never_backed_up"]
    assert result["repository_state"]["stored_bytes"] == 0 and result["repository_state"]["growth"] == {}


def test_a_damaged_line_spoils_no_other(repository):
    back_up(repository, HOUR)
    back_up(repository, HOUR, source="sbc")
    next((repository.path / "commits/pbx/kamailio").glob("1.*.sig")).unlink()
    bad, good = report(repository, host(), host("sbc"))["hosts"]
    assert bad["host"] == "pbx" and kinds(bad)[0] == "unreadable" and "not signed" in bad["findings"][0]["text"]
    assert kinds(good) == ["never_verified"]


def test_a_record_in_the_middle_that_was_changed(repository):
    for age in (5, 4, 3):
        back_up(repository, age * HOUR)
    victim = repository.path / "commits/pbx/kamailio/2.json"
    victim.chmod(0o600)
    victim.write_bytes(victim.read_bytes().replace(b'"complete"', b'"partial"'))
    (one,) = report(repository, host())["hosts"]
    assert one["state"] == "unreadable" and "The line is broken" in one["findings"][0]["text"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.rename(path.with_name("elsewhere")), "There is no repository"),
        (lambda path: (path / "keys/keyring.json").write_bytes(b"{}"), "keys/keyring.json"),
    ],
    ids=["missing", "damaged keyring"],
)
def test_a_repository_that_cannot_be_used_is_a_finding(repository, spoil, said):
    back_up(repository, HOUR)
    spoil(repository.path)
    result = report(repository, host(), host("other"))
    assert not result.get("failed"), result
    assert [kinds(one) for one in result["hosts"]] == [["unknown"], ["unknown"]]
    state = result["repository_state"]
    assert said in state["problem"] and state["findings"][0]["kind"] == "repository"
    assert "stored_bytes" not in state


def test_an_unreadable_repository(repository, monkeypatch):
    back_up(repository, HOUR)

    def refuse(self, folder):
        with self.errors(folder):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(LocalBackend, "names", refuse)
    result = report(repository, host())
    assert kinds(result["hosts"][0]) == ["unknown"]
    assert "Permission denied" in result["repository_state"]["problem"]


def test_a_problem_that_is_known_beforehand_looks_at_nothing(tmp_path):
    result = run_module("recovery_report", {"problem": "backup1 cannot be reached.", "hosts": [host()]})
    assert kinds(result["hosts"][0]) == ["unknown"]
    assert result["hosts"][0]["findings"][0]["text"] == "Nothing is known: backup1 cannot be reached."


def test_strangers_and_older_states(repository):
    head = back_up(repository, HOUR).hash
    (one,) = report(
        repository, host(), allowed_signers=repository.allowed_signers, expected_heads={"pbx/kamailio": head}
    )["hosts"]
    assert kinds(one) == ["never_verified"]
    (one,) = report(repository, host(), expected_heads={"pbx/kamailio": "0" * 64})["hosts"]
    assert kinds(one)[0] == "rolled_back"
    stranger = 'owner namespaces="ucops-recovery-keyring" ' + WriterKey.generate("x").public
    result = report(repository, host(), allowed_signers=stranger)
    assert kinds(result["hosts"][0]) == ["unknown"]
    assert "not among the allowed signers" in result["repository_state"]["problem"]


@pytest.mark.parametrize(
    "declared",
    [
        {"source": "a\nb"},
        {"product": "No Product"},
        {"instance": "a/b"},
        {"rpo": "soon"},
        {"drill_interval": "often"},
        {"problem": "?"},
    ],
)
def test_what_is_declared_and_cannot_be(repository, declared):
    back_up(repository, HOUR)
    (one,) = report(repository, {**host(), **declared})["hosts"]
    assert "declaration" in kinds(one), one


def test_options_that_cannot_be(repository):
    assert report(repository, default_rpo="soon")["error"] == "OptionInvalid"
    assert "one of the following" in run_module("recovery_report", {"hosts": []})["msg"]


def test_growth_and_the_days_that_are_left(repository, monkeypatch):
    for day in range(5, -1, -1):
        back_up(repository, day * DAY, [(entry("/etc/a"), bytes([day]) * 10 + str(day).encode() * 5000)])
    monkeypatch.setattr(LocalBackend, "free_bytes", lambda self: 10**6)
    result = report(repository, host(), reserve=0, growth_window="5d", warn_days=10**7)
    state = result["repository_state"]
    assert state["growth"]["days"] == 5.0 and state["growth"]["per_day"] > 0
    assert state["days_until_full"] == pytest.approx(10**6 / state["growth"]["per_day"], rel=0.01)
    assert [finding["kind"] for finding in state["findings"]] == ["filling"]
    assert result["hosts"][0]["stored_bytes"] == state["needed_bytes"] == state["stored_bytes"]
    assert result["hosts"][0]["growth"] == state["growth"]
    state = report(repository, host(), reserve=10**6)["repository_state"]
    assert [finding["kind"] for finding in state["findings"]] == ["low_space"] and state["days_until_full"] == 0


def with_licences(repository):
    return back_up(
        repository, HOUR, [(entry("/etc/a"), b"x"), (LICENCES, b"AAAA-1111\nBBBB-2222\n")], product="procall_server"
    )


def test_licence_keys_are_for_who_holds_the_key(repository):
    with_licences(repository)
    options = {"repository": str(repository.path), "hosts": [host(product="procall_server"), host("other")]}
    told = {one["host"]: one for one in run_module("recovery_report", options)["hosts"]}
    assert told["other"]["licences"] == {"sealed": False, "generation": "", "licence_keys": [], "problem": ""}
    sealed = {"sealed": True, "generation": "pbx/procall_server/1", "licence_keys": []}
    assert told["pbx"]["licences"] == {**sealed, "problem": "not asked for"}
    asked = {**options, "show_licences": True}
    told = {one["host"]: one for one in run_module("recovery_report", asked)["hosts"]}
    assert told["pbx"]["licences"] == {**sealed, "problem": "nothing opens the repository"}
    result = run_unsealing("recovery_report", asked, SECRET)
    told = {one["host"]: one for one in result["hosts"]}
    assert told["pbx"]["licences"]["licence_keys"] == ["AAAA-1111", "BBBB-2222"]
    # without being asked for nothing is opened, whoever holds what
    result = run_unsealing("recovery_report", options, SECRET)
    assert all(not one["licences"]["licence_keys"] for one in result["hosts"])


def test_licence_keys_that_are_damaged(repository):
    record = with_licences(repository)
    for sha in record.objects:
        victim = repository.path / "objects" / sha[:2] / sha
        victim.chmod(0o600)
        victim.write_bytes(victim.read_bytes()[:-1] + b"\0")
    asked = {"repository": str(repository.path), "hosts": [host(product="procall_server")], "show_licences": True}
    (one,) = run_unsealing("recovery_report", asked, SECRET)["hosts"]
    assert one["licences"]["licence_keys"] == [] and "objects/" in one["licences"]["problem"]


def test_a_secret_that_reaches_the_module_is_refused(repository):
    assert report(repository, host(), domain_master_secret=SECRET)["error"] == "OptionInvalid"


def test_looking_changes_nothing(repository):
    back_up(repository, HOUR)
    before = {path: path.read_bytes() for path in repository.path.rglob("*") if path.is_file()}
    report(repository, host())
    assert before == {path: path.read_bytes() for path in repository.path.rglob("*") if path.is_file()}
    assert load_chain(repository.backend, "pbx", "kamailio")
    assert time.time() == NOW


# --- restore drills --------------------------------------------------------------------------------------------------
DRILL_KEY = SigningKey.from_seed(b"d" * 32)


def drill(repository, record, ago, outcome="passed", of=None, **facts):
    told = {"at": utc_text(NOW - ago), "record": of or record.hash, "outcome": outcome, "recovery_seconds": 1800}
    keyring = load_keyring(repository.backend)
    record_drill(repository.backend, keyring, DRILL_KEY, GenerationId.of(record), {**told, **facts})


@pytest.fixture
def drilled(repository):
    """A repository with an auditor, an old generation and a new one."""
    signer = Signer("auditor", DRILL_KEY.public, ("drill",))
    plan = owner.plan_change(owner.read_state(repository.backend), SECRET, signers=[signer])
    owner.apply_plan(repository.backend, plan)
    repository.first = back_up(repository, 100 * DAY)
    back_up(repository, HOUR)
    verified(repository, 0)
    return repository


def test_a_drill_that_passed(drilled):
    drill(drilled, drilled.first, 80 * DAY, reached="call")
    (one,) = report(drilled, host(drill_interval="90d", rto="1h"))["hosts"]
    assert one["state"] == "fine" and one["drill"] == one["drill_passed"]
    told = {name: one["drill"][name] for name in ("generation", "at", "signer", "reached", "recovery_seconds")}
    assert told == {
        "generation": "pbx/kamailio/1",
        "at": utc_text(NOW - 80 * DAY),
        "signer": "auditor",
        "reached": "call",
        "recovery_seconds": 1800,
    }


def test_a_drill_that_is_overdue_failed_or_slow(drilled):
    drill(drilled, drilled.first, 95 * DAY)
    drill(drilled, drilled.first, DAY, "failed")
    (one,) = report(drilled, host(drill_interval="90d", rto="10m"))["hosts"]
    assert kinds(one) == ["drill_failed", "drill_overdue", "drill_slow"]
    assert one["findings"][2]["text"] == "The last restore drill that passed took 30 min, 10 min are allowed"
    assert one["drill"]["outcome"] == "failed" and one["drill_passed"]["outcome"] == "passed"


def test_evidence_that_proves_nothing(drilled):
    drill(drilled, drilled.first, DAY, of="0" * 64)
    (one,) = report(drilled, host(drill_interval="90d"))["hosts"]
    assert kinds(one) == ["never_drilled"]
    drill(drilled, drilled.first, DAY)
    for path in (drilled.path / "drills").rglob("*.json"):
        path.chmod(0o600)
        path.write_bytes(path.read_bytes().replace(b"1800", b"1801"))
    assert kinds(report(drilled, host(drill_interval="90d"))["hosts"][0]) == ["never_drilled"]
