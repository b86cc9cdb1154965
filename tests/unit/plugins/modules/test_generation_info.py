# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.modules import run_module


@pytest.fixture
def filled(repository):
    repository.backup({"/etc/a": b"1"}, change_id="CHG1", phase="pre_change", release="5.7")
    repository.backup({"/etc/a": b"2"}, change_id="CHG1", phase="post_change", status="partial", missing=("database",))
    repository.backup({"/etc/a": b"3"}, reason="nightly", actor="cron")
    repository.backup({"/etc/h": b"1"}, product="linux")
    repository.backup({"/etc/h": b"1"}, source="sbc", product="linux")
    repository.backup({"/etc/h": b"1"}, source="sbc", product="mssql", instance="CHAT")
    return repository


def ids(repository, **options):
    result = run_module("generation_info", {"repository": str(repository.path), **options})
    assert result.get("failed") is not True, result
    assert result["changed"] is False and result["damaged"] == []
    return [generation["id"] for generation in result["generations"]]


def test_an_empty_repository(repository):
    assert ids(repository) == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (
            {},
            ["pbx/kamailio/1", "pbx/kamailio/2", "pbx/kamailio/3", "pbx/linux/1", "sbc/linux/1", "sbc/mssql@CHAT/1"],
        ),
        ({"source": "pbx"}, ["pbx/kamailio/1", "pbx/kamailio/2", "pbx/kamailio/3", "pbx/linux/1"]),
        ({"product": "linux"}, ["pbx/linux/1", "sbc/linux/1"]),
        ({"source": "sbc", "instance": "CHAT"}, ["sbc/mssql@CHAT/1"]),
        ({"source": "sbc", "instance": ""}, ["sbc/linux/1"]),
        ({"latest": True}, ["pbx/kamailio/3", "pbx/linux/1", "sbc/linux/1", "sbc/mssql@CHAT/1"]),
        ({"change_id": "CHG1"}, ["pbx/kamailio/1", "pbx/kamailio/2"]),
        ({"change_id": "CHG1", "status": "complete", "latest": True}, ["pbx/kamailio/1"]),
        ({"phase": "post_change"}, ["pbx/kamailio/2"]),
        ({"status": "partial"}, ["pbx/kamailio/2"]),
        ({"source": "nobody"}, []),
    ],
)
def test_filters(filled, options, found):
    assert ids(filled, **options) == found


def test_what_is_said_of_a_generation(filled):
    result = run_module(
        "generation_info", {"repository": str(filled.path), "change_id": "CHG1", "phase": "post_change"}
    )
    (generation,) = result["generations"]
    assert generation["missing"] == ["database"] and generation["status"] == "partial"
    assert generation["gathered"] == {"config": {"bytes": 1, "entries": 1, "data_class": "voip_config"}}
    assert generation["signer"] == "backup1" and len(generation["head"]) == 64
    assert generation["objects"] == 3 and generation["stored_bytes"] > 0
    assert generation["release"] == "" and generation["attempt"] == 1


def test_one_damaged_source_does_not_hide_the_others(filled, capsys):
    (filled.path / "commits/pbx/kamailio/2.json").write_bytes(b"{}")
    result = run_module("generation_info", {"repository": str(filled.path)})
    assert [generation["id"] for generation in result["generations"]] == [
        "pbx/linux/1",
        "sbc/linux/1",
        "sbc/mssql@CHAT/1",
    ]
    (damaged,) = result["damaged"]
    assert (damaged["source"], damaged["product"]) == ("pbx", "kamailio")
    # ansible-core 2.19 prints what a module warns of when nobody collects it
    assert "repository_verify" in str(result.get("warnings")) + capsys.readouterr().err


def test_no_repository(tmp_path):
    result = run_module("generation_info", {"repository": str(tmp_path)})
    assert result["failed"] is True and result["error"] == "RepositoryMissing"
    assert "volume is mounted" in result["msg"]
