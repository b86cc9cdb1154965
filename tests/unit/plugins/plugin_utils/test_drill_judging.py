# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.plugin_utils.drill_judging import judge

GENERATION = {
    "id": "pbx/kamailio/7",
    "signer": "backup1",
    "status": "complete",
    "missing": [],
    "expired_classes": {},
    "gathered": {
        "configuration": {"entries": 12, "bytes": 1, "data_class": "voip_config"},
        "accounting": {"entries": 3, "bytes": 1, "data_class": "logs"},
    },
}
CHECKS = [
    {"name": "kamailio -c", "ok": True, "detail": "accepts", "kind": "validator"},
    {"name": "service kamailio", "ok": True, "detail": "runs", "kind": "health"},
]
DONE = {
    "generation": "pbx/kamailio/7",
    "plan": {"change_count": 12, "restore_order": ["configuration"]},
    "checks": CHECKS,
    "compared": {"configuration": 12},
}


def rungs(result, stage, generation=None):
    generation = GENERATION if generation is None else generation
    return {one["rung"]: (one["result"], one["detail"]) for one in judge(result, stage, generation, 2.5)}


def test_what_opens_and_is_complete():
    found = rungs({"generation": "pbx/kamailio/7"}, "opened")
    assert found["opens"][0] == "passed" and "signed by backup1" in found["opens"][1]
    assert found["complete"][0] == "passed"


def test_what_does_not_open():
    assert rungs({"msg": "objects/x: cut."}, "opened") == {"opens": ("failed", "objects/x: cut.")}
    assert rungs({"generation": "pbx/kamailio/6"}, "opened") == {"opens": ("failed", "another generation was opened")}


def test_a_partial_generation_is_not_complete():
    partial = {**GENERATION, "status": "partial", "missing": ["database"]}
    assert rungs({"generation": partial["id"]}, "opened", partial)["complete"] == (
        "failed",
        "database is not whole in it",
    )


def test_a_restore_that_was_done():
    found = rungs(DONE, "restored")
    assert found["restored"] == ("passed", "12 changes in 1 items, gathered again and compared")
    assert found["validators"] == ("passed", "kamailio -c: accepts") and found["service"][0] == "passed"


def test_a_plan_is_no_restore():
    assert rungs({"generation": GENERATION["id"], "plan": DONE["plan"]}, "restored")["restored"][0] == "failed"


def test_what_could_not_be_looked_at_is_not_possible():
    unknown = [{**CHECKS[0], "ok": None, "detail": "cannot be run here"}]
    found = rungs({**DONE, "checks": unknown}, "restored")
    assert found["validators"] == ("not_possible", "kamailio -c: cannot be run here")
    assert found["service"] == ("not_possible", "this product has no service here")


def test_a_restore_that_failed_at_a_check():
    bad = {"msg": "failed", "error": "RestoreFailed", "details": {"checks": [{**CHECKS[0], "ok": False}]}}
    assert [one["rung"] for one in judge(bad, "restored", GENERATION, 1)] == ["restored", "validators"]
    assert rungs(bad, "restored")["validators"][0] == "failed"
    silent = {"msg": "failed", "details": {"checks": [CHECKS[0], {**CHECKS[1], "ok": False}]}}
    found = rungs(silent, "restored")
    assert found["validators"][0] == "passed" and found["service"][0] == "failed"


def test_a_restore_that_failed_otherwise():
    assert rungs({"msg": "no space", "error": "RestoreFailed"}, "restored") == {"restored": ("failed", "no space")}


def test_counts():
    assert rungs(DONE, "counted")["counts"] == ("passed", "12 entries in 1 items, as saved; not compared: accounting")
    nothing = {**DONE, "compared": {"configuration": 12, "user-data": 0}}
    assert rungs(nothing, "counted")["counts"][0] == "passed"
    fewer = {**DONE, "compared": {"configuration": 11}}
    assert rungs(fewer, "counted")["counts"] == ("failed", "configuration has 11 of 12")
    assert rungs({}, "counted")["counts"][0] == "not_possible"


def test_a_folder():
    found = rungs({"extracted": 14, "skipped": [{"path": "/dev/x"}]}, "in_folder")
    assert found["counts"] == ("passed", "15 entries were opened, 15 were saved")
    assert {found[rung][0] for rung in ("restored", "validators", "service", "call")} == {"not_possible"}
    assert rungs({"extracted": 14}, "in_folder")["counts"][0] == "failed"
    without_logs = {**GENERATION, "expired_classes": {"logs": {}}}
    assert rungs({"extracted": 12}, "in_folder", without_logs)["counts"][0] == "passed"


def test_a_stage_that_is_none():
    with pytest.raises(OptionInvalid, match="no stage"):
        judge({}, "afterwards", GENERATION, 0)
