# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of measurements: the best one, targets, the page."""

from __future__ import annotations

import pathlib
import re
import sys

import pytest
from contenders import PHASES, Ours, Restic, ResticPerHost
from measure import Command, Stored, Usage, run, stored
from report import document, plain
from repository import parse
from results import Results
from support.thoroughness import thorough
from targets import verdicts

PAGE = (pathlib.Path(__file__).resolve().parents[3] / "benchmarks" / "page.md").read_text()


@pytest.fixture
def results() -> Results:
    """Ours takes half of restic's time with small files and all of it with large ones."""
    found = Results()
    for group, ours in (("a", 1.0), ("b", 2.0)):
        for phase in PHASES:
            for noise in (3.0, 1.0, 2.0):
                found.add(group, Ours.name, phase, Usage(ours * noise, ours, 40 << 20))
                found.add(group, Restic.name, phase, Usage(2.0 * noise, 4.0, 80 << 20))
        found.stored[group] = {Ours.name: Stored(10 << 20, 20 << 20, 7), Restic.name: Stored(20 << 20, 20 << 20, 3)}
        found.sizes[group] = {"bytes": 10**9, "files": 20}
    found.add("a", ResticPerHost.name, "first", Usage(10.0, 10.0, 1))
    found.series["(b)"] = {name: [Stored(n << 20, n << 20, n) for n in (1, 3)] for name in (Ours.name, Restic.name)}
    found.series_usages["(b)"] = {name: Usage(1.0, 1.0, 1) for name in (Ours.name, Restic.name)}
    found.facts = {
        "day": "2026-01-31",
        "cpu": "two cores",
        "memory_kib": 1 << 22,
        "file_system": "ext4",
        "kernel": "6.1",
        "versions": {"restic": "0.14"},
        "options": dict.fromkeys(vars(parse([])), 7),
    }
    return found


def test_the_least_of_all_repetitions_counts(results: Results) -> None:
    assert results.best("a", Ours.name, "first") == Usage(1.0, 1.0, 40 << 20)
    assert results.best("a", "nobody", "first") is None


def test_targets(results: Results) -> None:
    found = {verdict.what: verdict for verdict in verdicts(results)}
    to_single = found[f"(a) first, to {Restic.name}"]
    assert (to_single.ratio, to_single.cpu_ratio, to_single.most, to_single.is_met) == (0.5, 0.25, 1.5, True)
    per_host = found[f"(a) first, to {ResticPerHost.name}"]
    assert (per_host.ratio, per_host.most, per_host.is_met) == (0.1, 0.05, False)
    assert not found[f"(b) restore, to {Restic.name}"].is_met
    assert found[f"(b): bytes of files after 2 generations, to {Restic.name}"].is_met


def test_measurements_are_kept(results: Results, tmp_path: pathlib.Path) -> None:
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results


def test_the_page_says_everything(results: Results) -> None:
    page = document(results, PAGE)
    assert not re.search(r"@[a-z_]+@", page)
    assert "| (b) restore, to restic, one snapshot | 1.000 | 0.500 | 0.7 | **no** |" in page
    assert "(a) first, to restic, one snapshot" in plain(results)


@thorough
def test_only_a_program_itself_is_measured(tmp_path: pathlib.Path) -> None:
    # neither what ran before, nor who starts it
    larger = bytearray(400 << 20)
    busy = "x = bytearray(300 << 20); import time; time.sleep(0.2)"
    big = run([Command((sys.executable, "-c", busy), tmp_path)], {}, tmp_path / "log")
    small = run([Command((sys.executable, "-c", "pass"), tmp_path)] * 2, {}, tmp_path / "log")
    assert big.memory > 300 << 20 > small.memory
    assert big.wall > 0.2 and small.cpu > 0
    assert len(larger) > big.memory


def test_a_program_that_fails_is_no_measurement(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 3:\nit broke"):
        run([Command(("sh", "-c", "echo it broke >&2; exit 3"), tmp_path)], {}, tmp_path / "log")


def test_stored_bytes_count_blocks_and_folders(tmp_path: pathlib.Path) -> None:
    (tmp_path / "folder").mkdir()
    before = stored(tmp_path)
    (tmp_path / "folder" / "file").write_bytes(b"x" * 5000)
    after = stored(tmp_path).minus(before)
    assert (after.apparent, after.files) == (5000, 1)
    assert after.blocks >= 5000
