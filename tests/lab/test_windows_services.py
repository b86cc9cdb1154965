# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services on Wine's real service control manager, by WinRM and SMB. ``sc`` is a stand-in over the Win32 API there, and
PowerShell one that knows a single script."""

from __future__ import annotations

import secrets

import pytest
from support.gathering import Gathering

from ansible_collections.ucops.recovery.plugins.module_utils._compare.normalise import normalise
from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed, RestoreFailed, RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_services import (
    ServiceDefinitions,
    WindowsServiceControl,
    WindowsServiceName,
)
from lab.windows.clients import transport_to
from lab.windows.password_standin import PasswordStandIn
from lab.windows.shells import Answer

IMAGE = r"C:\Program Files\estos\UCServer\bin\EUCSrv.exe"
ACCOUNT, PASSWORD = r"LAB\ucserver", f'Planted-{secrets.token_hex(6)} ä"%!'
EUCSRV = WindowsServiceName("eucsrv")
KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\eucsrv"


@pytest.fixture
def there(windows_host):
    """A service with settings of every kind, set by the host's own ``sc``."""
    if windows_host.service_state("eucsrv"):
        windows_host.run_in_wine(["sc", "delete", "eucsrv"])
    windows_host.install_service(
        "eucsrv", "estos UCServer", IMAGE, start="delayed-auto", depends=["RpcSs", "LanmanServer"], description="Größe"
    )
    run = windows_host.run_in_wine
    run(["sc", "failure", "eucsrv", "reset=", "86400", "actions=", "restart/60000//5", "command=", "C:\\x y.exe"])
    run(["sc", "failureflag", "eucsrv", "1"])
    run(["sc", "sidtype", "eucsrv", "unrestricted"])
    run(["sc", "privs", "eucsrv", "SeBackupPrivilege/SeRestorePrivilege"])
    run(["sc", "sdset", "eucsrv", "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)"])
    windows_host.registry.set(KEY + r"\Parameters", Port=7222)
    yield windows_host
    windows_host.programs.pop("sc failure", None)


@pytest.fixture
def transport(there):
    with transport_to(there) as transport:
        yield transport


@pytest.fixture(autouse=True)
def nothing_is_left(windows_host):
    yield
    assert not list(windows_host.path(r"C:\Windows\Temp").glob("ucops-*"))
    said = "".join(windows_host.commands)
    assert PASSWORD not in said and windows_host.password not in said


def definitions(**options):
    return ServiceDefinitions(**{"name": "services", "data_class": "system_config", "services": ["eucsrv"], **options})


def normal(item, transport):
    return [normalise(content, item.normaliser(entry)) for entry, content in Gathering(item, transport).all]


def restore(item, transport, before):
    item.restore(transport, before.wanted, Gathering(item, transport).entries)


def test_a_definition_comes_back_after_a_repair_installation(there, transport):
    """The vendor: a repair installation removes the definitions and makes them anew, with defaults."""
    item = definitions()
    before, was = Gathering(item, transport), normal(item, transport)
    assert not before.report.problems and before.entries[0].extra["start"] == "delayed-auto"
    there.run_in_wine(["sc", "delete", "eucsrv"])
    there.install_service("eucsrv", "estos UCServer", IMAGE)
    assert normal(item, transport) != was
    restore(item, transport, before)
    assert normal(item, transport) == was
    shown = there.run_in_wine(["sc", "qc", "eucsrv"])
    assert "DELAYED" in shown and "LanmanServer" in shown
    assert "1 -- Delay = 60000" in there.run_in_wine(["sc", "qfailure", "eucsrv"])


def test_a_service_that_is_missing_is_made_and_starts(there, transport):
    there.run_in_wine(["sc", "config", "eucsrv", "depend=", "/"])
    item = definitions()
    before, was = Gathering(item, transport), normal(item, transport)
    there.run_in_wine(["sc", "delete", "eucsrv"])
    assert not WindowsServiceControl(transport).exists(EUCSRV)
    restore(item, transport, before)
    assert normal(item, transport) == was
    control = WindowsServiceControl(transport, deadline=20)
    control.start(EUCSRV)
    assert there.service_state("eucsrv") == 4 and control.is_active(EUCSRV)
    control.stop(EUCSRV)
    assert there.service_state("eucsrv") == 1 and not control.is_active(EUCSRV)


def test_a_service_that_stops_slowly_or_never(there, transport):
    control = WindowsServiceControl(transport, deadline=20)
    there.run_in_wine(["sc", "config", "eucsrv", "depend=", "/", "binPath=", f'"{IMAGE}" --slow-stop 1500'])
    control.start(EUCSRV)
    control.stop(EUCSRV)
    assert there.service_state("eucsrv") == 1
    assert IMAGE.rpartition("\\")[2] not in there.run_in_wine(["tasklist", "/fo", "csv"])
    there.install_service("stubborn", "Stubborn", r"C:\estos\stubborn.exe", arguments="--never-stop")
    stubborn = WindowsServiceName("stubborn")
    control.start(stubborn)
    with pytest.raises(CommandFailed, match="asked to stop, but it is still stopping after 2 s"):
        WindowsServiceControl(transport, deadline=2).stop(stubborn)


def test_an_account_and_its_password(there, transport):
    standin = there.programs["powershell"] = PasswordStandIn(there.wine)
    there.registry.set(KEY, ObjectName=ACCOUNT)
    before = Gathering(definitions(), transport)
    there.registry.set(KEY, ObjectName="LocalSystem")
    there.commands.clear()
    with pytest.raises(RestoreRefused, match="not given"):
        restore(definitions(), transport, before)
    assert not any(line.startswith(("sc ", "powershell")) for line in there.commands)
    restore(definitions(passwords={ACCOUNT: PASSWORD}), transport, before)
    assert standin.given == [("eucsrv", ACCOUNT, PASSWORD)]
    assert ACCOUNT in there.run_in_wine(["sc", "qc", "eucsrv"])
    there.registry.set(KEY, ObjectName="LocalSystem")
    standin.answer = 22
    with pytest.raises(RestoreFailed, match="or its password is wrong, .*as they were before"):
        restore(definitions(passwords={ACCOUNT: PASSWORD}), transport, before)


def test_a_command_that_fails_in_the_middle_leaves_everything_as_it_was(there, transport):
    item = definitions()
    before = Gathering(item, transport)
    there.run_in_wine(["sc", "config", "eucsrv", "start=", "demand"])
    there.run_in_wine(["sc", "failure", "eucsrv", "reset=", "1", "actions=", "run/1"])
    was = normal(item, transport)
    failed = []

    def fails_once(words, _input):
        if not failed:
            failed.append(words)
            return Answer(5, b"[SC] OpenService FEHLER 5:\r\n\r\nZugriff verweigert\r\n", b"")
        done = there.wine.run(list(words))
        return Answer(done.returncode, done.stdout, done.stderr)

    there.programs["sc failure"] = fails_once
    with pytest.raises(RestoreFailed, match="sc failure ended with 5; the services are set up as they were before"):
        restore(item, transport, before)
    assert failed and normal(item, transport) == was


def test_a_service_that_is_not_there(there, transport):
    control = WindowsServiceControl(transport)
    nothing = WindowsServiceName("nothing $ here")
    assert not control.exists(nothing)
    with pytest.raises(CommandFailed, match="knows no such service"):
        control.start(nothing)
    found = Gathering(ServiceDefinitions(name="x", data_class="system_config", services=["nothing"]), transport)
    assert not found.report.found and not found.report.problems
