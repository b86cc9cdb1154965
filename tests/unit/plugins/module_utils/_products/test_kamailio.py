# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kamailio on a host that lies below a folder: looked at, gathered, destroyed, put back."""

from __future__ import annotations

import json
import pathlib
import shutil
import sqlite3

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_rules import KAMAILIO, rules_for
from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.gathering import gather_items
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio import Kamailio
from ansible_collections.ucops.recovery.plugins.module_utils._repository.digests import Digester
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

SITE = pathlib.Path(__file__).parent / "golden" / "site"
TABLES = {
    "version": "table_name(string) table_version(int)\nsubscriber:7\n",
    "subscriber": "id(int,auto) username(string) domain(string) ha1(string)\n1:1001:voip.example:0123\n",
    "location": "id(int,auto) ruid(string)\n1:live\n",
    "acc": "id(int,auto) method(string)\n1:INVITE\n",
    "speed_dial": "id(int,auto) username(string)\n1:1001\n",
}
NEEDS_SQLITE = pytest.mark.skipif(not shutil.which("sqlite3"), reason="the SQLite shell is not installed here")


@pytest.fixture(name="transport")
def _transport():
    with LocalTransport() as transport:
        yield transport


@pytest.fixture(name="root")
def _root(tmp_path):
    root = tmp_path / "host"
    shutil.copytree(SITE, root)
    for path, content in {
        "etc/machine-id": "3d1219c7c4c5404aaa1f6d2a48adfda4\n",
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "etc/default/kamailio": "RUN_KAMAILIO=yes\n",
        "etc/systemd/system/kamailio.service.d/limits.conf": "[Service]\nLimitNOFILE=65536\n",
        "etc/ssl/private/voip.key": "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
        "etc/kamailio/tls/voip.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "var/lib/dpkg/status": "Package: kamailio\nStatus: install ok installed\nVersion: 1:5.6.3-2\n"
        "Architecture: amd64\nMaintainer: x\nDescription: x\n",
        "opt/voip/missing.cfg": "# here after all\n",
    }.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    (root / "var/lib/dpkg/updates").mkdir()
    (root / "var/lib/dpkg/info").mkdir()
    return root


def product(root, **options):
    return Kamailio({"root": str(root), "command": "no-such-kamailio", **options})


def with_text_tables(root):
    folder = root / "etc/kamailio/dbtext"
    folder.mkdir(parents=True)
    for name, content in TABLES.items():
        (folder / name).write_text(content)
    config = root / "etc/kamailio/kamailio.cfg"
    text = config.read_text().replace(
        "mysql://kamailio:s3cr:t@nd/more@db.example:3307/voip", "text:///etc/kamailio/dbtext"
    )
    text = text.replace("db_mysql.so", "db_text.so").replace('loadmodule "/usr/lib/kamailio/modules/db_sqlite.so"', "")
    config.write_text(text.replace('modparam("acc", "db_url", DBLITE)', ""))
    return folder


def with_sqlite(root):
    place = root / "etc/kamailio/voip.sqlite"
    with sqlite3.connect(place) as connection:
        connection.executescript(
            "CREATE TABLE subscriber (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, ha1 TEXT);"
            "CREATE TABLE location (id INTEGER PRIMARY KEY, ruid TEXT);"
            "CREATE TABLE calls_done (id INTEGER PRIMARY KEY, method TEXT);"
            "CREATE TABLE speed_dial (id INTEGER PRIMARY KEY, username TEXT);"
            "INSERT INTO subscriber VALUES (1, '1001', 'voip.example', '0123');"
            "INSERT INTO location VALUES (1, 'live'); INSERT INTO calls_done VALUES (1, 'INVITE');"
            "INSERT INTO speed_dial VALUES (1, '1001');"
        )
    connection.close()
    config = root / "etc/kamailio/kamailio.cfg"
    text = config.read_text().replace(
        "mysql://kamailio:s3cr:t@nd/more@db.example:3307/voip", "sqlite:////etc/kamailio/voip.sqlite"
    )
    text = text.replace("db_mysql.so", "db_sqlite.so")
    config.write_text(text.replace('modparam("acc", "db_url", DBLITE)', ""))
    return place


