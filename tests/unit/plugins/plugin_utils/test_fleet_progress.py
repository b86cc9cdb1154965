# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.plugin_utils import fleet_progress
from ansible_collections.ucops.recovery.plugins.plugin_utils.fleet_progress import FleetProgress, progress_line


@pytest.mark.parametrize(
    ("note", "seconds", "line"),
    [
        (
            {"total": 1000, "done": 412, "failed": 3, "running": 16, "bytes": 3 * 2**30},
            60,
            "412 of 1000 hosts done, 3 failed, 16 at work, 3.0 GiB read at 51.2 MiB/s, about 86 s left",
        ),
        (
            {"total": 10, "done": 0, "failed": 0, "running": 10, "bytes": 0},
            10,
            "0 of 10 hosts done, 0 failed, 10 at work, 0 B read at 0 B/s",
        ),
        (
            {"total": 10, "done": 1, "failed": 0, "running": 9, "bytes": 2048},
            60,
            "1 of 10 hosts done, 0 failed, 9 at work, 2.0 KiB read at 34 B/s, about 9 min left",
        ),
    ],
)
def test_how_far_it_is_in_one_line(note, seconds, line):
    assert progress_line(note, seconds) == line


class Action:
    """A backup host on which a note can be read, or not."""

    def __init__(self, note):
        self.note = note
        self._connection = SimpleNamespace()
        self.commands = []

    def _low_level_execute_command(self, command, sudoable):
        self.commands.append(command)
        return {"stdout": self.note}


@pytest.fixture
def lines(monkeypatch):
    told = []
    monkeypatch.setattr(fleet_progress.Display(), "display", told.append)
    monkeypatch.setattr(fleet_progress, "ON_A_TERMINAL", 0.01)
    monkeypatch.setattr(fleet_progress, "UNDER_A_CONTROLLER", 3600.0)
    monkeypatch.delenv("AWX_ISOLATED_DATA_DIR", raising=False)
    return told


NOTE = json.dumps({"total": 7, "done": 2, "failed": 1, "running": 3, "bytes": 0})


def watch(interval, lines, note=NOTE, wanted=1, seconds=5.0):
    action = Action(note)
    with FleetProgress(action, "/tmp/.ucops-x", interval):
        deadline = time.monotonic() + seconds
        while len(lines) < wanted and time.monotonic() < deadline:
            time.sleep(0.005)
    return action


def test_lines_appear_until_the_job_is_over(lines):
    action = watch(None, lines, wanted=2)
    assert all(line.startswith("2 of 7 hosts done, 1 failed, 3 at work") for line in lines) and len(lines) >= 2
    assert set(action.commands) == {"cat /tmp/.ucops-x"}
    count = len(lines)
    time.sleep(0.05)
    assert len(lines) == count


def test_in_a_job_of_awx_they_are_rarer(lines, monkeypatch):
    monkeypatch.setenv("AWX_ISOLATED_DATA_DIR", "/runner")
    watch(None, lines, seconds=0.05)
    assert lines == []
    monkeypatch.setattr(fleet_progress, "UNDER_A_CONTROLLER", 0.01)
    monkeypatch.setattr(fleet_progress, "ON_A_TERMINAL", 3600.0)
    watch(None, lines)
    assert lines


def test_how_rare_they_are_by_default():
    assert (fleet_progress.ON_A_TERMINAL, fleet_progress.UNDER_A_CONTROLLER) == (10.0, 60.0)


@pytest.mark.parametrize("under_awx", [False, True])
def test_what_was_asked_for_counts_everywhere(lines, monkeypatch, under_awx):
    if under_awx:
        monkeypatch.setenv("AWX_ISOLATED_DATA_DIR", "/runner")
    watch(0.01, lines)
    assert lines


def test_no_lines_at_all(lines):
    action = watch(0.0, lines, seconds=0.05)
    assert lines == [] and action.commands == []


@pytest.mark.parametrize("note", ["", "{", "[]", '{"total": 7}'])
def test_without_a_note_there_is_still_a_sign_of_life(lines, note):
    watch(None, lines, note)
    assert lines[0].startswith("The job is at work for ")
