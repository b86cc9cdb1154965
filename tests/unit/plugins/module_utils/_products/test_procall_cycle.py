# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A UCServer of a host in memory, backed up and restored whole. The same on a Windows that runs: tests/lab."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import pytest
from support.procall import LICENCE, MEDIA, PASSWORD, ROOT, SERVER_KEY, VERSION, fill
from support.store import Store
from support.thoroughness import thorough
from support.windows_registry import MemoryWindows, failed
from support.windows_services import MemoryServices

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import normalised
from ansible_collections.ucops.recovery.plugins.module_utils._errors import RestoreFailed, VersionMismatch
from ansible_collections.ucops.recovery.plugins.module_utils._items.service_settings import normal_form
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import open_restores

UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\procall"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
ADMIN = r"SOFTWARE\ESTOS\UCServer4\Admin"
ANNA = "S-1-5-21-1-2-3-1001"


@dataclass(frozen=True)
class Layout:
    """Where it is, what its services are called, and the command lines of their programs: Web, Media, UCServer."""

    root: str
    media: str
    services: tuple[tuple[str, str, str], ...]
    location: str


LAYOUTS = {
    "the vendor's": Layout(
        ROOT,
        MEDIA,
        (
            ("eucweb", "estos UC Web Server", rf'"{ROOT}\WebService\web.exe"'),
            ("eucmedia", "estos UC Media Server", rf'"{MEDIA}\emswindows\bin\ems.exe" -service'),
            ("eucsrv", "estos UCServer", rf'"{ROOT}\eucsrv.exe"'),
        ),
        ROOT + "\\",
    ),
    "another drive, own names": Layout(
        r"D:\UC\Server",
        r"D:\UC\Media",
        (
            ("UC$Web", "estos UC WebServer", r"D:\UC\Web\run.exe"),
            ("UC$Media", "estos UC MediaServer", r"D:\UC\Media\run.exe -k"),
            ("UC$1", "estos UCServer", r"D:\UC\Server\bin\srv64.exe --instance 1"),
        ),
        "",
    ),
    "names that say nothing": Layout(
        r"C:\Program Files (x86)\estos\UCServer",
        r"C:\Program Files (x86)\estos\UCMedia",
        (
            ("https", "Portal", r"%ProgramFiles(x86)%\estos\UC WebServer\node.exe"),
            ("rtp", "RTP Relay", r"C:\Program Files (x86)\estos\UCMedia\emswindows\bin\rtp.exe"),
            ("ctisrv", "Unified Communications", r'"C:\Program Files (x86)\estos\UCServer\cti.exe"'),
        ),
        '"C:\\Program Files (x86)\\estos\\UCServer"',
    ),
}


class Site:
    """One installation on a host in memory."""

    def __init__(self, layout, tmp_path):
        self.layout = layout
        self.windows = MemoryWindows()
        self.services = MemoryServices(self.windows)
        for name, shown, image in layout.services:
            self.services.add(
                name, state=4, Type=16, Start=2, ErrorControl=1, ImagePath=image, DisplayName=shown,
                ObjectName="LocalSystem",
            )  # fmt: skip
        registry = self.windows.registry
        registry.set(
            UNINSTALL,
            DisplayName="estos ProCall Enterprise UCServer",
            DisplayVersion=VERSION,
            Publisher="estos GmbH",
            InstallLocation=layout.location,
        )
        registry.set(SERVER_KEY, InstallDir=layout.root, Password=PASSWORD)
        registry.set(SERVER_KEY + r"\Licenses", License=LICENCE)
        self.windows.add_user(ANNA, r"C:\Users\anna", loaded=True)
        registry.set(rf"HKU\{ANNA}\{ADMIN}", LastServer="uc1")
        fill(self.windows.files, tmp_path, layout.root, layout.media)

    @property
    def transport(self):
        return self.windows.transport

    def remove(self, folder):
        """A folder or file with all below it."""
        files = self.windows.files
        for path in [one for one in files.paths() if (one + "\\").lower().startswith(folder.lower() + "\\")][::-1]:
            files.remove(path)

    def state(self):
        """Files but for Windows' own and what SQLite makes anew, keys, services."""
        files, registry = self.windows.files, self.windows.registry
        services = [f"{SERVICES}\\{name}" for name, _shown, _image in self.layout.services]
        return (
            {
                path: files.content(path)
                for path in files.paths()
                if not path.startswith(r"C:\Windows") and not path.endswith("-shm")
            },
            [registry.below(key).keys for key in (SERVER_KEY, rf"HKU\{ANNA}\{ADMIN}")],
            [normalised(normal_form(registry.below(key))) for key in services],
            dict(self.services.states),
        )

    def destroy(self):
        """Data are lost, installed anew: services and registry have defaults, a set-up dialog has written."""
        self.remove(rf"{self.layout.root}\database")
        self.windows.files.add(rf"{self.layout.root}\config\ucserver.xml", b"<server/>")
        self.windows.files.add(rf"{self.layout.root}\config\setup.xml", b"<new/>")
        self.windows.files.add(rf"{self.layout.media}\emswindows\etc\network.conf", b"")
        registry = self.windows.registry
        registry.remove(SERVER_KEY + r"\Licenses")
        registry.set(SERVER_KEY, AddedLater="x", Password="other")
        registry.remove(rf"HKU\{ANNA}\{ADMIN}")
        registry.set(rf"{SERVICES}\{self.layout.services[-1][0]}", Start=3)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path) as made:
        yield made


