# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno

import pytest
from support.windows_files import MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed, ConnectionLost
from ansible_collections.ucops.recovery.plugins.module_utils._items import scratch
from ansible_collections.ucops.recovery.plugins.module_utils._items.scratch import FOLDER, Scratch, only_administrators


@pytest.fixture
def waited(monkeypatch):
    pauses = []
    monkeypatch.setattr(scratch.time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def files():
    files = MemoryWindowsFiles()
    files.add(FOLDER, None)
    return files


def left(files):
    return [one.name for one in files.list_folder(FOLDER)]


def test_it_is_there_while_it_is_entered(files):
    with Scratch(files) as one:
        assert files.read_security(one.path) == only_administrators()
        path = one.write([b"a", b"b"])
        assert one.read(path, 10) == b"ab" and path.startswith(one.path)
        assert one.write([b"c"]) != path != one.new()
    assert left(files) == []


def test_two_have_two_names(files):
    with Scratch(files) as one, Scratch(files) as other:
        assert one.path != other.path and len(left(files)) == 2


def test_a_file_may_be_removed_before(files):
    with Scratch(files) as one:
        path = one.write([b"a"])
        one.remove(path)
        one.remove(path)
        assert files.list_folder(one.path) == []


def test_it_is_removed_when_something_goes_wrong(files):
    with pytest.raises(KeyError), Scratch(files) as one:
        one.write([b"secret"])
        raise KeyError
    assert left(files) == []


def test_a_file_that_is_held_for_a_moment_is_waited_for(files, waited):
    remove, tries = files.remove, []

    def held(path):
        tries.append(path)
        if len(tries) < 4:
            raise PermissionError(errno.EACCES, "in use", path)
        remove(path)

    files.remove = held
    with Scratch(files) as one:
        one.write([b"a"])
    assert left(files) == [] and len(waited) == 3


def test_what_stays_is_told_unless_something_worse_happened(files, waited):
    files.remove = lambda path: (nothing for nothing in ()).throw(PermissionError(errno.EACCES, "in use", path))
    with pytest.raises(CommandFailed, match="cannot be removed: in use"), Scratch(files) as one:
        one.write([b"a"])
    with pytest.raises(KeyError), Scratch(files):
        raise KeyError


def test_a_host_that_is_gone_is_not_waited_for(files, waited):
    def gone(path):
        raise ConnectionLost("gone")

    with pytest.raises(CommandFailed, match="cannot be removed: gone"), Scratch(files):
        files.list_folder = gone
    assert not waited


def test_a_folder_that_cannot_be_made(files):
    with pytest.raises(CommandFailed, match="there is no such folder"), Scratch(files, r"C:\Nowhere"):
        pass


def test_a_file_that_is_larger_than_it_may_be(files):
    with Scratch(files) as one:
        path = one.write([b"x" * 100])
        with pytest.raises(CommandFailed, match="takes 100 bytes, more than the 99"):
            one.read(path, 99)
        with pytest.raises(CommandFailed, match="cannot be read"):
            one.read(one.new(), 99)


def test_a_file_that_comes_in_part(files):
    with Scratch(files) as one:
        path = one.write([b"x" * 100])
        files.read = lambda path: iter([b"x" * 60])
        with pytest.raises(CommandFailed, match="a file of 100 bytes was read, and only 60 came".capitalize()):
            one.read(path, 1000)


def test_a_disk_that_is_full(files):
    with Scratch(files) as one:
        files.room = 10
        with pytest.raises(CommandFailed, match="the disk is full"):
            one.write([b"x" * 100])
    assert left(files) == []


def test_only_old_folders_of_ours_are_leftovers(files):
    files.clock += 10**15
    now = files.clock
    ours = "ucops-recovery-0123456789abcdef"
    for name, age, content in (
        (ours, scratch.LEFTOVER_AFTER + 10, None),
        (ours.replace("0", "1"), scratch.LEFTOVER_AFTER - 10, None),
        (ours + "0", scratch.LEFTOVER_AFTER + 10, None),
        (ours.replace("0", "A"), scratch.LEFTOVER_AFTER + 10, None),
        (ours.replace("0", "2"), scratch.LEFTOVER_AFTER + 10, b"a file"),
        ("other", scratch.LEFTOVER_AFTER + 10, None),
    ):
        files.add(rf"{FOLDER}\{name}", content, created=now - age)
    files.add(rf"{FOLDER}\{ours}\0001.reg", b"secret")
    files.add_link(rf"{FOLDER}\{ours.replace('0', '3')}", b"x")
    with Scratch(files):
        pass
    assert ours not in left(files) and len(left(files)) == 6


def test_leftovers_that_cannot_be_looked_for_hinder_nobody(files):
    listing = files.list_folder

    def denied(path):
        if path == FOLDER:
            raise PermissionError(errno.EACCES, "access is denied", path)
        return listing(path)

    files.list_folder = denied
    with Scratch(files) as one:
        one.write([b"a"])
    files.list_folder = listing
    assert left(files) == []