def gather(one, probe, transport):
    contents, reports = {}, {}
    for item in one.items(probe):
        reports[item.name] = ItemReport(item.name)
        for entry, chunks in item.gather(transport, reports[item.name]):
            contents[entry.path] = (entry, b"".join(chunks))
    return contents, reports


def read_again(probe):
    return Probe.from_json(json.loads(json.dumps(probe.to_json())))


def test_probe(root, transport):
    probe = product(root).probe(transport)
    assert (probe.release, probe.version) == ("kamailio 5.6.3", "5.6.3")
    assert probe.identity["machine_id"] == "3d1219c7c4c5404aaa1f6d2a48adfda4"
    facts = probe.facts
    assert facts["os"] == "Debian GNU/Linux 12 (bookworm)"
    assert facts["config_paths"] == ["/etc/kamailio"]
    assert facts["included_files"] == ["/opt/voip/extra.cfg", "/opt/voip/missing.cfg"]
    assert facts["missing_includes"] == []
    assert facts["tls_files"] == ["/etc/ssl/private/voip.key"]
    assert facts["referenced_files"] == ["/opt/voip/dispatcher.list", "/opt/voip/calls.lua"]
    assert facts["listens"][0] == "udp:192.0.2.5:5070"
    assert [one["engine"] for one in facts["databases"]] == ["mysql", "sqlite"]
    assert "s3cr" not in json.dumps(facts)
    assert probe.private["databases"][0]["password"] == "s3cr:t@nd/more"
    assert read_again(probe) == probe
    assert product(root).probe(transport) == probe


def test_items_and_their_data_classes(root, transport):
    items = product(root, paths=["/etc/rtpengine"]).items(product(root).probe(transport))
    assert [(item.name, item.data_class, item.required) for item in items] == [
        ("configuration", "voip_config", True),
        ("startup", "system_config", False),
        ("included-files", "voip_config", True),
        ("tls-files", "voip_config", True),
        ("referenced-files", "voip_config", False),
        ("additional-paths", "voip_config", True),
        ("database-voip", "voip_config", True),
        ("database-voip-accounting", "logs", False),
        ("database-voip-user-data", "user_data", False),
        ("database-lite", "voip_config", True),
        ("database-lite-accounting", "logs", False),
        ("database-lite-user-data", "user_data", False),
        ("packages", "system_config", False),
    ]
    by_name = {item.name: item for item in items}
    assert by_name["tls-files"].sensitive
    dump = by_name["database-voip"]
    assert (dump.connection.host, dump.connection.password) == ("db.example", "s3cr:t@nd/more")
    assert "calls_done" in dump.exclude and "calls_done" in by_name["database-voip-accounting"].tables
    assert {"location", "customers"} <= set(dump.schema_only)
    assert dump.consistency == "dump"


def test_what_is_needed_comes_from_the_generation_when_the_host_is_empty(root, transport):
    probe = read_again(product(root).probe(transport))
    names = [item.name for item in product(root).items(probe)]
    shutil.rmtree(root / "etc")
    shutil.rmtree(root / "opt")
    now = product(root).probe(transport)
    assert [item.name for item in product(root).items(probe)] == names
    assert [item.name for item in product(root).items(now)] == ["configuration", "startup", "packages"]


def test_an_empty_host_is_missing_its_configuration(tmp_path, transport):
    one = product(tmp_path)
    contents, reports = gather(one, one.probe(transport), transport)
    assert not reports["configuration"].found
    assert [path for path in contents if b"kamailio" in path] == []


