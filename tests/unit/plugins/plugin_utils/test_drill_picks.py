# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.plugin_utils.drill_picks import Candidate, pick, picks

NOW = datetime(2026, 11, 23, 5, tzinfo=timezone.utc)
DAY = 86400


def host(name, passed=None, tried=None, **facts):
    """Days ago, or None for never."""
    ago = [
        None if days is None else NOW - timedelta(days=days) for days in (passed, passed if tried is None else tried)
    ]
    return Candidate(name, facts.pop("generation", f"{name}/linux/1"), *ago, **facts)


def told(decisions):
    return [one.host for one in decisions if one.picked], [one.host for one in decisions if one.overdue]


def test_without_a_rule_every_host_is_drilled():
    decisions = pick([host("b", 1), host("a")], NOW, None)
    assert told(decisions) == (["a", "b"], [])
    assert decisions[0].why == "it never passed a drill: there is no rule, so every host is drilled"


def test_whoever_is_due_is_drilled_and_nobody_else():
    hosts = [host("new", 1, every=90 * DAY), host("old", 91, every=90 * DAY), host("never", every=90 * DAY)]
    decisions = pick(hosts, NOW, None)
    assert told(decisions) == (["never", "old"], ["never", "old"])
    assert [one.why for one in decisions] == [
        "it never passed a drill: due every 90 d",
        "its last passed drill was 91 d ago: due every 90 d",
        "its last passed drill was 1 d ago, and it is due every 90 d",
    ]


def test_one_that_failed_is_still_due_and_does_not_keep_the_others_out():
    hosts = [host("broken", None, 1, every=DAY, took=600), host("other", 5, every=DAY, took=600)]
    decisions = pick(hosts, NOW, 600)
    assert told(decisions) == (["other"], ["other", "broken"])
    assert decisions[1].why == (
        "it never passed a drill, last tried 1 d ago; it needs about 10 min, and 0 s of the budget are left"
    )


def test_a_budget_takes_the_longest_ago_that_fit():
    hosts = [host("a", 9, took=3000), host("b", 8, took=1000), host("c", 7, took=500), host("d", 6, took=500)]
    decisions = pick(hosts, NOW, 2000)
    assert told(decisions) == (["b", "c", "d"], [])
    assert "needs about 50 min, and 33 min 20 s of the budget are left" in decisions[3].why
    assert decisions[0].why == "its last passed drill was 8 d ago: the longest ago of those left"


def test_what_has_nothing_to_drill_is_named_and_overdue():
    decisions = pick([host("empty", generation="", every=DAY)], NOW, None)
    assert told(decisions) == ([], ["empty"])
    assert decisions[0].why == "there is no complete generation to drill"


def test_the_filter():
    facts = [
        {"host": "b", "generation": "b/linux/3", "every": "1d", "last_drill": None},
        {
            "host": "a",
            "generation": "a/linux/2",
            "every": "",
            "last_drill": {
                "newest": {"at": "2026-11-22T05:00:00Z", "recovery_seconds": 70},
                "passed": {"at": "2026-11-20T05:00:00Z"},
            },
        },
    ]
    found = picks(facts, "2026-11-23T05:00:00Z", budget="5m", estimate="4m")
    assert [(one["host"], one["picked"], one["overdue"]) for one in found] == [("b", True, True), ("a", False, False)]
    assert found[1]["why"] == (
        "its last passed drill was 3 d ago; it needs about 1 min 10 s, and 1 min of the budget are left"
    )


@pytest.mark.parametrize("options", [{"now": "yesterday"}, {"budget": "much"}, {"estimate": "little"}])
def test_bad_options(options):
    with pytest.raises(OptionInvalid):
        picks([], **{"now": "2026-11-23T05:00:00Z", **options})


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5000)), max_size=8), st.integers(0, 20000), st.randoms())
def test_the_order_of_the_inventory_does_not_matter_and_the_budget_holds(facts, budget, chance: random.Random):
    hosts = [host(f"h{number}", ago, took=took, every=90 * DAY) for number, (ago, took) in enumerate(facts)]
    decisions = pick(hosts, NOW, budget)
    shuffled = list(hosts)
    chance.shuffle(shuffled)
    assert pick(shuffled, NOW, budget) == decisions
    took = {one.host: one.took for one in hosts}
    assert sum(took[one.host] for one in decisions if one.picked) <= budget
    assert {one.host for one in decisions if one.overdue} == {one.host for one in hosts if one.is_overdue(NOW)}
