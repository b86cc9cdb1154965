# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any two settings of a service: the commands between them, given to the stand-in, make the one of the other."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples
from support.windows_registry import MemoryWindows
from support.windows_services import SERVICES, MemoryServices, descriptor_of

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    REG_EXPAND_SZ,
    RegistryTree,
    RegistryValue,
    applied,
    change_between,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.service_settings import (
    ServiceSettings,
    beside_sc,
    changes,
    creation,
    is_expressible,
    needs_password,
    normal_form,
    plain_account,
    sayable,
)

KEY = SERVICES + r"\x"
TEXT = st.sampled_from(["", "a b", 'with "quotes"', "Größe", "100 %", "two\r\nlines", "x/y"])
NAMES = st.lists(st.sampled_from(["RpcSs", "Größe", "a%b", "MSSQL$CHAT"]), max_size=3)
ACTIONS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**32 - 1)), max_size=4)


def failure(seconds, actions):
    flat = [number for pair in actions for number in pair]
    return struct.pack(f"<{5 + len(flat)}I", seconds, 1, 2, len(actions), 20, *flat)


DEFINITIONS = st.fixed_dictionaries(
    {
        "Type": st.sampled_from([0x10, 0x20, 0x110, 0x120]),
        "Start": st.integers(0, 4),
        "ErrorControl": st.integers(0, 3),
        "ImagePath": st.sampled_from([r"C:\x.exe", r'"C:\a b\x.exe" -y', r"%SystemRoot%\x.exe"]).map(
            lambda text: RegistryValue.of_text(text, REG_EXPAND_SZ)
        ),
        "ObjectName": st.sampled_from(["LocalSystem", r"NT AUTHORITY\LocalService", r"NT SERVICE\x"]),
    },
    optional={
        "DelayedAutostart": st.integers(0, 1),
        "DisplayName": TEXT.filter(bool),
        "Description": TEXT,
        "Group": TEXT,
        "DependOnService": NAMES,
        "DependOnGroup": NAMES,
        "RequiredPrivileges": st.lists(st.sampled_from(["SeBackupPrivilege", "SeAuditPrivilege"]), max_size=2),
        "ServiceSidType": st.sampled_from([0, 1, 3]),
        "FailureActions": st.builds(failure, st.sampled_from([0, 86400, 0xFFFFFFFF]), ACTIONS),
        "FailureActionsOnNonCrashFailures": st.integers(0, 1),
        "FailureCommand": TEXT,
        "RebootMessage": TEXT,
        "PreshutdownTimeout": st.integers(0, 5),
    },
)
SECURITY = st.one_of(st.none(), st.sampled_from(["D:(A;;0x1;;;S-1-5-18)", "D:P(A;;0x2;;;S-1-5-18)"]))


def host_with(values, security):
    host = MemoryWindows()
    services = MemoryServices(host)
    services.add("x", **values)
    if security:
        host.registry.put(KEY + r"\Security", {"Security": descriptor_of(security)})
    return host, host.registry.below(KEY)


@settings(max_examples=examples(150), deadline=None)
@given(DEFINITIONS, SECURITY, DEFINITIONS, SECURITY)
def test_the_commands_between_two_settings_make_the_one_of_the_other(one, one_security, other, other_security):
    _unused, goal = host_with(other, other_security)
    host, tree = host_with(one, one_security)
    wanted = ServiceSettings.of(goal, "x")
    for command in changes("x", ServiceSettings.of(tree, "x"), wanted):
        assert host.run(command, deadline=1, limit=1).rc == 0
    now = beside_sc(host.registry.below(KEY), wanted)
    host.registry.change(change_between(now, beside_sc(goal, wanted)))
    assert normal_form(host.registry.below(KEY)).is_same(normal_form(goal))
    assert changes("x", ServiceSettings.of(host.registry.below(KEY), "x"), wanted) == []


@given(DEFINITIONS, SECURITY)
def test_the_normal_form_is_normal(values, security):
    _host, tree = host_with(values, security)
    once = normal_form(tree)
    assert normal_form(once).is_same(once)
    assert ServiceSettings.of(tree, "x").start == ServiceSettings.of(once, "x").start


def test_nothing_but_the_service_itself_is_beside_sc():
    _host, tree = host_with({"Other": 5, "ImagePath": "%x%"}, None)
    tree = applied(tree, RegistryTree({KEY + r"\Enum": {"Count": RegistryValue.of_number(1)}, KEY + r"\P": {}}))
    beside = beside_sc(tree, ServiceSettings.of(tree, "x"))
    assert {key: sorted(values) for key, values in beside.keys.items()} == {
        KEY: ["ImagePath", "Other"],
        KEY + r"\P": [],
    }


def test_a_service_whose_program_cannot_be_said_is_made_all_the_same():
    tree = RegistryTree({KEY: {"ImagePath": RegistryValue.of_text("%x%")}})
    assert creation("x", ServiceSettings.of(tree, "x"))[-2:] == ["binPath=", "x"]


def test_defaults():
    found = ServiceSettings.of(RegistryTree({KEY: {}}), "x")
    assert (found.type, found.start, found.error_control, found.account) == (0x10, "demand", "normal", "LocalSystem")
    assert found.display_name == "x" and found.depends == () and found.security is None
    assert is_expressible(found) == "it has no program"


@pytest.mark.parametrize("name", ["Start", "ErrorControl", "ServiceSidType"])
def test_numbers_that_stand_for_nothing(name):
    with pytest.raises(ValueError, match="77 stands for nothing"):
        ServiceSettings.of(RegistryTree({KEY: {name: RegistryValue.of_number(77)}}), "x")


@pytest.mark.parametrize(
    ("account", "needed"),
    [
        ("", False),
        ("LocalSystem", False),
        (r".\LocalSystem", False),
        (r"NT AUTHORITY\NetworkService", False),
        ("NT-AUTORITÄT\\Netzwerkdienst", False),
        (r"AUTORITE NT\SERVICE LOCAL", False),
        (r"AUTORITE NT\Système", False),
        (r"autoridad nt\servicio de red", False),
        ("ZARZĄDZANIE NT\\USŁUGA LOKALNA", False),
        (r"AUTORIDADE NT\Serviço Local", False),
        ("NT INSTANS\\Lokal tjänst", False),
        (r"NTLAB\ucserver", True),
        (r"LAB-NT\ucserver", True),
        (r"nt service\MSSQL$CHAT", False),
        (r"LABAD\gmsa$", False),
        (r"LABAD\ucserver", True),
        (r".\ucserver", True),
        ("ucserver@lab.example", True),
    ],
)
def test_who_has_a_password(account, needed):
    assert needs_password(account) is needed


def test_accounts_and_texts():
    assert plain_account(r" .\Anna ") == plain_account("anna") != plain_account(r"LAB\anna")
    assert sayable('a "b" & c|d^e') and not any(map(sayable, ("a%b", "a!b", "a\nb", "a\tb")))
