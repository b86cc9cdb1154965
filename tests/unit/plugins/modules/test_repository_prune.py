# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import time

import pytest
from support.modules import run_module
from support.repositories import SECRET, entry

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer

DAY = 86400


def make_key(folder, *options):
    path = folder / f"key{len(options)}"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(path), *(options or ["-t", "ed25519"])], check=True)
    return path


@pytest.fixture
def key(tmp_path, repository):
    path = make_key(tmp_path)
    public = " ".join((tmp_path / f"{path.name}.pub").read_text().split()[:2])
    state = owner.read_state(repository.backend)
    plan = owner.plan_change(state, SECRET, signers=[Signer("janitor", public, ("prune",))])
    owner.apply_plan(repository.backend, plan)
    return path


@pytest.fixture
def filled(repository):
    for number in range(6):
        contents = [
            (entry("/config"), b"config %d" % number),
            (entry("/log", item="log", data_class="logs"), b"log %d" % number),
        ]
        repository.backup(contents, release="5.6" if number < 2 else "5.7")
    return repository


@pytest.fixture
def days_later(monkeypatch):
    real = time.time

    def later(days):
        monkeypatch.setattr(time, "time", lambda: real() + days * DAY)

    return later


def prune(repository, key=None, *, check=False, diff=False, **options):
    settings = {"repository": str(repository.path), **({"prune_key_file": str(key)} if key else {}), **options}
    return run_module("repository_prune", settings, check=check, diff=diff)


def names(repository):
    return {name for name, _size in repository.backend.list()}


def test_rules_and_reasons(filled, key):
    before = names(filled)
    result = prune(filled, last=2, per_release=1, allow_many=True, check=True, diff=True)
    assert result["changed"] is True and names(filled) == before
    assert result["pruned"] == ["pbx/kamailio/1", "pbx/kamailio/3", "pbx/kamailio/4"]
    assert result["diff"]["prepared"].startswith("- pbx/kamailio/1\n")
    by_id = {one["generation"]: one for one in result["decisions"]}
    assert by_id["pbx/kamailio/2"]["reasons"] == ["per_release 5.6"]
    assert by_id["pbx/kamailio/6"]["reasons"] == ["newest complete", "newest", "last", "per_release 5.7"]
    assert prune(filled, key, last=2, per_release=1, allow_many=True)["pruned"] == result["pruned"]
    again = prune(filled, key, last=2, per_release=1, allow_many=True)
    assert again["changed"] is False and again["decisions_total"] == 3


def test_the_life_of_a_generation(filled, key, days_later):
    assert prune(filled, key, last=1)["pruned"] == ["pbx/kamailio/1"]
    (shown,) = [
        one for one in run_module("generation_info", {"repository": str(filled.path)})["generations"] if one["pruned"]
    ]
    assert shown["id"] == "pbx/kamailio/1" and shown["pruned"]["by"] == "janitor"
    assert shown["pruned"]["reason"] == "no rule keeps it: last 1, open_for 7776000"
    days_later(8)
    result = prune(filled, key, last=1, source="nobody")
    assert result["pruned"] == [] and result["removed_files"] == 4 and result["removed_bytes"] > 0
    refused = run_module(
        "generation_diff",
        {"repository": str(filled.path), "generation": "pbx/kamailio/2", "unseal_stage": "request"},
    )
    assert refused["failed"] and refused["error"] == "GenerationPruned" and "by janitor" in refused["msg"]
    verified = run_module("repository_verify", {"repository": str(filled.path)})
    assert not verified.get("failed") and verified["verdict"] == "self_consistent"


def test_logs_go_by_their_age(filled, key, days_later):
    days_later(2)
    result = prune(filled, key, max_age={"logs": "1d"})
    assert [one["data_class"] for one in result["expired"]] == ["logs"] * 6 and result["decisions"] == []
    shown = run_module("generation_info", {"repository": str(filled.path)})["generations"]
    assert all(list(one["expired_classes"]) == ["logs"] and not one["pruned"] for one in shown)


def test_who_may_and_who_may_not(filled, tmp_path, key):
    assert "prune_key_file" in prune(filled, last=1)["msg"]
    stranger = make_key(tmp_path, "-t", "ed25519")
    refused = prune(filled, stranger, last=1)
    assert refused["failed"] and refused["error"] == "NotAuthentic"
    stranger.chmod(0o644)
    assert "can be read by others" in prune(filled, stranger, last=1)["msg"]
    assert "another kind than Ed25519" in prune(filled, make_key(tmp_path, "-t", "ecdsa", "-b", "256"), last=1)["msg"]
    assert "no OpenSSH private key" in prune(filled, filled.writer_key_file, last=1)["msg"]
    assert "There is no prune key file" in prune(filled, tmp_path / "none", last=1)["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No rule"),
        ({"last": 1, "grace": "1h"}, "at least one day"),
        ({"last": 1, "within": "soon"}, "no span of time"),
        ({"last": -1}, "negative"),
        ({"last": 1, "schedule": [{"at": "2026-01-01T00:00:00Z"}]}, "made up"),
        ({"max_age": {"logs": "1d"}, "schedule": [{"at": "x"}], "check": True}, "needs rules"),
        ({"last": 1, "schedule": [{"at": "x"}], "check": True}, "no time"),
        ({"last": 1, "now": "2026-01-01T00:00:00Z"}, "missing parameter"),
    ],
)
def test_what_is_refused(filled, key, options, message):
    result = prune(filled, key, **options)
    assert result["failed"] and message in result["msg"]


def test_a_made_up_schedule_needs_no_repository(tmp_path):
    result = run_module(
        "repository_prune",
        {
            "repository": str(tmp_path / "nowhere"),
            "last": 1,
            "per_release": 1,
            "allow_many": True,
            "schedule": [
                {"at": "2026-01-01T02:00:00Z", "count": 30, "release": "5.6"},
                {"at": "2026-01-31T02:00:00Z", "phase": "pre_change", "change_id": "C1", "release": "5.6"},
                {"at": "2026-01-31T03:00:00Z", "phase": "post_change", "change_id": "C1", "release": "5.7"},
                {"at": "2026-02-01T02:00:00Z", "count": 30, "release": "5.7"},
            ],
            "now": "2026-03-31T00:00:00Z",
        },
        check=True,
    )
    kept = {one["generation"]: one["reasons"] for one in result["decisions"] if one["decision"] == "keep"}
    assert result["changed"] is False and result["decisions_total"] == 62
    assert sorted(kept) == ["schedule/31", "schedule/32", "schedule/62"]
    assert kept["schedule/31"] == ["per_release 5.6", "the change C1 is open", "pair of the change C1"]
    assert result["decisions"][0]["pruned_at"] == "2026-01-02T02:00:00Z"


def test_a_damaged_source_is_told_and_stops_the_removal(filled, key, days_later, capsys):
    prune(filled, key, last=1)
    filled.backup({"/x": b"x"}, source="sbc")
    (filled.path / "commits/sbc/kamailio/1.json").write_bytes(b"{}")
    days_later(8)
    result = prune(filled, key, last=1)
    assert result["damaged"] == ["sbc/kamailio"] and result["removed_files"] == 0
    assert "Nothing is removed" in str(result.get("warnings")) + capsys.readouterr().err
