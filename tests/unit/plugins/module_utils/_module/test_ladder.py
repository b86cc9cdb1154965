# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.ladder import (
    FOUNDATION,
    RESULTS,
    RUNGS,
    climb,
    lacking,
    outcome_of,
    reached,
)


def steps(**results):
    return climb([{"rung": rung, "result": result, "seconds": 0.1} for rung, result in results.items()])


PASSED = dict.fromkeys(RUNGS, "passed")


def test_all_the_way_up():
    told = steps(**PASSED)
    assert [step.rung for step in told] == list(RUNGS) and all(step.seconds == 1 for step in told)
    assert outcome_of(told, "counts") == "passed" and reached(told) == "counts" and lacking(told, "counts") == ""


def test_what_was_not_tried_is_not_passed():
    told = steps(opens="passed", complete="passed")
    assert outcome_of(told, "complete") == "passed" and reached(told) == "complete"
    assert outcome_of(told, "restored") == "failed" and lacking(told, "restored") == "restored was not tried"


def test_a_folder_that_was_counted_reached_no_more_than_complete():
    impossible = dict.fromkeys(("restored", "validators", "service", "call"), "not_possible")
    told = steps(opens="passed", complete="passed", counts="passed", **impossible)
    assert reached(told) == "complete" and outcome_of(told, "complete") == "passed"
    assert outcome_of(told, "counts") == "failed" and "restored was not possible" in lacking(told, "counts")


def test_a_product_without_validators_and_calls_can_go_on():
    told = steps(**{**PASSED, "validators": "not_possible", "call": "not_possible"})
    assert outcome_of(told, "service") == "passed" and reached(told) == "counts"
    assert outcome_of(told, "call") == "failed" and outcome_of(told, "validators") == "failed"


def test_one_that_failed_fails_the_drill_also_above_the_minimum():
    told = steps(opens="passed", complete="passed", restored="passed", validators="passed", service="failed")
    assert outcome_of(told, "complete") == "failed" and reached(told) == "validators"
    assert lacking(told, "complete") == "service failed"


@pytest.mark.parametrize(
    ("given_steps", "message"),
    [
        ([{"rung": "opens", "result": "failed"}, {"rung": "complete", "result": "passed"}], "cannot have passed"),
        ([{"rung": "opens", "result": "passed"}] * 2, "stands twice"),
        ([{"rung": "opens", "result": "passed", "seconds": -3600}], "took -3600 s"),
        ([{"rung": "opens", "result": "passed", "seconds": float("nan")}], "took nan s"),
    ],
)
def test_what_cannot_have_happened(given_steps, message):
    with pytest.raises(OptionInvalid, match=message):
        climb(given_steps)


def test_a_detail_is_one_short_line():
    (step, *_rest) = climb([{"rung": "opens", "result": "passed", "detail": "a\n" * 1000}])
    assert len(step.detail) == 500 and "\n" not in step.detail


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.sampled_from(RESULTS), min_size=len(RUNGS), max_size=len(RUNGS)), st.sampled_from(RUNGS))
def test_passed_means_that_the_minimum_and_its_foundation_passed(results, minimum):
    try:
        told = climb([{"rung": rung, "result": result} for rung, result in zip(RUNGS, results)])
    except OptionInvalid:
        return
    if outcome_of(told, minimum) == "passed":
        found = dict(zip(RUNGS, results))
        assert found[minimum] == "passed" and "failed" not in results
        assert all(found[rung] == "passed" for rung in FOUNDATION if RUNGS.index(rung) <= RUNGS.index(minimum))
        assert RUNGS.index(reached(told)) >= RUNGS.index(minimum)
