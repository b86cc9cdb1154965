# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""UCServer from playbook to registry: backed up, destroyed, put back, looked at again; and what is refused.

The host is the stand-in of ``tests/lab/windows``; what is installed on it are stand-ins too, see ``procall_sites.py``.
"""

from __future__ import annotations

import json
import pathlib
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.collection import make_importable

make_importable()

from lab.procall_sites import (  # noqa: E402
    LAYOUTS,
    LICENCE,
    PASSWORDS,
    SERVER_KEY,
    USERS,
    VERSION,
    Layout,
    PowerShell,
    add_administrators,
    destroy,
    export_archive,
    install,
    options,
    remove,
    site,
)
from lab.windows.host import WindowsHost  # noqa: E402
from lab.windows_recovery import WindowsRecovery  # noqa: E402

FIRST = LAYOUTS["the vendor's"]
RUNS = 4
"""The state of a service that runs, as Windows counts."""
STOPPING = ("net stop", "sc stop", "sc config", "reg import")


@pytest.fixture(scope="module")
def recovery(windows_host: WindowsHost, tmp_path_factory: pytest.TempPathFactory) -> WindowsRecovery:
    """The host with two administrators and no UCServer yet."""
    add_administrators(windows_host)
    windows_host.programs["powershell"] = PowerShell(windows_host)
    return WindowsRecovery(tmp_path_factory.mktemp("procall"), windows_host)


@pytest.fixture(scope="module")
def power_shell(recovery: WindowsRecovery) -> PowerShell:
    """The stand-in on the host."""
    found = recovery.host.programs["powershell"]
    assert isinstance(found, PowerShell)
    return found


def backup(**others: Any) -> tuple[str, Mapping[str, Any]]:
    return "procall_server_backup", options(**others)


def restore(generation: str, **others: Any) -> tuple[str, Mapping[str, Any]]:
    return "procall_server_restore", options(generation=generation, **others)


def nothing_secret(recovery: WindowsRecovery, *texts: str) -> None:
    """No planted password and no licence key in what was printed and returned, on a command line, or in a strange
    file."""
    secrets = [*PASSWORDS.values(), LICENCE, recovery.host.password]
    for text in (*texts, "\n".join(recovery.host.commands)):
        assert [secret for secret in secrets if secret in text] == []
    own = [rf"{layout.root}\config" for layout in LAYOUTS.values()]
    assert recovery.hits(secrets, [*own, *(rf"C:\Users\{name}\NTUSER.DAT" for name in USERS)]) == []


# --- fill, back up, destroy, restore, identical -----------------------------------------------------------------------
def test_destroyed_and_restored(recovery: WindowsRecovery) -> None:
    """The vendor's layout, with everything that is to be seen on the way."""
    layout, host, own = FIRST, recovery.host, site(FIRST)
    install(host, layout)
    archive = rf"{layout.root}\Datenexport.zip"
    host.write(archive, export_archive())
    before = recovery.state(own)

    given = {"source": "UC-0", "consistency": "none", "export_zip": archive}
    plays = recovery.play({"first": backup(**given), "second": backup(**given)})
    first, second = plays["first"], plays["second"]
    assert first["status"] == "ok", plays.output
    generation = first["generation"]
    assert (generation["status"], generation["missing"]) == ("complete", [])
    assert generation["release"] == f"UCServer {VERSION}"
    assert sorted(generation["changed_items"]) == sorted([*own.items, "export-archive"])
    assert second["status"] == "ok" and second["changed"] is False, second["generation"]["changed_items"]
    assert recovery.state(own) == before
    assert any("ProCall Mobile" in remark for remark in first["notes"])
    assert not any(line.startswith("sc stop") for line in host.commands)

    destroy(host, layout)
    host.path(archive).unlink()
    destroyed = recovery.state(own)
    assert destroyed != before
    restoring = restore(generation["id"], **given)
    look = recovery.play({"look": restoring}, "--check", "--diff")
    assert look["look"]["status"] == "ok", look.output
    assert recovery.state(own) == destroyed
    stop_order = [service.name for service in layout.services]
    assert look["look"]["plan"]["stop_and_start"] == stop_order
    order = look["look"]["plan"]["restore_order"]
    assert order.index("config") < order.index(f"service-{layout.service.name}") < order.index("registry"), order

    play = recovery.play({"restore": restoring, "again": restoring})
    done, again = play["restore"], play["again"]
    assert done["status"] == "ok", play.output
    assert recovery.state(own) == before and host.path(archive).read_bytes() == export_archive()
    assert [host.service_state(name) for name in stop_order] == [RUNS] * 3
    assert {check["name"] for check in done["checks"]} >= {f"service {name}" for name in stop_order}
    assert again["status"] == "ok" and again["changed"] is False, again.get("plan")
    nothing_secret(recovery, plays.output, look.output, play.output, json.dumps([plays.results, play.results]))
    remove(host, layout)


