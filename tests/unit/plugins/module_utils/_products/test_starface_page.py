# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of STARFACE names for each field of the vendor's page the tests and rules that hold it; they are there."""

from __future__ import annotations

import pathlib
import re

from ansible_collections.ucops.recovery.plugins.module_utils._module.starface_config import SPEC
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_targets import FIELDS_OF, SECURITY_MODES

ROOT = pathlib.Path(__file__).resolve().parents[5]
PAGE = (ROOT / "docs" / "products" / "starface.md").read_text()
ROWS = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("|") and line.count("|") == 5]
TESTS = "".join(path.read_text() for path in (ROOT / "tests" / "unit").rglob("test_starface*.py"))
RULES = (ROOT / "plugins/module_utils/_products/starface_advice.py").read_text()


def test_every_row_has_a_test():
    assert len(ROWS) > 35
    for field, _option, behaviour, test in ROWS[1:]:
        assert behaviour.strip() and test.strip(), field


def test_every_test_that_is_named_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 12
    for name in named:
        assert f"def {name}(" in TESTS, name


def test_every_rule_that_is_named_exists_and_every_rule_is_named():
    told = " ".join(test for _field, _option, _behaviour, test in ROWS)
    named = set(re.findall(r"`([a-z0-9_]+)`", told)) - set(re.findall(r"`(test_\w+)`", told))
    rules = set(re.findall(r'Advice\(\s*(?:\w+),\s*"([a-z0-9_]+)"', RULES))
    assert named <= rules, named - rules
    for rule in rules:
        assert f'"{rule}"' in TESTS, rule


def test_every_option_of_the_wizard_is_in_the_table():
    told = " ".join(option for _field, option, _behaviour, _test in ROWS)
    fields = {field for fields in FIELDS_OF.values() for field in fields} | {"applied_at", "applied_by"}
    for name in {*fields, *SPEC.options} - {"source", "fail_on", "timezone"}:
        assert f"`{name}" in told or f"`{name}`" in PAGE, name
    for mode in SECURITY_MODES:
        assert mode in PAGE.lower()
