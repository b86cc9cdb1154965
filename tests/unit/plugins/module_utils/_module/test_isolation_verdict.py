# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._module.isolation_verdict import (
    REACHED,
    SILENT,
    UNKNOWN,
    Attempt,
    unknown,
)


def test_only_silence_on_both_ways_is_cut_off():
    assert Attempt("192.0.2.1", 5060, SILENT, SILENT).is_cut_off


@pytest.mark.parametrize("other", [REACHED, UNKNOWN, unknown("no bash"), "", "silence"])
def test_anything_else_is_not(other):
    assert not Attempt("192.0.2.1", 5060, other, SILENT).is_cut_off
    assert not Attempt("192.0.2.1", 5060, SILENT, other).is_cut_off


def test_it_is_told_in_one_line():
    assert str(Attempt("192.0.2.1", 5061, SILENT, unknown("no bash"))) == (
        "192.0.2.1:5061: tcp silent, udp unknown (no bash)"
    )
    assert str(Attempt("2001:db8::1", 5060, SILENT, REACHED)) == "[2001:db8::1]:5060: tcp silent, udp reached"
