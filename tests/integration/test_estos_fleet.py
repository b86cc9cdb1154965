# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A UCServer with its database and its directory, backed up in one run and brought back by the collection's playbooks.

Real are the domain (Samba), SMB, registry and services (Wine). The SQL Server, the WinRM service and UCServer itself
are stand-ins.
"""

from __future__ import annotations

import json
import ssl
import sys

import pytest
import yaml
from support.playbooks import Controller, Play
from support.repositories import SECRET, TestRepository
from support.sql_server_site import PASSWORD, chat
from support.sql_server_stand_in import Engine, StandIn
from support.sql_server_stand_in.disk import FolderDisk

from lab import procall_sites
from lab.directory import REALM, Directory

LAYOUT = procall_sites.LAYOUTS["the vendor's"]
OURS, FOREIGN = ["<1,1>", "<12,+49 30 1>"], "fax server: queue 7"
SNAPSHOT = {"kind": "vm_snapshot", "reference": "esx1 uc1-snap-12"}


class Fleet:
    """Three hosts, a repository, and a controller that knows them by an inventory."""

    def __init__(self, folder, host, directory, engine, server):
        self.host = host
        self.directory = directory
        self.engine = engine
        self.folder = folder
        self.controller = Controller(folder)
        self.store = TestRepository.create(folder)
        self.unit = directory.add_unit("fleet")
        self.user = directory.add_user("mueller", self.unit, {"extensionName": [*OURS, FOREIGN]})
        self.secrets = [PASSWORD, host.password, directory.domain.password, procall_sites.LICENCE]
        self.secrets += procall_sites.PASSWORDS.values()
        (self.controller.folder / "inventory.yml").write_text(yaml.safe_dump(self._inventory(server)))

    def _inventory(self, server):
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        windows = {"ansible_host": self.host.address, "ansible_user": self.host.username}
        uc1 = {
            **windows,
            "ansible_password": self.host.password,
            "ansible_port": self.host.https_port,
            "ansible_winrm_transport": "ntlm",
            "ansible_winrm_ca_trust_path": str(self.host.ca_file),
            "recovery_smb_port": self.host.smb_port,
            "recovery_product": "procall_server",
            "recovery_companions": [SNAPSHOT],
            "recovery_options": procall_sites.options(
                # there are no shadow copies on this host
                consistency="none",
                databases=[{"database": "CHAT"}],
                user_database="active_directory",
                directory_source="dc1",
            ),
        }
        sql1 = {
            "ansible_host": self.host.address,
            "recovery_product": "mssql",
            "recovery_fleet": "{{ sql_has_a_part_in_the_job | default(true) }}",
            "recovery_port": server.port,
            "recovery_username": "backup",
            "recovery_password": PASSWORD,
            "recovery_ca_file": str(self.host.ca_file),
            "recovery_smb_username": self.host.username,
            "recovery_smb_password": self.host.password,
            "recovery_smb_port": self.host.smb_port,
            "recovery_options": {
                "database": "CHAT",
                "partner_hosts": [self.host.address],
                "winrm_port": self.host.https_port,
            },
        }
        domain = self.directory.domain
        dc1 = {
            "ansible_host": domain.address,
            "recovery_product": "ad_attributes",
            "recovery_username": f"Administrator@{REALM}",
            "recovery_password": domain.password,
            "recovery_ca_file": domain.ca_file,
            "recovery_options": {"base_dns": [self.unit]},
        }
        variables = {
            "recovery_backup_host": "backup1",
            "recovery_repository": str(self.store.path),
            "recovery_writer_key_file": str(self.store.writer_key_file),
            "recovery_allowed_signers": self.store.allowed_signers,
            "recovery_domain_master_secret": SECRET,
            "recovery_heads_file": str(self.folder / "heads.json"),
        }
        # what has companions stands first, and comes last all the same
        hosts = {"a-uc1": uc1, "sql1": sql1, "dc1": dc1, "backup1": here}
        return {"all": {"hosts": hosts, "vars": variables}}

    def run(self, playbook, *arguments):
        """What came of a playbook; its results by host, the last one of each."""
        events = self.controller.folder / "events.jsonl"
        events.write_text("")
        command = [self.controller.ansible("ansible-playbook"), "-i", "inventory.yml", playbook, *arguments]
        done = self.controller.run(command, LAB_EVENTS=str(events))
        results = {}
        for event in map(json.loads, events.read_text().splitlines()):
            task = event["task"].rpartition(" : ")[2]
            if event["status"] != "skipped" and task.split(" ")[0] in ("Back", "Restore", "Plan"):
                results[event["host"]] = {**event["result"], "status": event["status"]}
        told = [done.stdout, *self.host.commands, *self.engine.statements]
        assert [secret for secret in self.secrets if any(secret in text for text in told)] == []
        return Play(done.returncode, done.stdout, results)

    @property
    def values(self):
        return {value.decode() for value in self.directory.values(self.user, "extensionName")}

    @property
    def tables(self):
        return self.engine.databases["CHAT"].tables if "CHAT" in self.engine.databases else None


@pytest.fixture(scope="module")
def fleet(windows_host, domain, tmp_path_factory):
    for name in ("Backup", "Data", "Log"):
        windows_host.path(f"C:\\{name}").mkdir()
    procall_sites.add_administrators(windows_host)
    procall_sites.install(windows_host, LAYOUT)
    engine = Engine(FolderDisk(windows_host.drive_c), [chat()])
    engine.logins["backup"] = (PASSWORD, "0x01")
    engine.other_sids.add("0x05")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(windows_host.authority.issue(windows_host.address))
    directory = Directory(domain)
    with StandIn(engine, context, address=windows_host.address) as server:
        yield Fleet(tmp_path_factory.mktemp("fleet"), windows_host, directory, engine, server)
    directory.close()
    assert engine.violations == [] and server.troubles == []


@pytest.fixture(scope="module")
def first(fleet):
    """One run over the whole inventory, in the order in which it stands there."""
    return fleet.run("ucops.recovery.backup", "-e", "phase=pre_change", "-e", "change_id=CHG1")


def test_one_run_finds_database_and_directory_of_the_same_run(fleet, first):
    assert first.code == 0, first.output
    result = first["a-uc1"]
    assert result["generation"]["status"] == "complete"
    demanded = {one["product"]: one["generation"] for one in result["companions"]["demanded"]}
    assert demanded == {"mssql": "sql1/mssql@CHAT/1", "ad_attributes": "dc1/ad_attributes/1"}
    assert result["companions"]["declared"] == [SNAPSHOT]
    assert result["generation"]["licence_count"] >= 1
    assert list(fleet.host.path("C:\\Backup").iterdir()) == []
    heads = json.loads((fleet.folder / "heads.json").read_text())
    assert set(heads) == {"a-uc1/procall_server", "sql1/mssql@CHAT", "dc1/ad_attributes"}


def test_a_server_alone_is_partial_and_says_what_to_run(fleet, first):
    alone = fleet.run("ucops.recovery.backup", "--limit", "a-uc1")
    assert alone.code != 0
    failed = alone["a-uc1"]
    assert (failed["error"], failed["generation"]["status"]) == ("BackupIncomplete", "partial")
    assert failed["generation"]["missing"] == ["companion mssql@CHAT", "companion dc1/ad_attributes"]
    for module in ("mssql_backup", "ad_attributes_backup"):
        assert f"run ucops.recovery.{module} for it first" in failed["msg"]


def test_the_plan_names_what_belongs_together(fleet, first):
    task = {
        "name": "Plan",
        "ucops.recovery.procall_server_restore_plan": {
            "repository": str(fleet.store.path),
            "generation": "a-uc1/procall_server/1",
            "allowed_signers": fleet.store.allowed_signers,
            "domain_master_secret": SECRET,
        },
        "delegate_to": "backup1",
    }
    play = [{"hosts": "a-uc1", "gather_facts": False, "vars": {"ansible_pipelining": True}, "tasks": [task]}]
    (fleet.controller.folder / "plan.yml").write_text(yaml.safe_dump(play))
    planned = fleet.run("plan.yml")
    assert planned.code == 0, planned.output
    text = planned["a-uc1"]["text"]
    for part in ("sql1/mssql@CHAT/1", "dc1/ad_attributes/1", "esx1 uc1-snap-12", procall_sites.VERSION, LAYOUT.root):
        assert part in text, text


def test_everything_goes_back_to_before_the_change(fleet, first):
    host, service = fleet.host, LAYOUT.service.name
    want = ("-e", "generation=pre_change", "-e", "change_id=CHG1")
    fleet.tables["dbo.Journal"] = ["of today"]
    fleet.directory.set(fleet.user, "extensionName", ["<1,0>", FOREIGN])
    host.registry.set(procall_sites.SERVER_KEY, AddedLater="must be gone")
    host.write(rf"{LAYOUT.root}\config\ucserver.xml", "<server/>")

    refused = fleet.run("ucops.recovery.restore", "--limit", "sql1", *want)
    assert refused["sql1"]["error"] == "RestoreRefused" and service in refused["sql1"]["msg"], refused.output
    assert fleet.tables["dbo.Journal"] == ["of today"]

    for name in [one.name for one in LAYOUT.services]:
        host.stop_service(name)
    restored = fleet.run("ucops.recovery.restore", "--limit", "a-uc1,sql1,dc1", *want)
    assert restored.code == 0, restored.output
    belongs = {one["product"]: one["generation"] for one in restored["a-uc1"]["plan"]["companions"]["demanded"]}
    assert belongs["mssql"] == "sql1/mssql@CHAT/1"
    assert fleet.tables == chat().tables
    assert [host.service_state(one.name) for one in LAYOUT.services] == [4, 4, 4]
    assert fleet.values == {*OURS, FOREIGN}
    assert "AddedLater" not in host.registry.export(procall_sites.SERVER_KEY)
    assert "<Admin" in host.path(rf"{LAYOUT.root}\config\ucserver.xml").read_text()


def test_a_rollback_stops_the_server_while_its_database_comes_back(fleet):
    host, want = fleet.host, ("ucops.recovery.rollback", "-e", "change_id=CHG2")
    # a database that has a task of its own is there all the same when its server is gathered
    alone = ("-e", "sql_has_a_part_in_the_job=false")
    saved = fleet.run("ucops.recovery.backup", "-e", "phase=pre_change", "-e", "change_id=CHG2", *alone)
    assert saved.code == 0, saved.output
    fleet.tables["dbo.Journal"] = ["of today"]
    fleet.directory.set(fleet.user, "extensionName", ["<1,0>", FOREIGN])

    # without a generation from after the change, and of a backup that cannot be compared, all of it is asked for
    asked = fleet.run(*want)
    assert asked.code != 0 and "rollback_confirm" in asked.output, asked.output
    assert fleet.tables["dbo.Journal"] == ["of today"]
    lost = asked["sql1"]["plan"]["losses"]
    assert [(one["item"], one["action"]) for one in lost] == [("database", "not_compared")]

    done = fleet.run(*want, "-e", "rollback_confirm=sql1,dc1")
    assert done.code == 0, done.output
    assert fleet.tables == chat().tables and fleet.values == {*OURS, FOREIGN}
    assert [host.service_state(one.name) for one in LAYOUT.services] == [4, 4, 4]
    assert done["a-uc1"]["plan"]["open_restores"] and done["a-uc1"]["restored_items"] == []

    again = fleet.run(*want)
    assert again.code == 0, again.output
    assert [again[name]["plan"]["restore_order"] for name in ("a-uc1", "sql1", "dc1")] == [[], [], []]
