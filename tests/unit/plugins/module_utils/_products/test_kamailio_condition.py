# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio_condition import holds

DEFINES = {"PORT": "5060", "TYPE": '"mysql"', "ON": "", "OFF": "0", "CODE": "a b"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("PORT == 5060", True),
        ("PORT > 5060 || ON", True),
        ('TYPE == "mysql"', True),
        ("TYPE != 'mysql'", False),
        ("OFF", False),
        ("!OFF && !(PORT < 5000)", True),
        ("1 + 2 * 3 == 7", True),
        ("-1 < 0", True),
        ("UNKNOWN", None),
        ("UNKNOWN && OFF", False),
        ("UNKNOWN || ON", True),
        ("UNKNOWN || OFF", None),
        ("KAMAILIO_VERSION >= 5006000", None),
        ("CODE", None),
        ("TYPE < 1", None),
        ("1 / 0", None),
        ("1 1", None),
        ("", None),
        ("(", None),
        ("1 == ", None),
        ("(" * 5000, None),
        ("!" * 5000 + "1", None),
    ],
)
def test_a_condition(expression, expected):
    assert holds(expression, DEFINES) is expected


@given(st.text(alphabet="()!&|<>=+-*/% 1aON\"'", max_size=20))
def test_no_expression_breaks_the_reader(expression):
    assert holds(expression, DEFINES) in (True, False, None)
