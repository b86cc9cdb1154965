# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ucops.recovery.plugins.module_utils._module import argspec
from ansible_collections.ucops.recovery.plugins.module_utils._module.argspec import ArgumentSpec


def validate(spec, **given):
    return ArgumentSpecValidator(**spec.to_kwargs()).validate(given)


def test_merging_adds_options_and_rules_and_leaves_the_parts_alone():
    left = ArgumentSpec({"a": {"type": "str"}, "b": {"type": "str"}}, mutually_exclusive=[("a", "b")])
    right = ArgumentSpec({"c": {"type": "int"}}, required_if=[("c", 1, ["c"])], required_by={"c": ["a"]})
    merged = left.merge(right)
    assert set(merged.options) == {"a", "b", "c"}
    assert merged.mutually_exclusive == [["a", "b"]]
    assert merged.required_if == [["c", 1, ["c"]]]
    assert merged.required_by == {"c": ["a"]}
    assert set(left.options) == {"a", "b"} and left.required_if == [] and right.mutually_exclusive == []


def test_changing_a_merged_specification_does_not_change_its_parts():
    part = ArgumentSpec({"a": {"type": "str"}})
    merged = ArgumentSpec().merge(part)
    merged.options["a"]["default"] = "x"
    assert part.options == {"a": {"type": "str"}}


def test_an_option_cannot_be_defined_twice():
    with pytest.raises(ValueError, match="repository"):
        argspec.repository().merge(argspec.repository())


def test_all_groups_go_together():
    merged = ArgumentSpec().merge(*(build() for build in argspec.GROUPS.values()))
    demanded = {name: "x" for name, option in merged.options.items() if option.get("required")}
    assert validate(merged, **demanded).error_messages == []


@pytest.mark.parametrize("phase", ["pre_change", "post_change"])
def test_a_backup_around_a_change_names_the_change(phase):
    spec = argspec.phase().merge(argspec.change())
    assert validate(spec, phase=phase, change_id="CHG1").error_messages == []
    assert "change_id" in validate(spec, phase=phase).error_messages[0]


def test_what_only_a_restore_makes_is_no_choice():
    assert validate(argspec.phase().merge(argspec.change()), phase="pre_restore").error_messages


def test_one_thing_unlocks():
    assert validate(argspec.unlock(), identity="a", identity_file="/b").error_messages
