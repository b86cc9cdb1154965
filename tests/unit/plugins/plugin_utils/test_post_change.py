# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.ucops.recovery.plugins.plugin_utils.post_change import of_host, report

PRE = {"id": "pbx/kamailio/1", "status": "complete", "pruned": {}, "counters": {"registrations": 100}}
FINE = {
    "host": "pbx",
    "source": "pbx",
    "product": "kamailio",
    "instance": "",
    "outcome": "ok",
    "problem": "",
    "generation": {"id": "pbx/kamailio/2"},
}
SAME = {"opened": True, "identical": True, "findings": [], "changes": [], "text": "", "changed_items": []}


def finding(grade, text="x"):
    return {"grade": grade, "rule": "r", "text": text}


def judged(outcome=None, *, pre=(PRE,), difference=None, counters=None, fail_on="high", **more):
    return of_host(
        {**FINE, **(outcome or {})},
        change_id="CHG1",
        pre=list(pre),
        difference=SAME if difference is None else difference,
        counters={"registrations": 100} if counters is None else counters,
        tolerance=98,
        fail_on=fail_on,
        **more,
    )


def test_a_host_that_is_fine():
    told = judged()
    assert (told["verdict"], told["outcome"], told["problem"]) == ("fine", "ok", "")
    assert (told["before"], told["after"]) == ("pbx/kamailio/1", "pbx/kamailio/2")
    assert told["counters"] == [{"name": "registrations", "before": 100, "after": 100, "ok": True}]


@pytest.mark.parametrize(
    ("grade", "fail_on", "outcome", "verdict"),
    [
        ("high", "high", "failed", "not fine"),
        ("high", "medium", "failed", "not fine"),
        ("high", "none", "ok", "look"),
        ("medium", "high", "ok", "look"),
        ("medium", "medium", "failed", "not fine"),
        ("low", "medium", "ok", "fine"),
    ],
)
def test_which_findings_fail(grade, fail_on, outcome, verdict):
    told = judged(difference={**SAME, "findings": [finding(grade, "trunk gone")]}, fail_on=fail_on)
    assert (told["outcome"], told["verdict"]) == (outcome, verdict)
    assert told["problem"] == ("trunk gone" if outcome == "failed" else "")


def test_a_counter_that_fell_is_a_high_finding():
    told = judged(counters={"registrations": 97})
    assert told["outcome"] == "failed" and told["findings"][0]["rule"] == "counter_fell"
    assert told["problem"] == "registrations: 100 before, 97 now"
    assert judged(counters={}, fail_on="none")["verdict"] == "look"


@pytest.mark.parametrize("pre", [[], [{**PRE, "status": "partial"}], [{**PRE, "pruned": {"at": "x"}}]])
def test_without_a_generation_of_before_it_fails_and_the_one_of_after_stays_named(pre):
    told = judged({"instance": "X"}, pre=pre, difference={})
    assert told["outcome"] == "failed" and told["after"] == "pbx/kamailio/2"
    assert "no complete pre_change generation of pbx/kamailio@X for CHG1" in told["problem"]


def test_the_newest_complete_one_counts():
    assert (
        judged(pre=[PRE, {**PRE, "id": "pbx/kamailio/9"}, {**PRE, "status": "partial"}])["before"] == "pbx/kamailio/9"
    )


def test_a_host_that_was_not_reached():
    told = judged({"outcome": "unreachable", "problem": "no way", "generation": None}, difference={}, counters={})
    assert (told["verdict"], told["outcome"], told["problem"]) == ("unknown", "unreachable", "no way")
    assert told["findings"] == [] and told["counters"] == []


def test_a_backup_that_failed_fails_also_with_none():
    told = judged({"outcome": "failed", "problem": "partial"}, fail_on="none", problems=["and more"])
    assert (told["outcome"], told["verdict"], told["problem"]) == ("failed", "not fine", "partial; and more")


def test_without_a_key_it_is_said():
    told = judged(difference={**SAME, "opened": False, "identical": False, "changed_items": ["configuration"]})
    assert told["verdict"] == "fine" and told["findings"][0]["rule"] == "not_opened"
    assert told["changed_items"] == ["configuration"] and not told["opened"]


def test_control_characters_and_long_problems():
    evil = "\x1b]0;x\x07\u202e\n| <b>" + "y" * 1000
    told = judged(
        {"host": evil}, difference={**SAME, "findings": [finding("high", evil)], "changes": [{"object": evil}]}
    )
    assert not set("\x1b\x07\u202e") & set(json.dumps(told, ensure_ascii=False))
    assert "\n" not in told["problem"] and len(told["problem"]) < 600


@pytest.mark.parametrize("wrong", [{"fail_on": "low"}, {"fail_on": ""}])
def test_a_grade_that_there_is_not(wrong):
    with pytest.raises(ValueError, match="post_change_fail_on"):
        judged(**wrong)


def test_the_worst_hosts_first_and_all_counted():
    hosts = [
        {**judged({"host": "c"})},
        {**judged({"host": "b"}, difference={**SAME, "findings": [finding("medium")]})},
        {**judged({"host": "a", "outcome": "unreachable", "generation": None}, difference={})},
        {**judged({"host": "d"}, difference={**SAME, "findings": [finding("high")]})},
    ]
    told = report(hosts, {"change_id": "CHG1\x1b"}, 100)
    assert [one["host"] for one in told["hosts"]] == ["d", "a", "b", "c"]
    assert told["verdict"] == "not fine" and told["counted"] == {"not fine": 1, "unknown": 1, "look": 1, "fine": 1}
    assert told["change_id"] == "CHG1\\x1b" and told["schema"] == 1
    # nobody was looked at
    assert report([], {}, 1)["verdict"] == "unknown"
    assert all("changed_outcome" not in one for one in told["hosts"])


def test_a_host_that_the_run_did_not_get_to_is_in_the_report():
    outcomes = [{**FINE}, {**FINE, "host": "gone", "outcome": "failed", "problem": "never"}]
    outcomes.append({**FINE, "host": "other", "outcome": "skipped"})
    told = report([judged()], {}, 1, outcomes)
    assert [(one["host"], one["verdict"], one["problem"]) for one in told["hosts"]] == [
        ("gone", "not fine", "never"),
        ("pbx", "fine", ""),
    ]


def test_what_becomes_of_the_outcome():
    told = judged(difference={**SAME, "findings": [finding("high", "trunk gone")]})["changed_outcome"]
    assert (told["outcome"], told["problem"], told["error"]) == ("failed", "trunk gone", "NotAsBefore")
    assert told["failure"]["problem"] == "trunk gone" and told["failure"]["generation"] == "pbx/kamailio/2"
    assert judged()["changed_outcome"] == {
        "outcome": "ok",
        "problem": "",
        "error": "",
        "findings": [],
        "failure": {},
    }


def test_in_check_mode_nothing_was_compared():
    told = judged({"generation": {"id": None}}, difference={})
    assert (told["outcome"], told["verdict"]) == ("ok", "unknown")


def test_a_bounded_report():
    hosts = [judged({"host": str(number)}, difference={**SAME, "text": "+line\n" * 10}) for number in range(3)]
    told = report(hosts, {}, 15)
    assert [one["text"].count("\n") for one in told["hosts"]] == [10, 5, 0]
    assert [one["truncated"] for one in told["hosts"]] == [False, True, True]
    assert hosts[2]["text"].count("\n") == 10
