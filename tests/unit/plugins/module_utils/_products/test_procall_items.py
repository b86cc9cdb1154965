# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from support.procall import MEDIA, ROOT, SERVER_KEY, export_zip, probed

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.not_gatherable import NotGatherable
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_server import ProcallServer

ALL_ITEMS = [
    "client-install", "config", "linestates", "pending", "userstates", "logs", "database",
    "media-config", "media-logparams", "media-logs", "service-eucweb", "service-eucmedia", "service-eucsrv",
    "registry", "administrators", "licences",
]  # fmt: skip
REQUIRED = [name for name in ALL_ITEMS if name not in ("media-logs", "administrators", "licences")]


def items(uc_host, **options):
    product, probe = probed(uc_host, **options)
    return {item.name: item for item in product.items(Probe.from_json(json.loads(json.dumps(probe.to_json()))))}


def gathered(item, uc_host):
    report = ItemReport(item.name)
    contents = {entry.path: b"".join(content) for entry, content in item.gather(uc_host.transport, report)}
    return contents, report


def test_the_vendors_list(uc_host):
    made = items(uc_host)
    assert list(made) == ALL_ITEMS
    assert [item.name for item in made.values() if item.required] == REQUIRED
    assert list(made["client-install"].paths) == [ROOT + r"\ClientInstall"]
    assert list(made["media-config"].paths) == [MEDIA + r"\emswindows\etc"]
    assert list(made["media-logparams"].paths) == [MEDIA + r"\logparams.txt"]
    assert list(made["media-logs"].paths) == [ROOT + r"\logs-media"]
    assert list(made["registry"].keys) == [SERVER_KEY]
    assert list(made["administrators"].keys) == [r"HKEY_CURRENT_USER\SOFTWARE\ESTOS\UCServer4\Admin"]
    assert [made[f"service-{name}"].services for name in ("eucweb", "eucmedia")] == [("eucweb",), ("eucmedia",)]
    assert {item.name for item in made.values() if item.data_class == "logs"} == {"logs", "media-logs"}


def test_the_vendors_order_of_the_restore(uc_host):
    made = items(uc_host)
    orders = [
        made[name].order for name in ("config", "service-eucweb", "service-eucmedia", "service-eucsrv", "registry")
    ]
    assert orders == sorted(orders)
    assert len(set(orders)) == 3


def test_folders_are_gathered_and_shared_memory_is_not(uc_host):
    made = items(uc_host, consistency="none")
    contents, report = gathered(made["database"], uc_host)
    assert b"/C:/Program Files/estos/UCServer/database/CtiServerDatabasechat.db" in contents
    assert not any(path.endswith(b"-shm") for path in contents)
    assert not report.problems
    contents, _report = gathered(made["config"], uc_host)
    assert b"/C:/Program Files/estos/UCServer/config/users/anna@example.com_clientcontent.xml" in contents


@pytest.mark.parametrize(
    "folder", ["ClientInstall", "config", "database", "linestates", "pending", "userstates", "logs"]
)
def test_a_folder_that_is_gone(uc_host, folder):
    made = items(uc_host, consistency="none", root=ROOT)
    key = rf"{ROOT}\{folder}".upper()
    uc_host.files.nodes = {
        path: node for path, node in uc_host.files.nodes.items() if not (path + "\\").startswith(key + "\\")
    }
    name = "client-install" if folder == "ClientInstall" else folder
    contents, report = gathered(made[name], uc_host)
    assert not contents
    assert made[name].required
    assert not report.found
    assert not items(uc_host, root=ROOT, optional_folders=[name])[name].required


def test_a_host_without_ucserver(uc_host):
    uc_host.programs.clear()
    uc_host.services.clear()
    uc_host.files.nodes = {key: node for key, node in uc_host.files.nodes.items() if "ESTOS" not in key}
    product, probe = probed(uc_host)
    assert probe.release == ""
    refused = [item for item in product.items(probe) if isinstance(item, NotGatherable)]
    assert {item.name for item in refused} == {
        "client-install", "config", "linestates", "pending", "userstates", "logs", "database", "service-of-ucserver",
    }  # fmt: skip
    assert all("say with the option root" in item.reason for item in refused if item.name in ("config", "database"))


