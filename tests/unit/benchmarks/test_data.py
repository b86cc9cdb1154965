# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is backed up is the same on every machine, and changes as much as is told."""

from __future__ import annotations

import hashlib
import pathlib
import wave

import large_files
import pytest
from config_texts import KINDS
from large_files import LargeFiles
from many_hosts import ManyHosts

HOSTS = 5
REGION = 64 * 1024


def contents(data: ManyHosts | LargeFiles) -> dict[str, bytes]:
    return {str(path.relative_to(data.path)): path.read_bytes() for path in data.files()}


def digest(files: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + files[name])
    return whole.hexdigest()[:16]


@pytest.fixture
def small(tmp_path: pathlib.Path) -> ManyHosts:
    files = ManyHosts(tmp_path / "fleet", HOSTS)
    files.ensure()
    return files


def test_small_files_are_the_same_everywhere(small: ManyHosts) -> None:
    files = contents(small)
    assert len(files) == HOSTS * 20
    assert 7000 < sum(map(len, files.values())) / len(files) < 11000
    assert digest(files) == "fae3693aaf2b0b73"


def test_five_files_of_a_host_are_those_of_all_hosts(small: ManyHosts) -> None:
    files = contents(small)
    same = {kind.path for kind in KINDS if len({files[f"{host}/{kind.path}"] for host in small.hosts}) == 1}
    assert len(same) == 5
    assert len(set(files.values())) == HOSTS * 15 + 5


def test_a_change_touches_one_small_file_in_a_hundred_and_is_taken_back(small: ManyHosts) -> None:
    before = contents(small)
    small.change(1)
    after = contents(small)
    assert sum(before[name] != after[name] for name in before) == HOSTS * 20 // 100
    small.change(2)
    ManyHosts(small.path, HOSTS).ensure()
    assert contents(small) == before


def test_fewer_hosts_leave_no_others_behind(small: ManyHosts) -> None:
    ManyHosts(small.path, 3).ensure()
    assert sorted(path.name for path in small.path.iterdir()) == ["0000", "0001", "0002"]


def test_large_files_are_the_same_everywhere_and_change_inside(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as many places as in the real ones, but small
    monkeypatch.setattr(large_files, "REGION", REGION)
    files = LargeFiles(tmp_path / "large", 8)
    files.ensure()
    before = contents(files)
    assert digest(before) == "15f69d028df383e7"
    assert len(before) == 20 and sum(map(len, before.values())) >> 20 == 8
    with wave.open(str(next(path for path in files.files() if path.suffix == ".wav"))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)

    files.change(1)
    after = contents(files)
    assert before.keys() == after.keys()
    recordings = [name for name in before if name.endswith(".wav")]
    different = sum(left != right for name in recordings for left, right in zip(before[name], after[name]))
    assert 0.8 * REGION < different <= REGION
    dumps = [name for name in before if name.endswith(".sql")]
    rows = [set(version[name].split(b"\n")) for version in (before, after) for name in dumps]
    kept = sum(len(old & new) for old, new in zip(rows[: len(dumps)], rows[len(dumps) :]))
    assert 0.97 < kept / sum(map(len, rows[: len(dumps)])) < 0.99

    LargeFiles(tmp_path / "large", 8).ensure()
    assert contents(files) == before
