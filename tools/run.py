# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the project's checks and closes with one line: N passed, N failed, N skipped.

``run.py check`` runs most static gates and the unit tests, which take a sample of what they enumerate; ``run.py test``
runs all of both, and the tests that need real hosts. A gate counts as one check. What this machine cannot run is named
with its reason and counts as skipped. Called by the Makefile, which sets PATH, HOME and where Ansible finds the
collection.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections.abc import Iterator, Mapping

ROOT = pathlib.Path(__file__).resolve().parents[1]
STAGE = ROOT / ".stage"
REPORTS = ROOT / "build" / "reports"
PACKAGE = "ansible_collections.ucops.recovery.plugins.module_utils"


@dataclasses.dataclass(frozen=True)
class Gate:
    """A command that passes or fails as a whole. ``limit`` is in seconds."""

    name: str
    command: tuple[str, ...]
    cwd: pathlib.Path = ROOT
    limit: int = 600


@dataclasses.dataclass(frozen=True)
class Suite:
    """A folder of pytest tests, run in ``workers`` processes. ``limit`` is in seconds."""

    name: str
    folder: str
    workers: int = 2
    limit: int = 600
    python: pathlib.Path = pathlib.Path(sys.executable)
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came out of one gate or suite."""

    name: str
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ""


SANITY = Gate("ansible-test sanity", ("sh", "tests/sanity/run.sh", "others", "--skip-test", "pylint"))
# Without the import of every plugin by itself, once for each Python.
SANITY_QUICK = dataclasses.replace(SANITY, command=(*SANITY.command, "--skip-test", "import"))
DOCS = Gate("antsibull-docs", ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."))
LINT = Gate("ansible-lint", ("ansible-lint", "--offline", "--profile", "production"))
OTHER_GATES = (
    Gate("mypy", ("mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", PACKAGE), cwd=STAGE),
    Gate("ruff", ("ruff", "check", "--quiet", ".")),
    Gate("antsibull-changelog", ("antsibull-changelog", "lint")),
    Gate("ansible-builder", ("ansible-builder", "introspect", "--sanitize", str(STAGE))),
)
# The slowest of the sanity tests.
PYLINT = Gate("pylint", ("sh", "tests/sanity/run.sh", "pylint", "--test", "pylint"))
STATIC = (PYLINT, SANITY, LINT, DOCS, *OTHER_GATES)
# While somebody waits: all but those that take longest, pylint, the documentation's and ansible-lint.
STATIC_QUICK = (SANITY_QUICK, *OTHER_GATES)

# What is enumerated (each call at which a process may end, each byte that may flip) and what hypothesis makes up: in
# full by `make test` and by pytest alone, a sample of it while somebody waits. See tests/support/thoroughness.py.
UNIT = Suite("unit", "tests/unit", arguments=("--dist", "worksteal"), limit=900)
# Much of their time is waiting, so more of them than there are processors are done sooner.
UNIT_SAMPLE = dataclasses.replace(UNIT, environment=(("UCOPS_TESTS", "quick"),), workers=4)
OLDEST_ENV = ROOT / "build" / "oldest"
# The demo is for the machine of a developer.
OLDEST = Suite(
    "oldest",
    "tests/unit",
    python=OLDEST_ENV / "bin" / "python",
    arguments=("--dist", "load", "--ignore=tests/unit/demo"),
    limit=900,
)
# A file's hosts and servers are made once, and its tests look at what is theirs. More than two at a time gain nothing.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
HOSTS = (
    Suite("lab", "tests/lab", limit=2400, arguments=BY_FILE),
    Suite("integration", "tests/integration", limit=1800, arguments=BY_FILE),
)
MOLECULE = Gate("molecule", ("molecule", "test", "--all"), limit=900)
# The other scenarios put their hosts into namespaces, as the lab does.
MOLECULE_WITHOUT_ROOT = Gate("molecule", ("molecule", "test", "--scenario-name", "default"), limit=600)


def run_to_end(
    command: tuple[str, ...],
    limit: int,
    cwd: pathlib.Path = ROOT,
    output: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a command in a process group of its own and return its exit code and output.

    :param limit: seconds after which the whole group is killed
    :param environment: what it has beside ours
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            text, _none = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            text, _none = process.communicate()
            return 124, f"{text or ''}\nstopped after {limit} seconds"
        except BaseException:
            # Somebody stops us: let the tests take down what they have put up.
            os.killpg(process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, text or ""


def run_gate(gate: Gate) -> Outcome:
    """Run one gate; its output is shown only when it fails."""
    began = time.monotonic()
    code, text = run_to_end(gate.command, gate.limit, gate.cwd, subprocess.PIPE)
    seconds = time.monotonic() - began
    if code == 0:
        say(f"  ok    {gate.name} ({seconds:.0f} s)")
        return Outcome(gate.name, seconds, passed=1)
    say(f"  FAIL  {gate.name} ({seconds:.0f} s), exit code {code}: {' '.join(gate.command)}\n{text.rstrip()}")
    return Outcome(gate.name, seconds, failed=1, note=f"exit code {code}")


def run_gates(gates: tuple[Gate, ...]) -> Iterator[Outcome]:
    """Run gates two at a time, the slow ones first."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        yield from pool.map(run_gate, gates)


