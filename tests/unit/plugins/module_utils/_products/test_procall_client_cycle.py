# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients of two users on a host in memory, backed up and restored; and users who are gone meanwhile."""

from __future__ import annotations

import pytest
from support.store import Store
from support.thoroughness import thorough
from support.windows_registry import PROFILES, MemoryWindows, failed
from support.windows_services import MemoryServices

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RestoreFailed, RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import open_restores

ANNA, BOB = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
UNINSTALL = r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\procall"
CLIENT = r"SOFTWARE\ESTOS\UCServer4\Client"
MACHINE = r"HKLM\SOFTWARE\WOW6432Node\ESTOS\UCServer4\Client"
FOLDER = r"AppData\Roaming\estos\ProCall 8"
TOUCHING = ("reg import", "reg load")


@pytest.fixture(name="store")
def _store(tmp_path):
    with Store(tmp_path) as store:
        yield store


@pytest.fixture(name="host")
def _host():
    """Anna is logged on, Bob is not."""
    host = MemoryWindows()
    MemoryServices(host)
    host.registry.set(UNINSTALL, DisplayName="ProCall 8 Enterprise", DisplayVersion="8.6.2.4711", Publisher="estos")
    host.registry.set(MACHINE, Server="uc1")
    host.add_user(ANNA, r"C:\Users\anna", loaded=True)
    host.add_user(BOB, r"C:\Users\bob", loaded=False)
    host.registry.set(rf"HKU\{ANNA}\{CLIENT}", Volume=3)
    host.user_key(r"C:\Users\bob", rf"HKEY_CURRENT_USER\{CLIENT}", Volume=5)
    for name in ("anna", "bob"):
        host.files.add(rf"C:\Users\{name}\{FOLDER}\config.xml", name.encode())
    return host


def client(**options):
    return product_class("procall_client")(options)


def leave(host):
    """Bob's account was deleted, with his profile."""
    host.registry.remove(rf"{PROFILES}\{BOB}")
    for path in [one for one in host.files.paths() if one.startswith(r"C:\Users\bob")][::-1]:
        host.files.remove(path)


def spoil(host):
    host.registry.set(MACHINE, Server="other")
    host.registry.set(rf"HKU\{ANNA}\{CLIENT}", Volume=1)
    host.files.remove(rf"C:\Users\anna\{FOLDER}\config.xml")


def state(host):
    files = {path: host.files.content(path) for path in host.files.paths() if path.startswith(r"C:\Users")}
    return files, dict(host.registry.tree.keys), {file: dict(tree.keys) for file, tree in host.registry.hives.items()}


@thorough
def test_everything_of_everybody_is_put_back(host, store):
    outcome = store.backup(client(), host.transport)
    before = state(host)
    spoil(host)
    host.files.remove(rf"C:\Users\bob\{FOLDER}\config.xml")
    restorer = store.restorer(outcome, client(), host.transport)
    restorer.run(restorer.plan(look_only=False))
    assert state(host) == before


@pytest.mark.parametrize("users", [[], ["anna", "bob"], [ANNA, BOB]], ids=["everybody", "by name", "by SID"])
def test_what_is_of_a_user_who_is_gone_is_left_out_by_name_and_all_else_put_back(host, store, users):
    one = client(users=users)
    outcome = store.backup(one, host.transport)
    leave(host)
    before = state(host)
    spoil(host)
    restorer = store.restorer(outcome, one, host.transport)
    plan = restorer.plan(look_only=True)
    said = " ".join(plan.warnings)
    assert f"user-settings: bob ({BOB}) has no profile on the host; it is left out." in said
    assert r"user-folders: C:\Users\bob is no profile on the host; it is left out." in said
    assert len([one for one in plan.warnings if "left out" in one]) == 2
    restorer.run(plan)
    assert state(host) == before


def test_users_who_are_all_others_now_get_nothing_and_the_machine_all_of_its_own(host, store):
    """A machine that was set up anew gives its local users other SIDs."""
    outcome = store.backup(client(), host.transport)
    leave(host)
    host.registry.remove(rf"{PROFILES}\{ANNA}")
    host.registry.remove(rf"HKU\{ANNA}")
    host.add_user("S-1-5-21-9-9-9-1001", r"C:\Users\anna", loaded=True)
    before = state(host)
    host.registry.set(MACHINE, Server="other")
    restorer = store.restorer(outcome, client(), host.transport)
    plan = restorer.plan(look_only=False)
    assert plan.items == ["machine-settings"]
    restorer.run(plan)
    assert state(host) == before


def test_where_nothing_has_a_place_all_is_refused(host, store):
    outcome = store.backup(client(), host.transport)
    leave(host)
    before, asked = state(host), len(host.asked)
    restorer = store.restorer(outcome, client(), host.transport, paths=[r"/C:/Users/bob"])
    with pytest.raises(RestoreRefused, match="Nothing of what .* holds has a place on the host: .*no profile"):
        restorer.plan(look_only=False)
    assert state(host) == before
    assert not [line for line in host.lines()[asked:] if line.startswith(TOUCHING)]


def test_a_restore_that_fails_leaves_no_folder_that_it_made_above(host, store):
    outcome = store.backup(client(), host.transport)
    for path in [one for one in host.files.paths() if one.startswith(r"C:\Users\bob\AppData")][::-1]:
        host.files.remove(path)
    spoil(host)
    before = state(host)
    restorer = store.restorer(outcome, client(), host.transport)
    plan = restorer.plan(look_only=False)
    host.before["^reg import"] = lambda: failed("denied") if host.before.pop("^reg import", None) else None
    with pytest.raises(RestoreFailed, match="The host was put back to"):
        restorer.run(plan)
    assert state(host) == before
    assert open_restores(store.backend, "host", "procall_client") == []
