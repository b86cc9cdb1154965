# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of hosts and runs: nothing is fine that is not known to be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.plugin_utils import outcomes
from ansible_collections.ucops.recovery.plugins.plugin_utils.outcomes import (
    FINE,
    OUTCOMES,
    complete_outcomes,
    failure_of,
    outcome_of,
    summary,
)

GENERATION = {"id": "pbx/kamailio/7", "status": "complete", "head": "h" * 64, "problems": ["long"], "licence_count": 3}
GOOD = {"changed": True, "generation": GENERATION, "checks": [], "open_restores": []}


def outcome(result=None, **facts):
    return outcome_of(result, host="pbx", **{"product": "kamailio", "phase": "pre_change", **facts})


def test_a_generation_is_ok():
    found = outcome(GOOD, source="pbx-berlin", instance="A")
    assert (found["outcome"], found["problem"], found["changed"], found["reused"]) == ("ok", "", True, False)
    assert (found["source"], found["instance"], found["phase"]) == ("pbx-berlin", "A", "pre_change")
    assert found["generation"] == {"id": "pbx/kamailio/7", "status": "complete", "head": "h" * 64}
    assert found["failure"] == {}


def test_what_is_not_due_yet_is_ok_without_a_generation():
    found = outcome({"changed": False, "generations": [], "verdict": "nothing_came"})
    assert (found["outcome"], found["generation"]) == ("ok", None)


@pytest.mark.parametrize("result", [None, {}, {"changed": False}, {"skipped": True}])
def test_a_module_that_never_ran_is_no_success(result):
    found = outcome(result)
    assert found["outcome"] == "failed" and "got to this host" in found["problem"]


def test_a_reason_may_be_given_for_who_was_left_out():
    (found,) = complete_outcomes([], [], left_out={"pbx": "nobody looked"})
    assert (found["outcome"], found["problem"]) == ("refused", "nobody looked")
    assert found["failure"]["problem"] == "nobody looked"


def test_a_failure_is_one_whatever_the_product_is():
    found = outcome({}, product="", failure={"failed": True, "msg": "'secret' is undefined"})
    assert (found["outcome"], found["problem"], found["source"]) == ("failed", "'secret' is undefined", "pbx")
    assert outcome({}, product="", failure={})["outcome"] == "skipped"


@pytest.mark.parametrize(
    ("error", "phase", "verdict"),
    [
        ("ConnectionFailed", "manual", "unreachable"),
        ("DeadlineExceeded", "manual", "unreachable"),
        ("AuthenticationFailed", "manual", "failed"),
        ("HostKeyMismatch", "manual", "failed"),
        ("BackupIncomplete", "pre_change", "failed"),
        ("NothingCame", "scheduled", "awaiting_push"),
        ("BackupOverdue", "scheduled", "failed"),
        ("BackupOverdue", "pre_change", "awaiting_push"),
        ("VersionMismatch", "manual", "refused"),
        ("RestoreOpen", "pre_change", "refused"),
        ("", "manual", "failed"),
    ],
)
def test_the_kind_of_an_error_decides(error, phase, verdict):
    found = outcome({"failed": True, "msg": "a\nproblem", "error": error, "generation": GENERATION}, phase=phase)
    assert (found["outcome"], found["problem"], found["error"]) == (verdict, "a problem", error)
    assert found["failure"] == {
        "source": "pbx",
        "product": "kamailio",
        "instance": "",
        "error": error,
        "problem": "a problem",
        "generation": "pbx/kamailio/7",
    }


def test_a_backup_host_that_does_not_answer_is_named():
    found = outcome({"unreachable": True, "msg": "ssh: timed out"}, backup_host="backup1")
    assert (found["outcome"], found["error"]) == ("unreachable", outcomes.NO_ANSWER)
    assert found["problem"] == "The backup host backup1 cannot be reached."


def test_a_failure_on_the_way_counts_unless_the_module_failed_itself():
    failure = {"failed": True, "msg": "There is no product", "error": ""}
    assert outcome({}, failure=failure)["problem"] == "There is no product"
    assert outcome(GOOD, failure=failure)["outcome"] == "failed"
    module = {"failed": True, "msg": "It is full.", "error": "RepositoryFull"}
    assert outcome(module, failure=failure)["problem"] == "It is full."