def test_text_database(root, transport):
    folder = with_text_tables(root)
    one = product(root)
    probe = one.probe(transport)
    contents, reports = gather(one, probe, transport)
    assert all(not report.problems for report in reports.values())
    item_of = {path: entry.item for path, (entry, _content) in contents.items()}
    below = {
        path.rpartition(b"/")[2].decode(): item
        for path, item in item_of.items()
        if path.startswith(b"/etc/kamailio/dbtext/")
    }
    assert below == {
        "version": "database",
        "subscriber": "database",
        "acc": "database-accounting",
        "speed_dial": "database-user-data",
        "location": "database-volatile",
    }
    assert contents[b"/etc/kamailio/dbtext/location"][1] == b"id(int,auto) ruid(string)\n"

    before = {path: entry for path, (entry, _content) in contents.items()}
    stored = read_again(probe)
    shutil.rmtree(root / "etc/kamailio")
    for item in sorted(one.items(stored), key=lambda item: item.order):
        if item.restorable:
            wanted = [(entry, (content,)) for entry, content in contents.values() if entry.item == item.name]
            item.restore(transport, wanted, [])
    assert (folder / "subscriber").read_text() == TABLES["subscriber"]
    assert (folder / "location").read_text() == "id(int,auto) ruid(string)\n"
    again, _reports = gather(one, stored, transport)
    assert {path: content for path, (_entry, content) in again.items()} == {
        path: content for path, (_entry, content) in contents.items()
    }
    for path, entry in before.items():
        now = again[path][0]
        assert (now.kind, now.mode, now.owner) == (entry.kind, entry.mode, entry.owner)


@NEEDS_SQLITE
def test_sqlite_beside_the_configuration_is_dumped_and_not_copied(root, transport):
    place = with_sqlite(root)
    one = product(root)
    probe = one.probe(transport)
    contents, reports = gather(one, probe, transport)
    assert all(not report.problems for report in reports.values())
    assert b"/etc/kamailio/voip.sqlite" not in contents
    config = contents[b"/@database/database.sql"][1]
    assert b"'1001'" in config and b"'live'" not in config and b"'INVITE'" not in config
    assert b"CREATE TABLE location" in config
    assert b"'INVITE'" in contents[b"/@database/database-accounting.sql"][1]
    users = contents[b"/@database/database-user-data.sql"]
    assert b"speed_dial" in users[1] and users[0].data_class == "user_data"

    place.unlink()
    items = sorted(one.items(read_again(probe)), key=lambda item: item.order)
    for item in items:
        if item.name.startswith("database"):
            item.restore(
                transport, [(entry, (content,)) for entry, content in contents.values() if entry.item == item.name], []
            )
    with sqlite3.connect(place) as connection:
        assert connection.execute("SELECT ha1 FROM subscriber").fetchall() == [("0123",)]
        assert connection.execute("SELECT * FROM location").fetchall() == []
        assert connection.execute("SELECT method FROM calls_done").fetchall() == [("INVITE",)]
    connection.close()
    again, _reports = gather(one, read_again(probe), transport)
    for path in contents:
        if path.startswith(b"/@database/"):
            assert again[path][1] == contents[path][1]


def test_database_options(root, transport):
    def databases(**options):
        one = product(root, **options)
        return [item for item in one.items(one.probe(transport)) if item.name.startswith("database")]

    assert databases(database="none") == []
    declared = databases(
        database={"engine": "postgresql", "database": "x", "run_as": "postgres"}, log_tables=["billing"]
    )
    assert [item.name for item in declared] == ["database", "database-accounting", "database-user-data"]
    assert declared[0].connection.run_as == "postgres"
    assert "billing" in declared[1].tables
    admin = databases(database_admin={"username": "root", "password": "geheim"})
    assert admin[0].connection.admin_username == "root"


def test_a_database_that_nobody_can_dump_is_said(root, transport):
    config = root / "etc/kamailio/kamailio.cfg"
    config.write_text(config.read_text() + 'modparam("lcr", "db_url", "unixodbc://u:p@h/voip")\n')
    one = product(root)
    (item,) = [item for item in one.items(one.probe(transport)) if "voip-2" in item.name]
    assert item.required
    assert "unixodbc" in item.reason


