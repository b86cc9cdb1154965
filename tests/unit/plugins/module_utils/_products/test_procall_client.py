# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.gathering import Gathering
from support.windows_files import MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import RegistryTree, RegistryValue
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import Installed, WindowsLook
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_profiles import Profile
from ansible_collections.ucops.recovery.plugins.module_utils._products import procall_client
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_client import ProcallClient
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands, WindowsTransport

ANNA = Profile("S-1-5-21-1-2-3-1001", "anna", "D:\\Profile\\anna", True)
BEN = Profile("S-1-5-21-1-2-3-1002", "ben", "C:\\Users\\ben", False)
SYSTEM = Profile("S-1-5-18", "systemprofile", "C:\\Windows\\system32\\config\\systemprofile", True)
TASKS = '"{}","4711","Console","1","9 K"\r\n"tasklist.exe","5","Services","0","9 K"\r\n'


class Commands(WindowsCommands):
    host = "pc1.example"

    def __init__(self):
        self.answer = CommandResult(0, TASKS.format("explorer.exe").encode(), b"")
        self.ran = []

    def run(self, argv, **_others):
        self.ran.append(list(argv))
        return self.answer

    def close(self):
        pass


class Host(WindowsTransport):
    def run(self, argv, **others):
        return self.commands.run(argv, **others)


@pytest.fixture(name="host")
def _host(monkeypatch):
    disk = MemoryWindowsFiles()
    disk.add("D:\\Profile\\anna\\AppData\\Roaming\\estos\\ProCall 8\\profiles.xml", b"<Profiles/>")
    disk.add("D:\\Profile\\anna\\AppData\\Roaming\\estos\\ProCall 7\\old.xml", b"<a/>")
    disk.add("D:\\Profile\\anna\\AppData\\Roaming\\estos\\UCServer Admin\\x.xml", b"<a/>")
    disk.add("C:\\Users\\ben\\AppData\\Roaming\\ESTOS\\procall 8\\p.xml", b"<a/>")
    disk.add("C:\\Windows\\system32\\config\\systemprofile\\AppData\\Roaming\\estos\\ProCall 8\\s.xml", b"<a/>")
    shell_folders(monkeypatch, {})
    look_at(monkeypatch)
    return Host(Commands(), disk)


def look_at(monkeypatch, *programs):
    look = WindowsLook(
        hostname="PC1",
        machine_id="m1",
        profiles=[SYSTEM, ANNA, BEN],
        programs=programs or [Installed("ProCall 8 Enterprise", "8.6.2.4711", "estos GmbH", "", "32")],
    )
    monkeypatch.setattr(procall_client, "look_at_windows", lambda _transport: look)


def shell_folders(monkeypatch, appdata):
    """What User Shell Folders say, by SID; only of users whose registry is loaded is it asked for."""

    def read_keys(_transport, keys):
        (key,) = keys  # Ben is not logged on
        sid = key.split("\\")[1]
        assert sid == ANNA.sid
        values = {"AppData": RegistryValue.of_text(appdata[sid], 2)} if sid in appdata else {}
        return {key: RegistryTree({key: values})}

    monkeypatch.setattr(procall_client, "read_keys", read_keys)


def test_what_is_gathered(host):
    product = ProcallClient({})
    probe = product.probe(host)
    items = {item.name: item for item in product.items(probe)}
    assert list(items) == ["user-folders", "machine-settings", "user-settings"]
    assert all(item.required and item.data_class == "voip_config" for item in items.values())
    assert list(items["machine-settings"].keys) == [
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\ESTOS\\UCServer4\\Client"
    ]
    assert list(items["user-settings"].keys) == ["HKEY_CURRENT_USER\\SOFTWARE\\ESTOS\\UCServer4\\Client"]
    gathered = Gathering(items["user-folders"], host)
    assert {entry.path for entry in gathered.entries if entry.kind == "file"} == {
        b"/D:/Profile/anna/AppData/Roaming/estos/ProCall 8/profiles.xml",
        b"/D:/Profile/anna/AppData/Roaming/estos/ProCall 7/old.xml",
        b"/C:/Users/ben/AppData/Roaming/ESTOS/procall 8/p.xml",
    }
    assert probe.release == "ProCall 8 Enterprise 8.6.2.4711"
    assert probe.counts == {"users": 2}


