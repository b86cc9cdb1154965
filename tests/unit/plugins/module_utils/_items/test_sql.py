# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples, thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import HostileContent
from ansible_collections.ucops.recovery.plugins.module_utils._items import sql_split
from ansible_collections.ucops.recovery.plugins.module_utils._items.sql_judge import judged
from ansible_collections.ucops.recovery.plugins.module_utils._items.sql_split import (
    MYSQL,
    POSTGRESQL,
    SQLITE,
    statements,
)


def split(text: bytes, dialect: str, step: int = 7):
    return list(statements((text[at : at + step] for at in range(0, len(text), step)), dialect))


def codes(text: bytes, dialect: str) -> list[bytes]:
    return [b" ".join(one.code.split()) for one in split(text, dialect) if one.kind == "sql" and one.code.strip()]


SPLIT = {
    "sqlite texts": (
        SQLITE,
        b"INSERT INTO t VALUES('a;''b','--',X'00');SELECT 1;",
        [b"INSERT INTO t VALUES('','',X'')", b"SELECT 1"],
    ),
    "sqlite names": (SQLITE, b'SELECT "a;""b", [c;\'d], `e;``f`;x;', [b'SELECT "", [], ``', b"x"]),
    "sqlite backslashes are plain": (SQLITE, rb"SELECT 'a\';x;", [b"SELECT ''", b"x"]),
    "sqlite triggers": (
        SQLITE,
        b"CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b=';END;'; DELETE FROM c; END;\nx;",
        [b"CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b=''; DELETE FROM c; END", b"x"],
    ),
    "mysql texts": (
        MYSQL,
        rb"""INSERT INTO t VALUES ('a\';b''c', "d\";e", 'f');x;""",
        [b"INSERT INTO t VALUES ('', \"\", '')", b"x"],
    ),
    "mysql names": (MYSQL, b"SELECT `a;``b`;x;", [b"SELECT ``", b"x"]),
    "mysql comments": (MYSQL, b"a -- b;c\n;--\nb # c;\n;/* d; */c;", [b"a", b"b", b"c"]),
    "mysql minus minus": (MYSQL, b"SELECT 1--2;x;", [b"SELECT 1--2", b"x"]),
    "mysql executed comments": (MYSQL, b"/*!40101 SET a=';' */;/*M!100000 b */;x;", [b"SET a=''", b"b", b"x"]),
    "mysql sandbox line": (MYSQL, b"/*M!999999\\- enable the sandbox mode */ \nx;", [b"x"]),
    "mysql empty comment before code": (MYSQL, b"--\n/*!40101 SET a */;\n", [b"SET a"]),
    "mysql delimiters": (
        MYSQL,
        b"DELIMITER ;;\nCREATE x BEGIN a; b; END ;;\nDELIMITER ;\nc;",
        [b"CREATE x BEGIN a; b; END", b"c"],
    ),
    "postgresql texts": (POSTGRESQL, rb"SELECT 'a\', E'b\';c', 'd'';e';x;", [b"SELECT '', '', ''", b"x"]),
    "postgresql dollars": (POSTGRESQL, b"SELECT $$a;'b$$, $f$ $$;$x$ $f$, a$b;x;", [b"SELECT '', '', a$b", b"x"]),
    "postgresql E of a word": (POSTGRESQL, rb"SELECT RE'a\';x;", [b"SELECT RE''", b"x"]),
    "postgresql restrict": (POSTGRESQL, b"\\restrict abc\nx;\n\\unrestrict abc\n", [b"x"]),
}


@pytest.mark.parametrize("case", SPLIT)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_statements_are_told_from_texts(case, step):
    dialect, text, expected = SPLIT[case]
    parts = split(text, dialect, step)
    assert [b" ".join(one.code.split()) for one in parts if one.kind == "sql" and one.code.strip()] == expected
    assert b"".join(one.raw for one in parts) == text


PIECES = st.sampled_from(
    [
        b"'",
        b"''",
        b'"',
        b"`",
        b"\\",
        b";",
        b";;",
        b"--",
        b"-- ",
        b"\n",
        b"/*",
        b"*/",
        b"/*!40101 ",
        b"#",
        b"$$",
        b"$a$",
        b"E'",
        b"[",
        b"]",
        b"a ",
        b"INSERT",
        b"\nDELIMITER ;;\n",
        b"\\restrict x\n",
        b"CREATE TRIGGER ",
    ]
)


@settings(max_examples=examples(300))
@given(st.lists(PIECES, max_size=25).map(b"".join), st.sampled_from([SQLITE, MYSQL, POSTGRESQL]), st.integers(1, 40))
def test_nothing_is_lost_and_cuts_do_not_matter(text, dialect, step):
    def taken(size):
        try:
            return [(one.kind, one.raw, one.code) for one in split(text, dialect, size)]
        except HostileContent:
            return None

    whole = taken(10_000)
    assert taken(step) == whole
    if whole is not None:
        assert b"".join(raw for _kind, raw, _code in whole) == text


@thorough
def test_large_texts_cost_time_in_proportion_and_memory_within_bounds():
    text = b"INSERT INTO t VALUES('" + b"x" * 8_000_000 + b"');"
    begun = time.process_time()
    assert len(split(text, SQLITE, 65536)) == 1
    assert time.process_time() - begun < 5
    row = b"INSERT INTO t VALUES(1,'some text');\n"
    tracemalloc.start()
    assert sum(1 for _one in statements((row * 1000 for _turn in range(30)), SQLITE)) == 30_001
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 2**20


