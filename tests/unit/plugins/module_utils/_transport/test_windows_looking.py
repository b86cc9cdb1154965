# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.gathering import Gathering
from support.windows_registry import MemoryWindows

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed
from ansible_collections.ucops.recovery.plugins.module_utils._items.registry import RegistryKeys
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import look_at_windows
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_tree import WindowsTree
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import WindowsFiles
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_looking import looking

READING = {
    "stat",
    "list_folder",
    "read",
    "take",
    "read_security",
    "read_link",
    "free_space",
    "snapshots",
    "at",
    "close",
}
WRITING = {
    "write": (r"C:\x", [b""]),
    "make_folder": (r"C:\x",),
    "remove": (r"C:\app\a.xml",),
    "set_facts": (r"C:\app\a.xml", 0, 0, 0),
    "write_security": (r"C:\app\a.xml", b""),
    "make_link": (r"C:\x", b"", False),
}


@pytest.fixture
def host():
    host = MemoryWindows()
    host.files.add(r"C:\app", None)
    host.files.add(r"C:\app\a.xml", b"12345")
    host.files.add(r"C:\app\b.xml", b"678")
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\Server", Port=5060, Name="eins")
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\Server\Deep", List=["a", "b"], Blob=b"\1\2")
    host.registry.set(r"HKLM\SYSTEM\CurrentControlSet\Services\eucsrv", Type=16, Start=2, ImagePath=r"C:\app\x.exe")
    return host


def test_every_way_to_write_is_refused(host):
    files = looking(host.transport).files
    abstract = set(WindowsFiles.__abstractmethods__) | {"take"}
    assert abstract == READING | set(WRITING)
    for name, arguments in WRITING.items():
        with pytest.raises(CommandFailed, match="only looked at"):
            getattr(files, name)(*arguments)
    assert files.stat(r"C:\app\a.xml").size == 5


def test_the_host_and_its_keys_are_seen_as_otherwise(host):
    only = looking(host.transport)
    before = host.files.paths()
    assert look_at_windows(only) == look_at_windows(host.transport)
    item = RegistryKeys(name="k", data_class="voip_config", keys=[r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\Ser*"])
    host.asked.clear()
    seen = Gathering(item, only)
    assert [words[1] for words, _input in host.asked] == ["query"] * len(host.asked)
    known = Gathering(item, host.transport)
    assert {entry.path for entry in seen.entries} == {entry.path for entry in known.entries} and seen.problems == {}
    normal = {path: item.normaliser(entry) for path, (entry, _content) in known.by_path.items()}
    for path, normaliser in normal.items():
        other = item.normaliser(seen.by_path[path][0])
        assert _whole(other, seen.by_path[path][1]) == _whole(normaliser, known.by_path[path][1])
    assert host.files.paths() == before


def _whole(normaliser, content):
    return normaliser.feed(content) + normaliser.finish()


def test_users_who_are_not_logged_on_are_left_alone(host):
    host.add_user("S-1-5-21-1-2-3-1001", r"C:\Users\bert", loaded=False)
    item = RegistryKeys(name="k", data_class="voip_config", keys=[r"HKEY_CURRENT_USER\Software\ESTOS\Client"])
    host.asked.clear()
    Gathering(item, looking(host.transport))
    assert not [words for words, _input in host.asked if words[1] in ("load", "unload", "export", "import")]


def test_a_key_that_is_denied_or_gone(host):
    only = looking(host.transport)
    gone = RegistryKeys(name="k", data_class="voip_config", keys=[r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\Gone"])
    assert Gathering(gone, only).report.found is False
    host.registry.denied = {r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\Server"}
    item = RegistryKeys(name="k", data_class="voip_config", keys=[r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\Server"])
    assert "cannot be read" in next(iter(Gathering(item, only).problems.values()))


def test_a_tree_is_measured_and_what_may_not_be_opened_is_told(host):
    tree = WindowsTree(name="app", data_class="voip_config", paths=[r"C:\app"], shadow_copy="required")
    report = ItemReport("app")
    extent = tree.measure(looking(host.transport), report)
    assert (extent.entries, extent.size, report.problems) == (3, 8, [])
    host.files.denied = {r"C:\app\b.xml"}
    tree.measure(looking(host.transport), report)
    assert [problem.path for problem in report.problems] == ["/C:/app/b.xml"]


def test_another_host_is_as_it_is():
    here = LocalTransport("pbx")
    assert looking(here) is here
