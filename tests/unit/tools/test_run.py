# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner of all checks: what fails is counted as failed, whatever it was that failed."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
import time
from types import ModuleType

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tools_run", ROOT / "tools" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(run: ModuleType, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder for tests that the runner takes for a part of the project."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "REPORTS", tmp_path)
    (tmp_path / "tests").mkdir()
    return tmp_path / "tests"


def suite(run: ModuleType, folder: pathlib.Path, text: str):  # type: ignore[no-untyped-def]
    (folder / "test_x.py").write_text(text)
    return run.run_suite(run.Suite("x", str(folder), workers=0, arguments=("-p", "no:cacheprovider"), limit=60))


def test_tests_are_counted(run: ModuleType, folder: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n@pytest.mark.skip\ndef test_c(): pass\n"
    text += "@pytest.fixture\ndef broken(): raise ValueError\ndef test_d(broken): pass\n"
    outcome = suite(run, folder, text)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 2, 1)


def test_tests_that_cannot_even_be_collected_are_a_failure(
    run: ModuleType, folder: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert suite(run, folder, "this is no Python\n").failed >= 1


def test_a_test_run_that_dies_is_a_failure(
    run: ModuleType, folder: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "conftest.py").write_text("import os\nos._exit(3)\n")
    outcome = suite(run, folder, "def test_a(): pass\n")
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert "3" in outcome.note


def test_a_report_of_an_earlier_run_counts_for_nothing(
    run: ModuleType, folder: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert suite(run, folder, "def test_a(): pass\n").passed == 1
    (folder / "conftest.py").write_text("import os\nos._exit(3)\n")
    assert suite(run, folder, "def test_a(): pass\n").passed == 0


def test_a_gate_fails_with_its_output(run: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run_gate(run.Gate("good", ("true",))).passed == 1
    assert "marker" not in capsys.readouterr().out
    outcome = run.run_gate(run.Gate("bad", ("sh", "-c", "echo marker; exit 4")))
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert "marker" in capsys.readouterr().out


def test_what_takes_too_long_is_killed_with_all_that_it_started(
    run: ModuleType, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    late = tmp_path / "late"
    command = ("sh", "-c", f"(sleep 2; touch {late}) & sleep 60")
    assert run.run_gate(run.Gate("slow", command, limit=1)).failed == 1
    assert time.monotonic() - began < 30
    time.sleep(1.5)
    assert not late.exists()


def test_gates_run_beside_a_suite_and_each_fails_by_itself(
    run: ModuleType, folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "test_x.py").write_text(
        "import os\ndef test_a(): assert os.environ['UCOPS_TESTS'] == 'quick', 'marker'\n"
    )
    gates = (run.Gate("good", ("true",)), run.Gate("bad", ("false",)))
    told = run.Suite("x", str(folder), workers=0, environment=(("UCOPS_TESTS", "quick"),), limit=60)
    assert [(one.passed, one.failed) for one in run.run_beside(gates, told)] == [(1, 0), (0, 1), (1, 0)]
    assert "1 passed" in capsys.readouterr().out
    without = run.Suite("x", str(folder), workers=0, environment=(("UCOPS_TESTS", ""),), limit=60)
    assert [(one.passed, one.failed) for one in run.run_beside(gates[:1], without)] == [(1, 0), (0, 1)]
    assert "marker" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("passed", "failed", "skipped", "code"), [(3, 0, 0, 0), (3, 0, 2, 0), (3, 1, 0, 1), (0, 0, 0, 1), (0, 0, 5, 1)]
)
def test_the_closing_line_and_the_exit_code(
    run: ModuleType, capsys: pytest.CaptureFixture[str], passed: int, failed: int, skipped: int, code: int
) -> None:
    outcomes = [run.Outcome("a", 1.0, passed, failed), run.Outcome("b", 1.0, 0, 0, skipped, "left out")]
    assert run.close(outcomes, 0.0) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"{passed} passed, {failed} failed, {skipped} skipped"