@pytest.fixture(params=LAYOUTS)
def site(request, tmp_path):
    return Site(LAYOUTS[request.param], tmp_path)


@pytest.fixture
def first(tmp_path):
    return Site(LAYOUTS["the vendor's"], tmp_path)


def ucserver(**options):
    return product_class("procall_server")({"consistency": "none", **options})


@thorough
def test_put_back_exactly_and_once(site, store):
    one = ucserver()
    outcome = store.backup(one, site.transport)
    assert outcome.gathering.missing() == []
    assert store.backup(one, site.transport).content_changed is False
    before = site.state()
    site.destroy()
    assert site.state() != before
    restorer = store.restorer(outcome, one, site.transport)
    plan = restorer.plan(look_only=False)
    assert plan.services == [name for name, _shown, _image in site.layout.services]
    restorer.run(plan)
    assert site.state() == before
    assert store.restorer(outcome, one, site.transport).plan(look_only=False).items == []


DEMANDED = {
    "client-install": ROOT + r"\ClientInstall",
    "config": ROOT + r"\config",
    "linestates": ROOT + r"\linestates",
    "pending": ROOT + r"\pending",
    "userstates": ROOT + r"\userstates",
    "logs": ROOT + r"\logs",
    "media-config": MEDIA + r"\emswindows\etc",
    "media-logparams": MEDIA + r"\logparams.txt",
}


@thorough
@pytest.mark.parametrize("item", DEMANDED)
def test_what_is_gone_is_named_alone(first, store, item):
    one = ucserver()
    store.backup(one, first.transport)
    first.remove(DEMANDED[item])
    outcome = store.backup(one, first.transport)
    vanished = {"media-logs"} if item == "media-logparams" else set()
    assert set(outcome.gathering.missing()) == {item} | vanished


def test_a_database_folder_a_key_and_a_service_that_are_gone_are_named(first, store):
    one = ucserver()
    store.backup(one, first.transport)
    first.remove(ROOT + r"\database")
    first.windows.registry.remove(SERVER_KEY)
    first.windows.registry.remove(SERVICES + r"\eucsrv")
    missing = set(store.backup(one, first.transport).gathering.missing())
    assert missing == {"database", "databases", "registry", "service-of-ucserver", "service-eucsrv"}


@thorough
def test_another_version_is_refused_and_what_fails_in_the_middle_is_taken_back(first, store):
    one = ucserver()
    outcome = store.backup(one, first.transport)
    first.destroy()
    destroyed = first.state()
    first.windows.registry.set(UNINSTALL, DisplayVersion="8.6.3.1")
    with pytest.raises(VersionMismatch, match="identical version"):
        store.restorer(outcome, one, first.transport).plan(look_only=False)
    first.windows.registry.set(UNINSTALL, DisplayVersion=VERSION)
    assert first.state() == destroyed
    restorer = store.restorer(outcome, one, first.transport)
    plan = restorer.plan(look_only=False)
    before = first.windows.before
    before["^sc config"] = lambda: failed("denied", 5) if before.pop("^sc config", None) else None
    with pytest.raises(RestoreFailed, match="The host was put back to"):
        restorer.run(plan)
    assert first.state() == destroyed


def test_nothing_secret_outside_of_what_is_sealed(first, store, tmp_path):
    one = ucserver(licences=["noted-by-hand-1"])
    store.backup(one, first.transport)
    said = "\n".join(first.windows.lines())
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".db")
    for secret in (PASSWORD, LICENCE, "noted-by-hand-1"):
        assert secret not in said
        assert secret.encode() not in kept
        assert secret.encode("utf-16-le") not in kept
    shutil.rmtree(tmp_path, ignore_errors=True)


