# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import struct

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.normalise import normalise
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    REG_BINARY,
    REG_DWORD,
    REG_QWORD,
    REG_SZ,
    RegistryNormaliser,
    RegistryTree,
    RegistryValue,
    format_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry_times import without_times

KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"


def filetime(year, seconds=0):
    since = datetime.datetime(year, 5, 4) - datetime.datetime(1601, 1, 1)
    return (int(since.total_seconds()) + seconds) * 10**7


def is_same(name, one, other, kind=REG_BINARY):
    """Whether two contents of a value are no change."""
    forms = set()
    for data in (one, other):
        tree = RegistryTree({KEY: {name: RegistryValue(kind, data), "Port": RegistryValue.of_number(7222)}})
        forms.add(normalise(format_reg(tree), RegistryNormaliser(without_times)))
    return len(forms) == 1


@pytest.mark.parametrize("kind", [REG_BINARY, REG_QWORD])
@pytest.mark.parametrize("name", ["LastStart", "Timestamp", "LastSendTime", "ShutdownTime", ""])
def test_a_time_a_second_later_is_no_change(name, kind):
    one, other = (struct.pack("<Q", filetime(2024, seconds)) for seconds in (0, 1))
    assert is_same(name, one, other, kind)


@pytest.mark.parametrize(
    ("name", "one", "other", "kind"),
    [
        ("LicenceExpires", filetime(2024), filetime(2025), REG_QWORD),
        ("ValidUntil", filetime(2024), filetime(2025), REG_BINARY),
        ("NextBackup", filetime(2024), filetime(2025), REG_BINARY),
        ("Quota", 10**9, 10**10, REG_QWORD),
        ("Flags", 1, 2, REG_BINARY),
        ("Handle", 2**63, 2**63 + 1, REG_BINARY),
        ("LastStart", filetime(2024), 0, REG_QWORD),
        ("LastStart", filetime(1999), filetime(2024), REG_QWORD),
        ("Name", filetime(2024), filetime(2025), REG_SZ),
    ],
)
def test_what_is_set_is_a_change(name, one, other, kind):
    assert not is_same(name, struct.pack("<Q", one), struct.pack("<Q", other), kind)


def test_longer_and_shorter_ones_are_no_times():
    times = [struct.pack("<Q", filetime(2024, seconds)) for seconds in (0, 1)]
    assert not is_same("LastStart", *(time + b"\0" for time in times))
    assert not is_same("LastStart", *(time[:4] for time in times), kind=REG_DWORD)


def test_one_that_is_gone_is_a_change():
    value = RegistryValue(REG_QWORD, struct.pack("<Q", filetime(2024)))
    trees = [RegistryTree({KEY: {"LastStart": value}}), RegistryTree({KEY: {}})]
    assert len({normalise(format_reg(tree), RegistryNormaliser(without_times)) for tree in trees}) == 2
