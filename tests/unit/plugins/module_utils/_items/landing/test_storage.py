# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file system of a landing zone, as the sender sees it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.storage import Storage


def test_what_a_folder_tells(tmp_path):
    seen = Storage.of(os.fsencode(tmp_path))
    numbers = os.statvfs(tmp_path)
    assert seen.permissions == "read, write"
    assert seen.total == seen.used + seen.remaining
    assert abs(seen.remaining - numbers.f_bavail * numbers.f_frsize) < 2**30
    tmp_path.chmod(0o500)
    assert Storage.of(os.fsencode(tmp_path)).permissions == "read"
    tmp_path.chmod(0o000)
    assert Storage.of(os.fsencode(tmp_path)).permissions == "none"
    tmp_path.chmod(0o700)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        Storage.of(os.fsencode(tmp_path / "none"))


@pytest.mark.parametrize(
    ("used", "remaining", "last", "warnings"),
    [
        (79, 21, 5, []),
        (80, 20, 5, ["is 80 % full: 20 of 100 bytes are left, room for 4 more"]),
        (80, 20, 0, ["is 80 % full: 20 of 100 bytes are left."]),
        (50, 50, 60, ["has no room for another backup"]),
        (100, 0, 0, ["is 100 % full"]),
    ],
)
def test_it_is_told_before_it_is_full(used, remaining, last, warnings):
    found = Storage("read, write", used, remaining, used + remaining).warnings(80, last)
    assert len(found) == len(warnings)
    assert all(words in text for words, text in zip(warnings, found))


def test_nothing_can_be_stored_where_nobody_may_write():
    assert "may not write" in Storage("read", 1, 99, 100).troubles(0)[0]


def test_numbers_for_a_result():
    assert Storage("read", 1, 99, 100).to_result(10) == {
        "permissions": "read",
        "used": 1,
        "remaining": 99,
        "total": 100,
        "used_percent": 1,
        "room_for": 9,
    }
    assert Storage("read", 0, 0, 0).to_result(0)["used_percent"] == 100
