# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.secret_values import masked, secrets_of


def test_secrets_of_a_specification():
    spec = {
        "a": {"no_log": True},
        "b": {"options": {"c": {"no_log": True}, "d": {}}},
        "e": {},
        "f": {"no_log": True},
    }
    given = {"a": ["one", 2, None, True], "b": [{"c": "three", "d": "four"}], "e": "five", "f": {"x": "six"}}
    assert secrets_of(spec, given) == {"one", "2", "three", "six"}


def test_a_result_without_secrets():
    result = {"msg": "hunter2 was refused", "list": ["22", {"x": "a hunter2"}], "changed": False}
    shown = masked(result, {"hunter2"})
    assert "hunter2" not in str(shown) and shown["list"][0] == "22" and shown["changed"] is False
    assert masked(result, set()) == result
