# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.windows_registry import MemoryWindows, failed

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import RegistryValue
from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed, ItemTruncated, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import (
    Installed,
    Profile,
    look_at_windows,
    program_of,
    read_keys,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_profiles import WINDOWS
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_32 = r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"


@pytest.fixture
def host():
    host = MemoryWindows()
    host.add_user("S-1-5-21-1-2-3-1001", r"%SystemDrive%\Users\alice", loaded=True)
    host.add_user("S-1-5-21-1-2-3-1002", r"D:\Users\bob", loaded=False)
    host.registry.set(
        UNINSTALL + r"\{guid}",
        DisplayName="estos UCServer ",
        DisplayVersion="8.6.2.4711",
        Publisher="estos GmbH",
        InstallLocation="C:\\Program Files\\estos\\UCServer\\",
    )
    host.registry.set(UNINSTALL + r"\KB1", ParentKeyName="x")
    host.registry.set(UNINSTALL_32 + r"\Client", DisplayName="ProCall", DisplayVersion="8.6")
    host.registry.set(
        SERVICES + r"\eucsrv",
        Type=0x10,
        Start=2,
        DelayedAutostart=1,
        DisplayName="estos UCServer",
        ImagePath=r'"C:\Program Files\estos\UCServer\eucsrv.exe" -service',
        ObjectName=r"LABAD\ucserver",
        DependOnService=["RpcSs", "LanmanServer"],
    )
    host.registry.set(SERVICES + r"\Shared", Type=0x120, Start=3, ImagePath=r"%SystemRoot%\system32\svchost.exe -k x")
    host.registry.set(SERVICES + r"\Off", Type=0x10, Start=4, ImagePath=r"C:\off.exe")
    host.registry.set(SERVICES + r"\ADriver", Type=1, Start=0, ImagePath=r"System32\drivers\a.sys")
    host.registry.set(SERVICES + r"\NoProgram", Type=0x10, Start=2)
    return host


def test_a_look_tells_who_the_host_is(host):
    look = look_at_windows(host.transport)
    assert look.hostname == "winsrv1"
    assert look.machine_id == "6f1c2d3e-0000-4321-abcd-0123456789ab"
    assert (look.product, look.build, look.architecture) == ("Windows Server 2022 Standard", "20348.2340", "AMD64")
    assert look.system_root == r"C:\Windows"


def test_what_is_installed_in_both_views(host):
    assert look_at_windows(host.transport).programs == [
        Installed("estos UCServer", "8.6.2.4711", "estos GmbH", "C:\\Program Files\\estos\\UCServer\\", "64"),
        Installed("ProCall", "8.6", "", "", "32"),
    ]


def test_who_has_a_profile(host):
    host.registry.set(WINDOWS + r"\ProfileList\S-1-5-21-1-2-3-1001.bak", ProfileImagePath="x")
    host.registry.set(WINDOWS + r"\ProfileList\S-1-5-21-1-2-3-9", Flags=1)
    assert look_at_windows(host.transport).profiles == [
        Profile("S-1-5-18", "systemprofile", r"C:\Windows\system32\config\systemprofile", True),
        Profile("S-1-5-21-1-2-3-1001", "alice", r"C:\Users\alice", True),
        Profile("S-1-5-21-1-2-3-1002", "bob", r"D:\Users\bob", False),
    ]


def test_which_services_there_are(host):
    look = look_at_windows(host.transport)
    assert sorted(look.services) == ["eucsrv", "off", "shared"]
    eucsrv = look.service("EUCSRV")
    assert (eucsrv.name, eucsrv.display_name, eucsrv.account, eucsrv.start, eucsrv.depends) == (
        "eucsrv",
        "estos UCServer",
        r"LABAD\ucserver",
        "delayed",
        ("RpcSs", "LanmanServer"),
    )
    shared = look.service("Shared")
    assert (shared.display_name, shared.account, shared.start) == ("Shared", "LocalSystem", "manual")
    assert look.service("off").start == "disabled" and look.service("nothing") is None


def test_a_look_changes_nothing_and_leaves_nothing(host):
    before = {key: dict(values) for key, values in host.registry.tree.keys.items()}
    look_at_windows(host.transport)
    assert {key: dict(values) for key, values in host.registry.tree.keys.items()} == before
    assert host.files.list_folder(r"C:\Windows\Temp") == []
    assert {line.split()[1] for line in host.lines()} == {"export", "query"}


def test_windows_11_is_not_10(host):
    host.registry.set(WINDOWS, ProductName="Windows 10 Pro", CurrentBuildNumber="22631")
    assert look_at_windows(host.transport).product == "Windows 11 Pro"
    host.registry.set(WINDOWS, CurrentBuildNumber="19045")
    assert look_at_windows(host.transport).product == "Windows 10 Pro"


def test_a_host_that_tells_little(host):
    for key in (SERVICES + r"\Tcpip", r"HKLM\SOFTWARE\Microsoft", r"HKLM\SYSTEM\CurrentControlSet\Control"):
        host.registry.remove(key)
    look = look_at_windows(host.transport)
    assert (look.hostname, look.machine_id, look.product, look.build, look.architecture) == ("", "", "", "", "")
    assert look.profiles == [] and look.system_root == r"C:\Windows"


def test_the_name_of_the_host_without_tcpip(host):
    host.registry.remove(SERVICES + r"\Tcpip")
    host.registry.set(r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName", ComputerName="WINSRV2")
    assert look_at_windows(host.transport).hostname == "WINSRV2"


def test_a_host_whose_registry_may_not_be_read(host):
    host.registry.denied.add(SERVICES)
    with pytest.raises(CommandFailed, match="cannot be exported"):
        look_at_windows(host.transport)
    host.registry.remove(SERVICES)
    with pytest.raises(CommandFailed, match="no services"):
        look_at_windows(host.transport)


def test_an_export_that_is_cut(host):
    host.spoil = lambda content: content[: len(content) // 2]
    with pytest.raises(ItemTruncated):
        look_at_windows(host.transport)


def test_only_a_windows_host_is_looked_at():
    with LocalTransport("pbx") as transport, pytest.raises(OptionInvalid, match="Windows"):
        look_at_windows(transport)


# --- keys -------------------------------------------------------------------------------------------------------------
def test_keys_are_read_under_the_names_that_were_asked_for(host):
    found = read_keys(host.transport, [UNINSTALL_32, r"HKLM\SOFTWARE\Nothing"])
    assert list(found) == [UNINSTALL_32]
    assert found[UNINSTALL_32].text(UNINSTALL_32 + r"\Client", "DisplayName") == "ProCall"
    assert not host.files.list_folder(r"C:\Windows\Temp")


def test_a_key_that_may_not_be_read(host):
    host.registry.denied.add(UNINSTALL)
    with pytest.raises(CommandFailed, match="cannot be exported"):
        read_keys(host.transport, [UNINSTALL])


def test_one_spoilt_export_of_a_key_that_is_there_is_made_again(host, monkeypatch):
    exports = []
    export = host._export

    def first_fails(key, path):
        exports.append(key)
        return failed("", 1) if len(exports) == 1 else export(key, path)

    monkeypatch.setattr(host, "_export", first_fails)
    assert list(read_keys(host.transport, [UNINSTALL])) == [UNINSTALL]
    assert len(exports) == 2
    assert read_keys(host.transport, [r"HKLM\SOFTWARE\Nothing"]) == {}
    assert len(exports) == 3
    assert not host.files.list_folder(r"C:\Windows\Temp")


def test_other_types_than_text_are_no_text(host):
    host.registry.put(UNINSTALL + r"\x", {"DisplayName": RegistryValue.of_number(1)})
    assert len(look_at_windows(host.transport).programs) == 2


@pytest.mark.parametrize(
    ("line", "program"),
    [
        (r'"C:\Program Files\estos\eucsrv.exe" -x', r"C:\Program Files\estos\eucsrv.exe"),
        (r"C:\Program Files\estos\eucsrv.exe -x", r"C:\Program Files\estos\eucsrv.exe"),
        (r"C:\Program Files\estos\eucsrv.exe", r"C:\Program Files\estos\eucsrv.exe"),
        (r"%SystemRoot%\System32\svchost.exe -k netsvcs", r"D:\Win\System32\svchost.exe"),
        (r"\??\C:\x.EXE", r"C:\x.EXE"),
        (r"C:\x.exe.d\y.exe z", r"C:\x.exe.d\y.exe"),
        (r"C:\java\bin\javaw -jar x", r"C:\java\bin\javaw"),
        (r"%OTHER%\x.exe", r"%OTHER%\x.exe"),
        ("", ""),
    ],
)
def test_the_program_of_a_command_line(line, program):
    assert program_of(line, r"D:\Win") == program
