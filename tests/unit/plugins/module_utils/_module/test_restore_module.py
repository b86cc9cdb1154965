# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a restore a drill. How a restore goes is in test_backup_and_restore.py and the tests of the modules."""

from __future__ import annotations

import types

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items.base import Change
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_module import drill_conditions, plan_text
from ansible_collections.ucops.recovery.plugins.module_utils._module.restore_planner import RestorePlan

RECORD = types.SimpleNamespace(source="uc1")
"""Of a generation of the production host."""
DRILL = {
    "production_host": "192.0.2.1",
    "production_port": 22,
    "production_host_key": None,
    "production_known_hosts_file": None,
    "unreachable": ["198.51.100.1"],
    "accept_reachable": None,
    "shares_hardware": False,
}


def conditions(step, source="spare1"):
    return drill_conditions({"drill": DRILL, "step": step, "source": source}, RECORD)


@pytest.mark.parametrize("step", ["restore", "plan", "stop"])
def test_what_a_drill_may_do(step):
    assert conditions(step).unreachable == ("198.51.100.1",)


def test_a_drill_starts_nothing_alone():
    with pytest.raises(OptionInvalid, match="Nothing is started after a drill"):
        conditions("start")


@pytest.mark.parametrize("step", ["restore", "stop"])
def test_a_drill_is_never_one_of_the_source_itself(step):
    with pytest.raises(OptionInvalid, match="names uc1 as its target"):
        conditions(step, source="uc1")


def test_what_is_no_drill_has_no_conditions():
    assert drill_conditions({"drill": None, "step": "start", "source": "uc1"}, RECORD) is None


def test_the_diff_of_a_restore_shows_what_is_removed_and_what_the_plan_warns_of() -> None:
    plan = RestorePlan("pbx/linux/1", {"voip": [Change("remove", b"/etc/voip/later")]}, [], [], ["voip"])
    plan.warnings.append("voip: pbx/linux/1 did not look at /etc/voip/a; what the host has there is not removed.")
    assert plan_text(plan.to_result()) == (
        "restore pbx/linux/1\n"
        "  voip: remove /etc/voip/later\n"
        "  stop and start voip\n"
        "  warning: voip: pbx/linux/1 did not look at /etc/voip/a; what the host has there is not removed.\n"
    )