@pytest.mark.parametrize(("name", "consistency"), list(zip(list(LAYOUTS)[1:], ["stop", "shadow_copy"])))
def test_other_layouts_are_found_and_restored(
    name: str, consistency: str, recovery: WindowsRecovery, power_shell: PowerShell
) -> None:
    layout, host = LAYOUTS[name], recovery.host
    own, given = site(layout), {"source": f"UC-{consistency}", "consistency": consistency}
    install(host, layout)
    before, ran = recovery.state(own), len(host.commands)
    kept = recovery.play({"backup": backup(**given)})
    generation = kept["backup"]["generation"]
    assert (kept["backup"]["status"], generation["status"]) == ("ok", "complete"), kept.output
    assert sorted(generation["changed_items"]) == sorted(own.items)
    stops = [line for line in host.commands[ran:] if line.startswith("sc stop")]
    assert stops == ([f"sc stop {service.name}" for service in layout.services] if consistency == "stop" else [])
    assert power_shell.copies.made == (1 if consistency == "shadow_copy" else 0)
    destroy(host, layout)
    play = recovery.play({"restore": restore(generation["id"], **given, pre_restore="skip")})
    assert play["restore"]["status"] == "ok", play.output
    assert recovery.state(own) == before
    assert [host.service_state(service.name) for service in layout.services] == [RUNS] * 3
    assert power_shell.copies.copies == {}
    nothing_secret(recovery, kept.output, play.output, json.dumps([kept.results, play.results]))
    remove(host, layout)


# --- one installation, everything that must not pass ------------------------------------------------------------------
@pytest.fixture(scope="module")
def installed(recovery: WindowsRecovery) -> Iterator[Layout]:
    """A UCServer with a complete first generation."""
    install(recovery.host, FIRST)
    play = recovery.play({"first": backup(consistency="none")})
    assert play["first"]["status"] == "ok", play.output
    yield FIRST


def test_a_demanded_part_that_is_gone_makes_it_partial_by_name(recovery: WindowsRecovery, installed: Layout) -> None:
    own = site(installed)
    before = recovery.state(own)
    own.lose_part(recovery.host)
    mend = restore(f"{recovery.host.name}/procall_server/1", consistency="none", pre_restore="skip")
    play = recovery.play({"partial": backup(consistency="none"), "mend": mend})
    failed = play["partial"]
    assert (failed["status"], failed["error"]) == ("failed", "BackupIncomplete"), play.output
    assert failed["generation"]["missing"] == ["database", "databases"]
    assert "database" in failed["msg"] and "kept as a partial generation" in failed["msg"]
    assert play["mend"]["status"] == "ok", play.output
    assert recovery.state(own) == before


def test_without_a_shadow_copy_a_database_is_not_read(
    recovery: WindowsRecovery, installed: Layout, power_shell: PowerShell
) -> None:
    power_shell.copies.refuses = 5
    try:
        play = recovery.play({"copied": backup(source="other")})
    finally:
        power_shell.copies.refuses = 0
    failed = play["copied"]
    assert (failed["status"], failed["generation"]["missing"]) == ("failed", ["database"]), play.output
    assert [recovery.host.service_state(one.name) for one in installed.services] == [RUNS] * 3


def test_companions_are_demanded_found_and_missing(recovery: WindowsRecovery, installed: Layout) -> None:
    """The two that are found were put into the repository by hand."""
    declared = {
        "databases": [{"server": "sql1", "database": "CHAT"}],
        "user_database": "active_directory",
        "consistency": "none",
    }
    facts = {"run_id": "night-1", "status": "complete", "phase": "scheduled"}
    recovery.store.backup({"/@mssql/CHAT.bak": b"TAPE"}, "sql1", "mssql", instance="CHAT", **facts)
    recovery.store.backup({"/@directory/a.json": b"{}"}, "dc1", "ad_attributes", **facts)
    elsewhere = [{"companion": name, "reason": "a backup of its own"} for name in ("mssql@CHAT", "ad_attributes")]
    play = recovery.play(
        {
            "found": backup(run_id="night-1", source="found", **declared),
            "missing": backup(run_id="night-2", source="found", **declared),
            "elsewhere": backup(run_id="night-3", source="found", companions_elsewhere=elsewhere, **declared),
        }
    )
    assert play["found"]["status"] == "ok", play.output
    assert play["missing"]["status"] == "failed"
    for word in ("mssql", "CHAT", "ad_attributes"):
        assert word in play["missing"]["msg"]
    assert play["elsewhere"]["status"] == "ok", play.output


