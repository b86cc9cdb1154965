# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare.sqlite_noise import MAGIC, SqliteNormaliser


def normalised(content, step=7):
    normaliser = SqliteNormaliser()
    out = b"".join(normaliser.feed(content[at : at + step]) for at in range(0, len(content), step))
    return out + normaliser.finish()


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "CtiServerDatabasechat.db"

    def write(*statements):
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()
        return path.read_bytes()

    return write


def test_a_write_without_new_data_is_no_change(database):
    before = database("create table chat (text)", "insert into chat values ('hello')")
    after = database("update chat set text = 'other'", "update chat set text = 'hello'")
    again = database("update chat set text = 'other'")
    assert before != after
    assert normalised(before) == normalised(after)
    assert normalised(again) != normalised(before)


@given(st.binary(max_size=300), st.integers(1, 400))
def test_what_is_no_database_passes_as_it_is(content, step):
    assert normalised(content, step) == content


@given(st.binary(min_size=84, max_size=300), st.integers(1, 400))
def test_normalising_twice_is_once_and_keeps_the_length(rest, step):
    once = normalised(MAGIC + rest, step)
    assert normalised(once, step) == once
    assert len(once) == len(MAGIC + rest)
    assert once[100:] == (MAGIC + rest)[100:]
