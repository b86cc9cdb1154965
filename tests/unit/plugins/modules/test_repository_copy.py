# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil

import pytest
from support.modules import run_module


@pytest.fixture
def filled(repository):
    repository.backup({"/a": b"1"})
    repository.backup({"/a": b"2"})
    return repository


def copy(store, target, *, check=False, **options):
    given = {
        "repository": str(target),
        "source_repository": str(store.path),
        "allowed_signers": store.allowed_signers,
    }
    return run_module("repository_copy", {**given, **options}, check=check)


def test_take_and_take_again(filled, tmp_path):
    target = tmp_path / "copy"
    looked = copy(filled, target, check=True)
    assert looked["changed"] is True and looked["generations_total"] == 2 and not target.exists()
    taken = copy(filled, target)
    assert taken["generations"] == looked["generations"] == ["pbx/kamailio/1", "pbx/kamailio/2"]
    assert taken["objects"] == looked["objects"] and taken["bytes_copied"] == looked["bytes_copied"] > 0
    again = copy(filled, target, expected_heads=taken["heads"])
    assert again["changed"] is False and again["heads"] == taken["heads"]
    verified = run_module("repository_verify", {"repository": str(target), "allowed_signers": filled.allowed_signers})
    assert verified["verdict"] == "authentic" and verified["heads"] == taken["heads"]


def test_what_is_damaged_fails_when_the_rest_was_taken(filled, tmp_path):
    head = next(filled.path.glob("commits/pbx/kamailio/2.*.sig"))
    head.write_bytes(b"")
    filled.backup({"/b": b"1"}, source="sbc")
    result = copy(filled, tmp_path / "copy")
    assert result["failed"] and result["error"] == "RepositoryDamaged" and result["findings_total"] == 1
    assert result["generations"] == ["sbc/kamailio/1"] and "Everything else was taken" in result["msg"]


def test_a_rolled_back_source(filled, tmp_path):
    copy(filled, tmp_path / "copy")
    shutil.rmtree(filled.path / "commits/pbx")
    result = copy(filled, tmp_path / "copy")
    assert result["failed"] and result["error"] == "RolledBack" and "pbx/kamailio" in result["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"allowed_signers": ""}, "needs allowed_signers"),
        ({"source_repository": "/nowhere"}, "no repository"),
        ({"repository": "SAME"}, "into itself"),
        ({"repository": "SAME/below"}, "into itself"),
        ({"expected_heads": "heads.json"}, "not a dictionary"),
    ],
)
def test_what_is_refused(filled, tmp_path, options, message):
    options = {name: value.replace("SAME", str(filled.path)) for name, value in options.items()}
    result = copy(filled, tmp_path / "copy", **options)
    assert result["failed"] and message in result["msg"]
    assert not (tmp_path / "copy").exists()
