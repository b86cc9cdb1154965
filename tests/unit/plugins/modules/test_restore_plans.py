# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that plan what people and modules do to bring a system back."""

from __future__ import annotations

import json

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, TestRepository

VERSION = {
    "version": "8.6.2.4711",
    "licences": ["KEY-AAAA-1111"],
    "identity": {"hostname": "UC1"},
    "private": {"password": "planted-secret"},
    "facts": {"root": "D:\\estos\\UCServer", "edition": "datacenter", "components": ["ucserver"]},
}
CONTRACT = {
    "companions": {
        "demanded": [{"product": "mssql", "source": "", "instance": "CHAT", "why": "w", "state": "found"}],
        "declared": [{"kind": "vm_snapshot", "reference": "esx1 snap-12", "taken_at": "2026-01-31T22:00:00Z"}],
    }
}
ITEMS = {"config": {"data_class": "voip_config", "restorable": True, "order": 20, "required": True}}


@pytest.fixture
def filled(repository):
    repository.backup({"/a": b"a"}, "sql1", "mssql", instance="CHAT", run_id="run-7")
    for product in ("procall_server", "metadirectory", "ecsta"):
        repository.backup(
            {"/C:/x": b"planted-content"},
            "uc1",
            product,
            run_id="run-7",
            release="8.6.2",
            version=VERSION,
            contract=CONTRACT,
            items=ITEMS,
            restore_order=["config", "not-there"],
        )
    return repository


@pytest.fixture
def plan(filled):
    def run(product, **options):
        given = {"repository": str(filled.path), "generation": f"uc1/{product}/latest", **options}
        return run_unsealing(f"{product}_restore_plan", given, SECRET)

    return run


@pytest.mark.parametrize("product", ["procall_server", "metadirectory", "ecsta"])
def test_a_plan_has_numbered_steps_with_the_values_of_this_host_and_no_secret(plan, product):
    result = plan(product)
    assert result.get("failed") is not True, result
    assert (result["generation"], result["changed"]) == (f"uc1/{product}/1", False)
    assert result["branches"]
    for branch in result["branches"]:
        assert [step["number"] for step in branch["steps"]] == list(range(1, len(branch["steps"]) + 1))
        for step in branch["steps"]:
            assert step["who"] == "you" or step["who"] == step["module"], step
    modules = {step["module"] for branch in result["branches"] for step in branch["steps"]}
    assert f"ucops.recovery.{product}_restore" in modules
    assert "UC1" in result["text"] and result["text"].startswith(f"# {result['title']}")
    shown = json.dumps(result)
    assert "planted" not in shown and "KEY-AAAA" not in shown


def test_companions_snapshots_and_items_reach_the_plan(plan):
    result = plan("procall_server")
    assert "sql1/mssql@CHAT/1" in result["text"]
    assert "vm snapshot esx1 snap-12 of 2026-01-31T22:00:00Z" in result["text"]
    assert "not-there" not in result["text"]


def test_a_generation_of_another_product_is_refused(plan):
    result = plan("ecsta", generation="uc1/procall_server/1")
    assert result["failed"] and result["error"] == "OptionInvalid"
    assert "is a generation of procall_server, not of ecsta" in result["msg"]


def test_something_has_to_open_it(filled):
    given = {"repository": str(filled.path), "generation": "uc1/ecsta/1"}
    result = run_module("ecsta_restore_plan", given)
    assert result["failed"] and result["error"] == "KeyRequired"


def test_a_stranger_s_generation_is_no_plan(plan, tmp_path):
    stranger = TestRepository.create(tmp_path / "other")
    result = plan("ecsta", allowed_signers=stranger.allowed_signers)
    assert result["failed"] and result["error"] == "NotAuthentic"
