# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from support.modules import run_module


def info(repository):
    return run_module("repository_info", {"repository": str(repository.path)})


def test_an_empty_repository(repository):
    result = info(repository)
    assert result.get("failed") is not True, result
    assert result["changed"] is False and result["format"] == 1 and len(result["repository_id"]) == 32
    assert result["allowed_signers"] == repository.allowed_signers
    assert result["owner"] in result["allowed_signers"] and result["owner_fingerprint"].startswith("SHA256:")
    assert [recipient["kind"] for recipient in result["recipients"]] == ["restore"]
    assert [(signer["name"], signer["roles"], signer["revoked"]) for signer in result["signers"]] == [
        ("backup1", ["writer"], "false")
    ]
    assert len(result["slots"]) == 1
    assert result["sources"] == [] and result["heads"] == {} and result["damaged"] == []
    assert result["objects"] == 0 and result["stored_bytes"] == 0 and result["free_bytes"] > 0


def test_sources_and_heads(repository):
    repository.backup({"/etc/a": b"1"})
    last = repository.backup({"/etc/a": b"2"}, status="partial").record
    repository.backup({"/etc/h": b"1"}, product="mssql", instance="CHAT")
    result = info(repository)
    kamailio, mssql = result["sources"]
    assert (kamailio["source"], kamailio["product"], kamailio["generations"]) == ("pbx", "kamailio", 2)
    assert kamailio["newest"]["id"] == "pbx/kamailio/2" and kamailio["newest_complete"] == "pbx/kamailio/1"
    assert kamailio["head"] == last.hash and kamailio["open_restores"] == []
    assert mssql["instance"] == "CHAT"
    assert result["heads"] == {"pbx/kamailio": last.hash, "pbx/mssql@CHAT": mssql["head"]}
    assert result["objects"] >= 3 and result["stored_bytes"] > 0


def test_a_source_without_a_complete_generation(repository):
    repository.backup({"/etc/a": b"1"}, status="partial")
    assert "newest_complete" not in info(repository)["sources"][0]


def test_a_damaged_source(repository):
    repository.backup({"/etc/a": b"1"})
    repository.backup({"/etc/a": b"1"}, source="sbc")
    next((repository.path / "commits/pbx/kamailio").glob("1.*.sig")).unlink()
    result = info(repository)
    assert [source["source"] for source in result["sources"]] == ["sbc"]
    assert result["damaged"][0]["source"] == "pbx" and "not signed" in result["damaged"][0]["problem"]


def test_no_repository(tmp_path):
    result = run_module("repository_info", {"repository": str(tmp_path / "none")})
    assert result["failed"] is True and result["error"] == "RepositoryMissing"


def test_a_damaged_keyring(repository):
    (repository.path / "keys/keyring.json").write_bytes(b"{}")
    result = info(repository)
    assert result["error"] == "RepositoryDamaged" and "keys/keyring.json" in result["msg"]