def test_components_on_machines_of_their_own(uc_host):
    media = items(uc_host, components=["media_server"])
    assert list(media) == ["media-config", "media-logparams", "media-logs", "service-eucmedia", "licences"]
    web = items(uc_host, components=["web_server"])
    assert list(web) == ["config", "service-eucweb", "licences"]
    named = items(uc_host, components=["media_server"], licences=["EMS-1"])["licences"]
    assert "EMS-1" in named.keys and not named.required


@pytest.mark.parametrize("components", [["ucserver", "media_server"], ["media_server"]])
def test_each_named_folder_of_logs_is_demanded(uc_host, components):
    uc_host.files.add(r"E:\logs\uc.log", b"x")
    options = {"components": components, "log_folders": [r"E:\logs", r"E:\gone"], "consistency": "none"}
    _contents, report = gathered(items(uc_host, **options)["logs"], uc_host)
    assert [(one.path, one.absent) for one in report.problems] == [("/E:/gone", True)]
    _contents, report = gathered(items(uc_host, **options, optional_folders=["logs"])["logs"], uc_host)
    assert report.found and not report.problems


def test_a_demanded_component_that_is_not_there(uc_host):
    uc_host.services[:] = [service for service in uc_host.services if service.name == "eucsrv"]
    uc_host.files.nodes = {key: node for key, node in uc_host.files.nodes.items() if "MEDIASERVICE" not in key}
    assert "media-config" not in items(uc_host)
    made = items(uc_host, components=["ucserver", "media_server", "web_server"])
    for name in ("media-config", "service-of-media-server", "service-of-web-server"):
        assert isinstance(made[name], NotGatherable), name
        assert made[name].required


def test_database_folders_elsewhere(uc_host, tmp_path):
    uc_host.setting("DatabasePath", "D:\\UC\\db\\")
    uc_host.files.add(r"D:\UC\db\CtiServerDatabasejournal.db", b"SQLite format 3\0")
    made = items(uc_host, database_folders=[r"E:\more", ROOT + r"\config\db"])
    assert list(made["database-D-UC-db"].paths) == [r"D:\UC\db"]
    assert made["database-D-UC-db"].required
    assert list(made["database-E-more"].paths) == [r"E:\more"]
    assert ROOT + r"\config\db" in made["config"].exclude
    uc_host.setting("SqliteFolder", r"F:\gone")
    product, probe = probed(uc_host)
    assert any(r"F:\gone" in remark for remark in product.remarks(probe))


def test_consistency(uc_host):
    copied = items(uc_host)["database"]
    assert (copied.consistency, copied.shadow_copy) == ("shadow_copy", "required")
    assert items(uc_host)["config"].shadow_copy == "never"
    plain = items(uc_host, consistency="none")["database"]
    assert (plain.consistency, plain.shadow_copy) == ("none", "never")
    product, probe = probed(uc_host, consistency="stop")
    assert [one.name for one in product.services_to_stop_for_backup(probe)] == ["eucweb", "eucmedia", "eucsrv"]
    assert items(uc_host, consistency="stop")["database"].shadow_copy == "never"
    assert ProcallServer({}).services_to_stop_for_backup(probe) == []


def test_export_archive(uc_host):
    path = ROOT + r"\export.zip"
    uc_host.files.add(path, export_zip())
    item = items(uc_host, export_zip=path)["export-archive"]
    assert item.required
    contents, report = gathered(item, uc_host)
    assert list(contents.values()) == [export_zip()]
    assert not report.problems
    uc_host.files.add(path, export_zip()[:-30])
    _contents, report = gathered(item, uc_host)
    assert [problem.message for problem in report.problems] == ["the archive ends before its end"]


def test_administrators_by_name_are_demanded(uc_host):
    item = items(uc_host, administrators=["anna"])["administrators"]
    assert item.required
    assert list(item.users) == ["anna"]


def test_nothing_known_of_databases_is_a_gap_and_not_silence(uc_host):
    uc_host.files.nodes = {key: node for key, node in uc_host.files.nodes.items() if "CTISERVERDATABASE" not in key}
    made = items(uc_host)
    assert isinstance(made["databases"], NotGatherable)
    product, probe = probed(uc_host)
    assert any("not known where chats and journal are" in remark for remark in product.remarks(probe))
    assert "databases" not in items(uc_host, databases=[])
    uc_host.setting("SQLServer", "sql1")
    uc_host.setting("SQLDatabase", "CHAT")
    assert "databases" not in items(uc_host)
