# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.gathering import Gathering
from support.windows_files import MemoryWindowsFiles
from support.windows_registry import Answer

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import (
    Installed,
    WindowsLook,
    WindowsService,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products import estos_licences, metadirectory
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.metadirectory import MetaDirectory
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands, WindowsTransport

ROOT = "D:\\UC Tools\\MetaDirectory"
CONFIG = """<MetaDirectoryServer><Admin><CurrentPassword>S3cr3t</CurrentPassword></Admin>
<Replicators><Replicator id="1"><Name>Active Directory</Name></Replicator>
<Replicator id="2"><Name>CRM</Name></Replicator></Replicators></MetaDirectoryServer>"""
SERVICE = WindowsService(
    "emetasrv", "estos MetaDirectory", f'"{ROOT}\\md.exe" -service', "LAB\\svc-meta", "automatic", ("rpcss",)
)


class Commands(WindowsCommands):
    """A host that makes no shadow copies."""

    host = "meta.example"

    def open(self, argv, **_others):
        assert argv[0] == "powershell.exe" and "Win32_ShadowCopy" in argv[-1], argv
        return Answer(CommandResult(3, b"refused 5\r\n", b""))

    def close(self):
        pass


@pytest.fixture(name="host")
def _host(monkeypatch):
    disk = MemoryWindowsFiles()
    disk.add(f"{ROOT}\\config\\MetaDirectoryServer.xml", CONFIG.encode())
    disk.add(f"{ROOT}\\database\\meta.db", b"contacts")
    disk.add(f"{ROOT}\\wwwroot\\index.html", b"<html>")
    disk.add(f"{ROOT}\\logs\\a.log", b"not asked for")
    look_at(monkeypatch)
    monkeypatch.setattr(estos_licences, "read_keys", lambda _transport, _keys: {})
    return WindowsTransport(Commands(), disk)


def look_at(monkeypatch, version="5.0.1.3200", root=ROOT, services=(SERVICE,)):
    programs = [Installed("estos MetaDirectory", version, "estos GmbH", root, "64")] if version else []
    look = WindowsLook(
        hostname="META1",
        machine_id="aaaa-1",
        product="Windows Server 2022 Standard",
        build="20348.2340",
        programs=programs,
        services={one.name: one for one in services},
    )
    monkeypatch.setattr(metadirectory, "look_at_windows", lambda _transport: look)


def test_what_is_found(host):
    probe = MetaDirectory({}).probe(host)
    assert (probe.release, probe.version) == ("MetaDirectory 5.0.1.3200", "5.0.1.3200")
    assert probe.identity == {"machine_id": "aaaa-1", "hostname": "META1"}
    assert probe.facts["install_folder"] == ROOT
    assert probe.facts["services"] == ["emetasrv"]
    assert probe.facts["service_accounts"] == {"emetasrv": "LAB\\svc-meta"}


def test_what_is_gathered(host):
    product = MetaDirectory({})
    items = {item.name: item for item in product.items(product.probe(host))}
    assert list(items) == ["config", "database", "wwwroot", "service-emetasrv", "licences"]
    assert not items.pop("licences").required
    assert {name: item.data_class for name, item in items.items()} == {
        "config": "voip_config",
        "database": "user_data",
        "wwwroot": "voip_config",
        "service-emetasrv": "system_config",
    }
    assert all(item.required for item in items.values())
    paths = set()
    for name in ("config", "database", "wwwroot"):
        gathered = Gathering(items[name], host)
        assert gathered.report.found and not gathered.problems
        paths |= {entry.path for entry in gathered.entries if entry.kind == "file"}
        assert all(entry.sensitive is (name == "config") for entry in gathered.entries)
    below = b"/D:/UC Tools/MetaDirectory/"
    assert paths == {
        below + b"config/MetaDirectoryServer.xml",
        below + b"database/meta.db",
        below + b"wwwroot/index.html",
    }


@pytest.mark.parametrize("folder", ["config", "database", "wwwroot"])
def test_a_folder_that_is_gone_is_missed(host, folder):
    product = MetaDirectory({"root": ROOT})
    for path in [path for path in host.files.paths() if f"\\{folder}" in path][::-1]:
        host.files.remove(path)
    missed = [
        item.name
        for item in product.items(product.probe(host))
        if item.required and not item.name.startswith("service-") and not Gathering(item, host).report.found
    ]
    assert missed == [folder]


def test_nothing_there_is_an_empty_probe_and_a_partial_generation(host, monkeypatch):
    look_at(monkeypatch, version="", services=())
    for path in host.files.paths()[::-1]:
        host.files.remove(path)
    product = MetaDirectory({})
    probe = product.probe(host)
    assert (probe.release, probe.facts.get("install_folder"), probe.counts) == ("", "", {})
    *items, licences = product.items(probe)
    assert licences.name == "licences" and len(items) == 3
    for item in items:
        gathered = Gathering(item, host)
        assert item.required and not gathered.report.found
        assert "option root" in gathered.problems[""]


def test_more_paths_and_what_is_left_out(host):
    host.files.add("E:\\certs\\meta.pfx", b"pfx")
    host.files.add(f"{ROOT}\\database\\meta.tmp", b"x")
    product = MetaDirectory({"paths": ["E:\\certs"], "exclude": ["*.tmp"], "services": []})
    items = {item.name: item for item in product.items(product.probe(host))}
    assert list(items) == ["config", "database", "wwwroot", "additional-paths", "licences"]
    assert b"/E:/certs/meta.pfx" in Gathering(items["additional-paths"], host).by_path
    assert not any(path.endswith(b".tmp") for path in Gathering(items["database"], host).by_path)


def test_replicators_are_counted(host):
    product = MetaDirectory({})
    assert product.probe(host).counts == {"replicators": 2}
    host.files.add(f"{ROOT}\\config\\MetaDirectoryServer.xml", b"<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>")
    assert product.probe(host).counts == {}


def test_release_and_identical_version(host, monkeypatch):
    product = MetaDirectory({})
    then = product.probe(host)
    assert product.release_verdict(then, then) is None
    look_at(monkeypatch, version="5.0.2.1")
    now = product.probe(host)
    assert "identical version" in product.release_verdict(then, now)
    assert product.release_must_match(then, now)
    assert "not installed" in product.release_verdict(then, Probe())
    assert product.release_must_match(then, Probe())
    for unknown in (now, Probe()):
        assert "which version" in product.release_verdict(Probe(), unknown)
        assert product.release_must_match(Probe(), unknown)
    (remark,) = [one for one in product.remarks(Probe()) if "allow_version_mismatch" in one]
    assert remark.startswith("The version of MetaDirectory cannot be told")
    assert not [one for one in product.remarks(then) if "allow_version_mismatch" in one]


def test_another_root_is_refused(host, monkeypatch):
    product = MetaDirectory({})
    then = product.probe(host)
    host.files.add("C:\\MetaDirectory\\config\\MetaDirectoryServer.xml", CONFIG.encode())
    look_at(monkeypatch, root="C:\\MetaDirectory", services=())
    with pytest.raises(RestoreRefused, match="is in C:.MetaDirectory now") as caught:
        product.refuse_restore(host, then, product.probe(host), [])
    assert f"Install it in {ROOT}" in str(caught.value)


def test_a_service_account_without_its_password_is_refused(host, monkeypatch):
    then = MetaDirectory({}).probe(host)
    items = MetaDirectory({}).items(then)
    reset = WindowsService(**{**vars(SERVICE), "account": "LocalSystem"})
    look_at(monkeypatch, services=(reset,))
    now = MetaDirectory({}).probe(host)
    with pytest.raises(RestoreRefused, match=r"emetasrv shall run as LAB\\svc-meta") as caught:
        MetaDirectory({}).refuse_restore(host, then, now, items)
    assert "service_passwords" in str(caught.value)
    for key in ("LAB\\svc-meta", "lab\\SVC-META", "emetasrv"):
        product = MetaDirectory({"service_passwords": {key: "x"}})
        assert product.refuse_restore(host, then, now, product.items(then)) == []
    assert MetaDirectory({}).refuse_restore(host, then, then, items) == []
    without = [item for item in items if not item.name.startswith("service-")]
    assert MetaDirectory({}).refuse_restore(host, then, now, without) == []


def test_the_account_that_a_service_has_is_needed_too_in_case_that_the_restore_fails(host, monkeypatch):
    now = MetaDirectory({}).probe(host)
    look_at(monkeypatch, services=(WindowsService(**{**vars(SERVICE), "account": "LocalSystem"}),))
    then = MetaDirectory({}).probe(host)
    items = MetaDirectory({}).items(then)
    for options in ({}, {"service_passwords": {"emetasrv": "x"}}):
        with pytest.raises(RestoreRefused, match="has to get back if the restore fails"):
            MetaDirectory(options).refuse_restore(host, then, now, items)
    given = MetaDirectory({"service_passwords": {"LAB\\svc-meta": "x"}})
    assert given.refuse_restore(host, then, now, items) == []


def test_a_disabled_service_is_kept_and_not_started_but_stopped_if_it_runs(host, monkeypatch):
    look_at(monkeypatch, services=(WindowsService(**{**vars(SERVICE), "start": "disabled"}),))
    product = MetaDirectory({})
    probe = product.probe(host)
    assert [item.name for item in product.items(probe)][-2] == "service-emetasrv"
    assert [service.name for service in product.services(probe)] == ["emetasrv"]
    assert product.services_to_start(probe) == []


def test_what_needs_no_backup_is_said(host):
    product = MetaDirectory({})
    remarks = " ".join(product.remarks(product.probe(host)))
    assert "No licence key was found" in remarks and "replicators" in remarks


def test_a_difference_tells_replicators_and_no_value():
    path = b"/D:/UC Tools/MetaDirectory/config/MetaDirectoryServer.xml"
    new = CONFIG.replace("S3cr3t", "N3wS3cr3t").replace('<Replicator id="2"><Name>CRM</Name></Replicator>', "")
    changes = MetaDirectory({}).semantic({path: CONFIG.encode()}, {path: new.encode()}, Masker(bytes(32)))
    shown = [str(change) for change in changes]
    assert any(line.startswith("setting ") and "CurrentPassword" in line for line in shown)
    assert any(line.startswith("replicator ") and "CRM (2) removed" in line for line in shown)
    assert "S3cr3t" not in "".join(shown)


def test_free_space_is_asked_for_on_the_drive_of_a_path():
    product = MetaDirectory({})
    assert product.volume_of(b"/D:/UC Tools/x") == "D:\\"
    assert product.volume_of(b"/@service/emetasrv.reg") == "C:\\"


def test_options_that_are_refused():
    for wrong in ({"root": "MetaDirectory"}, {"paths": ["x"]}, {"folder": "C:\\x"}):
        with pytest.raises(OptionInvalid):
            MetaDirectory(wrong)


# --- what may be written while it is read or put back -----------------------------------------------------------------
def modes(host, **options):
    product = MetaDirectory(options)
    return {item.name: item.shadow_copy for item in product.items(product.probe(host)) if hasattr(item, "shadow_copy")}


@pytest.mark.parametrize(
    ("options", "database", "others"),
    [
        ({}, "auto", "never"),
        ({"stop_services_for_backup": True}, "never", "never"),
        ({"shadow_copy": "never"}, "never", "never"),
        ({"shadow_copy": "auto"}, "auto", "auto"),
        ({"shadow_copy": "required", "stop_services_for_backup": True}, "required", "required"),
    ],
)
def test_files_of_the_database_are_read_as_of_one_moment_where_that_can_be(host, options, database, others):
    assert modes(host, **options) == {"config": others, "database": database, "wwwroot": others}
    remarks = MetaDirectory(options).remarks(Probe())
    assert any("file by file" in one for one in remarks) is (options == {"shadow_copy": "never"})


def test_without_a_shadow_copy_the_database_is_read_live_and_that_is_noted(host):
    product = MetaDirectory({})
    (database,) = [item for item in product.items(product.probe(host)) if item.name == "database"]
    gathered = Gathering(database, host)
    assert gathered.report.found and not gathered.problems
    assert "none of D" in gathered.report.notes["shadow_copy"]


def test_a_service_that_is_not_found_is_missed_and_a_restore_warns_of_it(host, monkeypatch):
    look_at(monkeypatch, services=())
    product = MetaDirectory({})
    probe = product.probe(host)
    items = {item.name: item for item in product.items(probe)}
    gathered = Gathering(items["service-of-metadirectory"], host)
    assert items["service-of-metadirectory"].required and not gathered.report.found
    assert "option services" in gathered.problems[""]
    assert any("none is stopped" in one for one in product.refuse_restore(host, probe, probe, [items["config"]]))
    assert product.refuse_restore(host, probe, probe, []) == []


def test_who_says_that_it_has_no_service_misses_none(host, monkeypatch):
    look_at(monkeypatch, services=())
    product = MetaDirectory({"services": []})
    probe = product.probe(host)
    items = product.items(probe)
    assert "service-of-metadirectory" not in [item.name for item in items]
    assert product.refuse_restore(host, probe, probe, items) == []
