# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products of a host in memory, backed up and restored whole. The same on a Windows that runs: tests/lab."""

from __future__ import annotations

import pytest
from support.store import Store
from support.thoroughness import thorough
from support.windows_registry import MemoryWindows, failed
from support.windows_services import MemoryServices

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    HostMismatch,
    RestoreFailed,
    RestoreRefused,
    VersionMismatch,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult

META = r"D:\UC\MetaDirectory"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
ECSTA = r"HKLM\SOFTWARE\ESTOS\ECSTACA4000p3"
TOUCHING = ("sc stop", "sc config", "reg import")


@pytest.fixture(name="store")
def _store(tmp_path):
    with Store(tmp_path) as store:
        yield store


@pytest.fixture(name="services")
def _services():
    host = MemoryWindows()
    host.programs["powershell.exe"] = lambda _words, _given: CommandResult(3, b"refused 5\r\n", b"")
    services = MemoryServices(host)
    services.add(
        "meta",
        state=4,
        Type=16,
        Start=2,
        ErrorControl=1,
        ImagePath=rf'"{META}\md.exe"',
        DisplayName="estos MetaDirectory",
        ObjectName="LocalSystem",
    )
    host.registry.set(
        rf"{UNINSTALL}\meta",
        DisplayName="estos MetaDirectory",
        DisplayVersion="5.0.1",
        Publisher="estos",
        InstallLocation=META,
    )
    host.registry.set(
        rf"{UNINSTALL}\ecsta", DisplayName="ECSTA for Something", DisplayVersion="5.0.4", Publisher="estos"
    )
    host.registry.set(ECSTA, Port=1040)
    host.registry.set(ECSTA + r"\Lines", n=1)
    host.files.add(rf"{META}\config\MetaDirectoryServer.xml", b"<M/>")
    host.files.add(rf"{META}\database\a.db", b"contacts")
    host.files.add(rf"{META}\wwwroot\i.html", b"<html>")
    return services


@pytest.fixture(name="host")
def _host(services):
    return services.windows


def spoil(host):
    """Something is gone, changed and added of each product."""
    host.files.remove(rf"{META}\database\a.db")
    host.files.add(rf"{META}\config\MetaDirectoryServer.xml", b"<Other/>")
    host.files.add(rf"{META}\wwwroot\later.html", b"x")
    host.registry.set(ECSTA, Port=1, AddedLater="x")
    host.registry.remove(ECSTA + r"\Lines")


def state(host):
    """All files with their content, all keys of the products, and what the services are."""
    files = {path: host.files.content(path) for path in host.files.paths() if not path.startswith(r"C:\Windows")}
    return files, host.registry.below(ECSTA).keys, host.registry.below(r"HKLM\SYSTEM\CurrentControlSet\Services").keys


@pytest.mark.parametrize("name", ["metadirectory", "ecsta"])
def test_put_back_exactly_and_once(host, store, name):
    one = product_class(name)({})
    outcome = store.backup(one, host.transport)
    assert outcome.gathering.missing() == []
    again = store.backup(one, host.transport)
    assert again.content_changed is False
    before = state(host)
    spoil(host)
    restorer = store.restorer(outcome, one, host.transport)
    restorer.run(restorer.plan(look_only=False))
    after = state(host)
    part = 0 if name == "metadirectory" else 1
    assert (after[part], after[2]) == (before[part], before[2])
    assert store.restorer(outcome, one, host.transport).plan(look_only=False).items == []


@pytest.mark.parametrize("name", ["metadirectory", "ecsta"])
def test_nothing_is_touched_when_it_does_not_fit(host, store, name):
    one = product_class(name)({})
    outcome = store.backup(one, host.transport)
    spoil(host)
    before = state(host)
    for key, value, wrong, error in (
        (rf"{UNINSTALL}\meta", "DisplayVersion", "5.0.2", VersionMismatch if name == "metadirectory" else None),
        (rf"{UNINSTALL}\ecsta", "DisplayVersion", "5.0.5", VersionMismatch if name == "ecsta" else None),
        (r"HKLM\SOFTWARE\Microsoft\Cryptography", "MachineGuid", "another", HostMismatch),
    ):
        right = host.registry.value(key, value)
        host.registry.set(key, **{value: wrong})
        host.asked.clear()
        if error is not None:
            with pytest.raises(error):
                store.restorer(outcome, one, host.transport).plan(look_only=False)
        host.registry.put(key, {value: right})
        assert state(host) == before
        assert [line for line in host.lines() if line.startswith(TOUCHING)] == []
    host.registry.set(rf"{UNINSTALL}\meta", DisplayVersion="5.0.2")
    host.registry.set(rf"{UNINSTALL}\ecsta", DisplayVersion="5.0.5")
    allowed = store.restorer(outcome, one, host.transport, allow_version_mismatch=True)
    assert any("identical version" in warning for warning in allowed.plan(look_only=False).warnings)


