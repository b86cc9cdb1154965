# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of 2 GiB is backed up and restored by the modules themselves, in little memory."""

from __future__ import annotations

import os
import pathlib
import re
import threading
from collections.abc import Iterator

import pytest

from lab.controller import Controller
from lab.host import Host
from lab.hosts import Fleet
from lab.recovery import Recovery, result_of

LIMIT = 200 * 2**20
SIZE = 2 * 2**30
FILE = "/srv/recordings/2026.wav"


class PeakMemory:
    """The most memory that any single process of a host ever held, in bytes, while the block runs."""

    def __init__(self, host: Host) -> None:
        self._namespace = os.readlink(f"/proc/{host.pid}/ns/pid")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.bytes = 0
        self.seen = 0

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            for peak in self._peaks():
                self.seen += 1
                self.bytes = max(self.bytes, peak)

    def _peaks(self) -> Iterator[int]:
        for folder in pathlib.Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and os.readlink(folder / "ns/pid") == self._namespace:
                    found = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
                    if found:
                        yield int(found[1]) * 1024
            except OSError:
                continue


@pytest.fixture(scope="module")
def recorder(fleet: Fleet, controller: Controller) -> Host:
    host = fleet.add("recorder")
    noise = "openssl enc -aes-128-ctr -pass pass:seed -nosalt -pbkdf2 </dev/zero 2>/dev/null | head -c 1G"
    text = "yes 'INSERT INTO cdr VALUES (1001, 1002, 42);' | head -c 1G"
    host.run(f"mkdir -p /srv/recordings && {{ {noise}; {text}; }} >{FILE}", timeout=300)
    controller.meet()
    return host


def test_two_gibibytes_go_there_and_back_in_little_memory(recorder: Host, controller: Controller) -> None:
    recovery = Recovery.create(controller)
    options = {"system_config": False, "paths": [{"path": [FILE], "name": "recordings", "data_class": "user_data"}]}
    before = recorder.output(["stat", "-c", "%s %a %U %Y", FILE]), recorder.output(["sha256sum", FILE])
    assert before[0].startswith(f"{SIZE} ")
    with PeakMemory(controller.backup_host) as backup:
        play = recovery.back_up(recorder, product="linux", **options)
    assert play.passed, play.output
    assert result_of(play)["generation"]["bytes_read"] == SIZE
    recorder.run(["rm", FILE])
    with PeakMemory(controller.backup_host) as restore:
        play = recovery.restore(recorder, product="linux", **options)
    assert play.passed, play.output
    assert (recorder.output(["stat", "-c", "%s %a %U %Y", FILE]), recorder.output(["sha256sum", FILE])) == before
    for peak in (backup, restore):
        assert peak.seen > 100, "the processes of the backup host were not seen"
        assert 40 * 2**20 < peak.bytes < LIMIT, f"{peak.bytes / 2**20:.0f} MiB"
