# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import dbtext

HEADER = "id(int,auto) username(string) domain(string,null) q(double) "


def field(value):
    if value is None:
        return ""
    for char, code in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), (":", "\\:"), ("\0", "\\0")):
        value = value.replace(char, code)
    return value


text_value = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=12) | st.sampled_from(
    ["\\", ":", "\\:", "\n", "a:b\\"]
)


@given(st.lists(st.tuples(text_value, text_value, st.none() | text_value, text_value), max_size=4))
def test_round_trip(data):
    text = HEADER + "\n" + "".join(":".join(map(field, row)) + "\n" for row in data)
    found = list(dbtext.rows("t", text))
    assert [row.values for row in found] == data
    assert all(row.columns == ("id", "username", "domain", "q") for row in found)
    for row in found:
        assert [text[a:b] for a, b in row.spans] == [field(value) for value in row.values]


@pytest.mark.parametrize("table", ["subscriber", "dispatcher", "location", "uacreg", "version"])
def test_tables_that_come_with_kamailio(table):
    path = pathlib.Path("/usr/share/kamailio/dbtext/kamailio") / table
    if not path.exists():
        pytest.skip("Kamailio is not installed here")
    text = path.read_text()
    assert dbtext.is_table(text)
    assert dbtext.columns_of(text)[0] == "id"
    assert all(row.fits for row in dbtext.rows(table, text))


@pytest.mark.parametrize("text", ["", "\n", "hello world", "f(x)\n1:2\n", "id(int,auto) and prose\n"])
def test_other_texts_are_no_tables(text):
    assert not dbtext.is_table(text)
    assert dbtext.columns_of(text) == ()


@given(st.text(alphabet="ab:\\\n 0", max_size=40))
def test_any_text_ends(text):
    for row in dbtext.rows("t", HEADER + "\n" + text):
        assert row.values


def test_row_with_too_few_fields_does_not_fit():
    (row,) = dbtext.rows("t", HEADER + "\n1:x\n")
    assert not row.fits
