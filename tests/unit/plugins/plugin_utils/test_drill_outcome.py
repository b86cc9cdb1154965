# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.plugin_utils.drill_outcome import drill_outcome

PICKED = {"picked": True, "overdue": True, "why": "it never passed a drill"}
EVIDENCE = {
    "generation": "pbx/linux/1",
    "outcome": "passed",
    "problem": "",
    "objectives_met": True,
    "recovery_seconds": 9,
    "recovery_point_seconds": 7,
}
DRILLED = {
    "product": "linux",
    "subject": "pbx/linux",
    "generation": "pbx/linux/1",
    "decision": PICKED,
    "evidence": EVIDENCE,
    "rto": "4h",
    "rpo": "",
}


def test_a_drill_that_passed():
    found = drill_outcome(DRILLED)
    assert (found["outcome"], found["problem"], found["overdue"], found["changed"]) == ("ok", "", False, True)
    assert found["drill"] == EVIDENCE


def test_a_host_without_a_product():
    assert drill_outcome({"product": "", "decision": {}})["outcome"] == "skipped"


@pytest.mark.parametrize(
    ("facts", "outcome", "problem"),
    [
        ({"problem": "it is\nproduction", "refused": True}, "refused", "it is production"),
        ({"left": "made1 still\nanswers."}, "failed", "made1 still answers."),
        ({"problem": "It hangs.", "refused": True, "left": "It is left."}, "failed", "It hangs. It is left."),
        ({"unrecorded": "no key"}, "failed", "There is no evidence of the drill: no key"),
        (
            {"generation": "", "asked": "9"},
            "failed",
            "There is no complete generation to drill: pbx/linux has none that is 9.",
        ),
        (
            {"evidence": {**EVIDENCE, "outcome": "failed", "problem": "opens failed"}},
            "failed",
            "pbx/linux/1 did not pass: opens failed.",
        ),
        (
            {"evidence": {**EVIDENCE, "objectives_met": False}},
            "failed",
            "pbx/linux/1 was restored in 9 s and was 7 s old; declared are 4h and nothing.",
        ),
        (
            {"evidence": {}, "decision": {**PICKED, "picked": False}},
            "failed",
            "The restore drill is overdue: it never passed a drill.",
        ),
        ({"evidence": {}}, "failed", "The drill left no evidence."),
    ],
)
def test_what_is_not_fine(facts, outcome, problem):
    found = drill_outcome({**DRILLED, **facts})
    assert (found["outcome"], found["problem"]) == (outcome, problem)


@pytest.mark.parametrize(
    "facts",
    [
        {"evidence": {**EVIDENCE, "objectives_met": False}, "accept_missed": True},
        {"evidence": {**EVIDENCE, "objectives_met": None}},
        {"evidence": {}, "check_mode": True},
        {"evidence": {}, "decision": {"picked": False, "overdue": False, "why": "not due"}},
    ],
)
def test_what_is_fine(facts):
    assert drill_outcome({**DRILLED, **facts})["outcome"] == "ok"


@pytest.mark.parametrize(
    ("facts", "changed"),
    [({}, True), ({"problem": "no key"}, False), ({"decision": {**PICKED, "picked": False}}, False)],
)
def test_check_mode_says_what_would_be_drilled(facts, changed):
    assert drill_outcome({**DRILLED, "evidence": {}, "check_mode": True, **facts})["changed"] is changed
