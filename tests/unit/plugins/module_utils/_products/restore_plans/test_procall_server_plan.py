# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.plan import YOU, Occasion
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.procall_server import (
    procall_server_plan,
)

ROOT = r"C:\Program Files\estos\UCServer"
LICENCE = "PC8E-AAAA-BBBB-CCCC"
ITEMS = ["ClientInstall", "config", "database", "service-uc", "service-web", "registry", "administrators"]
JOURNAL = {"role": "journal", "server": "sql1", "database": "CHAT"}
CONFIGURATION = {"role": "configuration", "server": "sql1", "database": "UCCONF"}


def probe(**facts):
    return Probe(
        version="8.6.2.4711",
        licences=[LICENCE, "other"],
        identity={"hostname": "uc1"},
        facts={
            "edition": "enterprise",
            "components": ["ucserver", "media_server", "web_server"],
            "root": ROOT,
            "media_server_root": ROOT + r"\MediaService",
            "uc_services": [
                {"name": "web", "display_name": "UC Web Server", "component": "web_server", "account": "LocalSystem"},
                {"name": "uc", "display_name": "estos UCServer", "component": "ucserver", "account": r"EX\svc",
                 "needs_password": True},
            ],
            **facts,
        },
    )  # fmt: skip


def made(companions=(), items=None, images=(), **facts):
    items = ITEMS if items is None else items
    return procall_server_plan(Occasion("uc1/procall_server/7", "uc1", probe(**facts), companions, items, images))


def branch(plan, beginning):
    return next(one for one in plan.branches if one.title.startswith(beginning))


def texts(one):
    return [step.text for step in one.steps]


def in_order(one, *words):
    """Whether each word stands in a step after the step of the word before."""
    at = -1
    for word in words:
        at = next((index for index, text in enumerate(texts(one)) if index > at and word in text), None)
        if at is None:
            return False
    return True


def test_branches_in_the_vendors_order():
    assert [one.title for one in made().branches] == [
        "Repair the installation",
        "Install anew, keep the files",
        "Install anew from the export archive",
        "Install anew from this generation",
        "Bring clients back",
    ]


def test_data_center_knows_no_export_archive_but_its_databases():
    plan = made(edition="datacenter", databases=[JOURNAL, CONFIGURATION], partner_servers=["uc2"])
    titles = [one.title for one in plan.branches]
    assert "Install anew from the export archive" not in titles
    assert "Restore its databases" in titles
    stop = branch(plan, "Restore its databases").steps[0]
    assert stop.who == YOU
    assert "uc1 and uc2" in stop.text
    assert "no UCServer of the environment may run" in stop.text
    assert any("Redis is volatile" in remark for remark in plan.remarks)


def test_from_scratch_is_the_vendors_order():
    one = branch(made(), "Install anew from this generation")
    assert in_order(
        one,
        "8.6.2.4711",
        'Cancel "estos UCServer - Setup" at its first page',
        "licence keys",
        "Look at the plan",
        "Stop ",
        "saved folders",
        "Start the service",
        "See that it serves",
    )
    restores = [step for step in one.steps if step.module == "ucops.recovery.procall_server_restore"]
    assert [step.options.get("step") for step in restores] == ["plan", "stop", None]
    assert all("only_items" not in step.options for step in restores)
    assert all(step.options["generation"] == "uc1/procall_server/7" for step in restores)
    whole = restores[-1].text
    parts = ["folders (ClientInstall, config and database, into", "service definitions", "registry (HKEY_LOCAL_MACHINE"]
    assert sorted(parts, key=whole.index) == parts
    assert restores[-1].options["service_passwords"] == {r"EX\svc": "<password>"}


@pytest.mark.parametrize("beginning", ["Repair", "Install anew, keep", "Install anew from this"])
def test_the_setup_dialog_is_cancelled_after_each_installation(beginning):
    one = branch(made(), beginning)
    cancel = next(step for step in one.steps if "Cancel" in step.text)
    assert cancel.who == YOU
    assert in_order(one, "8.6.2.4711", "Cancel", "Start the service")


def test_a_repair_makes_the_service_definitions_anew():
    one = branch(made(), "Repair")
    assert in_order(one, "repair", "Cancel", "removed those of UCServer, UC Media Server and UC Web Server", "Start")
    assert not any("folders" in text for text in texts(one))


@pytest.mark.parametrize("beginning", ["Repair", "Install anew, keep", "Install anew from the export"])
def test_without_service_definitions_nothing_else_is_restored_in_their_place(beginning):
    one = branch(made(items=["config", "registry"]), beginning)
    assert not [step for step in one.steps if step.module == "ucops.recovery.procall_server_restore"]
    (step,) = [step for step in one.steps if "service definitions back" in step.text]
    assert step.who == YOU and "holds none of them" in step.text and "UC Web Server (web)" in step.text


def test_a_password_is_asked_for_and_not_told():
    step = next(one for one in branch(made(), "Repair").steps if one.options.get("only_items"))
    assert step.options["only_items"] == ["service-uc", "service-web"]
    assert step.options["service_passwords"] == {r"EX\svc": "<password>"}
    assert r"The password of EX\svc is to be given" in step.text