def test_a_driver_that_was_there_and_is_gone_is_named(host, store):
    one = product_class("ecsta")({})
    store.backup(one, host.transport)
    host.registry.set(r"HKLM\SOFTWARE\WOW6432Node\ESTOS\ECSTASIP", n=1)
    host.registry.remove(ECSTA)
    outcome = store.backup(one, host.transport)
    assert outcome.gathering.missing() == ["ECSTACA4000p3"]


@pytest.mark.parametrize("folder", ["config", "database", "wwwroot"])
def test_a_folder_that_is_gone_is_named(host, store, folder):
    one = product_class("metadirectory")({})
    store.backup(one, host.transport)
    for path in [path for path in host.files.paths() if f"\\{folder}" in path][::-1]:
        host.files.remove(path)
    assert store.backup(one, host.transport).gathering.missing() == [folder]


def test_a_file_that_nobody_may_read_is_named(host, store):
    host.files.in_use.add(rf"{META}\database\a.db")
    outcome = store.backup(product_class("metadirectory")({}), host.transport)
    (problem,) = outcome.gathering.problems()
    assert (problem["item"], problem["path"]) == ("database", "/D:/UC/MetaDirectory/database/a.db")


def test_what_fails_in_the_middle_is_taken_back(host, services, store):
    one = product_class("metadirectory")({"paths": [r"E:\more"]})
    host.files.add(r"E:\more\z.txt", b"z")
    outcome = store.backup(one, host.transport)
    spoil(host)
    host.registry.set(r"HKLM\SYSTEM\CurrentControlSet\Services\meta", Start=3)
    before = state(host)
    restorer = store.restorer(outcome, one, host.transport)
    plan = restorer.plan(look_only=False)
    host.before["^sc config"] = lambda: failed("denied", 5) if host.before.pop("^sc config", None) else None
    with pytest.raises(RestoreFailed, match="The host was put back to"):
        restorer.run(plan)
    assert state(host) == before
    assert services.states["meta"] == 4


def test_a_client_that_runs_is_refused_and_one_that_does_not_is_not(host, store):
    rows = ['"tasklist.exe","1","Services","0","9 K"']
    host.programs["tasklist"] = lambda _words, _input: CommandResult(0, "\r\n".join(rows).encode(), b"")
    host.add_user("S-1-5-21-1-2-3-1001", r"C:\Users\anna", loaded=True)
    host.registry.set(r"HKU\S-1-5-21-1-2-3-1001\Software\ESTOS\UCServer4\Client", a="1")
    host.registry.set(r"HKLM\SOFTWARE\WOW6432Node\ESTOS\UCServer4\Client", a="1")
    host.files.add(r"C:\Users\anna\AppData\Roaming\estos\ProCall 8\p.xml", b"<a/>")
    host.registry.set(rf"{UNINSTALL}\client", DisplayName="estos ProCall", DisplayVersion="8.6.2.4711")
    one = product_class("procall_client")({})
    outcome = store.backup(one, host.transport)
    assert outcome.gathering.missing() == []
    host.registry.set(r"HKLM\SOFTWARE\WOW6432Node\ESTOS\UCServer4\Client", a="2")
    rows.append('"ecticlient.EXE","7","Console","1","9 K"')
    host.asked.clear()
    with pytest.raises(RestoreRefused, match="The client runs"):
        store.restorer(outcome, one, host.transport).plan(look_only=False)
    assert [line for line in host.lines() if line.startswith(TOUCHING)] == []
    del rows[-1]
    restorer = store.restorer(outcome, one, host.transport)
    restorer.run(restorer.plan(look_only=False))
    assert host.registry.value(r"HKLM\SOFTWARE\WOW6432Node\ESTOS\UCServer4\Client", "a").text == "1"


SEVERAL = {
    "paths": [{"name": "files", "path": [rf"{META}\config", r"E:\App"]}],
    "registry": [{"name": "keys", "key": [ECSTA, r"HKLM\SOFTWARE\Acme"]}],
}


def several(host):
    host.files.add(r"E:\App\a.txt", b"a")
    host.registry.set(r"HKLM\SOFTWARE\Acme", a="1")
    return product_class("windows")(SEVERAL)


