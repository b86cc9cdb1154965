# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters say what they take, and take what they say."""

from __future__ import annotations

import inspect

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.filter import (
    recovery_outcome,
    recovery_outcomes,
    recovery_result,
    scope_terms,
)
from ansible_collections.ucops.recovery.plugins.plugin_utils import outcomes

FILTERS = {
    "recovery_outcome": (recovery_outcome, outcomes.outcome_of),
    "recovery_outcomes": (recovery_outcomes, outcomes.complete_outcomes),
    "recovery_result": (recovery_result, outcomes.summary),
}


@pytest.mark.parametrize("name", FILTERS)
def test_documented_options_are_those_of_the_function(name):
    module, function = FILTERS[name]
    documented = yaml.safe_load(module.DOCUMENTATION)
    assert documented["name"] == name and name in module.FilterModule().filters()
    taken = set(inspect.signature(function).parameters) - {"result", "outcomes"}
    if name == "recovery_outcome":
        taken = (taken - {"source", "instance", "phase"}) | {"options"}
    assert set(documented["options"]) - {"_input"} == taken
    assert yaml.safe_load(module.EXAMPLES) and yaml.safe_load(module.RETURN)


def test_a_host_and_a_run():
    result = {"changed": True, "generation": {"id": "pbx/kamailio/1"}}
    found = recovery_outcome.recovery_outcome(result, "pbx", product="kamailio", failure=None)
    assert found["outcome"] == "ok" and found["source"] == "pbx"
    options = {"source": "pbx-berlin", "instance": "A", "phase": "pre_change", "password": "planted"}
    found = recovery_outcome.recovery_outcome(result, "pbx", options, product="kamailio")
    assert (found["source"], found["instance"], found["phase"]) == ("pbx-berlin", "A", "pre_change")
    assert "planted" not in str(found)
    assert recovery_outcomes.recovery_outcomes([found], ["pbx"], left_out=None) == [found]
    assert recovery_result.recovery_result([found], "backup", hosts=["pbx"], run_id=None)["result"] == "success"


@pytest.mark.parametrize(
    "call",
    [
        lambda: recovery_outcome.recovery_outcome("text", "pbx"),
        lambda: recovery_outcome.recovery_outcome({}, "pbx", nonsense=1),
        lambda: recovery_outcomes.recovery_outcomes(["text"], ["pbx"]),
        lambda: recovery_outcomes.recovery_outcomes([], ["pbx"], nonsense=1),
        lambda: recovery_result.recovery_result(["text"], "backup"),
        lambda: recovery_result.recovery_result([], "backup", nonsense=1),
    ],
)
def test_what_makes_no_sense_is_told(call):
    with pytest.raises(AnsibleFilterError):
        call()


@pytest.mark.parametrize(
    ("pattern", "terms"),
    [
        ("berlin", ["berlin"]),
        ("berlin:hamburg", ["berlin", "hamburg"]),
        ("berlin, hamburg", ["berlin", "hamburg"]),
        (["berlin", "hamburg:bremen"], ["berlin", "hamburg", "bremen"]),
        ("pbx*:!pbx-test:&live", ["pbx*", "live"]),
        ("pbx[0:2]:~sbc-(a|b)", ["pbx[0:2]", "~sbc-(a|b)"]),
        ("fe80::1", ["fe80::1"]),
        ("!berlin", []),
        ("", []),
    ],
)
def test_parts_of_a_pattern_that_have_to_match(pattern, terms):
    assert scope_terms.FilterModule().filters()["scope_terms"](pattern) == terms
