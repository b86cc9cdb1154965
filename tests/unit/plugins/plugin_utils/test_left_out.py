# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is of a change and not in the run after it: nobody is passed over that was not looked at."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.filter.change_left_out import FilterModule

PLACE = {"backup_host": "backup1", "repository": "/srv/recovery"}
PBX = {"host": "pbx", "source": "pbx-berlin", "product": "mssql", "instance": "ucserver", **PLACE}


def left_out(*looked, others=(PBX,), wanted=None):
    return FilterModule().filters()["change_left_out"](list(others), list(looked), wanted)


def looked(*phases, **differs):
    generations = [
        {
            "source": "pbx-berlin",
            "product": "mssql",
            "instance": "ucserver",
            "sequence": number,
            "phase": phase,
            **differs,
        }
        for number, phase in enumerate(phases, 1)
    ]
    return {"item": PLACE, "generations": generations}


def test_what_was_saved_before_and_not_looked_at_since_is_left_out():
    assert "nobody looked at it since" in left_out(looked("pre_change"))["pbx"]
    # as it is when the gate was run again, since the change was not begun then
    assert left_out(looked("pre_change", "post_change", "pre_change")).keys() == {"pbx"}


@pytest.mark.parametrize(
    "found",
    [
        looked(),
        looked("pre_change", "post_change"),
        looked("pre_change", source="other"),
        looked("pre_change", product="linux"),
        looked("pre_change", instance=""),
        looked("pre_restore"),
        {**looked("pre_change"), "item": {**PLACE, "repository": "/srv/other"}},
    ],
    ids=["not of it", "looked at", "source", "product", "instance", "phase", "repository"],
)
def test_who_has_no_part_or_was_looked_at_is_not(found):
    assert left_out(found) == {}


@pytest.mark.parametrize("answer", [{"msg": "There is no repository.", "failed": True}, {"unreachable": True}])
def test_a_repository_that_cannot_be_read_is_known_of_nothing(answer):
    found = left_out({"item": PLACE, **answer})
    assert "not known" in found["pbx"] and "scope" in found["pbx"]
    assert (answer.get("msg", "backup1 does not answer").rstrip(".") + ".") in found["pbx"]
    # who is of the change was said
    assert left_out({"item": PLACE, **answer}, wanted=["sbc"]).keys() == {"sbc"}


def test_whom_the_scope_names_is_left_out_whatever_the_repository_says():
    assert "--limit" in left_out(looked(), wanted=["pbx"])["pbx"]
    assert left_out(looked("pre_change"), wanted=["sbc"]).keys() == {"sbc", "pbx"}


@pytest.mark.parametrize("nonsense", [{}, {"item": {}}, None])
def test_what_makes_no_sense_is_told(nonsense):
    with pytest.raises(AnsibleFilterError):
        left_out(nonsense)