def test_export_archive_in_the_generation_and_not():
    archive = ROOT + r"\export.zip"
    with_archive = branch(made(export_zip=archive, user_database="active_directory", databases=[JOURNAL]),
                          "Install anew from the export")  # fmt: skip
    first = with_archive.steps[0]
    assert first.module == "ucops.recovery.generation_extract"
    assert first.options == {"generation": "uc1/procall_server/7", "only_items": ["export-archive"]}
    assert archive in first.text
    assert in_order(with_archive, archive, "name the ZIP archive in the wizard", "cannot bring users", "nothing of SQL")
    without = branch(made(), "Install anew from the export").steps[0]
    assert without.who == YOU
    assert "The generation holds none" in without.text


def test_databases_by_the_generations_of_the_same_run():
    companions = ["sql1/mssql@chat/3", "dc1/ad_attributes/4"]
    plan = made(companions, databases=[JOURNAL, CONFIGURATION], user_database="active_directory")
    steps = branch(plan, "Restore its databases").steps
    assert [step.module for step in steps] == ["", "ucops.recovery.mssql_restore", "", ""]
    assert steps[1].options == {"source": "sql1", "instance": "chat", "generation": "sql1/mssql@chat/3"}
    assert "with the tools of SQL Server" in steps[2].text
    assert "Multi-Server-Datenbank" in steps[2].text
    assert "Start UCServer" in steps[3].text
    directory = branch(plan, "Restore its values in Active Directory").steps
    assert directory[1].module == "ucops.recovery.ad_attributes_restore"
    assert directory[1].options == {"source": "dc1", "generation": "dc1/ad_attributes/4"}
    assert in_order(branch(plan, "Install anew from this"), "Stop ", "Before UCServer is started", "registry", "Start")
    for one in ("Restore its databases", "Restore its values in Active Directory"):
        assert 'unless the branch "Install anew from this generation" led here' in branch(plan, one).steps[-1].text


def test_databases_whose_names_are_not_known():
    nameless = [{"role": role, "server": "", "database": "", "instance": ""} for role in ("journal", "configuration")]
    plan = made(["sql1/mssql@CHAT/3"], edition="datacenter", databases=nameless)
    journal, configuration = texts(branch(plan, "Restore its databases"))[1:3]
    assert journal.startswith('Restore the database of chats, journal and more (page "Datenbank"), whose name')
    assert configuration.startswith("Restore the database of the configuration and users of all UCServers (page")
    assert "sql1/mssql@CHAT/3" in journal
    assert plan.known["SQL Server databases"].count("whose name is not known") == 2
    assert ", ," not in plan.markdown() and "Restore ," not in plan.markdown()


def test_active_directory_without_a_generation():
    one = branch(made(user_database="active_directory"), "Restore its values")
    assert "use a backup of the domain" in one.steps[1].text


def test_media_server_on_a_machine_of_its_own():
    media = {"name": "ems", "display_name": "UC Media Server", "component": "media_server", "account": "LocalSystem"}
    plan = made(components=["media_server"], media_server_root=r"D:\Media", uc_services=[media], root="")
    titles = [one.title for one in plan.branches]
    assert titles == ["Repair the installation", "Install anew, keep the files", "Install anew from this generation"]
    one = branch(plan, "Install anew from this")
    assert r"into D:\Media." in one.steps[0].text
    assert not any("registry" in text for text in texts(one))
    assert "Fetch the 2 licence keys" in texts(one)[2]
    assert plan.known["Licence keys in the generation"] == "2"


def test_clients_repair_reinstall_and_the_ucconnect_id():
    one = branch(made(ucconnect_id="4711-ucc"), "Bring clients back")
    assert in_order(one, "repair", "What the user has set is lost", "must not run", "UCConnect ID 4711-ucc", "macOS")
    assert "from the invitation mail" in texts(branch(made(), "Bring clients back"))[3]


def test_this_hosts_values_and_no_licence_key():
    plan = made(images=["vSphere: uc1-nightly"], undiscovered=["Nobody knows where it is."])
    assert plan.known["Version"] == "8.6.2.4711"
    assert plan.known["Licence keys in the generation"] == "2"
    assert plan.known["Services"] == "UC Web Server (web) and estos UCServer (uc)"
    assert any("vSphere: uc1-nightly" in remark for remark in plan.remarks)
    assert "Nobody knows where it is." in plan.remarks
    told = json.dumps(plan.to_result()) + plan.markdown()
    assert LICENCE not in told
    assert any("Fetch the 2 licence keys" in text for text in texts(branch(plan, "Install anew from this")))


def test_no_licence_key_and_nothing_known():
    plan = procall_server_plan(Occasion("uc1/procall_server/7", "uc1", Probe()))
    assert any("holds none of them" in text for text in texts(branch(plan, "Install anew from this")))
    assert "the version that the generation does not tell" in plan.markdown()
