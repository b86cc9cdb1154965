# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the store against restic, borg and tar|zstd|age on the same data, taking turns in the same run.

Set a: 1,000 hosts with 20 small configuration files each, a generation for each host. Set b: 1 GiB of SQL dumps and
audio. Set series: the bytes that are stored after 30 backups, each after a change. Data and repositories stand below
build/bench; restores go to /dev/shm.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence

import report
from contenders import (
    PHASES,
    Borg,
    Contender,
    Ours,
    OursPerHost,
    OursReadingAll,
    Restic,
    ResticForced,
    ResticPerHost,
    TarZstdAge,
)
from large_files import SOURCE, LargeFiles
from many_hosts import ManyHosts
from measure import Stored, Usage, go_before_others, run, stored, warm
from results import Results
from sections import section, with_section

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
LARGE = 256 * 1024
SETTLED = 61.0
QUICK = {
    "hosts": 100,
    "mebibytes": 128,
    "repetitions": 1,
    "per_host": 5,
    "generations": 5,
    "series_hosts": 5,
    "series_mebibytes": 64,
}


class Bench:
    """One run: its data, its repositories, what it measured."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.work = pathlib.Path(options.work).resolve()
        self.runs = self.work / "runs"
        self.target = pathlib.Path(options.restore_to)
        self.log = self.work / "log.txt"
        self.results = Results()
        self._number = 0

    def go(self) -> None:
        """Measure what is asked for."""
        shutil.rmtree(self.runs, ignore_errors=True)
        (self.work / "data").mkdir(parents=True, exist_ok=True)
        self.results.facts = facts(self.options)
        try:
            if "a" in self.options.sets:
                self.measure_fleet()
            if "b" in self.options.sets:
                self.measure_large()
            if "series" in self.options.sets:
                self.measure_series()
        finally:
            shutil.rmtree(self.target, ignore_errors=True)
            if not self.options.keep:
                # not between measurements: a file system is slow with new files while it remembers removed ones
                shutil.rmtree(self.runs, ignore_errors=True)

    # --- sets ---
    def measure_fleet(self) -> None:
        """Set a."""
        fleet = self._fleet()
        hosts = fleet.hosts
        some = hosts[: self.options.per_host]
        for repetition in range(self.options.repetitions):
            kinds: list[tuple[type[Contender], list[str]]] = [
                (Ours, hosts),
                (Restic, hosts),
                (Borg, hosts),
                (TarZstdAge, hosts),
            ]
            if repetition == 0:
                kinds += [(OursPerHost, some), (ResticPerHost, some)]
            self._measure("a", fleet, kinds, repetition)

    def measure_large(self) -> None:
        """Set b."""
        files = LargeFiles(self.work / "data" / "large", self.options.mebibytes)
        say(f"data of set b: {self.options.mebibytes} MiB")
        files.ensure()
        for repetition in range(self.options.repetitions):
            kinds = [(kind, [SOURCE]) for kind in (Ours, OursReadingAll, Restic, ResticForced, Borg, TarZstdAge)]
            self._measure("b", files, kinds, repetition)

    def measure_series(self) -> None:
        """Many generations: what all of them take up."""
        fleet = self._fleet()
        some = fleet.hosts[: self.options.series_hosts]
        self._measure_series("(b)", self._series_files(), ((Ours, [SOURCE]), (Restic, [SOURCE]), (Borg, [SOURCE])))
        self._measure_series("(a)", fleet, ((Ours, fleet.hosts), (Restic, fleet.hosts), (Borg, fleet.hosts)))
        self._measure_series(f"(a), {len(some)} hosts", fleet, ((Ours, some), (ResticPerHost, some)))

    def _series_files(self) -> LargeFiles:
        return LargeFiles(self.work / "data" / "series", self.options.series_mebibytes)

    def _measure_series(
        self, subject: str, data: ManyHosts | LargeFiles, kinds: Sequence[tuple[type[Contender], list[str]]]
    ) -> None:
        data.ensure()
        contenders = [self._prepared(kind, data, sources) for kind, sources in kinds]
        empty = [stored(contender.repository) for contender in contenders]
        states: dict[str, list[Stored]] = self.results.series.setdefault(subject, {})
        usages: dict[str, Usage] = self.results.series_usages.setdefault(subject, {})
        for generation in range(self.options.generations):
            if generation:
                data.change(generation)
            for contender, nothing in zip(contenders, empty):
                usage = self._run(contender, "changed")
                usages[contender.name] = usages.get(contender.name, Usage(0, 0, 0)).plus(usage)
                states.setdefault(contender.name, []).append(stored(contender.repository).minus(nothing))
        for name, usage in usages.items():
            last = states[name][-1]
            say(f"{subject} x {self.options.generations}: {name:32}{usage.wall:8.1f} s {last.apparent >> 10:9} KiB")

    # --- one round ---
    def _measure(
        self,
        group: str,
        data: ManyHosts | LargeFiles,
        kinds: Sequence[tuple[type[Contender], list[str]]],
        repetition: int,
    ) -> None:
        data.ensure()
        sizes = [path.stat().st_size for path in data.files()]
        self.results.sizes[group] = {"bytes": sum(sizes), "files": len(sizes)}
        contenders = [self._prepared(kind, data, sources) for kind, sources in kinds]
        empty = [stored(contender.repository) for contender in contenders]
        settle(data.files())
        for position, phase in enumerate(PHASES):
            if phase == "changed":
                data.change(1)
            # nobody is always the first, nor always behind the same one, whose libraries may be his own
            turn = (repetition + position) % len(contenders)
            order = contenders[turn:] + contenders[:turn]
            for contender in order[:: -1 if repetition % 2 else 1]:
                warm([*data.files(), *(path for path in contender.repository.rglob("*") if path.is_file())])
                self._measure_phase(group, contender, phase)
        for contender, nothing in zip(contenders, empty):
            # what an empty repository takes up does not grow with the hosts
            state = stored(contender.repository).minus(nothing).times(contender.scale)
            self.results.stored.setdefault(group, {}).setdefault(contender.name, state)

    def _measure_phase(self, group: str, contender: Contender, phase: str) -> None:
        if phase == "verify" and contender.verify() is None:
            return
        usage = self._run(contender, phase)
        self.results.add(group, contender.name, phase, usage.times(contender.scale))
        what = f"({group}) {phase:10}{contender.name:36}"
        say(f"{what}{usage.wall:8.2f} s {usage.cpu:8.2f} s CPU {usage.memory >> 20:5} MiB")
        if phase == "verify" and contender.name == Ours.name:
            usage = run(contender.verify_hashes(), contender.environment, self.log)
            self.results.add(group, contender.name, "verify_hashes", usage.times(contender.scale))

    def _run(self, contender: Contender, phase: str) -> Usage:
        if phase != "restore":
            return run(contender.commands(phase, self.target) or [], contender.environment, self.log)
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir(parents=True)
        usage = run(contender.restore(self.target), contender.environment, self.log)
        for source in contender.sources:
            compare(contender.tree / source, self.target / source)
        return usage

    def _prepared(self, kind: type[Contender], data: ManyHosts | LargeFiles, sources: list[str]) -> Contender:
        self._number += 1
        folder = self.runs / str(self._number)
        folder.mkdir(parents=True)
        whole = len(data.hosts) if isinstance(data, ManyHosts) else 1
        contender = kind(folder, data.path, sources, whole / len(sources))
        run(contender.prepare(), contender.environment, self.log)
        return contender

    def _fleet(self) -> ManyHosts:
        say(f"data of set a: {self.options.hosts} hosts")
        fleet = ManyHosts(self.work / "data" / "fleet", self.options.hosts)
        fleet.ensure()
        return fleet


def compare(tree: pathlib.Path, restored: pathlib.Path) -> None:
    """Raise RuntimeError unless two trees have the same files with the same content."""
    done = subprocess.run(["diff", "-rq", str(tree), str(restored)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"what was restored differs: {done.stdout[:500]}{done.stderr[:500]}")


def settle(files: Iterable[pathlib.Path]) -> None:
    """Wait until nobody touched a large file for a minute: no host has data that was made a moment before, and our
    store would not believe its times."""
    found = [path.stat() for path in files]
    touched = max((status.st_ctime for status in found if status.st_size >= LARGE), default=0.0)
    time.sleep(max(0.0, SETTLED - (time.time() - touched)))


def say(text: str) -> None:
    """Print now, also when the output is a file."""
    print(text, flush=True)


def _first_line(*argv: str) -> str:
    text = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    return text.splitlines()[0] if text else "?"


def _field(path: str, name: str) -> str:
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "?"


def facts(options: argparse.Namespace) -> dict[str, object]:
    """The machine, the programs, the options."""
    import cryptography
    import fastcdc
    import zstandard

    return {
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "cpu": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} shared cores",
        "memory_kib": int(_field("/proc/meminfo", "MemTotal").split()[0]),
        "file_system": _first_line("stat", "--file-system", "--format=%T", options.work),
        "kernel": platform.release(),
        "versions": {
            "python": platform.python_version(),
            "cryptography": cryptography.__version__,
            "zstandard": zstandard.__version__,
            "fastcdc": getattr(fastcdc, "__version__", "?"),
            "restic": _first_line("restic", "version").split()[1],
            "borg": _first_line("borg", "--version").split()[1],
            "age": _first_line("age", "--version"),
            "zstd": _first_line("zstd", "-q", "--version"),
        },
        "options": {name: value for name, value in vars(options).items() if name in (*QUICK, "sets", "urgent")},
    }


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=("a", "b", "series"), default=["a", "b", "series"])
    parser.add_argument("--quick", action="store_true", help="small sets, to see whether everything works")
    parser.add_argument("--hosts", type=int, default=1000, help="set a")
    parser.add_argument("--mebibytes", type=int, default=1024, help="set b")
    parser.add_argument("--repetitions", type=int, default=3, help="the best one counts")
    parser.add_argument("--per-host", type=int, default=100, help="hosts of set a with a process each, extrapolated")
    parser.add_argument("--generations", type=int, default=30, help="set series")
    parser.add_argument("--series-hosts", type=int, default=20, help="hosts of set series with a snapshot each")
    parser.add_argument("--series-mebibytes", type=int, default=128, help="set series, of the files of set b")
    parser.add_argument("--urgent", action="store_true", help="go before others on a shared machine; needs root")
    parser.add_argument("--work", default=str(ROOT / "build" / "bench"), help="for data and repositories")
    parser.add_argument("--restore-to", default="/dev/shm/ucops-bench", help="is removed at the end")
    parser.add_argument("--keep", action="store_true", help="keep the repositories")
    parser.add_argument("--results", help="where to keep the measurements; default: results.json in the work folder")
    parser.add_argument("--report-only", action="store_true", help="measure nothing, use the measurements kept there")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCUMENT.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    if options.quick:
        for name, value in QUICK.items():
            setattr(options, name, value)
    return options


def main() -> int:
    """Measure and print; 0 even where a target is missed, as that is a finding and no failure."""
    options = parse(sys.argv[1:])
    pathlib.Path(options.work).mkdir(parents=True, exist_ok=True)
    kept = pathlib.Path(options.results or pathlib.Path(options.work) / "results.json")
    if options.report_only:
        results = Results.load(kept)
    else:
        if options.urgent:
            go_before_others()
        bench = Bench(options)
        try:
            bench.go()
        finally:
            bench.results.save(kept)
        results = bench.results
    say(report.plain(results))
    if options.write_docs:
        page = report.document(results, pathlib.Path(__file__).with_name("page.md").read_text())
        DOCUMENT.write_text(with_section(page, "fleet", section(DOCUMENT.read_text(), "fleet")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
