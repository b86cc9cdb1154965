# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures reading over SMB against Samba's own client, taking turns in the same run, from one server that demands
encryption: one large file, and a folder of many small ones. Needs root and the packages of the lab.

Ours is what a backup does: the item of a product, with facts, security descriptor and content of everything. Samba's
client takes contents only. Both are child processes, the start of the interpreter included.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import platform
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator

from measure import Command, Usage, go_before_others, run, warm

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
SECRET = "UCOPS_BENCH_SMB_PASSWORD"
USER = "Administrator"
RATE_TARGET, TIME_TARGET = 0.8, 1.5
"""Our rate for the large file is at least, our time for the small ones at most so many times that of smbclient."""


def read_as_a_backup(address: str, port: int, path: str) -> None:
    """What the child process does: gather a tree and drop what comes."""
    from support.collection import make_importable

    make_importable()
    from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
    from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_tree import WindowsTree
    from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions
    from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import (
        WindowsCommands,
        WindowsTransport,
    )

    class NoCommands(WindowsCommands):
        """Reading takes none."""

        host = address

        def close(self) -> None:
            """Nothing is open."""

    item = WindowsTree(name="bench", data_class="user_data", paths=[path])
    report = ItemReport("bench")
    files = SmbFiles(SmbOptions(address, port, USER, os.environ[SECRET]))
    with WindowsTransport(NoCommands(), files) as transport:
        count = size = 0
        for _entry, content in item.gather(transport, report):
            count += 1
            size += sum(map(len, content))
    if report.problems:
        raise SystemExit(f"{report.problems[0].path}: {report.problems[0].message}")
    sys.stdout.write(f"{count} entries, {size} bytes\n")


def fill(drive: pathlib.Path, mebibytes: int, files: int) -> Iterator[pathlib.Path]:
    """The data, always the same."""
    chance = random.Random(1)
    large = drive / "large"
    with large.open("wb") as stream:
        for _piece in range(mebibytes):
            stream.write(chance.randbytes(2**20))
    yield large
    folder = drive / "small"
    folder.mkdir()
    for number in range(files):
        path = folder / f"{number:05}.xml"
        path.write_bytes(b"<x>" + chance.randbytes(chance.randrange(200, 6000)) + b"</x>")
        yield path


def measure(options: argparse.Namespace) -> dict[tuple[str, str], list[Usage]]:
    """Wall time, CPU and memory of both clients, for both jobs, round by round."""
    from lab.windows.samba import SambaServer, why_not

    if why_not():
        raise SystemExit(why_not())
    found: dict[tuple[str, str], list[Usage]] = {}
    password = "bench-" + os.urandom(8).hex()
    with tempfile.TemporaryDirectory(prefix="ucops-bench-smb-", dir=options.work) as home:
        drive, landing = pathlib.Path(home) / "drive_c", pathlib.Path("/dev/shm") / pathlib.Path(home).name
        drive.mkdir()
        data = list(fill(drive, options.mebibytes, options.files))
        with SambaServer({"C$": drive}, {USER: password}) as server:
            ours = [
                sys.executable,
                str(pathlib.Path(__file__)),
                "--read-from",
                f"{server.address}:{server.port}",
                "--path",
            ]
            jobs = {
                ("large", "smbclient"): server.client("get large /dev/null"),
                ("large", "ucops"): [*ours, r"C:\large"],
                ("small", "smbclient"): server.client("prompt off; cd small; mget *"),
                ("small", "ucops"): [*ours, r"C:\small"],
            }
            for _round in range(options.repetitions):
                for job, argv in jobs.items():
                    warm(data)
                    landing.mkdir()
                    try:
                        usage = run([Command(argv, landing)], {SECRET: password}, pathlib.Path(home) / "log.txt")
                    finally:
                        shutil.rmtree(landing)
                    found.setdefault(job, []).append(usage)
                    sys.stderr.write(f"{job[0]:6} {job[1]:10} {usage.wall:6.2f} s wall, {usage.cpu:6.2f} s CPU\n")
    return found


def section(options: argparse.Namespace, found: dict[tuple[str, str], list[Usage]]) -> str:
    """What was measured, as a section of docs/benchmarks.md."""
    lines = [
        "| job | program | wall s (best / median) | CPU s | peak MiB | to smbclient |",
        "|---|---|---|---|---|---|",
    ]
    best = {job: min(usages, key=lambda usage: usage.wall) for job, usages in found.items()}
    ratio = {job: best[job, "ucops"].wall / best[job, "smbclient"].wall for job in ("large", "small")}
    names = {"large": f"one file of {options.mebibytes} MiB", "small": f"{options.files} files of 200 to 6,000 bytes"}
    for (job, program), usages in found.items():
        usage = best[job, program]
        middle = statistics.median(one.wall for one in usages)
        told = ""
        if program == "ucops":
            told = f"{1 / ratio[job]:.0%} of its rate" if job == "large" else f"{ratio[job]:.2f} x its time"
        cells = [
            names[job],
            program,
            f"{usage.wall:.2f} / {middle:.2f}",
            f"{usage.cpu:.2f}",
            f"{usage.memory >> 20}",
            told,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    kept = 1 / ratio["large"] >= RATE_TARGET and ratio["small"] <= TIME_TARGET
    demand = f"Demanded: at least {RATE_TARGET:.0%} of its rate, at most {TIME_TARGET} x its time."
    verdict = f"{demand} {'Kept' if kept else 'Missed'}."
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    return "\n".join([f"{machine}, {options.repetitions} rounds.", "", *lines, "", verdict])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--work", default=None, help="a folder on the disk to measure on")
    parser.add_argument("--read-from", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read_from:
        address, _colon, port = options.read_from.rpartition(":")
        read_as_a_backup(address, int(port), options.path)
        return
    go_before_others()
    print(section(options, measure(options)))


if __name__ == "__main__":
    main()
