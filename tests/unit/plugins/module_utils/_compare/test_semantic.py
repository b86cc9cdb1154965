# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import semantic as s

texts = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


@given(texts, texts)
def test_every_difference_once(old, new):
    changes = s.compare_texts("k", old, new)
    rebuilt = dict(old)
    for change in changes:
        assert change.before == old.get(change.object)
        if change.action == s.REMOVED:
            del rebuilt[change.object]
        else:
            rebuilt[change.object] = change.after
    assert rebuilt == new
    assert len({change.object for change in changes}) == len(changes)


def test_of_a_changed_record_only_what_differs_is_shown():
    old = {"u": {"name": "u", "pw": "1", "gone": "x"}, "v": {"name": "v"}}
    new = {"u": {"name": "u", "pw": "2", "come": "y"}, "w": {"name": "w", "empty": ""}}
    assert [str(change) for change in s.compare_records("user", old, new)] == [
        "user u changed: pw=1 gone=x -> pw=2 come=y",
        "user v removed: name=v",
        "user w added: name=w",
    ]


def test_words_and_json():
    change = s.SemanticChange("trunk", "a", s.REMOVED, "x", None, s.HIGH)
    assert str(change) == "trunk a removed: x (!)"
    assert json.loads(json.dumps(change.to_json())) == {
        "kind": "trunk", "object": "a", "action": "removed", "before": "x", "after": None, "severity": "high"
    }  # fmt: skip
    assert str(s.SemanticChange("route", "r", s.CHANGED, None, "(+1 -0 lines)")) == "route r changed: (+1 -0 lines)"
    assert str(s.SemanticChange("module", "m", s.ADDED, None, "")) == "module m added"


def test_judged_and_summarised():
    many = s.compare_texts("user", {}, {f"{n:03}": "" for n in range(30)})
    one = s.judged([s.SemanticChange("trunk", "t", s.REMOVED)], lambda change: change.action == s.REMOVED)
    told = s.summarised([*many, *one], most=10)
    assert told[0].kind == "trunk" and told[0].severity == s.HIGH
    assert len(told) == 1 + 10 + 1
    assert (told[-1].object, told[-1].action) == ("20 more", s.ADDED)
    assert s.summarised([]) == []


def test_a_removal_tells_how_many_there_were():
    old = {"a": "1", "b": "2", "c": "3"}
    assert [change.of for change in s.compare_texts("k", old, {"a": "1"})] == [3, 3]
    records = {name: {"x": value} for name, value in old.items()}
    assert [change.of for change in s.compare_records("k", records, {})] == [3, 3, 3]


def test_what_is_looked_at_is_never_shown():
    change = s.SemanticChange("route", "r", s.CHANGED, dialled="hidden")
    assert "hidden" not in str(change) + repr(change) + str(change.to_json())
