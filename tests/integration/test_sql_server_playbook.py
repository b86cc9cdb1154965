# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database of a SQL Server, which is a stand-in, on a stand-in Windows host with real SMB; by real playbooks.

A UCServer on the same host works with the database.
"""

from __future__ import annotations

import ssl

import pytest
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository
from support.sql_server_site import PASSWORD, chat
from support.sql_server_stand_in import Engine, StandIn
from support.sql_server_stand_in.disk import FolderDisk

UCSERVER = r"C:\Program Files\estos\UCServer\bin\EUCSrv.exe"


class Site:
    """The two stand-ins, a repository, a controller."""

    def __init__(self, folder, host, engine, server):
        self.host = host
        self.engine = engine
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)
        self.reach = {
            "repository": str(self.store.path),
            "writer_key_file": str(self.store.writer_key_file),
            "source": "sql1",
            "instance": "CHAT",
            "host": host.address,
            "port": server.port,
            "username": "backup",
            "password": PASSWORD,
            "ca_file": str(host.ca_file),
            "smb_username": host.username,
            "smb_password": host.password,
            "smb_port": host.smb_port,
            "winrm_port": host.https_port,
            "database": "CHAT",
        }

    @property
    def tables(self):
        return self.engine.databases["CHAT"].tables if "CHAT" in self.engine.databases else None

    @property
    def left_over(self):
        return [path.name for path in self.host.path("C:\\Backup").iterdir()]

    def play(self, *tasks, arguments=()):
        unlocked = {"domain_master_secret": SECRET, "allowed_signers": self.store.allowed_signers}
        named = []
        for name, verb, options in tasks:
            given = {**self.reach, **(unlocked if verb == "restore" else {}), **options}
            named.append({"name": name, f"ucops.recovery.mssql_{verb}": given})
        play = self.controller.play(named, *arguments)
        said = play.output + "".join(self.host.commands) + "".join(self.engine.statements)
        assert PASSWORD not in said and self.host.password not in said
        return play


@pytest.fixture(scope="module")
def site(windows_host, tmp_path_factory):
    for name in ("Backup", "Data", "Log"):
        windows_host.path(f"C:\\{name}").mkdir()
    windows_host.install_service("eucsrv", "estos UCServer", UCSERVER, version="8.6.2.4711")
    engine = Engine(FolderDisk(windows_host.drive_c), [chat()])
    engine.logins["backup"] = (PASSWORD, "0x01")
    engine.other_sids.add("0x05")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(windows_host.authority.issue(windows_host.address))
    with StandIn(engine, context, address=windows_host.address) as server:
        yield Site(tmp_path_factory.mktemp("sql"), windows_host, engine, server)
    assert engine.violations == [] and server.troubles == []


@pytest.fixture(scope="module")
def before(site):
    return site.play(("before", "backup", {"phase": "pre_change", "change_id": "CHG1"}))


def test_a_backup_takes_the_file_and_leaves_none(site, before):
    assert before.code == 0, before.output
    generation = before["before"]["generation"]
    assert (generation["id"], generation["status"]) == ("sql1/mssql@CHAT/1", "complete")
    assert any("Logins" in note for note in before["before"]["notes"])
    assert site.left_over == []


def test_a_database_comes_back_while_no_server_works_with_it(site, before):
    partners = {"partner_hosts": [site.host.address]}
    want = {"generation": "pre_change", "change_id": "CHG1", **partners}
    site.tables["dbo.Journal"] = ["of today"]
    site.host.start_service("eucsrv")
    refused = site.play(("restore", "restore", want))
    assert refused["restore"]["error"] == "RestoreRefused" and "eucsrv" in refused["restore"]["msg"], refused.output
    assert site.tables["dbo.Journal"] == ["of today"]
    site.host.stop_service("eucsrv")
    planned = site.play(("plan", "restore", want), arguments=("--check", "--diff"))
    assert planned.code == 0 and planned["plan"]["plan"]["not_compared"] == ["database"], planned.output
    assert site.tables["dbo.Journal"] == ["of today"]
    restored = site.play(("restore", "restore", want))
    assert restored.code == 0, restored.output
    assert site.tables == chat().tables
    assert restored["restore"]["pre_restore"] == "sql1/mssql@CHAT/2"
    assert site.left_over == []


def test_what_cannot_be_is_refused(site, before):
    play = site.play(
        ("wrong password", "backup", {"password": "wrong"}),
        ("wrong password for the file", "backup", {"smb_password": "wrong"}),
        ("in the clear", "backup", {"mssql_encryption": "off"}),
        ("no account for the file", "backup", {"smb_username": None, "smb_password": None}),
        ("no such database", "backup", {"database": "NONE", "instance": "NONE"}),
    )
    assert play["wrong password"]["error"] == "AuthenticationFailed", play.output
    assert play["in the clear"]["error"] == play["no account for the file"]["error"] == "OptionInvalid"
    for name in ("wrong password for the file", "no such database"):
        assert play[name]["status"] == "failed" and play[name]["error"] != "Unexpected", play.output
    assert site.left_over == []
