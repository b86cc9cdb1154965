# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of modules in the plan, carried out one after the other on a UCServer in memory: what runs in between."""

from __future__ import annotations

import pytest
from support.procall import ROOT, SERVER_KEY, fill
from support.store import Store
from support.thoroughness import thorough
from support.windows_registry import MemoryWindows
from support.windows_services import SERVICES, MemoryServices

from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_server import ProcallServer
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.plan import YOU, Occasion
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.procall_server import (
    procall_server_plan,
)

UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
DATABASES = [
    {"role": "journal", "server": "sql1", "database": "CHAT"},
    {"role": "configuration", "server": "sql1", "database": "CONF"},
]
OPTIONS = {"consistency": "none", "edition": "datacenter", "databases": DATABASES, "user_database": "active_directory"}
RESTORE = "ucops.recovery.procall_server_restore"
UC = "eucsrv"
SERVICE_TITLES = {UC: "estos UCServer", "eucmedia": "estos UC Media Server", "eucweb": "estos UC Web Server"}


class Machine:
    """A UCServer with its services."""

    def __init__(self, tmp_path) -> None:
        self.host = MemoryWindows()
        self.services = MemoryServices(self.host)
        fill(self.host.files, tmp_path)
        self.host.registry.set(SERVER_KEY, InstallDir=ROOT, Port=7222)
        self.host.registry.set(
            rf"{UNINSTALL}\uc",
            DisplayName="estos ProCall DataCenter UCServer",
            DisplayVersion="8.6.2.4711",
            Publisher="estos",
            InstallLocation=ROOT,
        )
        for name, title in SERVICE_TITLES.items():
            image = rf'"{ROOT}\{name}.exe"'
            self.services.add(name, state=4, DisplayName=title, ImagePath=image, Type=16, Start=2)

    def freshly_installed(self) -> None:
        """Nothing but what the set-up leaves: empty folders, a new configuration, and services that run."""
        files = self.host.files
        for path in [path for path in files.paths() if path.startswith(ROOT + "\\")][::-1]:
            if files.stat(path).kind == "file":
                files.remove(path)
        files.add(rf"{ROOT}\config\new.xml", b"<new/>")
        self.host.registry.remove(SERVER_KEY)
        self.host.registry.set(SERVER_KEY, InstallDir=ROOT, Port=1)
        for name in self.services.states:
            self.host.registry.set(f"{SERVICES}\\{name}", Start=3)

    @property
    def runs(self) -> set[str]:
        return {name for name, state in self.services.states.items() if state == 4}

    def is_restored(self) -> bool:
        content = self.host.files.paths()
        port = self.host.registry.value(SERVER_KEY, "Port")
        start = self.services.value(UC, "Start")
        return rf"{ROOT}\config\new.xml" not in content and port.number == 7222 and start.number == 2


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture(name="store")
def _store(tmp_path):
    with Store(tmp_path / "store") as store:
        yield store


def carry_out(step, store, outcome, host):
    """What the module does with the options of one step."""
    options = dict(step.options)
    assert options.pop("generation") == str(outcome.committed.generation_id)
    assert options.pop("source") == "host"
    what = options.pop("step", "restore")
    product = ProcallServer({**OPTIONS, "service_passwords": options.pop("service_passwords", {})})
    restorer = store.restorer(outcome, product, host.transport, only_items=options.pop("only_items", ()))
    assert options == {}
    if what == "stop":
        restorer.stop_services(look_only=False)
    elif what == "plan":
        restorer.plan(look_only=False, only_plan=True)
    else:
        restorer.run(restorer.plan(look_only=False))


@thorough
def test_from_scratch_nothing_starts_before_everything_is_back(machine, store):
    """The vendor's order: folders, service definitions, registry, then start; databases before it, all stopped."""
    host = machine.host
    outcome = store.backup(ProcallServer(OPTIONS), host.transport)
    assert outcome.gathering.missing() == ["companion mssql@CHAT", "companion mssql@CONF", "companion ad_attributes"]
    probe = Probe.from_json(outcome.probe.to_json())
    items = [item.name for item in outcome.gathering.items if item.restorable]
    plan = procall_server_plan(Occasion(str(outcome.committed.generation_id), "host", probe, items=items))
    branch = next(one for one in plan.branches if one.title == "Install anew from this generation")
    machine.freshly_installed()
    assert machine.runs == set(SERVICE_TITLES)
    told = []
    for step in branch.steps:
        if step.module == RESTORE:
            before = len(host.lines())
            carry_out(step, store, outcome, host)
            started = [line for line in host.lines()[before:] if line.startswith("sc start")]
            assert not started or machine.is_restored(), step.text
            told.append(step.options.get("step", "restore"))
        elif step.who == YOU and "databases" in step.text:
            assert machine.runs == set(), step.text
            told.append("databases")
    assert machine.is_restored() and machine.runs == set(SERVICE_TITLES)
    assert told == ["plan", "stop", "databases", "restore"]
    again = store.restorer(outcome, ProcallServer(OPTIONS), host.transport).plan(look_only=False)
    assert again.items == [] and again.open_restores == [] and not again.is_needed
