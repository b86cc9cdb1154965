# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.gathering import Gathering
from support.windows_files import MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    RegistryTree,
    RegistryValue,
    format_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._compare.semantic import HIGH
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import WindowsLook, WindowsService
from ansible_collections.ucops.recovery.plugins.module_utils._products import windows
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.windows import Windows
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands, WindowsTransport

OPTIONS = {
    "paths": [
        {"path": "C:\\ProgramData\\Acme PBX", "exclude": ["*.tmp"]},
        {"name": "prompts", "path": ["D:\\Prompts\\*.wav"], "data_class": "user_data", "required": False},
    ],
    "registry": [
        "HKLM\\SOFTWARE\\Acme\\PBX",
        {"name": "operators", "key": "HKCU\\SOFTWARE\\Acme\\Console", "users": ["anna"], "sensitive": True},
    ],
    "services": ["AcmeWeb", "Acme PBX$1"],
}
KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme\\PBX"


class Commands(WindowsCommands):
    host = "pbx.example"

    def close(self):
        pass


@pytest.fixture(name="host")
def _host(monkeypatch):
    disk = MemoryWindowsFiles()
    disk.add("C:\\ProgramData\\Acme PBX\\acme.xml", b"<a/>")
    disk.add("C:\\ProgramData\\Acme PBX\\acme.tmp", b"x")
    look_at(monkeypatch)
    return WindowsTransport(Commands(), disk)


def look_at(monkeypatch, product="Windows Server 2019 Standard", build="17763.5696", account=".\\acme"):
    service = WindowsService("acmeweb", "Acme Web", "C:\\a.exe", account, "automatic")
    look = WindowsLook(hostname="PBX", machine_id="m1", product=product, build=build, services={"acmeweb": service})
    monkeypatch.setattr(windows, "look_at_windows", lambda _transport: look)


def test_what_is_gathered():
    items = {item.name: item for item in Windows(OPTIONS).items(Probe())}
    assert list(items) == [
        "C-ProgramData-Acme-PBX",
        "prompts",
        "service-AcmeWeb",
        "service-Acme-PBX-1",
        "SOFTWARE-Acme-PBX",
        "operators",
    ]
    assert [items[name].order for name in items] == [20, 20, 30, 30, 40, 40]
    assert items["prompts"].data_class == "user_data" and not items["prompts"].required
    assert items["operators"].sensitive and list(items["operators"].users) == ["anna"]
    assert list(items["service-Acme-PBX-1"].services) == ["Acme PBX$1"]


def test_files(host):
    item = Windows(OPTIONS).items(Probe())[0]
    gathered = Gathering(item, host)
    assert {path for path in gathered.by_path if b"." in path} == {b"/C:/ProgramData/Acme PBX/acme.xml"}
    assert item.consistency == "none"
    assert Windows({**OPTIONS, "shadow_copy": "auto"}).items(Probe())[0].consistency == "shadow_copy"


def test_services_are_stopped_in_the_given_order(host):
    product = Windows(OPTIONS)
    probe = product.probe(host)
    assert [service.name for service in product.services(probe)] == ["AcmeWeb", "Acme PBX$1"]
    assert product.services_to_stop_for_backup(probe) == []
    stopping = Windows({**OPTIONS, "stop_services_for_backup": True})
    assert len(stopping.services_to_stop_for_backup(probe)) == 2


def test_release(host, monkeypatch):
    product = Windows(OPTIONS)
    then = product.probe(host)
    assert (then.release, then.build) == ("Windows Server 2019 Standard 17763", "17763.5696")
    look_at(monkeypatch, build="17763.6000")
    assert product.release_verdict(then, product.probe(host)) is None
    look_at(monkeypatch, build="17764.1")
    now = product.probe(host)
    assert product.release_verdict(then, now) and not product.release_must_match(then, now)
    look_at(monkeypatch, product="Windows Server 2022 Standard", build="20348.1")
    assert product.release_must_match(then, product.probe(host))


def test_nothing_to_gather(host):
    with pytest.raises(OptionInvalid, match="nothing to gather"):
        Windows({}).probe(host)


@pytest.mark.parametrize(
    "wrong",
    [
        {"paths": ["relative"]},
        {"paths": [{"name": "x"}]},
        {"registry": ["HKLM"]},
        {"registry": [{"users": ["anna"]}]},
        {"paths": ["C:\\a", "C:\\a"]},
        {"paths": [{"name": "service-x", "path": "C:\\a"}], "services": ["x"]},
        {"services": ["x", "X"]},
        {"services": ["a/b"]},
        {"become": True},
    ],
)
def test_options_that_are_refused(wrong):
    with pytest.raises(OptionInvalid):
        Windows(wrong)


def test_a_missing_password_is_refused_before_anything_is_touched(host, monkeypatch):
    product = Windows(OPTIONS)
    then = product.probe(host)
    look_at(monkeypatch, account="LocalSystem")
    now = product.probe(host)
    with pytest.raises(RestoreRefused, match="the password is not given"):
        product.refuse_restore(host, then, now, product.items(then))
    given = Windows({**OPTIONS, "service_passwords": {".\\acme": "x"}})
    assert given.refuse_restore(host, then, now, given.items(then)) == []
    assert product.refuse_restore(host, then, now, product.items(then)[:2]) == []


def export(**values):
    return format_reg(RegistryTree({KEY: {name: RegistryValue.of_text(text) for name, text in values.items()}}))


def test_differences_in_words():
    key, service, file = (
        b"/@registry/" + KEY.replace("\\", "/").encode() + b".reg",
        b"/@service/AcmeWeb.reg",
        b"/C:/a.XML",
    )
    old = {key: export(Port="1", AdminPassword="geheim"), service: b"gone", file: b"<a><Port>1</Port></a>"}
    new = {key: export(Port="2", AdminPassword="geheimer"), file: b"<a><Port>2</Port></a>", b"/C:/b.txt": b"x"}
    changes = Windows({}).semantic(old, new, Masker(bytes(32)))
    shown = [str(change) for change in changes]
    assert f"registry value {KEY}\\Port changed: 1 -> 2" in shown
    assert "setting C:\\a.XML: Port changed: 1 -> 2" in shown
    assert [str(change) for change in changes if change.severity == HIGH] == ["service AcmeWeb removed (!)"]
    assert len(changes) == 4
    assert "geheim" not in " ".join(shown)


def test_an_export_that_cannot_be_read_is_told():
    key = b"/@registry/" + KEY.replace("\\", "/").encode() + b".reg"
    (change,) = Windows({}).semantic({key: export(a="1")}, {key: b"geheim"}, Masker(bytes(32)))
    assert str(change) == f"registry key {KEY} changed: cannot be read (!)"
