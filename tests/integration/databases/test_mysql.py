# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against a real MariaDB server."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest
from support.gathering import Gathering

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    HostileContent,
    ItemTruncated,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.database import DatabaseConnection, DatabaseDump
from ansible_collections.ucops.recovery.plugins.module_utils._items.database_engine import END

FILL = """
CREATE TABLE subscriber (id int AUTO_INCREMENT PRIMARY KEY, username varchar(64), ha1 varchar(128), picture blob);
INSERT INTO subscriber (username, ha1, picture)
  VALUES ('alice;''x', 'Grüße\\n-- Dump completed\\n', x'00ff0a'), ('bob', NULL, '');
CREATE TABLE location (id int AUTO_INCREMENT PRIMARY KEY, contact text);
INSERT INTO location (contact) VALUES ('sip:a');
CREATE TABLE acc (id int AUTO_INCREMENT PRIMARY KEY, callid varchar(64)) ENGINE=MyISAM;
INSERT INTO acc (callid) VALUES ('one'), ('two');
CREATE VIEW names AS SELECT username FROM subscriber;
DELIMITER $$
CREATE PROCEDURE pp() BEGIN SELECT 1; SELECT 'x;\\'y'; END$$
CREATE TRIGGER tg BEFORE INSERT ON subscriber FOR EACH ROW
  BEGIN SET NEW.ha1=concat(NEW.ha1, ';'); SET NEW.picture=''; END$$
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO BEGIN SELECT 1; SELECT 2; END$$
DELIMITER ;
"""


class Server:
    def __init__(self, socket: str, password: str) -> None:
        self.socket = socket
        self.password = password

    def connection(self, **changes) -> DatabaseConnection:
        values = {
            "engine": "mysql",
            "database": "kamailio_1",
            "socket": self.socket,
            "username": "kamailio",
            "password": self.password,
        }
        return DatabaseConnection(**{**values, **changes})

    def sql(self, text: str, database: str = "kamailio_1") -> str:
        command = [
            "mariadb",
            "-u",
            "root",
            "-S",
            self.socket,
            "-N",
            "--default-character-set=utf8mb4",
            *([database] if database else []),
        ]
        return subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout.decode()

    def clear(self) -> None:
        users = "".join(f"DROP USER IF EXISTS kamailio@'{host}';" for host in ("localhost", "127.0.0.1", "::1"))
        self.sql(f"DROP DATABASE IF EXISTS kamailio_1; DROP DATABASE IF EXISTS kamailioX1; {users}", "")


@pytest.fixture
def server(mysql_socket, password):
    one = Server(mysql_socket, password)
    one.clear()
    quoted = password.replace("\\", "\\\\").replace("'", "''")
    one.sql(
        "CREATE DATABASE kamailio_1 CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;"
        f"CREATE USER kamailio@localhost IDENTIFIED BY '{quoted}';"
        f"GRANT ALL ON `kamailio\\_1`.* TO kamailio@localhost;",
        "",
    )
    fill = [
        "mariadb",
        "-u",
        "kamailio",
        f"--password={password}",
        "-S",
        mysql_socket,
        "kamailio_1",
        "--default-character-set=utf8mb4",
    ]
    subprocess.run(fill, input=FILL.encode(), check=True)
    yield one
    one.clear()


def dump(server, **options) -> DatabaseDump:
    return DatabaseDump(**{"name": "db", "data_class": "voip_config", "connection": server.connection(), **options})


def restore(item, host, before) -> None:
    item.restore(host, before.wanted, before.entries)


def normal(item, gathering) -> bytes:
    ((entry, content),) = gathering.all
    normaliser = item.normaliser(entry)
    return normaliser.feed(content) + normaliser.finish()


def test_a_dump_is_whole_and_readable_line_by_line(server, host):
    found = Gathering(dump(server), host)
    ((entry, content),) = found.all
    assert not found.report.problems
    assert content.endswith(END)
    assert b"INSERT INTO `subscriber` (`id`, `username`, `ha1`, `picture`) VALUES (2,'bob',NULL,'');\n" in content
    assert "Grüße".encode() in content
    assert b"PROCEDURE `pp`" in content
    assert b"EVENT `ev`" in content
    assert entry.extra["character_set"] == "utf8mb4"


