# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import sqldump

GOLDEN = pathlib.Path(__file__).parent / "golden"
DUMPS = {
    "mariadb.sql": sqldump.MYSQL,
    "mariadb_extended.sql": sqldump.MYSQL,
    "postgresql.sql": sqldump.POSTGRESQL,
    "postgresql_inserts.sql": sqldump.POSTGRESQL,
    "sqlite.sql": sqldump.SQLITE,
}
NOTE = "first line\nINSERT INTO subscriber VALUES(9,'evil','x','y','z','w');\nthird line"
value = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=20
) | st.sampled_from(
    [
        "'",
        "''",
        "\\",
        "\\'",
        "');",
        "--",
        "/*",
        "*/",
        "$$",
        "\n\\.\n",
        '"',
        "`",
        "INSERT INTO t VALUES(1,'x');\n",
        "\t",
        "NULL",
    ]
)


def read(name):
    return (GOLDEN / name).read_bytes().decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(("name", "dialect"), DUMPS.items())
def test_real_dumps_of_every_engine_say_the_same(name, dialect):
    text = read(name)
    assert sqldump.dialect_of(text) == dialect
    found = list(sqldump.rows(text))
    assert all(row.fits for row in found)
    by_table = {}
    for row in found:
        by_table.setdefault(row.table, []).append(row)
    assert sorted(by_table) == ["dispatcher", "subscriber", "usr_preferences"]
    first, second = by_table["subscriber"]
    assert first.get("password") == "o'clock; -- not a comment"
    assert second.get("password") == "ends with backslash \\"
    assert [row.get("destination") for row in by_table["dispatcher"]] == ["sip:10.0.0.1:5060", "sip:10.0.0.2:5060"]
    assert by_table["dispatcher"][0].get("description") == "Straße"
    assert by_table["usr_preferences"][0].get("raw") is None
    if dialect != sqldump.SQLITE:
        assert by_table["usr_preferences"][1].get("value") == NOTE


@pytest.mark.parametrize("name", DUMPS)
def test_spans_are_the_literals(name):
    text = read(name)
    for row in sqldump.rows(text):
        for value, (begin, end) in zip(row.values, row.spans):
            literal = text[begin:end]
            assert literal == literal.strip(" ")
            if value in ("1001", "lab.test"):
                assert literal.strip("'") == value


@pytest.mark.parametrize("name", DUMPS)
def test_unwanted_tables_are_only_counted(name):
    counted = list(sqldump.rows(read(name), lambda table: table == "dispatcher"))
    assert len(counted) == 6
    assert [row.table for row in counted if row.values] == ["dispatcher", "dispatcher"]


@given(st.lists(st.tuples(value, st.none() | value), max_size=4))
def test_whatever_sqlite_dumps_is_read_back(data):
    with sqlite3.connect(":memory:") as connection:
        connection.execute(
            'CREATE TABLE "odd name" (a TEXT, '
            '"b ""c" TEXT CHECK ("b ""c" <> \'it\'\';s\'), CONSTRAINT u UNIQUE (a, "b ""c"))'
        )
        kept = []
        for row in data:
            try:
                connection.execute('INSERT INTO "odd name" VALUES (?, ?)', row)
                kept.append(row)
            except sqlite3.IntegrityError:
                pass
        text = "\n".join(connection.iterdump())
    found = list(sqldump.rows(text))
    assert [row.values for row in found] == kept
    assert all(row.columns == ("a", 'b "c') for row in found)


def mysql_literal(value):
    if value is None:
        return "NULL"
    for char, code in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n"), ("\x1a", "\\Z")):
        value = value.replace(char, code)
    return f"'{value}'"


@given(
    st.lists(
        st.tuples(
            value.filter(lambda text: "\x1a" not in text), st.none() | value.filter(lambda text: "\x1a" not in text)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_mysqldump_writes_is_read_back(data):
    tuples = ",".join("(" + ",".join(map(mysql_literal, row)) + ")" for row in data)
    table = "CREATE TABLE `t` (\n  `a` text,\n  `b` text,\n  KEY `a` (`a`)\n);\n"
    text = f"-- MySQL dump 10.13\n{table}INSERT INTO `t` VALUES {tuples};\n"
    assert [row.values for row in sqldump.rows(text)] == data


@given(st.lists(st.tuples(value, st.none() | value), max_size=4))
def test_whatever_copy_writes_is_read_back(data):
    def field(item):
        if item is None:
            return "\\N"
        for char, code in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t")):
            item = item.replace(char, code)
        return item

    lines = "".join("\t".join(map(field, row)) + "\n" for row in data)
    text = f"-- PostgreSQL database dump\n\nCOPY public.t (a, b) FROM stdin;\n{lines}\\.\n\nSELECT 1;\n"
    assert [row.values for row in sqldump.rows(text)] == data


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES(1,'open",
        "INSERT INTO t VALUES(1,'a') garbage",
        "INSERT INTO t VALUES(1,'a')",
        "INSERT INTO t VALUES(1,(2,'a';",
        "SELECT 'open;\nINSERT INTO t VALUES(1);",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b;",
        "-- PostgreSQL database dump\nCOPY t (a) FROM stdin;\nrow without end",
        "-- PostgreSQL database dump\nCREATE FUNCTION f() AS $body$ open;",
    ],
)
def test_what_cannot_be_followed_is_refused(text):
    with pytest.raises(sqldump.SqlDumpMalformed):
        list(sqldump.rows(text))


@given(st.text(alphabet="'\"`\\;(),-/*$ \nINSERTOVALUEScopyFM x1", max_size=80))
def test_no_text_breaks_the_reader(text):
    for head in ("", "-- MySQL dump 10\n", "-- PostgreSQL database dump\n"):
        try:
            list(sqldump.rows(head + text))
        except sqldump.SqlDumpMalformed as error:
            assert 0 <= error.at < len(head + text)


def test_routines_between_delimiters_are_skipped():
    trigger = "DELIMITER ;;\nCREATE TRIGGER x BEGIN INSERT INTO t VALUES (1); END ;;\nDELIMITER ;\n"
    text = f"-- MySQL dump 10\n{trigger}INSERT INTO t VALUES (2);\n"
    assert [row.values for row in sqldump.rows(text)] == [("2",)]


def test_columns_named_in_the_insert_win():
    text = "CREATE TABLE t (a INT, b TEXT);\nINSERT INTO t (b, a) VALUES ('x', 1);\nINSERT INTO unknown VALUES ('y');\n"
    named, unknown = sqldump.rows(text)
    assert named.get("b") == "x"
    assert not unknown.fits and unknown.get("b") is None
