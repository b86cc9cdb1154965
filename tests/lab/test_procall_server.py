# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""UCServer from playbook to registry: backed up, destroyed, put back, looked at again; and what is refused.

The host is the stand-in of ``tests/lab/windows``; what is installed on it are stand-ins too, see ``procall_sites.py``.
"""

from __future__ import annotations

import json
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
    add_administrators,
    destroy,
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
    return WindowsRecovery(tmp_path_factory.mktemp("procall"), windows_host)


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
    before = recovery.state(own)

    plays = recovery.play({"first": backup(source="UC-0"), "second": backup(source="UC-0")})
    first, second = plays["first"], plays["second"]
    assert first["status"] == "ok", plays.output
    generation = first["generation"]
    assert (generation["status"], generation["missing"]) == ("complete", [])
    assert (generation["release"], sorted(generation["changed_items"])) == (f"UCServer {VERSION}", sorted(own.items))
    assert second["status"] == "ok" and second["changed"] is False, second["generation"]["changed_items"]
    assert recovery.state(own) == before
    assert any("ProCall Mobile" in remark for remark in first["notes"])
    assert any(line.startswith("sc stop") for line in host.commands)

    destroy(host, layout)
    destroyed = recovery.state(own)
    assert destroyed != before
    given = restore(generation["id"], source="UC-0")
    look = recovery.play({"look": given}, "--check", "--diff")
    assert look["look"]["status"] == "ok", look.output
    assert recovery.state(own) == destroyed
    stop_order = [service.name for service in layout.services]
    assert look["look"]["plan"]["stop_and_start"] == stop_order
    order = look["look"]["plan"]["restore_order"]
    assert order.index("config") < order.index(f"service-{layout.service.name}") < order.index("registry"), order

    play = recovery.play({"restore": given, "again": given})
    done, again = play["restore"], play["again"]
    assert done["status"] == "ok", play.output
    assert recovery.state(own) == before
    assert [host.service_state(name) for name in stop_order] == [RUNS] * 3
    assert {check["name"] for check in done["checks"]} >= {f"service {name}" for name in stop_order}
    assert again["status"] == "ok" and again["changed"] is False, again.get("plan")
    nothing_secret(recovery, plays.output, look.output, play.output, json.dumps([plays.results, play.results]))
    remove(host, layout)


@pytest.mark.parametrize("name", list(LAYOUTS)[1:])
def test_other_layouts_are_found_and_restored(name: str, recovery: WindowsRecovery) -> None:
    layout, host = LAYOUTS[name], recovery.host
    own, source = site(layout), f"UC-{list(LAYOUTS).index(name)}"
    install(host, layout)
    before = recovery.state(own)
    kept = recovery.play({"backup": backup(source=source, consistency="none")})
    generation = kept["backup"]["generation"]
    assert (kept["backup"]["status"], generation["status"]) == ("ok", "complete"), kept.output
    assert sorted(generation["changed_items"]) == sorted(own.items)
    destroy(host, layout)
    play = recovery.play({"restore": restore(generation["id"], source=source, consistency="none", pre_restore="skip")})
    assert play["restore"]["status"] == "ok", play.output
    assert recovery.state(own) == before
    assert [host.service_state(service.name) for service in layout.services] == [RUNS] * 3
    nothing_secret(recovery, kept.output, play.output, json.dumps([kept.results, play.results]))
    remove(host, layout)


# --- one installation, everything that must not pass ------------------------------------------------------------------
@pytest.fixture(scope="module")
def installed(recovery: WindowsRecovery) -> Iterator[Layout]:
    """A UCServer with a complete first generation."""
    install(recovery.host, FIRST)
    play = recovery.play({"first": backup()})
    assert play["first"]["status"] == "ok", play.output
    yield FIRST


def test_a_demanded_part_that_is_gone_makes_it_partial_by_name(recovery: WindowsRecovery, installed: Layout) -> None:
    own = site(installed)
    before = recovery.state(own)
    own.lose_part(recovery.host)
    play = recovery.play({"partial": backup(), "mend": restore(f"{recovery.host.name}/procall_server/1")})
    failed = play["partial"]
    assert (failed["status"], failed["error"]) == ("failed", "BackupIncomplete"), play.output
    assert failed["generation"]["missing"] == ["databases", "database"] or failed["generation"]["missing"] == [
        "database"
    ]
    assert "database" in failed["msg"] and "kept as a partial generation" in failed["msg"]
    assert play["mend"]["status"] == "ok", play.output
    assert recovery.state(own) == before


def test_without_a_shadow_copy_a_database_is_not_read(recovery: WindowsRecovery, installed: Layout) -> None:
    """Nobody makes shadow copies here: neither PowerShell nor vssadmin is on the stand-in host."""
    play = recovery.play({"copied": backup(consistency="shadow_copy", source="other")})
    failed = play["copied"]
    assert (failed["status"], failed["generation"]["missing"]) == ("failed", ["database"]), play.output
    assert [recovery.host.service_state(one.name) for one in installed.services] == [4, 4, 4]


def test_companions_are_demanded_found_and_missing(recovery: WindowsRecovery, installed: Layout) -> None:
    declared = {"databases": [{"server": "sql1", "database": "CHAT"}], "user_database": "active_directory"}
    recovery.store.backup({"/@mssql/CHAT.bak": b"TAPE"}, "sql1", "mssql", instance="CHAT", run_id="night-1",
                          status="complete", phase="scheduled")  # fmt: skip
    recovery.store.backup({"/@directory/a.json": b"{}"}, "dc1", "ad_attributes", run_id="night-1", status="complete",
                          phase="scheduled")  # fmt: skip
    play = recovery.play(
        {
            "found": backup(run_id="night-1", source="found", **declared),
            "missing": backup(run_id="night-2", source="missing", **declared),
            "elsewhere": backup(
                run_id="night-3",
                source="elsewhere",
                companions_elsewhere=[
                    {"companion": "mssql@CHAT", "reason": "the DBA's own backup"},
                    {"companion": "ad_attributes", "reason": "the domain's own backup"},
                ],
                **declared,
            ),
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
    play = recovery.play({"restore": restore(f"{host.name}/procall_server/1", **others)})
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
    play = recovery.play({"restore": restore(f"{host.name}/procall_server/1", partner_servers=partners, cti_port=port)})
    assert play["restore"]["status"] == "failed" and f"port {port}: nothing listens" in play["restore"]["msg"]
    assert "put back" in play["restore"]["msg"]
    play = recovery.play({"restore": restore(f"{host.name}/procall_server/1", partner_servers=partners)})
    assert play["restore"]["status"] == "ok", play.output
    assert recovery.state(own) == before


def test_the_plan_of_this_host(recovery: WindowsRecovery, installed: Layout) -> None:
    given = {
        "repository": str(recovery.store.path),
        "generation": f"{recovery.host.name}/procall_server/1",
        **recovery.unlocked,
    }
    play = recovery.controller.play([{"name": "plan", "ucops.recovery.procall_server_restore_plan": given}])
    result = play["plan"]
    assert result["status"] == "ok", play.output
    for word in (VERSION, FIRST.root, "Cancel", r".\uc", "1 licence keys", "estos UCServer (eucsrv)"):
        assert word in result["text"], word
    nothing_secret(recovery, json.dumps(result))
