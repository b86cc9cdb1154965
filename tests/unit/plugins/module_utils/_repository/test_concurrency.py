# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many processes write generations of one source at once."""

from __future__ import annotations

import multiprocessing
import os

from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import verify

from .conftest import Store

WRITERS = 16
ROUNDS = 3


def write(store: Store, writer: int, gate: object) -> None:
    """What one process does: its own generations, one after the other."""
    gate.wait()  # type: ignore[attr-defined]
    for number in range(ROUNDS):
        store.backup({f"/{writer}": b"%d-%d" % (writer, number), "/same": b"same" * 100}, run_id=f"{writer}-{number}")


def test_concurrent_writers_make_one_line_and_lose_nothing(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(WRITERS)
    processes = [context.Process(target=write, args=(store, writer, gate)) for writer in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * WRITERS
    records = load_chain(store.backend, "pbx", "kamailio")
    assert [record.sequence for record in records] == list(range(1, WRITERS * ROUNDS + 1))
    runs = [record.run_id for record in records]
    assert sorted(runs) == sorted(f"{writer}-{number}" for writer in range(WRITERS) for number in range(ROUNDS))
    for record in records:
        writer, _dash, number = str(record.run_id).partition("-")
        assert store.files(record) == {f"/{writer}".encode(): f"{writer}-{number}".encode(), b"/same": b"same" * 100}
    for writer in range(WRITERS):
        mine = [run for run in runs if run and run.startswith(f"{writer}-")]
        assert mine == sorted(mine), "a writer's own generations stay in their order"
    report = verify(store.backend, 1)
    assert report.findings == [] and report.notes == []
    assert store.backend.names("incoming") == []


def test_writers_of_different_sources_do_not_meet(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=lambda source: store.backup({"/a": source.encode()}, source), args=(f"pbx{number}",))
        for number in range(6)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 6
    for number in range(6):
        assert store.files(store.record(f"pbx{number}/kamailio/1")) == {b"/a": b"pbx%d" % number}
    assert os.path.isdir(f"{store.path}/objects")