# --- it writes as soon as it starts -----------------------------------------------------------------------------------
def without_what_lives(state):
    """A state without what the tests below write at a start."""
    files, (settings, admin), *others = state
    kept = {path: held for path, held in files.items() if "linestates" not in path and "runtime.xml" not in path}
    settings = {
        key: {name: value for name, value in some.items() if name != "Starts"} for key, some in settings.items()
    }
    return kept, settings, admin, others


@pytest.fixture
def busy(first):
    """It writes something else at each start: a count of starts."""
    starts = []

    def write():
        starts.append(None)
        for path in (
            rf"{ROOT}\linestates\{len(starts)}.xml",
            rf"{ROOT}\linestates\11.xml",
            rf"{ROOT}\config\runtime.xml",
        ):
            first.windows.files.add(path, b"x" * len(starts))
        first.windows.registry.set(SERVER_KEY, Starts=len(starts))

    first.services.at_start["eucsrv"] = write
    first.windows.registry.set(SERVER_KEY, Starts=0)
    return first


@thorough
def test_what_a_server_writes_when_it_starts_fails_no_restore(busy, store):
    one = ucserver()
    outcome = store.backup(one, busy.transport)
    before = busy.state()
    busy.destroy()
    busy.remove(rf"{ROOT}\linestates")
    restorer = store.restorer(outcome, one, busy.transport)
    result = restorer.run(restorer.plan(look_only=False))
    assert {"linestates", "registry", "config"} <= set(result["compared"])
    assert without_what_lives(busy.state()) == without_what_lives(before)
    assert busy.windows.files.content(rf"{ROOT}\linestates\1.xml") == b"x"
    assert open_restores(store.backend, "host", "procall_server") == []


@thorough
def test_what_a_server_writes_when_it_starts_fails_no_roll_back(busy, store):
    one = ucserver()
    outcome = store.backup(one, busy.transport)
    busy.destroy()
    destroyed = busy.state()

    def go_down_once():
        busy.services.coming["eucweb"] = [1]
        del busy.services.at_start["eucweb"]

    busy.services.at_start["eucweb"] = go_down_once
    restorer = store.restorer(outcome, one, busy.transport)
    with pytest.raises(RestoreFailed, match="eucweb was stopped and cannot be started.*The host was put back to"):
        restorer.run(restorer.plan(look_only=False))
    assert without_what_lives(busy.state()) == without_what_lives(destroyed)
    assert open_restores(store.backend, "host", "procall_server") == []


@thorough
def test_a_server_that_does_not_take_what_was_put_back_is_found(first, store):
    one = ucserver()
    outcome = store.backup(one, first.transport)
    first.destroy()
    first.windows.files.add(rf"{ROOT}\ClientInstall\ProCall.msi", b"another")
    first.services.at_start["eucsrv"] = lambda: first.windows.files.add(rf"{ROOT}\ClientInstall\ProCall.msi", b"mine")
    restorer = store.restorer(outcome, one, first.transport)
    with pytest.raises(RestoreFailed, match="differs again, now that its services run, .*ProCall.msi") as caught:
        restorer.run(restorer.plan(look_only=False))
    assert "lives: true" in caught.value.hint


@thorough
def test_nothing_is_put_back_under_a_service_that_was_disabled_then_and_runs_now(first, store):
    services, registry = first.services, first.windows.registry
    registry.set(rf"{SERVICES}\eucsrv", Start=4)
    services.states["eucsrv"] = 1
    one = ucserver()
    outcome = store.backup(one, first.transport)
    before = first.state()
    registry.set(rf"{SERVICES}\eucsrv", Start=2)
    services.states["eucsrv"] = 4
    first.remove(rf"{ROOT}\database")
    ran = []
    write = first.windows.files.write

    def watched(path, *others):
        ran.extend(path for state in [services.states["eucsrv"]] if state != 1 and path.startswith(ROOT))
        write(path, *others)

    first.windows.files.write = watched
    restorer = store.restorer(outcome, one, first.transport)
    restorer.run(restorer.plan(look_only=False))
    assert (ran, first.state()) == ([], before)


@thorough
def test_a_service_that_was_disabled_then_and_whose_definition_stays_runs_again(first, store):
    services, registry = first.services, first.windows.registry
    registry.set(rf"{SERVICES}\eucsrv", Start=4)
    services.states["eucsrv"] = 1
    one = ucserver()
    outcome = store.backup(one, first.transport)
    registry.set(rf"{SERVICES}\eucsrv", Start=2)
    services.states["eucsrv"] = 4
    first.remove(rf"{ROOT}\database")
    restorer = store.restorer(outcome, one, first.transport, only_items=["database"])
    restorer.run(restorer.plan(look_only=False))
    assert "sc stop eucsrv" in first.windows.lines() and services.states["eucsrv"] == 4
