# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements against the stand-in's grammar, which was written independently: what goes in comes out, whatever it is
called."""

from __future__ import annotations

from typing import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sql_server_stand_in.grammar import Violation, parse
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._items import sql_statements

NAMES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=40)
HOSTILE = ["a]b", "]", "]]", "'; DROP DATABASE master --", "it's", "x] SET OFFLINE --", "Büro", "a'] TO DISK = N'x"]
ABOUT_A_DATABASE: list[Callable[[str], str]] = [
    sql_statements.database_facts,
    sql_statements.database_files,
    sql_statements.table_names,
    sql_statements.used_bytes,
    sql_statements.single_user,
    sql_statements.multi_user,
    sql_statements.check,
    sql_statements.sessions,
    sql_statements.last_restored,
    sql_statements.users_without_login,
    sql_statements.lock,
    sql_statements.unlock,
    sql_statements.may,
    sql_statements.header,
    sql_statements.file_list,
    sql_statements.verify,
]


@pytest.mark.parametrize("statement", ABOUT_A_DATABASE)
@settings(max_examples=examples(25))
@given(name=NAMES)
def test_a_name_is_a_name_and_nothing_else(statement: Callable[[str], str], name: str) -> None:
    assert parse(statement(name)).words[0] == name


@pytest.mark.parametrize("statement", ABOUT_A_DATABASE)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_wants_to_be_sql_stays_a_name(statement: Callable[[str], str], name: str) -> None:
    assert parse(statement(name)).words[0] == name


@pytest.mark.parametrize("compression", [True, False, None])
@given(name=NAMES, path=NAMES)
def test_a_backup_has_all_its_options_whatever_the_names(name: str, path: str, compression: bool | None) -> None:
    found = parse(sql_statements.backup(name, path, compression))
    choice = {True: {"COMPRESSION"}, False: {"NO_COMPRESSION"}, None: set()}[compression]
    assert found.words[:2] == (name, path)
    assert found.options == {"COPY_ONLY", "CHECKSUM", "INIT", "FORMAT", "STATS = 5"} | choice


@given(name=NAMES, path=NAMES, places=st.dictionaries(NAMES, NAMES, max_size=4))
def test_a_restore_moves_what_it_is_told_to(name: str, path: str, places: dict[str, str]) -> None:
    found = parse(sql_statements.restore(name, path, places))
    assert (found.words[:2], dict(found.moves)) == ((name, path), places)


@given(name=NAMES)
def test_a_right_in_a_database_is_asked_for_by_its_quoted_name(name: str) -> None:
    assert parse(sql_statements.may_see_all(name)).words == (f"[{name.replace(']', ']]')}]",)


def test_the_server_is_asked_for_known_properties() -> None:
    assert len(parse(sql_statements.SERVER).words) == 9


@pytest.mark.parametrize(
    "sql",
    [
        "DROP DATABASE [CHAT]",
        "BACKUP DATABASE [CHAT] TO DISK = N'x' WITH COPY_ONLY, INIT",
        "BACKUP DATABASE [CHAT] TO DISK = N'x' WITH COPY_ONLY, CHECKSUM, INIT, FORMAT, STATS = 5, MIRROR",
        "BACKUP DATABASE CHAT TO DISK = 'x' WITH COPY_ONLY, CHECKSUM, INIT, FORMAT, STATS = 5",
        "RESTORE DATABASE [CHAT] FROM DISK = N'x' WITH FILE = 1, REPLACE, NORECOVERY, CHECKSUM, STATS = 5",
        "SELECT password FROM sys.databases WHERE name = N'CHAT'",
        sql_statements.single_user("CHAT") + "; DROP DATABASE [CHAT]",
    ],
)
def test_the_grammar_takes_nothing_else(sql: str) -> None:
    with pytest.raises(Violation):
        parse(sql)
