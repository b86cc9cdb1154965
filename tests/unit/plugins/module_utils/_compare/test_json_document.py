# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that is whole, cut, or made to do harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare.json_document import (
    DEEPEST,
    JsonRefused,
    WholeDocument,
    canonical,
    legible,
    parse,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_one_form_of_a_document_is_its_own_and_loses_nothing(value):
    content = json.dumps(value).encode()
    once = canonical(parse(content))
    assert canonical(parse(once)) == once
    assert parse(once) == value


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.randoms())
def test_the_order_of_names_says_nothing(value, random):
    names = list(value)
    random.shuffle(names)
    assert legible(json.dumps({name: value[name] for name in names}).encode()) == legible(json.dumps(value).encode())


def test_the_order_of_a_list_counts():
    assert legible(b"[1, 2]") != legible(b"[2, 1]")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it ends before its end"),
        (b'{"a": [1, 2', "it ends before its end"),
        (b'{"a": "unfinished', "it ends before its end"),
        (b"<html>", "it is no JSON"),
        (b'{"a": 1} {"b": 2}', "it is no JSON"),
        (b'{"a": 1, "a": 2}', "it names the same thing twice"),
        (b'{"a": NaN}', "it holds a number that is none"),
        (b'{"a": 1e999}', "it holds a number that is none"),
        (b'{"a": ' + b"9" * 101 + b"}", "it holds a number of more than 100 digits"),
        (b"\xff\xfe{}", "it is not UTF-8"),
        (b"[" * 65 + b"]" * 65, f"it is deeper than {DEEPEST} levels"),
        (b"[" * 1_000_000 + b"]" * 1_000_000, f"it is deeper than {DEEPEST} levels"),
    ],
)
def test_what_is_refused_and_why(content, reason):
    with pytest.raises(JsonRefused) as caught:
        parse(content)
    assert str(caught.value) == reason
    assert legible(content) == content


def test_depth_that_is_allowed():
    assert parse(b"[" * DEEPEST + b"]" * DEEPEST)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_normaliser_does_not_depend_on_the_pieces(size):
    content = b'{"b": 1, "a": "\xc3\xbc"}'
    normaliser = WholeDocument(100, legible)
    out = b"".join(normaliser.feed(content[at : at + size]) for at in range(0, len(content), size))
    assert out + normaliser.finish() == legible(content) != content


def test_a_document_that_is_too_large_passes_as_it_is():
    normaliser = WholeDocument(5, legible)
    assert normaliser.feed(b'{"b"') == b""
    assert normaliser.feed(b": 1}") + normaliser.finish() == b'{"b": 1}'


def test_a_document_that_is_none_passes_as_it_is():
    normaliser = WholeDocument(100, lambda content: canonical(parse(content)))
    assert normaliser.feed(b"<html>") + normaliser.finish() == b"<html>"