# --- refused before anything is touched -------------------------------------------------------------------------------
def refused(recovery: WindowsRecovery, layout: Layout, error: str, *words: str, **others: Any) -> None:
    """A restore that fails with this error, these words, and leaves the host as it is."""
    own, host = site(layout), recovery.host
    state, ran = recovery.state(own), len(host.commands)
    given = {"consistency": "none", **others}
    play = recovery.play({"restore": restore(f"{host.name}/procall_server/1", **given)})
    result = play["restore"]
    assert (result["status"], result["error"]) == ("failed", error), play.output
    for part in ("Nothing was touched", *words):
        assert part in result["msg"], result["msg"]
    assert recovery.state(own) == state
    assert [line for line in host.commands[ran:] if line.startswith(STOPPING)] == []
    nothing_secret(recovery, play.output, json.dumps(play.results))


def test_refused_before_anything_is_touched(recovery: WindowsRecovery, installed: Layout) -> None:
    host, own = recovery.host, site(installed)
    before = recovery.state(own)
    host.registry.set(SERVER_KEY, Changed="since")
    name = "estos ProCall Enterprise UCServer"
    host.add_installed(name, "8.6.3.1", location=installed.location)
    refused(recovery, installed, "VersionMismatch", VERSION, "8.6.3.1", "allow_version_mismatch")
    host.add_installed(name, VERSION, location=installed.location)

    with socket.create_server(("127.0.0.1", 0)) as partner:
        port = partner.getsockname()[1]
        partners = [{"host": "127.0.0.1", "port": port}]
        refused(recovery, installed, "RestoreRefused", f"answers at port {port}", partner_servers=partners)

    host.run_in_wine(["sc", "config", installed.service.name, "obj=", "LocalSystem"])
    refused(recovery, installed, "RestoreRefused", installed.service.name, "service_passwords", service_passwords={})

    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography"
    (line,) = [line for line in host.registry.export(key).splitlines() if line.startswith('"MachineGuid"')]
    host.registry.set(key, MachineGuid="11111111-2222-3333-4444-555555555555")
    refused(recovery, installed, "HostMismatch", "comes from another host", "allow_different_host")
    host.registry.merge(f"[{key}]\n{line}\n")

    # the partner is stopped now: its port refuses, and the restore goes its way
    given = {"consistency": "none", "pre_restore": "skip", "partner_servers": partners}
    play = recovery.play({"restore": restore(f"{host.name}/procall_server/1", **given)})
    assert play["restore"]["status"] == "ok", play.output
    assert recovery.state(own) == before


def test_the_plan_of_this_host_and_its_licence_keys(
    recovery: WindowsRecovery, installed: Layout, tmp_path: pathlib.Path
) -> None:
    given = {
        "repository": str(recovery.store.path),
        "generation": f"{recovery.host.name}/procall_server/1",
        **recovery.unlocked,
    }
    steps = [{"name": "plan", "ucops.recovery.procall_server_restore_plan": given}]
    play = recovery.controller.play(steps)
    result = play["plan"]
    assert result["status"] == "ok", play.output
    for word in (VERSION, installed.root, "Cancel", r".\uc", "estos UCServer (eucsrv)"):
        assert word in result["text"], word
    nothing_secret(recovery, json.dumps(result))

    fetch = next(
        step
        for branch in result["branches"]
        for step in branch["steps"]
        if step["module"] == "ucops.recovery.generation_extract" and "licence" in step["text"]
    )
    options = {**given, **fetch["options"], "dest": str(tmp_path / "licences")}
    play = recovery.controller.play([{"name": "fetch", fetch["module"]: options}])
    assert play["fetch"]["status"] == "ok", play.output
    (kept,) = [path for path in (tmp_path / "licences").rglob("*.txt") if path.is_file()]
    assert LICENCE in kept.read_text()
    nothing_secret(recovery, play.output)
