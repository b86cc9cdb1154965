# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.windows_services import SERVICES, descriptor_of

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    REG_BINARY,
    RegistryTree,
    RegistryValue,
    format_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.service_semantic import service_changes
from ansible_collections.ucops.recovery.plugins.module_utils._products.windows_semantic import windows_changes

MASKER = Masker(bytes(32))
KEY = SERVICES + r"\eucsrv"


def definition(parameters=None, security="D:(A;;0x1;;;S-1-5-18)", **values):
    given = {"Type": 0x10, "Start": 2, "ImagePath": "C:\\eucsrv.exe", **values}
    made = {}
    for name, value in given.items():
        made[name] = (
            RegistryValue.of_number(value)
            if isinstance(value, int)
            else RegistryValue.of_text(value)
            if isinstance(value, str)
            else value
        )
    keys = {KEY: made, KEY + r"\Security": {"Security": RegistryValue(REG_BINARY, descriptor_of(security))}}
    if parameters:
        keys[KEY + r"\Parameters"] = {name: RegistryValue.of_text(value) for name, value in parameters.items()}
    return RegistryTree(keys)


def told(old, new):
    return [str(change) for change in service_changes("eucsrv", old, new, MASKER)]


@pytest.mark.parametrize(
    ("values", "story"),
    [
        ({"Start": 3}, "service setting eucsrv start changed: auto -> demand"),
        ({"DelayedAutostart": 1}, "service setting eucsrv start changed: auto -> delayed-auto"),
        ({"ObjectName": r"LAB\x"}, r"service setting eucsrv account changed: LocalSystem -> LAB\x (!)"),
        ({"ImagePath": "C:\\y.exe"}, r"service setting eucsrv program changed: C:\eucsrv.exe -> C:\y.exe (!)"),
        ({"FailureCommand": "C:\\y.exe"}, r"service setting eucsrv program when it fails added: C:\y.exe (!)"),
        ({"Description": "Größe"}, "service setting eucsrv description added: Größe"),
        (
            {"DependOnService": RegistryValue.of_texts(["RpcSs", "x"])},
            "service setting eucsrv needs added: RpcSs, x",
        ),
        (
            {
                "FailureActions": RegistryValue(
                    3, bytes.fromhex("00000000" * 3 + "0100000014000000" + "0100000060ea0000")
                )
            },
            "service setting eucsrv when it fails added: restart after 60000 ms",
        ),
        (
            {"security": "D:(A;;0x1;;;S-1-1-0)"},
            "service setting eucsrv security changed: D:(A;;0x1;;;S-1-5-18) -> D:(A;;0x1;;;S-1-1-0) (!)",
        ),
        ({"parameters": {"Port": "7222"}}, rf"service setting {KEY}\Parameters\Port added: 7222"),
        ({"Other": 5}, rf"service setting {KEY}\Other added: 5"),
    ],
)
def test_a_change_in_words(values, story):
    assert told(definition(), definition(**values)) == [story]


@pytest.mark.parametrize("values", [{}, {"DelayedAutostart": 0}, {"DeleteFlag": 1}, {"DisplayName": "eucsrv"}])
def test_what_changes_nothing(values):
    assert told(definition(), definition(**values)) == []


def test_secrets_on_command_lines_of_services_are_hidden():
    (change,) = told(definition(), definition(ImagePath="C:\\eucsrv.exe --password=planted-5ecret"))
    assert "planted" not in change and "<secret:" in change


def test_a_setting_that_stands_for_nothing_is_told_as_it_is():
    assert told(definition(), definition(Start=9)) == [rf"service setting {KEY}\Start changed: 2 -> 9"]


def test_it_is_what_the_difference_of_a_host_tells():
    path = b"/@service/eucsrv.reg"
    old, new = ({path: format_reg(one)} for one in (definition(), definition(Start=4)))
    (change,) = windows_changes(old, new, MASKER)
    assert str(change) == "service setting eucsrv start changed: auto -> disabled"
