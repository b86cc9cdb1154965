# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare import findings as f
from ansible_collections.ucops.recovery.plugins.module_utils._compare.semantic import (
    ADDED,
    CHANGED,
    HIGH,
    LOW,
    MEDIUM,
    REMOVED,
    SemanticChange,
    compare_texts,
)
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid

TOPICS = {
    "provider": f.TRUNK,
    "extension": f.USER,
    "dialplan": f.ROUTE,
    "role": f.ADMINISTRATOR,
    "allowed": f.PEER,
    "ca": f.AUTHORITY,
    "cert": f.CERTIFICATE,
}


def grade(*changes, rules=None):
    told, findings = f.graded(changes, TOPICS, rules or f.Rules())
    assert [(one.kind, one.object) for one in told] == [(one.kind, one.object) for one in changes]
    return [(finding.grade, finding.rule) for finding in findings]


@pytest.mark.parametrize(
    ("kind", "action", "wanted"),
    [
        ("provider", REMOVED, [(HIGH, "trunk_removed")]),
        ("provider", CHANGED, [(MEDIUM, "trunk_changed")]),
        ("provider", ADDED, [(MEDIUM, "trunk_changed")]),
        ("role", ADDED, [(HIGH, "administrator_changed")]),
        ("role", CHANGED, [(HIGH, "administrator_changed")]),
        ("role", REMOVED, [(HIGH, "administrator_changed")]),
        ("ca", REMOVED, [(HIGH, "authority_removed")]),
        ("ca", ADDED, [(MEDIUM, "authority_changed")]),
        ("allowed", ADDED, [(MEDIUM, "peer_changed")]),
        ("allowed", REMOVED, []),
        ("cert", REMOVED, [(MEDIUM, "certificate_removed")]),
        ("cert", CHANGED, [(LOW, "certificate_changed")]),
        ("dialplan", CHANGED, []),
        ("anything", REMOVED, []),
    ],
)
def test_what_a_topic_means(kind, action, wanted):
    assert grade(SemanticChange(kind, "x", action, "a", "b")) == wanted


def test_a_change_has_the_severity_of_its_finding():
    (told,), _findings = f.graded([SemanticChange("provider", "x", REMOVED)], TOPICS, f.Rules())
    assert told.severity == HIGH


def test_what_the_product_marks_is_never_made_less():
    assert grade(SemanticChange("thing", "x", CHANGED, severity=HIGH)) == [(HIGH, "product")]
    assert grade(SemanticChange("provider", "x", CHANGED, severity=HIGH)) == [(HIGH, "product")]
    assert grade(SemanticChange("provider", "x", REMOVED, severity=LOW)) == [(HIGH, "trunk_removed")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("112", True),
        ("prefix=112 gwlist=1", True),
        ("sip:911@psap", True),
        ("^11[02]$", True),
        ("match=^(?:0)?11[0-2]$", True),
        ("^1[0-9]+$", False),
        ("^[0-9]{3}$", False),
        ("1120", False),
        ("10.0.0.112", False),
        ("sip:10.0.0.1:112", False),
        ("[2001:db8::1]:110", False),
        ("[(", False),
        ("^11[0$", False),
        ("999", False),
    ],
)
def test_emergency_numbers(text, found):
    wanted = [(HIGH, "emergency_route")] if found else []
    assert grade(SemanticChange("dialplan", "1", CHANGED, text, "x")) == wanted
    assert grade(SemanticChange("route", "R", CHANGED, dialled=text)) == wanted


def test_numbers_of_another_country_and_none():
    change = SemanticChange("dialplan", "999", REMOVED)
    assert grade(change, rules=f.Rules(emergency_numbers=("999",))) == [(HIGH, "emergency_route")]
    assert grade(SemanticChange("dialplan", "112", REMOVED), rules=f.Rules(emergency_numbers=())) == []


def test_numbers_count_only_where_numbers_are_dialled():
    assert grade(SemanticChange("setting", "port", CHANGED, "112", "110")) == []


def test_a_hostile_pattern_costs_no_time():
    assert grade(SemanticChange("dialplan", "x", CHANGED, "(" * 20 + "[1]+" + ")+" * 20, "(((1*)*)*)*[3]$")) == []


@pytest.mark.parametrize(
    ("had", "left", "percent", "wanted"),
    [
        (100, 89, 10, HIGH),
        (100, 90, 10, LOW),
        (100, 79, 20, HIGH),
        (4, 0, 10, LOW),
        (5, 0, 10, HIGH),
        (1000, 999, 0, LOW),
        (10, 0, 100, LOW),
    ],
)
def test_users_gone(had, left, percent, wanted):
    users = {f"{number:04}": "" for number in range(had)}
    kept = dict(list(users.items())[:left])
    changes = compare_texts("extension", users, kept)
    told = grade(*changes, rules=f.Rules(users_gone_percent=percent))
    assert told == [(wanted, "users_gone")]


def test_users_that_came_and_changed_are_none_that_went():
    assert grade(*compare_texts("extension", {"a": "1"}, {"a": "2", "b": "1"})) == []


def test_what_is_told_is_bounded_and_the_worst_comes_first():
    changes = [SemanticChange("provider", f"{number:03}", CHANGED, "x" * 1000, "y") for number in range(100)]
    _told, findings = f.graded([*changes, SemanticChange("role", "r", ADDED)], TOPICS, f.Rules())
    assert findings[0].rule == "administrator_changed"
    assert len(findings) == 1 + f.MOST_PER_RULE + 1 and findings[-1].text == "80 more"
    assert all(len(finding.text) <= f.LONGEST + 2 for finding in findings)
    assert findings[0].to_result() == {"grade": "high", "rule": "administrator_changed", "text": "role r added"}


def test_another_release():
    assert f.release_finding("a 1", "a 1") == f.release_finding(None, "a 1") == f.release_finding("a 1", "") == []
    (told,) = f.release_finding("a 1", "a 2")
    assert (told.grade, told.rule, told.text) == (MEDIUM, "release_changed", "a 1 then, a 2 now")


def test_lines_of_files_that_nobody_has_words_for():
    before = b"[out]\nexten => 112,1,Dial(PJSIP/112@psap)\nuid=112\n"
    after = b"[out]\nuid=110\n"
    (told,) = f.emergency_lines("/etc/asterisk/extensions.conf", before, after, f.Rules())
    assert told.grade == HIGH and told.text == (
        "/etc/asterisk/extensions.conf: 1 lines with an emergency number came or went"
    )
    assert list(f.emergency_lines("x", before, before, f.Rules())) == []
    assert list(f.emergency_lines("x", before, None, f.Rules(), longest=10)) == []
    assert len(list(f.emergency_lines("x", None, before, f.Rules()))) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"emergency_numbers": ("1)|(.*",)},
        {"emergency_numbers": ("",)},
        {"users_gone_percent": 101},
        {"users_gone_percent": -1},
        {"certificate_days": -1},
    ],
)
def test_rules_that_cannot_be(wrong):
    with pytest.raises(OptionInvalid):
        f.Rules(**wrong)
