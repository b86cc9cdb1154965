# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.windows_registry import MemoryWindows

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed
from ansible_collections.ucops.recovery.plugins.module_utils._items.host_registry import HostRegistry
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_profiles import (
    WINDOWS,
    Profile,
    expand,
    named,
    read_profiles,
    system_root,
)

ALICE = Profile("S-1-5-21-1-2-3-1001", "alice", r"C:\Users\alice", True)
BOB = Profile("S-1-5-21-1-2-3-1002", "bob.LABAD", r"C:\Users\bob.LABAD", False)


@pytest.mark.parametrize(
    ("users", "chosen", "unknown"),
    [
        ([], [ALICE, BOB], []),
        (["ALICE"], [ALICE], []),
        ([ALICE.sid.lower()], [ALICE], []),
        (["LABAD\\alice"], [ALICE], []),
        (["LABAD\\bob"], [BOB], []),
        (["bob"], [], ["bob"]),
        (["bob.LABAD", "carol", "OTHER\\bob"], [BOB], ["carol", "OTHER\\bob"]),
    ],
)
def test_who_is_meant(users, chosen, unknown):
    assert named([ALICE, BOB], users) == (chosen, unknown)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"%SystemRoot%\x", r"D:\Win\x"),
        (r"%WINDIR%\x", r"D:\Win\x"),
        (r"%systemdrive%\Users\x", r"D:\Users\x"),
        (r"%ProgramFiles(x86)%\x", r"D:\Program Files (x86)\x"),
        (r"%ProgramFiles%\x", r"D:\Program Files\x"),
        (r"%ProgramData%\x", r"D:\ProgramData\x"),
        (r"%Other%\100%", r"%Other%\100%"),
        (r"C:\x", r"C:\x"),
    ],
)
def test_variables(text, path):
    assert expand(text, r"D:\Win") == path


def test_the_folder_of_windows():
    host = MemoryWindows()
    with HostRegistry(host.transport) as registry:
        assert system_root(registry) == r"C:\Windows"
        host.registry.set(WINDOWS, SystemRoot=r"D:\Win")
        assert system_root(registry) == r"D:\Win"
        host.registry.remove(WINDOWS)
        assert system_root(registry) == r"C:\Windows"


def test_a_host_that_does_not_tell_its_users():
    host = MemoryWindows()
    host.registry.denied.add("HKU")
    with HostRegistry(host.transport) as registry, pytest.raises(CommandFailed, match="loaded users cannot be read"):
        read_profiles(registry, r"C:\Windows")


def test_a_host_without_profiles():
    host = MemoryWindows()
    host.registry.remove(WINDOWS)
    with HostRegistry(host.transport) as registry:
        assert read_profiles(registry, r"C:\Windows") == []
