# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The merge of a product's own values into those of others: laws, held against a directory that keeps its rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_directory import FakeDirectory

from ansible_collections.ucops.recovery.plugins.module_utils._items.directory_attribute import SavedAttribute
from ansible_collections.ucops.recovery.plugins.module_utils._transport.directory import (
    ADD,
    DELETE,
    REPLACE,
    Modification,
    by_guid,
)

PAIRS = SavedAttribute("extensionName", re.compile(r"<?\s*[0-9]+\s*,"))
WHOLE = SavedAttribute("ectisrv3Lines")

pairs = st.builds(lambda key, value: f"<{key},{value}>".encode(), st.integers(0, 9), st.text("aAb", max_size=2))
others = st.builds(lambda text: f"fax {text}".encode(), st.text("xXy", max_size=2))
values = st.lists(st.one_of(pairs, others), unique_by=lambda value: value.lower(), max_size=8)


def held_after(attribute, wanted, found):
    directory = FakeDirectory()
    guid = directory.add("x", values={attribute.name: found})
    directory.modify(by_guid(guid), attribute.changes(wanted, found))
    return directory.values(guid, attribute.name)


@given(wanted=values, found=values)
def test_own_values_are_set_and_those_of_others_untouched(wanted, found):
    after = held_after(PAIRS, wanted, found)
    assert PAIRS.own_values(after) == PAIRS.own_values(wanted)
    assert [value for value in after if not PAIRS.owns(value)] == sorted(v for v in found if not PAIRS.owns(v))


@given(wanted=values, found=values)
def test_a_whole_attribute_is_set_exactly(wanted, found):
    assert held_after(WHOLE, wanted, found) == sorted(wanted)


@given(wanted=values, found=values, data=st.data())
def test_the_order_of_values_says_nothing_and_twice_is_as_good_as_once(wanted, found, data):
    for attribute in (PAIRS, WHOLE):
        changes = attribute.changes(wanted, found)
        shuffled = data.draw(st.permutations(wanted)), data.draw(st.permutations(found))
        assert attribute.changes(*shuffled) == changes
        assert attribute.changes(wanted, held_after(attribute, wanted, found)) == []


@given(wanted=values, found=values)
def test_a_shared_attribute_is_never_replaced_and_nothing_foreign_is_named(wanted, found):
    for change in PAIRS.changes(wanted, found):
        assert change.action in (ADD, DELETE)
        assert all(PAIRS.owns(value) for value in change.values) and change.values


def test_a_value_that_changed_its_case_goes_before_it_comes():
    sip = SavedAttribute("proxyAddresses", re.compile("(?i)sip:"))
    assert sip.changes([b"SIP:a@x"], [b"sip:a@x", b"SMTP:a@x"]) == [
        Modification(DELETE, "proxyAddresses", [b"sip:a@x"]),
        Modification(ADD, "proxyAddresses", [b"SIP:a@x"]),
    ]
    assert held_after(sip, [b"SIP:a@x"], [b"sip:a@x", b"SMTP:a@x"]) == [b"SIP:a@x", b"SMTP:a@x"]


def test_an_empty_whole_attribute_is_removed():
    assert WHOLE.changes([], [b"x"]) == [Modification(REPLACE, "ectisrv3Lines", [])]
    assert WHOLE.changes([], []) == []


@pytest.mark.parametrize(
    ("value", "own"),
    [
        (b"<12,+49 30 1>", True),
        (b"< 12 , x>", True),
        (b"12,x", True),
        (b"<1,line\nbreak>", True),
        (b"<x,1>", False),
        (b"fax <1,2>", False),
        (b"", False),
        (b"\xff\xfe<1,2>", False),
    ],
)
def test_pairs_of_a_number_and_a_value_are_own(value, own):
    assert PAIRS.owns(value) is own


def test_values_of_others_are_kept_only_as_a_record():
    found = [b"<1,x>", b"fax"]
    recording = SavedAttribute("extensionName", PAIRS.own, records_others=True)
    assert PAIRS.kept_values(found) == [b"<1,x>"]
    assert recording.kept_values(found) == [b"<1,x>", b"fax"]
    assert recording.changes(found, []) == [Modification(ADD, "extensionName", [b"<1,x>"])]


def test_length_counts_in_characters():
    limited = SavedAttribute("extensionName", longest=4)
    assert not limited.too_long("äöüß".encode())
    assert limited.too_long("äöüßx".encode())
    assert not WHOLE.too_long(b"x" * 10_000)
