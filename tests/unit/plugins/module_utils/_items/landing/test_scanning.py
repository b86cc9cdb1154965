# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._items.landing import scanning
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.facts import FileFacts
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.open_files import being_written
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.scanning import (
    Limits,
    checked_names,
    look,
    open_folder,
    refusal,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.zone import LandingUnfit, Zone


@pytest.fixture
def zone(tmp_path):
    (tmp_path / "incoming").mkdir()
    (tmp_path / "taken").mkdir(mode=0o700)
    return Zone(os.fsencode(tmp_path))


def put(zone, name, content=b"x"):
    path = os.path.join(zone.incoming, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as handle:
        handle.write(content)
    return path


def test_files_in_folders_and_names_of_any_bytes(zone):
    names = [b"a", b"b/c/d", b"new\nline", b"\xff\xfe", b"-rf", b" "]
    for name in names:
        put(zone, name)
    assert sorted(look(zone).files) == sorted(names)


def test_no_link_is_followed(zone, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("x")
    os.symlink(tmp_path / "outside", os.path.join(zone.incoming, b"folder"))
    os.symlink("secret", os.path.join(zone.incoming, b"file"))
    seen = look(zone)
    assert seen.files == {} and set(seen.refused.values()) == {"is a symlink"}
    with pytest.raises(OSError):
        open_folder(zone, b"folder/secret")


def test_incoming_that_is_a_link_is_refused(zone, tmp_path):
    os.rmdir(zone.incoming)
    os.symlink(tmp_path, zone.incoming)
    with pytest.raises(LandingUnfit, match="is no folder"):
        zone.check()
    with pytest.raises(OSError):
        look(zone)


@pytest.mark.parametrize("name", [b"", b"..", b"a/../b", b"/etc/passwd", b"a//b", b"./a", b"a/", b"a\0b"])
def test_names_that_lead_elsewhere_are_refused(zone, name):
    with pytest.raises(ValueError):
        open_folder(zone, name, make=True)
    assert os.listdir(zone.incoming) == []


@given(st.binary(max_size=20))
def test_a_name_never_leads_out(name):
    try:
        names = checked_names(name)
    except ValueError:
        return
    path = os.path.normpath(os.path.join(b"/zone/incoming", *names))
    assert path.startswith(b"/zone/incoming/") and path.count(b"/") == 2 + len(names)


def test_depth_and_number_are_bounded(zone):
    os.makedirs(os.path.join(zone.incoming, *[b"d"] * 40))
    for number in range(20):
        put(zone, b"%d" % number)
    seen = look(zone)
    assert any("folders deep" in reason for reason in seen.refused.values()) and len(seen.files) == 20
    few = look(zone, Limits(most_files=5))
    assert len(few.files) <= 5 and any("more than 5 files" in reason for reason in few.refused.values())


def facts(**given):
    return FileFacts(
        **{"name": b"x", "device": 1, "inode": 1, "size": 10, "stored": 4096, "mtime_ns": 0, "ctime_ns": 0, **given}
    )


@pytest.mark.parametrize(
    "given, limits, words",
    [
        ({}, Limits(), None),
        ({"links": 2}, Limits(), "2 names"),
        ({"size": 11}, Limits(max_size=10), "at most 10"),
        ({"size": 2**40, "stored": 4096}, Limits(), "all holes"),
        ({"size": 2**40, "stored": 2**39}, Limits(), None),
        # all zeros without a single block: read and told by its own name
        ({"size": 2**31, "stored": 0}, Limits(), None),
    ],
)
def test_what_is_refused_by_its_facts(given, limits, words):
    reason = refusal(facts(**given), limits)
    assert (reason is None) == (words is None) and (words or "") in (reason or "")


def test_a_real_file_of_holes_is_refused(zone):
    path = put(zone, b"bomb", b"PK\x03\x04")
    os.truncate(path, 2**41)
    assert b"bomb" in look(zone).refused
    os.truncate(path, 2**39)
    assert "all holes" in look(zone).refused[b"bomb"]


def test_who_has_a_file_open_for_writing_is_named(zone):
    path = put(zone, b"a")
    code = "import sys; f = open(sys.argv[1], sys.argv[2]); print('ready', flush=True); sys.stdin.read()"
    for mode, expected in (("ab", True), ("rb", False)):
        command = [sys.executable, "-c", code, os.fsdecode(path), mode]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            holder.stdout.readline()
            seen = look(zone)
            assert bool(seen.being_written) is expected
            if expected:
                (program,) = seen.being_written.values()
                assert program.startswith("python")
                assert not look(Zone(zone.folder, (program,))).being_written
            holder.stdin.close()
    assert not look(zone).being_written


def test_without_a_right_to_look_that_is_told(tmp_path):
    (tmp_path / "1").mkdir()
    with mock.patch.object(scanning.os, "listdir", side_effect=[[b"1"], PermissionError(13, "no")]):
        assert being_written({(1, 1)}, (), os.fsencode(tmp_path)) == ({}, False)
    assert being_written({(1, 1)}, (), os.fsencode(tmp_path / "none")) == ({}, False)
    assert being_written((), ()) == ({}, True)


def test_taken_on_another_file_system_or_open_to_others_is_refused(zone):
    os.chmod(zone.taken, 0o710)
    with pytest.raises(LandingUnfit, match="nobody else"):
        zone.check()
    os.chmod(zone.taken, 0o700)
    zone.check()
    os.rmdir(zone.taken)
    with pytest.raises(LandingUnfit, match="cannot be looked at"):
        zone.check()
