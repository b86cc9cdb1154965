# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases as files of SQLite, and what holds for every engine; the servers are in tests/integration/databases."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import threading

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    HostileContent,
    ItemTruncated,
    OptionInvalid,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.database import DatabaseConnection, DatabaseDump
from ansible_collections.ucops.recovery.plugins.module_utils._items.database_engine import (
    END,
    Table,
    first_error,
    section,
    section_of,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

pytestmark = pytest.mark.skipif(not shutil.which("sqlite3"), reason="left out: no sqlite3 (package sqlite3)")

FILL = """
PRAGMA user_version=7; PRAGMA application_id=99;
CREATE TABLE subscriber(id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT, ha1 TEXT, picture BLOB);
INSERT INTO subscriber VALUES(5, 'alice;''x''
.shell touch /tmp/never', 'Grüße', x'00ff');
CREATE TABLE location(id INTEGER PRIMARY KEY AUTOINCREMENT, contact TEXT);
INSERT INTO location VALUES(1, 'sip:a');
CREATE INDEX location_contact ON location(contact);
CREATE TABLE [acc;odd "name"](x);
INSERT INTO [acc;odd "name"] VALUES(1.5), (NULL), ('');
CREATE VIEW names AS SELECT username FROM subscriber;
CREATE TRIGGER later AFTER DELETE ON subscriber BEGIN
  UPDATE location SET contact=';END;' WHERE id=-1; DELETE FROM location WHERE id=-1; END;
"""


@pytest.fixture(scope="session")
def programs_without_sqlite3(tmp_path_factory):
    programs = tmp_path_factory.mktemp("programs")
    for name in ("sh", "cat", "dirname", "stat", "mkdir", "chown", "chmod", "rm", "python3"):
        (programs / name).symlink_to(shutil.which(name, path="/usr/bin:/bin") or name)
    return programs


@pytest.fixture(params=["sqlite3", "python3"])
def host(request):
    """This machine, with sqlite3 and without it."""
    if request.param == "sqlite3":
        return LocalTransport("pbx")
    return _OnlyThese(request.getfixturevalue("programs_without_sqlite3"))


class _OnlyThese(LocalTransport):
    """Starts scripts with a PATH of its own."""

    def __init__(self, programs) -> None:
        super().__init__("pbx")
        self._programs = programs

    def open(self, argv, **options):
        assert argv[:2] == ["sh", "-c"]
        return super().open(["sh", "-c", f"PATH={self._programs}; " + argv[2], *argv[3:]], **options)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "folder with Grüße" / "kamailio.sqlite"
    path.parent.mkdir(mode=0o750)
    sql(path, FILL)
    path.chmod(0o640)
    return path


def sql(path: pathlib.Path, text: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        connection.executescript(text)
    connection.close()
    return []


def ask(path: pathlib.Path, text: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(text).fetchall()
    finally:
        connection.close()


def dump(path, **options) -> DatabaseDump:
    connection = DatabaseConnection(engine="sqlite", path=str(path))
    return DatabaseDump(**{"name": "db", "data_class": "voip_config", "connection": connection, **options})


def restore(item, host, gather, before) -> None:
    item.restore(host, before.wanted, gather(item, host).entries)


# --- what is gathered -------------------------------------------------------------------------------------------------
def test_a_database_is_one_dump_that_other_programs_load_too(database, host, gather, tmp_path):
    found = gather(dump(database), host)
    ((entry, content),) = found.all
    assert not found.report.problems
    assert (entry.kind, entry.path, entry.extra["engine"]) == ("dump", b"/@database/db.sql", "sqlite")
    assert content.endswith(END)
    other = tmp_path / "other"
    subprocess.run(["sqlite3", "-bail", str(other)], input=content, check=True, capture_output=True)
    for query in ("SELECT * FROM subscriber", "SELECT * FROM location", "PRAGMA user_version", "PRAGMA application_id"):
        assert ask(other, query) == ask(database, query)
    assert dump(database).consistency == "dump"


def test_no_database_is_not_found(tmp_path, host, gather):
    found = gather(dump(tmp_path / "nothing"), host)
    assert not found.report.found
    assert not found.report.problems


def test_what_is_no_database_is_an_error(tmp_path, host, gather):
    (tmp_path / "junk").write_bytes(b"this is no database " * 100)
    with pytest.raises(CommandFailed, match="pbx: .*junk: The database cannot be read: .*not a database"):
        gather(dump(tmp_path / "junk"), host)


def test_without_any_tool_it_is_said_what_to_install(database, scripted, answer, gather):
    missing = b"error: neither sqlite3 nor python3 is installed (install the package sqlite3)\n"
    with pytest.raises(CommandFailed, match="install the package sqlite3"):
        gather(dump(database), scripted(answer(b"", missing, 127)))


def test_a_dump_is_of_one_moment_while_the_database_is_written_to(database, host, gather):
    sql(database, "CREATE TABLE pair(a, b); INSERT INTO pair VALUES(0, 0);")
    stop = threading.Event()

    def write():
        connection = sqlite3.connect(database, timeout=30)
        number = 0
        while not stop.wait(0.003):
            number += 1
            connection.execute("UPDATE pair SET a=?", (number,))
            connection.execute("INSERT INTO location(contact) VALUES(?)", ("x" * 500,))
            connection.execute("UPDATE pair SET b=?", (number,))
            connection.commit()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _time in range(3):
            found = gather(dump(database), host)
            assert not found.report.problems
            ((first, second),) = re.findall(rb'INSERT INTO "?pair"? VALUES\((\d+),(\d+)\)', found.all[0][1])
            assert first == second
    finally:
        stop.set()
        writer.join()


def test_a_database_that_stays_locked_is_a_problem_not_an_empty_dump(database, scripted, answer, gather):
    survey = answer(b"640 0 0 root root\n750 0 0 root root\nversion 7\napplication 9\ntable 61 61\n")
    for locked in (
        b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n/**** ERROR: (5) database is locked *****/\n"
        b"ROLLBACK; -- due to errors\n" + END,
        b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a(x);\n",
        b"",
    ):
        found = gather(dump(database), scripted(survey, answer(locked, b"Error: database is locked\n", 1)))
        assert found.problems
    killed = b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a(x);\nINSERT INTO a VALUES('cut in the mid"
    assert gather(dump(database), scripted(survey, answer(killed))).problems
    early = b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a(x);\n" + END
    assert "before its end" in gather(dump(database), scripted(survey, answer(early))).problems["/@database/db.sql"]


def test_one_database_gives_several_items(database, host, gather):
    config = gather(dump(database, exclude=("acc*",), schema_only=("location",)), host).all[0][1]
    assert b"alice" in config
    assert b"acc;odd" not in config
    assert b"sip:a" not in config
    assert b"location_contact" in config.split(section(Table("location")))[1]
    accounting = gather(dump(database, tables=("acc*", "missed_calls")), host).all[0][1]
    assert b"acc;odd" in accounting
    assert b"alice" not in accounting
    assert b"CREATE VIEW" not in accounting
    assert b"location" not in accounting
    assert not gather(dump(database, tables=("missed_calls",)), host).report.found


# --- restore ----------------------------------------------------------------------------------------------------------
CHANGES = {
    "rows": "DELETE FROM subscriber; INSERT INTO subscriber(username) VALUES('mallory');",
    "tables": "DROP TABLE subscriber; CREATE TABLE new(x); CREATE VIEW newer AS SELECT 1; DROP VIEW names;",
    "definition": "ALTER TABLE subscriber ADD COLUMN more TEXT; PRAGMA user_version=8;",
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_restore_a_new_dump_is_the_same(database, host, gather, change):
    item = dump(database)
    before = gather(item, host)
    sql(database, CHANGES[change])
    restore(item, host, gather, before)
    after = gather(item, host)
    assert after.by_path == before.by_path
    assert not pathlib.Path("/tmp/never").exists()


def test_a_lost_database_comes_back_with_owner_and_mode(database, host, gather):
    item = dump(database)
    if os.geteuid() == 0:
        os.chown(database, 1, 2)
    before = gather(item, host)
    status = os.stat(database)
    shutil.rmtree(database.parent)
    restore(item, host, gather, before)
    again = os.stat(database)
    assert (again.st_mode, again.st_uid, again.st_gid) == (status.st_mode, status.st_uid, status.st_gid)
    assert os.stat(database.parent).st_mode & 0o777 == 0o750
    assert gather(item, host).all[0][1] == before.all[0][1]


def test_registrations_survive_and_are_made_when_missing(database, host, gather):
    item = dump(database, schema_only=("location",))
    before = gather(item, host)
    sql(database, "INSERT INTO location VALUES(2, 'sip:b'); DELETE FROM subscriber;")
    restore(item, host, gather, before)
    assert ask(database, "SELECT contact FROM location") == [("sip:a",), ("sip:b",)]
    assert ask(database, "SELECT count(*) FROM subscriber") == [(1,)]
    sql(database, "DROP TABLE location")
    restore(item, host, gather, before)
    assert ask(database, "SELECT count(*) FROM location") == [(0,)]
    assert ask(database, "SELECT name FROM sqlite_master WHERE name='location_contact'")


def test_one_item_leaves_the_tables_of_another_alone(database, host, gather):
    accounting = dump(database, tables=("acc*",))
    before = gather(accounting, host)
    sql(database, 'DELETE FROM "acc;odd ""name"""; INSERT INTO subscriber(username) VALUES(\'bob\');')
    restore(accounting, host, gather, before)
    assert len(ask(database, 'SELECT * FROM "acc;odd ""name"""')) == 3
    assert len(ask(database, "SELECT * FROM subscriber")) == 2
    assert ask(database, "SELECT seq FROM sqlite_sequence WHERE name='subscriber'") == [(6,)]


def failing(item, host, gather, wanted, error, says):
    with pytest.raises(error, match=says) as caught:
        item.restore(host, wanted, gather(item, host).entries)
    return str(caught.value)


def test_a_load_that_fails_leaves_the_database_as_it_was(database, host, gather):
    item = dump(database)
    before = gather(item, host)
    entry, content = before.all[0]
    state = content
    broken = content.replace(b"CREATE TABLE location", b"INSERT INTO nowhere VALUES('s3cret');\nCREATE TABLE location")
    text = failing(item, host, gather, [(entry, [broken])], RestoreFailed, "cannot be loaded: .*no such table")
    assert "s3cret" not in text
    for cut in (len(content) // 2, len(content) - len(END), len(content) - 2):
        with pytest.raises((ItemTruncated, HostileContent)):
            item.restore(host, [(entry, [content[:cut]])], [])
    for evil in (
        b".shell touch /tmp/never\n",
        b"ATTACH '/tmp/never' AS x;\n",
        b"INSERT INTO location VALUES(9,'x')\ngo\n.quit\n;",
    ):
        with pytest.raises(HostileContent):
            item.restore(host, [(entry, [content.replace(b"COMMIT;", evil + b"COMMIT;")])], [])
        with pytest.raises(HostileContent):
            item.restore(host, [(entry, [content, evil])], [])
    assert gather(item, host).all[0][1] == state
    assert not pathlib.Path("/tmp/never").exists()


def test_a_fresh_database_that_cannot_be_loaded_does_not_stay(database, host, gather):
    item = dump(database)
    entry, content = gather(item, host).all[0]
    database.unlink()
    with pytest.raises(RestoreFailed):
        item.restore(host, [(entry, [content.replace(b"COMMIT;", b"INSERT INTO nowhere VALUES(1);\nCOMMIT;")])], [])
    assert not database.exists()


def test_entries_that_are_no_dump_of_this_item_are_refused(database, host, gather):
    item = dump(database)
    entry, content = gather(item, host).all[0]
    for wrong in (
        type(entry)(item="db", data_class="voip_config", kind="file", path=entry.path),
        type(entry)(item="db", data_class="voip_config", kind="dump", path=b"/etc/passwd"),
    ):
        with pytest.raises(HostileContent):
            item.restore(host, [(wrong, [content])], [])
    with pytest.raises(RestoreRefused, match="holds no dump"):
        item.restore(host, [], [entry])
    item.restore(host, [], [])


# --- what holds for every engine --------------------------------------------------------------------------------------
def test_connections_are_judged_and_keep_their_secrets():
    for wrong in (
        {"engine": "oracle", "database": "x"},
        {"engine": "mysql"},
        {"engine": "sqlite", "database": "x"},
        {"engine": "mysql", "database": "x", "password": "a\nb"},
    ):
        with pytest.raises(OptionInvalid):
            DatabaseConnection(**wrong)
    assert "s3cret" not in repr(
        DatabaseConnection(engine="mysql", database="x", password="s3cret", admin_password="s3cret")
    )
    with pytest.raises(OptionInvalid):
        DatabaseDump(name="db", data_class="voip_config")


def test_sections_name_any_table():
    for table in (Table("location"), Table("a b\n%", schema="öffentlich")):
        assert section(table).count(b"\n") == 1
        assert section_of(b"\n" + section(table)) == (f"{table.schema}.{table.name}" if table.schema else table.name)
    assert section_of(b"-- Table structure for table\n") is None


@pytest.mark.parametrize(
    ("stderr", "shown"),
    [
        (
            b"Password: \nERROR:  duplicate key value\nDETAIL:  Key (ha1)=(s3cret) already exists.\n",
            "ERROR:  duplicate key value",
        ),
        (
            b"ERROR 1062 (23000) at line 7: Duplicate entry 's3cret' for key 'x'\n",
            "ERROR 1062 (23000) at line 7: Duplicate entry '...'",
        ),
        (
            b"ERROR 1064 (42000) at line 9: near 'VALUES ('1001','lab.test','Winter-Pflaume-33')' at line 1\n",
            "ERROR 1064 (42000) at line 9: near '...' at line 1",
        ),
        (
            b"ERROR 1064 (42000) at line 9: near 'VALUES ('1001','Winter\nPflaume')' at line 1\n",
            "ERROR 1064 (42000) at line 9: near '...'",
        ),
        (
            b"ERROR 1406 (22001) at line 9: Data too long: 'Winter-Pfl",
            "ERROR 1406 (22001) at line 9: Data too long: '...'",
        ),
        (
            b'ERROR:  invalid input syntax for type integer: "Winter" in "x"\nLINE 1: "a"\n',
            "ERROR:  invalid input syntax for type integer: '...'",
        ),
        (
            b'psql: error: FATAL:  database "voip" does not exist\n',
            "psql: error: FATAL:  database '...' does not exist",
        ),
        (
            b'psql: error: connection to server on socket "/run/.s.PGSQL.5432" failed: FATAL:  password authentication'
            b' failed for user "kamailio"\n',
            "psql: error: connection to server on socket '...' failed: FATAL:  password authentication"
            " failed for user '...'",
        ),
        (
            b"ERROR 3 (HY000) at line 2: Error writing file '/tmp/MLx' (Errcode: 28 \"No space left on device\")\n",
            "ERROR 3 (HY000) at line 2: Error writing file '...' (Errcode: 28 \"No space left on device\")",
        ),
        (b"mysqldump: Couldn't execute 'SHOW X': denied (1)\n", "mysqldump: Couldn't execute '...': denied (1)"),
        (
            b"Parse error near line 3: no such table: x\n  INSERT INTO x VALUES('s3cret')\n",
            "Parse error near line 3: no such table: x",
        ),
        (b"", "exit status 3"),
    ],
)
def test_errors_of_clients_are_one_line_without_values(stderr, shown):
    assert first_error(CommandResult(3, b"", stderr)) == shown


def test_a_database_is_measured_without_a_dump(database, host, tmp_path):
    report = ItemReport("database")
    before = sorted(path.name for path in database.parent.iterdir())
    extent = dump(database).measure(host, report)
    assert (extent.entries, extent.size, report.found, report.problems) == (1, None, True, [])
    assert sorted(path.name for path in database.parent.iterdir()) == before
    assert dump(tmp_path / "none").measure(host, report).entries == 0 and report.found is False