def test_a_failure_without_a_word_has_words():
    assert outcome({"failed": True})["problem"] == "The task failed without a word"


def test_a_host_without_a_product_is_skipped():
    found = outcome(None, product="")
    assert (found["outcome"], found["failure"]) == ("skipped", {}) and found["problem"]


def test_a_message_of_a_host_is_one_short_line():
    found = outcome({"failed": True, "msg": "\x1b[31mbad\r\n" + "x" * 5000})
    assert "\x1b" not in found["problem"] and "\n" not in found["problem"] and len(found["problem"]) == 2000


def test_hosts_that_nobody_got_to_are_named():
    found = complete_outcomes([outcome(GOOD), {}], ["gone", "pbx"])
    assert [(one["host"], one["outcome"]) for one in found] == [("gone", "failed"), ("pbx", "ok")]
    assert found[0].keys() == found[1].keys() and found[0]["failure"]["source"] == "gone"


def test_a_wanted_host_that_was_limited_away_is_refused_by_name():
    found = complete_outcomes([outcome(GOOD)], ["pbx"], left_out=["away", "pbx"])
    assert [(one["host"], one["outcome"]) for one in found] == [("pbx", "ok"), ("away", "refused")]
    assert "--limit" in found[1]["problem"]


@pytest.mark.parametrize(("demanded", "verdict"), [(False, "skipped"), (True, "refused")])
def test_a_host_without_a_product_may_be_refused(demanded, verdict):
    (found,) = complete_outcomes([outcome(None, product="")], ["pbx"], require_product=demanded)
    assert found["outcome"] == verdict and bool(found["failure"]) is demanded


def test_the_result_names_only_what_is_not_fine():
    failed = {**outcome({"failed": True, "msg": "It is full."}), "host": "b"}
    unchanged = {**outcome({**GOOD, "changed": False}), "host": "c"}
    skipped = {**outcome(None, product=""), "host": "d"}
    found = summary(
        [outcome(GOOD), failed, unchanged, skipped],
        operation="pre_change",
        hosts=["pbx", "b", "c", "d"],
        run_id="r",
        change_id="CHG1",
        phase="pre_change",
        started="2026-01-01T00:00:00Z",
        finished="2026-01-01T00:01:00Z",
        reports=["/x.md"],
    )
    assert found == {
        "schema": 1,
        "operation": "pre_change",
        "run_id": "r",
        "change_id": "CHG1",
        "phase": "pre_change",
        "started": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:01:00Z",
        "result": "partial",
        "hosts_total": 4,
        "ok": 2,
        "changed": 1,
        "unchanged": 1,
        "skipped": 1,
        "failed": 1,
        "not_fine": [{"host": "b", "outcome": "failed", "problem": "It is full.", "generation": None}],
        "reports": ["/x.md"],
    }


@pytest.mark.parametrize(
    ("made", "hosts", "result"),
    [
        ([], [], "success"),
        ([], ["gone"], "failed"),
        ([outcome(None, product="")], ["pbx"], "success"),
        ([outcome(None, product="")], ["pbx", "gone"], "failed"),
        ([outcome(GOOD)], ["pbx", "gone"], "partial"),
    ],
)
def test_the_result_in_one_word(made, hosts, result):
    assert summary(made, operation="backup", hosts=hosts)["result"] == result


@settings(max_examples=examples(50))
@given(st.lists(st.sampled_from([*OUTCOMES, "", "nonsense"]), max_size=8), st.integers(0, 3))
def test_every_host_is_counted_once_and_none_is_fine_by_accident(verdicts, lost):
    made = [{"host": str(n), "outcome": verdict} for n, verdict in enumerate(verdicts)]
    found = summary(made, operation="x", hosts=[str(n) for n in range(len(verdicts) + lost)])
    assert found["hosts_total"] == len(verdicts) + lost == found["ok"] + found["skipped"] + found["failed"]
    assert found["failed"] == len(found["not_fine"])
    assert (found["result"] == "success") == all(verdict in FINE for verdict in verdicts) * (lost == 0)


def test_nobody_is_told_of_a_host_that_is_fine():
    assert failure_of({**outcome(GOOD), "outcome": "skipped"}) == {}
