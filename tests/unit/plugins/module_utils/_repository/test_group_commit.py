# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.repositories import TestRepository, entry

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RepositoryDamaged, RepositoryError
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId, object_name
from ansible_collections.ucops.recovery.plugins.module_utils._repository.generation_writer import GenerationFacts
from ansible_collections.ucops.recovery.plugins.module_utils._repository.group_commit import FleetWriter, GroupCommits
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import verify

FACTS = GenerationFacts(phase="scheduled", contract={"config": "required"}, items={"config": {}})


@pytest.fixture
def store(tmp_path):
    return TestRepository.create(tmp_path)


@pytest.fixture
def writer(store):
    with FleetWriter(store.backend, WriterKey.load(str(store.writer_key_file))) as one:
        yield one


def prepare(writer, source, content=b"x", facts=FACTS):
    generation = writer.begin(source, "linux")
    generation.add(entry("/etc/hosts"), [content])
    return generation.finish(facts)


def damage(store, name):
    store.backend.replace(name, b"{}")


def commit_as_one_group(writer, prepared):
    """What each of some threads gets whose generations go together: its number, or its error."""
    held = threading.Event()
    writer._groups._one_by_one.submit(held.wait)
    with ThreadPoolExecutor(len(prepared)) as pool:
        waiting = [pool.submit(writer.commit, [one]) for one in prepared]
        deadline = time.monotonic() + 10
        while len(writer._groups._waiting) < len(prepared) and time.monotonic() < deadline:
            time.sleep(0.01)
        held.set()
        return [one.exception() or one.result()[0].record.sequence for one in waiting]


def test_a_damaged_old_record_fails_its_own_host_alone(store, writer):
    for content in (b"1", b"2"):
        writer.commit([prepare(writer, "pbx1", content)])
    change = replace(FACTS, phase="pre_change", change_id="CHG1")
    prepared = [prepare(writer, source, b"new", change) for source in ("pbx1", "pbx2")]
    damage(store, "commits/pbx1/linux/1.json")
    mine, other = commit_as_one_group(writer, prepared)
    assert isinstance(mine, RepositoryDamaged) and "pbx1/linux/1" in str(mine) and mine.details == {"committed": []}
    assert (other, writer.groups) == (1, 3)
    assert not any(store.backend.exists(object_name(sha)) for sha in prepared[0].file_keys)


def test_a_damaged_newest_record_of_another_writer_fails_its_own_host_alone(store, writer):
    prepared = [prepare(writer, source) for source in ("pbx1", "pbx2", "pbx2")]
    with FleetWriter(store.backend, WriterKey.load(str(store.writer_key_file))) as faster:
        faster.commit([prepare(faster, "pbx1")])
    damage(store, "commits/pbx1/linux/1.json")
    mine, *others = commit_as_one_group(writer, prepared)
    assert isinstance(mine, RepositoryDamaged) and "pbx1/linux/1" in str(mine)
    assert others == [1, 2]
    assert prepared[0].file_keys and not any(store.backend.exists(object_name(sha)) for sha in prepared[0].file_keys)


def test_many_threads_share_a_few_commits_and_each_has_its_own_generation(store, writer):
    held = threading.Event()
    commit = writer._groups._commit
    taken: list[int] = []

    def hold_the_first(prepared):
        taken.append(len(prepared))
        held.wait(20)
        return commit(prepared)

    writer._groups._commit = hold_the_first
    with ThreadPoolExecutor(8) as pool:
        waiting = [
            pool.submit(lambda name=name: writer.commit([prepare(writer, name)]))
            for name in map("pbx{}".format, range(8))
        ]
        deadline = time.monotonic() + 10
        while sum(taken) + len(writer._groups._waiting) < 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        held.set()
        done = [one.result()[0] for one in waiting]
    assert [str(one.generation_id) for one in done] == [f"pbx{number}/linux/1" for number in range(8)]
    assert writer.groups <= 2 and writer.bytes_read == 8
    assert verify(store.backend, 1).findings == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_bytes_count_while_they_are_read(writer, dry_run):
    generation = writer.begin("pbx1", "linux", dry_run=dry_run)
    seen = []

    def chunks():
        for _number in range(100):
            yield b"x" * 2**17
            seen.append(writer.bytes_read)

    generation.add(entry("/big"), chunks())
    generation.add(entry("/small"), [b"123"])
    assert writer.bytes_read == 100 * 2**17 + 3
    assert dry_run or any(0 < count < 100 * 2**17 for count in seen), "in the middle of a large file too"
    generation.abort()
    assert writer.bytes_read == 100 * 2**17 + 3


def test_an_error_reaches_everybody_in_the_group_and_speaks_of_nobody_else(writer):
    error = RepositoryError("No space left", committed=["pbx1/linux/1", "pbx2/linux/1"])

    def fail(prepared):
        raise error

    groups = GroupCommits(fail)
    with pytest.raises(RepositoryError, match="No space left") as raised:
        groups.commit([prepare(writer, "pbx1")])
    assert raised.value.details == {"committed": ["pbx1/linux/1"]}
    with pytest.raises(RepositoryError) as raised:
        groups.commit([prepare(writer, "pbx3")])
    assert raised.value.details == {}
    groups.close()


def test_what_was_given_up_is_not_committed_any_more(store, writer):
    late = prepare(writer, "pbx1")
    writer.refuse(ChainId("pbx1", "linux", ""))
    with pytest.raises(RepositoryError, match="too late"):
        writer.commit([late])
    assert list(store.backend.list("commits")) == []
    assert writer.commit([prepare(writer, "pbx2")])