def test_main_file_elsewhere_and_symlinked_folder(root, transport):
    (root / "srv").mkdir()
    shutil.move(root / "etc/kamailio", root / "srv/kamailio")
    (root / "etc/kamailio").symlink_to("../srv/kamailio")
    one = product(root, database="none")
    contents, _reports = gather(one, one.probe(transport), transport)
    assert b"/etc/kamailio" in contents and b"/srv/kamailio/kamailio.cfg" in contents

    (root / "srv/kamailio/kamailio.cfg").rename(root / "srv/main.cfg")
    other = product(root, database="none", config_file="/srv/main.cfg")
    probe = other.probe(transport)
    assert "/srv/main.cfg" in probe.facts["included_files"]
    assert b"/srv/main.cfg" in gather(other, probe, transport)[0]


def test_included_files_that_are_gone_make_it_incomplete(root, transport):
    (root / "opt/voip/missing.cfg").unlink()
    (root / "opt/voip/extra.cfg").write_text('include_file "gone.cfg"\n')
    one = product(root, database="none")
    probe = one.probe(transport)
    assert probe.facts["missing_includes"] == ["/opt/voip/gone.cfg"]
    _contents, reports = gather(one, probe, transport)
    assert [problem.path for problem in reports["included-files"].problems] == ["/opt/voip/gone.cfg"]
    (root / "opt/voip/extra.cfg").unlink()
    _contents, reports = gather(one, probe, transport)
    assert not reports["included-files"].found


def test_what_the_login_may_not_look_at_makes_it_incomplete(open_folder, stranger, transport):
    for path, content in {
        "etc/kamailio/kamailio.cfg": 'import_file "/opt/closed/database.cfg"\n'
        'modparam("tls", "private_key", "/etc/ssl/private/voip.key")\n'
        'modparam("dispatcher", "list_file", "/srv/closed/dispatcher.list")\n',
        "opt/closed/database.cfg": 'modparam("usrloc", "db_url", "mysql://u:p@db/voip")\n',
        "etc/ssl/private/voip.key": "a key",
        "srv/closed/dispatcher.list": "1 sip:192.0.2.1",
    }.items():
        (open_folder / path).parent.mkdir(parents=True, exist_ok=True)
        (open_folder / path).write_text(content)
    for closed in ("opt/closed", "etc/ssl/private", "srv/closed"):
        (open_folder / closed).chmod(0)
    one = product(open_folder)
    one.become = stranger
    probe = one.probe(transport)
    gathering = gather_items(one.items(read_again(probe)), transport, Digester(bytes(32)))
    assert {"tls-files", "referenced-files", "unread-files"} <= set(gathering.missing())
    unread = [problem["message"] for problem in gathering.problems() if problem["item"] == "unread-files"]
    assert "/opt/closed/database.cfg cannot be read" in unread[0] and "Permission denied" in unread[0]


def test_defines_of_the_command_line(root, transport):
    config = root / "etc/kamailio/kamailio.cfg"
    config.write_text("#!ifdef WITH_IT\nlisten=udp:192.0.2.9:PORT\n#!endif\n")
    assert product(root).probe(transport).facts["listens"] == []
    assert product(root, defines=["WITH_IT", "PORT=5099"]).probe(transport).facts["listens"] == ["udp:192.0.2.9:5099"]


def test_version_of_the_program_below_no_root(tmp_path, transport):
    program = tmp_path / "kamailio"
    program.write_text('#!/bin/sh\necho "version: kamailio 5.7.1 (x86_64/linux)"\n')
    program.chmod(0o755)
    one = Kamailio({"command": str(program), "config_dir": str(tmp_path / "none")})
    assert one.probe(transport).release == "kamailio 5.7.1"


def test_below_another_root_only_a_named_program_counts(tmp_path, transport, monkeypatch):
    program = tmp_path / "bin/kamailio"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = -v ] && echo "version: kamailio 5.7.1 (x86_64/linux)" && exit\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    root = tmp_path / "root"
    root.mkdir()
    unnamed, named = Kamailio({"root": str(root)}), product(root, command=str(program))
    assert unnamed.probe(transport).version == ""
    assert [check.ok for check in unnamed.validate(transport, Probe())] == [None]
    assert named.probe(transport).version == "5.7.1"
    assert [check.ok for check in named.validate(transport, Probe())] == [False]