def test_named_users_only(host):
    product = ProcallClient({"users": ["Anna"]})
    items = {item.name: item for item in product.items(product.probe(host))}
    assert list(items["user-settings"].users) == ["Anna"]
    assert not any(b"/ben/" in path for path in Gathering(items["user-folders"], host).by_path)
    by_sid = ProcallClient({"users": [BEN.sid]})
    folders = by_sid.items(by_sid.probe(host))[0]
    assert not any(b"/anna/" in path for path in Gathering(folders, host).by_path)


def test_a_user_without_a_profile_makes_it_partial(host):
    product = ProcallClient({"users": ["anna", "carl"]})
    item = product.items(product.probe(host))[-1]
    assert item.name == "user-carl" and item.required
    assert "no profile" in Gathering(item, host).problems[""]


def test_nobody_at_all_makes_it_partial(host, monkeypatch):
    monkeypatch.setattr(procall_client, "look_at_windows", lambda _transport: WindowsLook(profiles=[SYSTEM]))
    product = ProcallClient({})
    item = product.items(product.probe(host))[0]
    assert item.name == "user-folders" and "nobody has a profile" in Gathering(item, host).problems[""]
    declared = ProcallClient({"folders": []})
    assert [one.name for one in declared.items(declared.probe(host))] == ["machine-settings", "user-settings"]


@pytest.mark.parametrize(
    ("told", "folder"),
    [
        ("%USERPROFILE%\\AppData\\Roaming", "D:\\Profile\\anna\\AppData\\Roaming"),
        ("E:\\Roaming\\anna\\", "E:\\Roaming\\anna"),
    ],
)
def test_appdata_is_where_the_profile_says(host, monkeypatch, told, folder):
    shell_folders(monkeypatch, {ANNA.sid: told})
    probe = ProcallClient({"users": ["anna"]}).probe(host)
    assert probe.facts["appdata"] == [folder]


@pytest.mark.parametrize("told", ["\\\\files\\roaming\\anna", "%HOMESHARE%\\Roaming"])
def test_appdata_on_another_machine_makes_it_partial(host, monkeypatch, told):
    shell_folders(monkeypatch, {ANNA.sid: told})
    product = ProcallClient({})
    items = {item.name: item for item in product.items(product.probe(host))}
    assert "redirected" in Gathering(items["folder-of-anna"], host).problems[""]
    assert any(b"/ben/" in path for path in Gathering(items["user-folders"], host).by_path)


def test_a_running_client_is_refused(host):
    product = ProcallClient({})
    probe = product.probe(host)
    items = product.items(probe)
    assert product.refuse_restore(host, probe, probe, items) == []
    host.commands.answer = CommandResult(0, TASKS.format("ECTIclient.exe").encode(), b"")
    with pytest.raises(RestoreRefused, match="The client runs \\(ECtiClient.exe\\)"):
        product.refuse_restore(host, probe, probe, items)
    assert product.refuse_restore(host, probe, probe, []) == []
    other = ProcallClient({"client_programs": ["other.exe"]})
    assert other.refuse_restore(host, probe, probe, items) == []
    host.commands.answer = CommandResult(0, b"", b"")
    with pytest.raises(RestoreRefused, match="Nobody can tell whether the client runs"):
        product.refuse_restore(host, probe, probe, items)


def test_release(host, monkeypatch):
    product = ProcallClient({})
    then = product.probe(host)
    look_at(monkeypatch, Installed("ProCall 8 Enterprise", "8.7.0.1", "estos GmbH", "", "32"))
    assert product.release_must_match(then, product.probe(host))
    look_at(monkeypatch, Installed("estos ProCall UCServer", "8.6.2.4711", "estos GmbH", "", "64"))
    assert product.probe(host).release == ""
    assert "not installed" in product.release_verdict(then, Probe())


def test_what_needs_no_backup_is_said(host):
    remarks = " ".join(ProcallClient({}).remarks(Probe()))
    assert all(word in remarks for word in ("Mobile", "UCConnect ID", "macOS", "repair"))


def test_other_brands():
    product = ProcallClient({"folders": ["mitel\\businesscti *"], "user_keys": ["HKCU\\SOFTWARE\\Mitel\\Client"]})
    (folders, machine, user) = product.items(Probe(facts={"appdata": ["C:\\Users\\ben\\AppData\\Roaming"]}))
    assert list(folders.paths) == ["C:\\Users\\ben\\AppData\\Roaming\\mitel\\businesscti *"]
    assert list(user.keys) == ["HKEY_CURRENT_USER\\SOFTWARE\\Mitel\\Client"]
    with pytest.raises(OptionInvalid, match="relative path"):
        ProcallClient({"folders": ["..\\x"]})
