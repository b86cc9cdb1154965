# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products against a whole host in memory: what they find through its registry, and that looking changes nothing."""

from __future__ import annotations

import pytest
from support.gathering import Gathering
from support.windows_registry import MemoryWindows

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import RegistryValue
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

UNINSTALL = r"HKLM\SOFTWARE{}\Microsoft\Windows\CurrentVersion\Uninstall\{{1}}"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
ANNA, BEN = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
SHELL_FOLDERS = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"


@pytest.fixture(name="host")
def _host():
    host = MemoryWindows()
    host.add_user(ANNA, r"D:\Users\anna", loaded=True)
    host.add_user(BEN, r"C:\Users\ben", loaded=False)
    install(host, "Spooler", "Print Spooler", r"%SystemRoot%\System32\spoolsv.exe")
    return host


def install(host, name, display_name, image_path, account="LocalSystem"):
    host.registry.set(
        f"{SERVICES}\\{name}",
        Type=16,
        Start=2,
        DisplayName=display_name,
        ImagePath=RegistryValue.of_text(image_path, 2),
        ObjectName=account,
    )


def unchanged(host, one):
    """Probe; the host is afterwards as it was."""
    before = (host.registry.tree, host.files.paths())
    probe = one.probe(host.transport)
    assert (host.registry.tree.is_same(before[0]), host.files.paths()) == (True, before[1])
    assert not any(words[:2] == ["reg", "import"] for words, _input in host.asked)
    return probe


def test_metadirectory_in_the_32_bit_view_on_another_drive(host):
    root = r"E:\Kontakte\MetaDir"
    host.registry.set(
        UNINSTALL.format(r"\WOW6432Node"),
        DisplayName="Kontakte",
        DisplayVersion="5.0.1.3200",
        Publisher="estos GmbH",
        InstallLocation=root,
    )
    install(host, "kontakte", "Kontakte Dienst", rf'"{root}\bin\k.exe" -service', r".\meta")
    host.files.add(rf"{root}\config\MetaDirectoryServer.xml", b"<M><Replicator/></M>")
    probe = unchanged(host, product_class("metadirectory")({}))
    assert probe.facts["install_folder"] == root
    assert probe.facts["services"] == ["kontakte"]
    assert probe.facts["service_accounts"] == {"kontakte": r".\meta"}
    assert (probe.release, probe.counts) == ("MetaDirectory 5.0.1.3200", {"replicators": 1})
    assert probe.identity == {"machine_id": "6f1c2d3e-0000-4321-abcd-0123456789ab", "hostname": "winsrv1"}
    assert probe.facts["os"] == "Windows Server 2022 Standard"


def test_ecsta_in_both_views(host):
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\ECSTACA4000p3", Port=1040)
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\UCServer4\Server", Port=1)
    host.registry.set(r"HKLM\SOFTWARE\WOW6432Node\ESTOS\ECSTASIP\Lines", n=1)
    one = product_class("ecsta")({})
    items = one.items(unchanged(host, one))
    paths = {path for item in items for path in Gathering(item, host.transport).by_path}
    assert paths == {
        b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS/ECSTACA4000p3.reg",
        b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/WOW6432Node/ESTOS/ECSTASIP.reg",
    }


def test_no_ecsta_at_all(host):
    one = product_class("ecsta")({})
    item, _licences = one.items(unchanged(host, one))
    gathered = Gathering(item, host.transport)
    assert item.required and not gathered.report.found


def test_the_client_of_users_who_are_logged_on_and_who_are_not(host):
    client = r"Software\ESTOS\UCServer4\Client"
    host.registry.set(rf"HKU\{ANNA}\{client}", Server="uc1")
    host.registry.put(rf"HKU\{ANNA}\{SHELL_FOLDERS}", {"AppData": RegistryValue.of_text(r"%USERPROFILE%\Roam", 2)})
    host.user_key(r"C:\Users\ben", rf"HKEY_CURRENT_USER\{client}", Server="uc2")
    host.files.add(r"D:\Users\anna\Roam\estos\ProCall 8\a.xml", b"<a/>")
    host.files.add(r"C:\Users\ben\AppData\Roaming\estos\ProCall 8\b.xml", b"<b/>")
    one = product_class("procall_client")({})
    probe = unchanged(host, one)
    assert probe.facts["appdata"] == [r"C:\Users\ben\AppData\Roaming", r"D:\Users\anna\Roam"]
    paths, missing = set(), []
    for item in one.items(probe):
        gathered = Gathering(item, host.transport)
        paths |= {entry.path for entry in gathered.entries if entry.kind != "directory"}
        missing += [] if gathered.report.found else [item.name]
    assert paths == {
        b"/D:/Users/anna/Roam/estos/ProCall 8/a.xml",
        b"/C:/Users/ben/AppData/Roaming/estos/ProCall 8/b.xml",
        f"/@registry/HKEY_USERS/{ANNA}/SOFTWARE/ESTOS/UCServer4/Client.reg".encode(),
        f"/@registry/HKEY_USERS/{BEN}/SOFTWARE/ESTOS/UCServer4/Client.reg".encode(),
    }
    assert missing == ["machine-settings"]


@pytest.mark.parametrize("name", ["windows", "metadirectory", "procall_client", "ecsta"])
def test_only_windows_hosts_are_looked_at(name):
    options = {"services": ["x"]} if name == "windows" else {}
    with LocalTransport() as transport, pytest.raises(OptionInvalid, match="only known of Windows hosts"):
        product_class(name)(options).probe(transport)
