# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import time

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._module import fleet_note
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_note import ProgressNote
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_run import Progress


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(fleet_note, "TOLD_EVERY", 0.01)
    return tmp_path / f".ucops-{'a' * 32}"


def seen(path, expected):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if path.exists() and json.loads(path.read_text()) == expected:
            return True
        time.sleep(0.005)
    return False


def test_the_newest_state_is_always_written_however_soon_it_came(path):
    read = [0]
    progress = Progress(3)
    with ProgressNote(str(path), lambda: read[0]) as note:
        for done in range(3):
            progress.done, progress.running = done, 1
            note.tell(progress)
        assert seen(path, {"total": 3, "done": 2, "failed": 0, "running": 1, "bytes": 0})
        assert path.stat().st_mode & 0o777 == 0o600
        read[0] = 4096
        assert seen(path, {"total": 3, "done": 2, "failed": 0, "running": 1, "bytes": 4096}), "nobody told of it"
    assert list(path.parent.iterdir()) == []


def test_it_is_gone_also_when_the_job_breaks(path):
    with pytest.raises(KeyboardInterrupt), ProgressNote(str(path), lambda: 0) as note:
        note.tell(Progress(1))
        assert seen(path, {"total": 1, "done": 0, "failed": 0, "running": 0, "bytes": 0})
        raise KeyboardInterrupt
    assert list(path.parent.iterdir()) == []


def test_what_killed_jobs_left_is_swept_and_nothing_else(path):
    old = time.time() - fleet_note.LEFT_BEHIND - 60
    left, of_a_living_job = (path.with_name(f".ucops-{letter * 32}") for letter in "bc")
    others = [path.with_name(".ucops-mine"), path.with_name("notes")]
    for one in (left, left.with_name(f"{left.name}.new"), of_a_living_job, *others):
        one.write_text("{}")
        if one is not of_a_living_job:
            os.utime(one, (old, old))
    link = path.with_name(f".ucops-{'d' * 32}")
    link.symlink_to(others[1])
    with ProgressNote(str(path), lambda: 0):
        pass
    assert sorted(path.parent.iterdir()) == sorted([of_a_living_job, link, *others])


def test_a_place_that_takes_no_note_is_no_matter_of_the_job(tmp_path, monkeypatch):
    monkeypatch.setattr(fleet_note, "TOLD_EVERY", 0.01)
    with ProgressNote(str(tmp_path / "gone" / "note"), lambda: 0) as note:
        note.tell(Progress(1))
        time.sleep(0.05)


def test_nobody_looks():
    with ProgressNote(None, lambda: 0) as note:
        note.tell(Progress(1))