def without_some(host):
    for path in [path for path in host.files.paths() if path.startswith(r"E:\App")][::-1]:
        host.files.remove(path)
    host.registry.remove(r"HKLM\SOFTWARE\Acme")


def of_several(host):
    return state(host), host.registry.below(r"HKLM\SOFTWARE\Acme")


def test_each_of_several_named_paths_and_keys_is_demanded(host, store):
    one = several(host)
    assert store.backup(one, host.transport).gathering.missing() == []
    without_some(host)
    outcome = store.backup(one, host.transport)
    assert outcome.committed.record.status == "partial"
    assert [(told["item"], told["path"]) for told in outcome.gathering.problems()] == [
        ("files", "/E:/App"),
        ("keys", "/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/Acme.reg"),
    ]


def test_what_is_gone_does_not_keep_a_restore_from_bringing_it_back(host, store):
    one = several(host)
    outcome = store.backup(one, host.transport)
    before = of_several(host)
    without_some(host)
    restorer = store.restorer(outcome, one, host.transport)
    restorer.run(restorer.plan(look_only=False))
    assert of_several(host) == before


@thorough
def test_what_was_not_there_is_removed_again_when_a_restore_fails(host, services, store):
    one = product_class("windows")({**SEVERAL, "services": ["meta"]})
    several(host)
    outcome = store.backup(one, host.transport)
    without_some(host)
    host.registry.set(r"HKLM\SYSTEM\CurrentControlSet\Services\meta", Start=3)
    before = of_several(host)
    restorer = store.restorer(outcome, one, host.transport)
    plan = restorer.plan(look_only=False)
    host.before["^sc config"] = lambda: failed("denied", 5) if host.before.pop("^sc config", None) else None
    with pytest.raises(RestoreFailed, match="The host was put back to"):
        restorer.run(plan)
    assert of_several(host) == before


def test_a_generation_that_lacks_a_path_is_put_back_as_it_was(host, store):
    one = several(host)
    without_some(host)
    outcome = store.backup(one, host.transport)
    before = of_several(host)
    several(host)
    restorer = store.restorer(outcome, one, host.transport)
    restorer.run(restorer.plan(look_only=False))
    assert of_several(host) == before


@pytest.mark.parametrize("name", ["metadirectory", "ecsta"])
def test_licence_keys_are_sealed_in_one_list(host, store, name):
    """The vendor: "Die Lizenzschlüssel aller installierten Anwendungen/Komponenten sollten an einem Ort ..."."""
    host.registry.set(r"HKLM\SOFTWARE\WOW6432Node\ESTOS\MetaDirectory", LicenseKey="MD5E-1111-2222")
    host.registry.set(ECSTA, SerialNumber="ECST-3333-4444")
    host.registry.set(r"HKLM\SOFTWARE\Partner\Shop", Bought="SHOP-55", Other="OTHER-66-77")
    host.files.add(r"D:\keys\own.xml", b"<own><Freischaltung>FREI-88</Freischaltung></own>")
    options = {
        "licences": ["noted by hand"],
        "licence_values": [r"HKLM\SOFTWARE\Partner\Shop\Bought", r"D:\keys\own.xml#Freischaltung", r"C:\none.xml#x"],
    }
    one = product_class(name)(options)
    outcome = store.backup(one, host.transport)
    assert outcome.gathering.missing() == []
    kept = store.contents(outcome)[b"/@licences/licences.txt"].decode()
    for key in ("MD5E-1111-2222", "ECST-3333-4444", "SHOP-55", "FREI-88", "noted by hand"):
        assert key in kept
    assert len(kept.splitlines()) == 5
    shown = repr(one.options) + str(outcome.probe.facts) + str(one.remarks(outcome.probe))
    assert "noted" not in shown and "MD5E" not in shown
    assert store.restorer(outcome, one, host.transport).plan(look_only=False).items == []


@pytest.mark.parametrize("name", ["metadirectory", "ecsta"])
def test_no_licence_key_is_said_and_none_that_is_denied_ends_a_backup(host, store, name):
    one = product_class(name)({})
    outcome = store.backup(one, host.transport)
    assert b"/@licences/licences.txt" not in store.contents(outcome)
    assert any("No licence key was found" in remark for remark in one.remarks(outcome.probe))
    assert outcome.gathering.missing() == []
    host.registry.set(r"HKLM\SOFTWARE\WOW6432Node\ESTOS\Other", a="b")
    host.registry.denied.add(r"HKLM\SOFTWARE\WOW6432Node\ESTOS")
    probe = one.probe(host.transport)
    assert any("Licence keys could not be looked for" in remark for remark in one.remarks(probe))
