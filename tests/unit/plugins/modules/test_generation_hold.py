# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from support.modules import run_module
from support.repositories import SECRET

from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.prune import PruneOptions, Pruner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.retention import Policy
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey

KEY = SigningKey.from_seed(b"p" * 32)


@pytest.fixture
def filled(repository):
    plan = owner.plan_change(
        owner.read_state(repository.backend), SECRET, signers=[Signer("janitor", KEY.public, ("prune",))]
    )
    owner.apply_plan(repository.backend, plan)
    for number in range(3):
        repository.backup({"/a": b"%d" % number}, change_id="CHG1", phase="pre_change")
    return repository


def hold(repository, generation="pbx/kamailio/1", kind="legal", *, check=False, **options):
    if kind == "legal":
        options.setdefault("reason", "case 7")
    settings = {"repository": str(repository.path), "writer_key_file": str(repository.writer_key_file), "kind": kind}
    given = {**settings, "generation": generation, **options}
    return run_module(
        "generation_hold", {name: value for name, value in given.items() if value is not None}, check=check
    )


def shown(repository):
    generations = run_module("generation_info", {"repository": str(repository.path)})["generations"]
    return {one["id"]: [held["reason"] or held["change_id"] for held in one["holds"]] for one in generations}


def prune(repository, days=0.0):
    options = PruneOptions(policy=Policy(last=1, open_for=0), allow_many=True)
    pruner = Pruner(repository.backend, options, KEY, lambda: time.time() + days * 86400)
    return pruner.run(pruner.plan())


def test_place_look_and_release(filled):
    before = {name for name, _size in filled.backend.list()}
    assert hold(filled, check=True)["changed"] is True
    assert {name for name, _size in filled.backend.list()} == before
    placed = hold(filled, actor="anna", until="2999-01-01T00:00:00Z")
    assert placed["changed"] is True and placed["holds"][0]["active"] is True
    assert placed["holds"][0]["actor"] == "anna" and placed["holds"][0]["signer"] == "backup1"
    assert hold(filled, until="2999-01-01T00:00:00Z")["changed"] is False
    assert shown(filled)["pbx/kamailio/1"] == ["case 7"]
    assert hold(filled, reason="another", state="absent")["changed"] is False
    assert hold(filled, state="absent", check=True)["changed"] is True
    assert hold(filled, state="absent")["changed"] is True
    assert hold(filled, state="absent")["changed"] is False
    assert shown(filled)["pbx/kamailio/1"] == []


def test_a_change_is_closed_as_a_whole(filled):
    for generation in ("pbx/kamailio/1", "pbx/kamailio/latest"):
        assert hold(filled, generation, "change", change_id="CHG1")["changed"] is True
    assert hold(filled, kind="change", change_id="CHG2")["changed"] is True
    released = hold(filled, None, "change", change_id="CHG1", state="absent")
    assert [one["generation"] for one in released["holds"]] == ["pbx/kamailio/1", "pbx/kamailio/3"]
    assert shown(filled) == {"pbx/kamailio/1": ["CHG2"], "pbx/kamailio/2": [], "pbx/kamailio/3": []}


def test_what_was_pruned_can_be_held_while_it_is_there(filled):
    prune(filled)
    generations = run_module("generation_info", {"repository": str(filled.path)})["generations"]
    assert [bool(one["pruned"]) for one in generations] == [True, True, False]
    assert hold(filled)["changed"] is True
    prune(filled, days=8)
    refused = hold(filled, "pbx/kamailio/2")
    assert refused["failed"] and refused["error"] == "GenerationPruned" and "by janitor" in refused["msg"]
    assert run_module("repository_verify", {"repository": str(filled.path)})["findings"] == []
    generations = run_module("generation_info", {"repository": str(filled.path)})["generations"]
    assert [bool(one["pruned"]) for one in generations] == [False, True, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "change"}, "change_id"),
        ({"reason": None}, "reason"),
        ({"generation": None}, "generation"),
        ({"until": "tomorrow"}, "no time"),
        ({"until": "2001-01-01T00:00:00Z"}, "is over"),
        ({"generation": "pbx/kamailio/9"}, "no generation"),
    ],
)
def test_what_is_refused(filled, options, message):
    result = hold(filled, **options)
    assert result["failed"] and message in result["msg"]