@pytest.mark.parametrize(
    ("then", "now", "fits", "must"),
    [
        ("5.6.3", "5.6.3", True, False),
        ("5.6.3", "5.6.4", False, False),
        ("5.6.3", "5.7.0", False, True),
        ("5.6.3", "", True, False),
        ("", "5.7.0", True, False),
    ],
)
def test_releases(then, now, fits, must):
    probes = [Probe(release=f"kamailio {version}" if version else "", version=version) for version in (then, now)]
    assert (Kamailio({}).release_verdict(*probes) is None) is fits
    assert Kamailio({}).release_must_match(*probes) is must


def test_services_and_health(tmp_path, transport):
    trio = {"start_command": "true", "stop_command": "true", "status_command": "false"}
    one = product(tmp_path, **trio, sip_host="127.0.0.1", sip_port=9, sip_transport="tcp")
    probe = one.probe(transport)
    assert [service.name for service in one.services(probe)] == ["kamailio"]
    assert one.services_to_stop_for_backup(probe) == []
    assert one.validate(transport, probe)[0].ok is None
    assert [(check.name, check.ok) for check in one.health(transport, probe)] == [
        ("service kamailio", False),
        ("SIP OPTIONS tcp:127.0.0.1:9", False),
    ]


def test_mask_rules():
    one = Kamailio({"config_file": "/srv/main.conf"})
    assert one.mask_rules(b"/etc/kamailio/kamailio.cfg") == KAMAILIO
    assert one.mask_rules(b"/srv/main.conf") == KAMAILIO
    assert one.mask_rules(b"/etc/kamailio/kamctlrc") == rules_for(b"/etc/kamailio/kamctlrc")
    assert one.mask_rules(b"/@database/database.sql") == rules_for(b"/@database/database.sql")


@pytest.mark.parametrize(
    "options",
    [
        {"config_dir": "etc"},
        {"database": "mysql"},
        {"sip_port": 0},
        {"sip_transport": "ws"},
        {"command": ""},
        {"conf_dir": "/x"},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(OptionInvalid):
        Kamailio(options)


# --- databases that the configuration does not name ------------------------------------------------------------------
DRIVER = 'loadmodule "db_mysql.so"\n'
URL = "mysql://u:s3cret@db/voip"
NOT_UNDERSTOOD = "names a database in a way that is not understood"


def lacking(root, transport, config, **options):
    """What is said of databases that are not known, and those that are."""
    (root / "etc/kamailio/kamailio.cfg").write_text(config)
    one = product(root, **options)
    probe = one.probe(transport)
    items = {item.name: item for item in one.items(read_again(probe))}
    gathering = gather_items(
        [item for name, item in items.items() if "unknown" in name], transport, Digester(bytes(32))
    )
    assert "s3cret" not in json.dumps(probe.facts) + str(gathering.problems())
    assert gathering.status == ("partial" if "unknown-databases" in items else "complete")
    return [problem["message"] for problem in gathering.problems()], [
        one["database"] for one in probe.facts["databases"]
    ]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('modparam("auth_db", "db_url", DBURL)\n', f"db_url of auth_db {NOT_UNDERSTOOD} (DBURL)"),
        ('#!defenv DBURL\nmodparam("acc", "db_url", DBURL)\n', "db_url of acc names"),
        ('modparamx("usrloc", "db_url", "$env(DBURL)")\n', f"db_url of usrloc {NOT_UNDERSTOOD} ($env(DBURL))"),
        ('modparam("sqlops", "sqlcon", "ca=>s3cret")\n', f"sqlcon of sqlops {NOT_UNDERSTOOD}."),
        (DRIVER + 'loadmodule "auth_db.so"\n', "auth_db has no db_url, so it uses the database that is compiled"),
        (DRIVER + 'loadmodule "usrloc.so"\nmodparam("usrloc", "db_mode", 2)\n', "usrloc has no db_url"),
        (DRIVER, "the driver db_mysql is loaded, and no parameter names a database of its kind."),
        (
            '#!ifexp OS_NAME == "linux"\n#!else\nmodparam("acc", "db_url", "mysql://u:s3cret@h/d")\n#!endif\n',
            'nobody here can tell whether #!ifexp OS_NAME == "linux" holds',
        ),
    ],
)
def test_a_database_that_is_not_known_makes_it_incomplete_until_it_is_declared(root, transport, config, said):
    messages, found = lacking(root, transport, config)
    assert len(messages) == 1 and messages[0].startswith(said) and found == []
    assert messages[0].endswith(". Say with databases which there are, or set database to none")
    assert lacking(root, transport, config, database="none") == ([], [])
    declared = {"engine": "mysql", "database": "voip", "host": "db"}
    assert lacking(root, transport, config, database=declared) == ([], ["voip"])