def test_a_statement_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(sql_split, "LARGEST_STATEMENT", 100_000)
    with pytest.raises(HostileContent, match="more than 100000"):
        list(statements((b"x" * 1000 for _turn in range(1000)), SQLITE))
    with pytest.raises(HostileContent, match="in the middle"):
        list(statements([b"SELECT 'open"], MYSQL))


# --- what is let through ----------------------------------------------------------------------------------------------
GOOD = {
    SQLITE: b"PRAGMA foreign_keys=OFF;BEGIN TRANSACTION;CREATE TABLE t(a);INSERT INTO t VALUES('load_extension(1)');"
    b"INSERT INTO t VALUES(replace('a\\nb','\\n',char(10)));DELETE FROM sqlite_sequence;CREATE UNIQUE INDEX i ON t(a);"
    b"CREATE VIEW v AS SELECT 1;COMMIT;",
    MYSQL: b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n"
    b"/*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `t`;\n"
    b"CREATE TABLE `t` (`a` int);\nLOCK TABLES `t` WRITE;\nINSERT INTO `t` (`a`) VALUES ('\\! id','LOAD_FILE(1)');\n"
    b"/*!40000 ALTER TABLE `t` ENABLE KEYS */;\n"
    b"UNLOCK TABLES;\nCOMMIT;\n/*!50001 DROP VIEW IF EXISTS `v`*/;\n"
    b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */\n"
    b"/*!50001 VIEW `v` AS select 1 */;\n"
    b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ "
    b"/*!50003 TRIGGER x BEGIN END */;;\nDELIMITER ;\n",
    POSTGRESQL: b"\\restrict abc\nSET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n"
    b"CREATE TABLE public.t (a text);\n"
    b"ALTER TABLE public.t OWNER TO kamailio;\nINSERT INTO public.t (a) VALUES ('\\! id');\n"
    b"CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS "
    b"$$ begin copy t from program 'id'; end $$;\n"
    b"SELECT pg_catalog.setval('public.s', 2, true);\nCOMMENT ON TABLE public.t IS 'x';\n"
    b"GRANT SELECT ON TABLE public.t TO ro;\n"
    b"DROP TABLE IF EXISTS public.u;\nCREATE ROUTINE x;\n\\unrestrict abc\n",
}
BAD = {
    SQLITE: [
        b".shell id\n",
        b"INSERT INTO t VALUES(1)\n.shell id\n;",
        b"INSERT INTO t VALUES(1)\ngo\nSELECT 1;",
        b"ATTACH '/etc/x' AS y;",
        b"SELECT load_extension('x');",
        b"INSERT INTO t VALUES(writefile('/etc/passwd','x'));",
        b"VACUUM INTO '/etc/x';",
        b"INSERT INTO t VALUES(1)\n/\n.shell id\n;",
        b"DELETE FROM t;",
        b"DROP TABLE t;",
    ],
    MYSQL: [
        b"system id;",
        b"\\! id\n;",
        b"source /etc/passwd;",
        b"tee /etc/x;",
        b"SELECT 1 INTO OUTFILE '/etc/x';",
        b"INSERT INTO t SELECT LOAD_FILE('/etc/shadow');",
        b"CREATE FUNCTION f RETURNS STRING SONAME 'x.so';",
        b"USE mysql;",
        b"INSERT INTO `mysql`.`user` VALUES (1);",
        b"DROP TABLE `mysql`.`user`;",
        b"CREATE USER x;",
        b"GRANT ALL ON *.* TO x;",
        b"/*!50000 GRANT ALL ON *.* TO x */;",
        b"DROP DATABASE x;",
        b"INSERT INTO t VALUES (1) \\! id\n;",
        b"DELETE FROM t;",
    ],
    POSTGRESQL: [
        b"\\! id\n",
        b"COPY t FROM PROGRAM 'id';",
        b"\\connect other\n",
        b"SELECT 1 \\gexec\n",
        b"DO $$ begin end $$;",
        b"CREATE ROLE x SUPERUSER;",
        b"ALTER SYSTEM SET x = 1;",
        b"ALTER USER postgres PASSWORD 'x';",
        b"GRANT postgres TO kamailio;",
        b"SET ROLE postgres;",
        b"SET SESSION AUTHORIZATION postgres;",
        b"SELECT pg_read_file('/etc/passwd');",
        b"DROP DATABASE x;",
        b"CREATE EVENT TRIGGER x;",
        b"SET x = 1; \\i /etc/passwd\n",
        b"INSERT INTO t VALUES (1) \\o /etc/x\n;",
        b"BEGIN;",
        b"COMMIT;",
    ],
}


@pytest.mark.parametrize("dialect", GOOD)
def test_what_dump_tools_write_is_let_through(dialect):
    text = GOOD[dialect]
    assert b"".join(one.raw for one in judged([text], dialect)) == text


@pytest.mark.parametrize(("dialect", "text"), [(dialect, text) for dialect, texts in BAD.items() for text in texts])
def test_everything_else_is_refused(dialect, text):
    with pytest.raises(HostileContent, match="no dump tool writes"):
        list(judged([GOOD[dialect], text], dialect))


def test_a_refusal_shows_no_values():
    with pytest.raises(HostileContent) as caught:
        list(judged([b"UPDATE t SET password='hunter2';"], SQLITE))
    assert "hunter2" not in str(caught.value)