def run_beside(gates: tuple[Gate, ...], suite: Suite) -> list[Outcome]:
    """Run gates while a suite runs: tests wait now and then, and leave a processor idle."""
    say("== static checks and tests")
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(run_gate, gate) for gate in gates]
        tested = run_suite(suite, shown=False)
        return [*(each.result() for each in running), tested]


def run_suite(suite: Suite, shown: bool = True) -> Outcome:
    """Run one folder of pytest tests and count what it reports.

    :param shown: what pytest prints is seen while it runs, and not at its end
    """
    if shown:
        say(f"\n== {suite.name} tests")
    if not any((ROOT / suite.folder).rglob("test_*.py")):
        return Outcome(suite.name, note="has no tests yet")
    report = REPORTS / f"{suite.name}.xml"
    report.unlink(missing_ok=True)
    command = (
        str(suite.python),
        "-m",
        "pytest",
        "-q",
        "-rs",
        "--durations=5",
        f"--numprocesses={suite.workers}",
        f"--junitxml={report}",
        *suite.arguments,
        suite.folder,
    )
    began = time.monotonic()
    # Programs that a test calls come from the environment that the test runs in.
    environment = {"PATH": f"{suite.python.parent}:{os.environ['PATH']}", **dict(suite.environment)}
    code, text = run_to_end(command, suite.limit, output=None if shown else subprocess.PIPE, environment=environment)
    seconds = time.monotonic() - began
    if not shown:
        say(f"\n== {suite.name} tests\n{text.rstrip()}")
    passed, failed, skipped = count(report)
    note = ""
    if code != 0 and failed == 0:
        failed, note = 1, f"pytest ended with code {code}"
    return Outcome(suite.name, seconds, passed, failed, skipped, note)


def count(report: pathlib.Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a JUnit report; all zero when there is none."""
    try:
        root = xml.etree.ElementTree.parse(report).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 0, 0
    total = failed = skipped = 0
    for suite in root.iter("testsuite"):
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return max(0, total - failed - skipped), failed, skipped


def hosts_missing() -> str:
    """Why the test hosts cannot run here, or an empty text."""
    sys.path.insert(0, str(ROOT / "tests"))
    from lab.machine import why_not

    return why_not()


def say(text: str) -> None:
    """Print now, also when the output is a file."""
    print(text, flush=True)


def close(outcomes: list[Outcome], began: float) -> int:
    """Print the table and the closing line; return the exit code."""
    say("\n== summary")
    for outcome in outcomes:
        counts = f"{outcome.passed:5} passed {outcome.failed:3} failed {outcome.skipped:3} skipped"
        say(f"  {outcome.name:20} {counts} {outcome.seconds:6.0f} s  {outcome.note}".rstrip())
    say(f"  {time.monotonic() - began:.0f} s in all\n")
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("static", "check", "test", "oldest"))
    what = parser.parse_args().what
    REPORTS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    outcomes: list[Outcome] = []
    if what == "static":
        say("== static checks")
        outcomes = list(run_gates(STATIC))
    if what == "check":
        outcomes = run_beside(STATIC_QUICK, UNIT_SAMPLE)
    if what == "test":
        outcomes = run_beside(STATIC, UNIT)
    if what == "oldest":
        say("\n== oldest Python and libraries")
        made, _text = run_to_end(("sh", "tools/oldest.sh", "make", str(OLDEST_ENV)), 600, output=subprocess.PIPE)
        left_out = Outcome(OLDEST.name, skipped=1, note="left out: there is no Python 3.9 here")
        outcomes = [left_out if made else run_suite(OLDEST)]
    if what == "test":
        say("\n== molecule")
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        left_out = Outcome(MOLECULE.name, skipped=1, note="left out: needs an OpenSSH server (sshd)")
        reason = hosts_missing()
        outcomes.append(run_gate(MOLECULE_WITHOUT_ROOT if reason else MOLECULE) if sshd else left_out)
        for suite in HOSTS:
            left_out = Outcome(suite.name, skipped=1, note=f"left out: {reason}")
            outcomes.append(left_out if reason else run_suite(suite))
    return close(outcomes, began)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