CHANGES = {
    "rows": "DELETE FROM subscriber; INSERT INTO subscriber (username) VALUES ('mallory');",
    "tables": "DROP TABLE subscriber; CREATE TABLE new (x int); DROP VIEW names; CREATE VIEW newer AS SELECT 1;",
    "code": "DROP PROCEDURE pp; CREATE FUNCTION ff() RETURNS int RETURN 1; DROP EVENT ev; DROP TRIGGER tg;",
    "a table became a view": "DROP TABLE acc; CREATE VIEW acc AS SELECT 1;",
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_restore_a_new_dump_is_the_same(server, host, change):
    item = dump(server)
    before = Gathering(item, host)
    server.sql(CHANGES[change])
    restore(item, host, before)
    assert normal(item, Gathering(item, host)) == normal(item, before)


def test_a_lost_database_its_user_and_rights_are_made_again(server, host):
    item = dump(server, connection=server.connection(admin_username="root"))
    before = Gathering(item, host)
    server.clear()
    restore(item, host, before)
    assert normal(item, Gathering(item, host)) == normal(item, before)
    assert "utf8mb4" in server.sql("SHOW CREATE DATABASE kamailio_1")
    server.sql("CREATE DATABASE kamailioX1", "")
    stranger = DatabaseDump(name="x", data_class="voip_config", connection=server.connection(database="kamailioX1"))
    with_rights = Gathering(stranger, host)
    assert not with_rights.report.found  # the underscore in a grant is no wildcard


def test_without_an_admin_a_lost_database_is_refused(server, host):
    item = dump(server)
    before = Gathering(item, host)
    server.sql("DROP DATABASE kamailio_1", "")
    assert not Gathering(item, host).report.found
    with pytest.raises(RestoreRefused, match="no admin's login"):
        restore(item, host, before)
    server.clear()
    with pytest.raises(RestoreRefused, match="Access denied"):
        restore(item, host, before)


@pytest.mark.skipif(os.geteuid() != 0, reason="left out: a login as another system account needs root")
def test_the_system_account_can_be_the_login(server, host):
    plugin = "unix_socket"
    server.sql(
        f"CREATE USER IF NOT EXISTS nobody@localhost IDENTIFIED VIA {plugin}; GRANT ALL ON *.* TO nobody@localhost;", ""
    )
    try:
        item = dump(server, connection=server.connection(username="nobody", password="", run_as="nobody"))
        assert not Gathering(item, host).report.problems
    finally:
        server.sql("DROP USER nobody@localhost", "")


def test_registrations_survive_and_are_made_when_missing(server, host):
    item = dump(server, schema_only=("location",))
    before = Gathering(item, host)
    assert b"sip:a" not in before.all[0][1]
    server.sql("INSERT INTO location (contact) VALUES ('sip:b'); DELETE FROM subscriber;")
    restore(item, host, before)
    assert server.sql("SELECT contact FROM location").split() == ["sip:a", "sip:b"]
    assert normal(item, Gathering(item, host)) == normal(item, before)
    server.sql("DROP TABLE location")
    restore(item, host, before)
    assert server.sql("SELECT count(*) FROM location").split() == ["0"]


def test_one_database_gives_several_items_that_leave_each_other_alone(server, host):
    config = dump(server, exclude=("acc*", "missed*"), schema_only=("location",))
    accounting = dump(server, name="acc", data_class="logs", tables=("acc*", "missed_calls"))
    assert not Gathering(dump(server, tables=("missed_calls",)), host).report.found
    before, accounted = Gathering(config, host), Gathering(accounting, host)
    assert b"acc" not in before.all[0][1].replace(b"access", b"")
    assert b"subscriber" not in accounted.all[0][1]
    assert b"PROCEDURE" not in accounted.all[0][1]
    server.sql("DELETE FROM subscriber; INSERT INTO acc (callid) VALUES ('three');")
    restore(config, host, before)
    assert server.sql("SELECT count(*) FROM acc").split() == ["3"]
    assert server.sql("SELECT count(*) FROM subscriber").split() == ["2"]
    restore(accounting, host, accounted)
    assert server.sql("SELECT count(*) FROM acc").split() == ["2"]


def test_a_dump_is_of_one_moment_while_the_database_is_written_to(server, host):
    server.sql(
        "CREATE TABLE pair_a (n int); CREATE TABLE pair_b (n int);"
        "INSERT INTO pair_a VALUES (0); INSERT INTO pair_b VALUES (0);"
    )
    stop = threading.Event()

    def write():
        number = 0
        while not stop.wait(0.005):
            number += 1
            server.sql(
                f"BEGIN; UPDATE pair_a SET n={number};"
                f"INSERT INTO location (contact) VALUES ('x'); UPDATE pair_b SET n={number}; COMMIT;"
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _time in range(5):
            content = Gathering(dump(server), host).all[0][1]
            first, second = (
                content.split(b"INSERT INTO `pair_%s` (`n`) VALUES (" % name)[1].split(b")")[0] for name in (b"a", b"b")
            )
            assert first == second
    finally:
        stop.set()
        writer.join()


def test_a_wrong_password_and_a_dead_server_are_told(server, host):
    with pytest.raises(CommandFailed, match="pbx: kamailio_1: .*Access denied") as caught:
        Gathering(dump(server, connection=server.connection(password="wr0ng")), host)
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(CommandFailed, match="2002"):
        Gathering(dump(server, connection=server.connection(socket="/nowhere/socket")), host)


def test_a_user_who_may_not_read_everything_leaves_a_problem(server, host):
    server.sql("CREATE USER ro@localhost IDENTIFIED BY 'x'; GRANT SELECT ON kamailio_1.* TO ro@localhost;", "")
    try:
        item = dump(server, connection=server.connection(username="ro", password="x"))
        assert "the dump broke off" in Gathering(item, host).problems["/@database/db.sql"]
    finally:
        server.sql("DROP USER ro@localhost", "")


def test_an_option_file_of_the_account_has_no_say(server, host, tmp_path, monkeypatch):
    (tmp_path / ".my.cnf").write_text("[client]\nuser=somebody\npassword=else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not Gathering(dump(server), host).report.problems


def test_a_dump_that_is_cut_or_forged_is_not_taken_for_whole(server, host):
    item = dump(server)
    entry, content = Gathering(item, host).all[0]
    for cut in (len(content) // 2, len(content) - len(END)):
        with pytest.raises((ItemTruncated, HostileContent)):
            item.restore(host, [(entry, [content[:cut]])], [])
    for evil in (
        b"system touch /tmp/ucops-never\n;",
        b"\\! touch /tmp/ucops-never\n;",
        b"DROP DATABASE mysql;",
        b"USE mysql;\n",
    ):
        with pytest.raises(HostileContent):
            item.restore(host, [(entry, [evil + content])], [])
    assert not os.path.exists("/tmp/ucops-never")


def test_a_load_that_fails_is_noticed_and_shows_no_values(server, host):
    item = dump(server)
    entry, content = Gathering(item, host).all[0]
    broken = content.replace(b"UNLOCK TABLES", b"INSERT INTO `nowhere` VALUES ('s3cret');\nUNLOCK TABLES", 1)
    with pytest.raises(RestoreFailed, match="ERROR 1") as caught:
        item.restore(host, [(entry, [broken])], [])
    assert "s3cret" not in str(caught.value)
    item.restore(host, [(entry, [content])], [])
    assert normal(item, Gathering(item, host)) == normal(item, Gathering(item, host))


def test_no_password_is_ever_in_a_process_list(server, host, monkeypatch):
    seen = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            for kind in ("cmdline", "environ"):
                done = subprocess.run(
                    f"cat /proc/[0-9]*/{kind} 2>/dev/null", shell=True, capture_output=True, check=False
                )
                seen.append(done.stdout)

    watcher = threading.Thread(target=watch)
    watcher.start()
    item = dump(server, connection=server.connection(admin_username="root"))
    try:
        before = Gathering(item, host)
        for _time in range(3):
            server.clear()
            restore(item, host, before)
            Gathering(item, host)
    finally:
        stop.set()
        watcher.join()
    everything = b"".join(seen)
    assert b"mariadb-dump" in everything
    assert server.password.encode() not in everything
    assert b"test_mysql#f;$x%" not in everything
