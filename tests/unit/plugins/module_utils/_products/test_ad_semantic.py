# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import uuid

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.findings import Rules, graded
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._items.directory_document import ObjectDocument
from ansible_collections.ucops.recovery.plugins.module_utils._products.ad_semantic import TOPICS, compare, shown_value

MASKER = Masker(b"k" * 32)
GUIDS = [str(uuid.UUID(int=number)) for number in range(1, 40)]


def view(*documents):
    return {f"/@directory/{document.guid}.json".encode(): document.to_bytes() for document in documents}


def user(number=0, name="mueller", dn="CN=mueller,DC=x", kind="user", **attributes):
    return ObjectDocument(GUIDS[number], dn, name, kind, {name: list(held) for name, held in attributes.items()})


def told(old, new):
    return [str(change) for change in compare(old, new, MASKER)]


def test_nothing_changed():
    assert told(view(user(lines=[b"b", b"a"])), view(user(lines=[b"a", b"b"]))) == []


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({}, {"ectisrv3Enabled": [b"1"]}, "user mueller ectisrv3Enabled added: 1"),
        ({"ectisrv3Enabled": [b"1"]}, {}, "user mueller ectisrv3Enabled removed: 1"),
        ({"ectisrv3Enabled": [b"1"]}, {"ectisrv3Enabled": [b"0"]}, "user mueller ectisrv3Enabled changed: 1 -> 0"),
        ({"raw": [b"\xff"]}, {"raw": [b"\xfe"]}, "user mueller raw changed: 0xff -> 0xfe"),
        ({"lines": [b"a"]}, {"lines": [b"a", b"b"]}, "user mueller lines added: b"),
        ({"lines": [b"a", b"b"]}, {"lines": [b"b", b"c"]}, "user mueller lines changed: a -> c"),
        ({"lines": [b"a", b"b"]}, {"lines": [b"b"]}, "user mueller lines removed: a"),
    ],
)
def test_an_attribute_that_came_went_or_changed(before, after, line):
    assert told(view(user(x=[b"y"], **before)), view(user(x=[b"y"], **after))) == [line]


def test_objects_that_came_and_went():
    old, new = view(user(x=[b"1"])), view(user(1, "sales", kind="group", x=[b"2"], y=[b"3", b"4"]))
    assert told(old, new) == ["user mueller removed: x=1", "group sales added: x=2 y=3, 4"]


def test_an_object_that_was_renamed_or_moved():
    assert told(view(user(x=[b"1"])), view(user(x=[b"1"], dn="CN=schmidt,DC=x", name="schmidt"))) == [
        "user schmidt place changed: CN=mueller,DC=x -> CN=schmidt,DC=x"
    ]
    assert told(view(user(x=[b"1"])), view(user(x=[b"1"], name="m2"))) == ["user m2 place changed: mueller -> m2"]


def test_many_values_are_counted():
    (line,) = told(view(user(lines=[])), view(user(lines=[f"{number:03}".encode() for number in range(100)])))
    assert line == "user mueller lines added: 000, 001, 002, 003, 004, and 95 more"


def test_many_users_gone_at_once_are_high():
    crowd = [user(number, f"u{number}", x=[b"1"]) for number in range(20)]
    for left, grade in ((12, "high"), (16, "low")):
        changes = compare(view(*crowd), view(*crowd[:left]), MASKER)
        (finding,) = graded(changes, TOPICS, Rules())[1]
        assert (finding.grade, finding.text) == (grade, f"{20 - left} of 20 are gone (user)")


def test_values_that_went_are_no_users_that_went():
    crowd = [user(number, f"u{number}", x=[b"1"]) for number in range(20)]
    emptied = [user(number, f"u{number}") for number in range(20)]
    assert graded(compare(view(*crowd), view(*emptied), MASKER), TOPICS, Rules())[1] == []


def test_secrets_are_placeholders():
    lines = "\n".join(
        told(
            view(user(extensionName=[b"<7,planted-1>"], ectisrv3VoicePIN=[b"planted-2"], note=[b"password=planted-3"])),
            view(user(extensionName=[b"<7,planted-4>"], ectisrv3VoicePIN=[b"planted-5"], note=[b"password=planted-6"])),
        )
    )
    assert "planted" not in lines
    assert lines.count("<secret:") == 6 and "<7,<secret:" in lines


def test_a_long_or_strange_value_stays_in_its_line():
    assert shown_value("note", b"x" * 500, MASKER) == "x" * 200 + " …"
    assert shown_value("note", "\u202eevil\x1b[0m".encode(), MASKER) == "\\u202eevil\\x1b[0m"
    assert shown_value("extensionName", b"<7,>", MASKER) == "<7,>"


def test_what_cannot_be_read_and_other_files_are_left_to_the_textual_difference():
    broken = {b"/@directory/x.json": b"{", b"/etc/passwd": b"root"}
    assert told(broken, view(user(x=[b"1"]))) == ["user mueller added: x=1"]
