# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import mask
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid

KEY = bytes(range(32))
MASKER = mask.Masker(KEY)
PLACEHOLDER = re.compile(r"<secret:[0-9a-f]{8}>")
word = mask.pattern(r"pw(?P<secret>\w+)")
number = mask.pattern(r"(?P<secret>[0-9]+)")


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(key):
    with pytest.raises(OptionInvalid):
        mask.Masker(key)


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_placeholders_tell_equal_from_changed(one, other):
    assert PLACEHOLDER.fullmatch(MASKER.placeholder(one))
    assert (MASKER.placeholder(one) == MASKER.placeholder(other)) == (one == other)


def test_placeholders_depend_on_the_key_and_not_on_the_type():
    assert MASKER.placeholder("geheim") == MASKER.placeholder(b"geheim")
    assert MASKER.placeholder("geheim") != mask.Masker(bytes(32)).placeholder("geheim")
    assert MASKER.digest(b"geheim") != MASKER.digest(b"geheim2")
    assert MASKER.placeholder("geheim")[8:16] not in MASKER.digest(b"geheim")


def test_overlapping_findings_are_one_secret():
    text, hits = MASKER.mask_text("a pwabc12def b 34", [word, number])
    assert text == f"a pw{MASKER.placeholder('abc12def')} b {MASKER.placeholder('34')}"
    assert hits == 2


def test_nothing_found_is_the_text_itself():
    assert MASKER.mask_text("plain", [word]) == ("plain", 0)
    assert MASKER.mask_text("plain", []) == ("plain", 0)
    assert MASKER.mask_text("", [word]) == ("", 0)


def test_what_is_masked_already_stays():
    once, hits = MASKER.mask_text("pwabc", [word])
    again = MASKER.mask_text(once, [mask.pattern(r"pw(?P<secret>.+)")])
    assert hits == 1
    assert again == (once, 0)


@given(st.text())
def test_readable_text_is_fit_for_terminals_and_json(text):
    out = mask.readable(text.encode("utf-8", "replace").decode("utf-8", "surrogateescape"))
    out.encode("utf-8")
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_readable_keeps_umlauts_and_shows_what_hides():
    assert mask.readable(mask.decoded("Straße\t".encode() + b"\xff\x1b[2J")) == "Straße\t\\xff\\x1b[2J"
    assert mask.readable("a\u202eb") == "a\\u202eb"


@given(st.binary())
def test_decoding_loses_no_byte(content):
    assert mask.decoded(content).encode("utf-8", "surrogateescape") == content


def test_values_of_a_row():
    assert mask.mask_values(MASKER, ("1", None, "", "s3cret", "pwx"), [3], [word]) == [
        "1",
        "NULL",
        "",
        MASKER.placeholder("s3cret"),
        f"pw{MASKER.placeholder('x')}",
    ]
