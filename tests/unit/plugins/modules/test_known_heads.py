# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import multiprocessing
import stat

import pytest
from support.modules import run_module

WRITERS = 4
ROUNDS = 25


@pytest.fixture
def path(tmp_path):
    return tmp_path / "heads.json"


def keep(path, heads, **how):
    return run_module("known_heads", {"path": str(path), "heads": heads}, **how)


def test_what_is_there_of_others_stays(path):
    assert keep(path, {"a/linux": "1"}) == {
        "changed": True,
        "heads": {"a/linux": "1"},
        "invocation": {"module_args": {"path": str(path), "heads": {"a/linux": "1"}}},
    }
    assert keep(path, {"a/linux": "2", "b/linux": "1"})["changed"] is True
    before = path.stat()
    assert keep(path, {"b/linux": "1"})["changed"] is False and path.stat() == before
    assert json.loads(path.read_text()) == {"a/linux": "2", "b/linux": "1"}
    assert stat.S_IMODE(before.st_mode) == 0o600 and [one.name for one in path.parent.iterdir()] == [path.name]


def test_without_heads_there_is_a_file_nevertheless(path):
    assert keep(path, {})["changed"] is True and json.loads(path.read_text()) == {}
    assert keep(path, {})["changed"] is False


def test_check_mode_shows_it_and_writes_nothing(path):
    shown = keep(path, {"a/linux": "1"}, check=True, diff=True)
    assert shown["changed"] is True and not path.exists()
    assert (shown["diff"]["before"], json.loads(shown["diff"]["after"])) == ("", {"a/linux": "1"})
    keep(path, {"a/linux": "1"})
    assert keep(path, {"a/linux": "1"}, check=True)["changed"] is False


@pytest.mark.parametrize("content", ["{", "[]", '{"a/linux": 1}', "\x00"])
def test_a_file_that_is_something_else_is_left_alone(path, content):
    path.write_text(content)
    result = keep(path, {"a/linux": "1"})
    assert result["failed"] and result["error"] == "OptionInvalid" and str(path) in result["msg"]
    assert path.read_text() == content


def test_what_are_no_heads_is_refused(path):
    assert keep(path, {"a/linux": 1})["error"] == "OptionInvalid" and not path.exists()


def test_a_folder_that_is_not_there(path):
    result = keep(path.parent / "nowhere" / "heads.json", {"a/linux": "1"})
    assert result["failed"] and "No such file or directory" in result["msg"]


def test_what_a_killed_run_left_is_in_nobodys_way(path):
    path.write_text('{"a/linux": "1"}')
    (path.parent / ".heads.json.new").write_text('{"a/li')
    assert keep(path, {"b/linux": "1"})["heads"] == {"a/linux": "1", "b/linux": "1"}
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_link_stays_one(path, tmp_path):
    (tmp_path / "kept").mkdir()
    path.symlink_to(tmp_path / "kept" / "heads.json")
    keep(path, {"a/linux": "1"})
    assert path.is_symlink() and json.loads((tmp_path / "kept" / "heads.json").read_text()) == {"a/linux": "1"}


def write(path, writer, begin):
    begin.wait()
    for number in range(ROUNDS):
        keep(path, {f"host-{writer}-{number}/linux": "1"})


def test_of_many_who_write_at_the_same_time_none_loses_a_head(path):
    forking = multiprocessing.get_context("fork")
    begin = forking.Event()
    writers = [forking.Process(target=write, args=(path, writer, begin)) for writer in range(WRITERS)]
    for process in writers:
        process.start()
    begin.set()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0] * WRITERS
    wanted = {f"host-{writer}-{number}/linux" for writer in range(WRITERS) for number in range(ROUNDS)}
    assert set(json.loads(path.read_text())) == wanted
    assert [one.name for one in path.parent.iterdir()] == [path.name]