@pytest.mark.parametrize(
    "config",
    [
        'loadmodule "tm.so"\nloadmodule "usrloc.so"\nloadmodule "dialog.so"\nlisten=udp:192.0.2.9:5060\n',
        'loadmodule "usrloc.so"\nmodparam("usrloc", "db_mode", 0)\nmodparam("htable", "db_url", "")\n',
        f'#!ifdef WITH_MYSQL\n{DRIVER}#!ifndef DBURL\n#!define DBURL "{URL}"\n#!endif\n#!endif\n',
        'modparam("acc", "db_url", "flatstore:/var/log/acc")\n',
        "#!ifexp OS_NAME\n#!else\nlisten=udp:192.0.2.9:5060\n#!endif\n",
    ],
)
def test_a_configuration_without_a_database_stays_complete(root, transport, config):
    assert lacking(root, transport, config) == ([], [])


def test_a_database_of_one_module_is_not_that_of_another_and_patterns_name_modules(root, transport):
    named = f'{DRIVER}loadmodule "auth_db.so"\nloadmodule "alias_db.so"\nmodparam("acc", "db_url", "{URL}")\n'
    messages, found = lacking(root, transport, named)
    assert found == ["voip"] and messages[0].count("compiled into it") == 2
    assert lacking(root, transport, f'{named}modparam("a[a-z]+_db", "db_url", "{URL}")\n') == ([], ["voip"])


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("etc/default/kamailio", f"# DBURL=none\nexport DBURL='{URL}'\n"),
        ("etc/systemd/system/kamailio.service.d/db.conf", f'[Service]\nEnvironment=A=b "DBURL={URL}"\n'),
        ("etc/systemd/system/kamailio.service.d/db.conf", "[Service]\nEnvironmentFile=-/etc/voip/environment\n"),
        (
            "etc/systemd/system/kamailio.service",
            f"[Service]\nExecStart=/usr/sbin/kamailio -f $CFGFILE \\\n  -A 'DBURL=\"{URL}\"' -m 64\n",
        ),
        ("etc/systemd/system/kamailio.service.d/db.conf", f"ExecStart=\nExecStart=kamailio -AX=1 -A DBURL={URL}\n"),
    ],
)
def test_what_kamailio_is_started_with_names_its_database(root, transport, path, content):
    for place, text in (("etc/voip/environment", f'DBURL="{URL}"\n'), (path, content)):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    use = 'modparam("auth_db", "db_url", DBURL)\n'
    for config in (use,) if "-A" in content else (f"#!defenv DBURL\n{use}", f"#!trydefenvs DBURL=DBURL\n{use}"):
        assert lacking(root, transport, DRIVER + config) == ([], ["voip"])
    if "-A" in content:
        under = f'#!ifdef DBURL\nmodparam("acc", "db_url", "{URL}")\n#!endif\n'
        assert lacking(root, transport, under) == ([], ["voip"])
    else:
        assert lacking(root, transport, f'{DRIVER}modparamx("acc", "db_url", "$env(DBURL)")\n') == ([], ["voip"])


def test_the_drop_in_of_a_unit_replaces_what_it_is_started_with(root, transport):
    for path, url in (("kamailio.service", "mysql://old/old"), ("kamailio.service.d/db.conf", "mysql://new/new")):
        (root / "etc/systemd/system" / path).write_text(f"ExecStart=kamailio -A DBURL={url}\n")
    assert lacking(root, transport, 'modparam("acc", "db_url", DBURL)\n') == ([], ["new"])
