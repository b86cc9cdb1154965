# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process ends at every single call that changes something, the power at every moment between two syncs."""

from __future__ import annotations

import os
import pathlib
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from support.thoroughness import sample

from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends import local
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import CommitRecord
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import RestoreJournal, open_restores
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import verify
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify_state import STATE_FILE

from .conftest import Files, Store

OLD: Files = {"/a": b"old a" * 50, "/b": b"kept b" * 50}
NEW: Files = {"/a": b"new a" * 50, "/b": b"kept b" * 50, "/large": random.Random(1).randbytes(300_000)}


RECORD = re.compile(r"/commits/.*[0-9]\.json\Z")


class Killed(BaseException):
    """The process is no more."""


class Machine:
    """Stands in for the module os: counts the calls that change something, and ends at one of them.

    :param how: whether the last call is done not at all or in its middle (C(torn)), or done (C(after))

    ``since_commit``: how many of the calls were made since a commit record was linked, that one included.
    """

    CALLS = ("open", "write", "link", "unlink", "mkdir", "makedirs", "replace", "fsync")

    def __init__(self, stop_at: int | None = None, how: str = "after") -> None:
        self.stop_at = stop_at
        self.how = how
        self.count = 0
        self.dead = False
        self.since_commit = 0
        self.names: dict[int, str] = {}
        self.unsynced_data: set[str] = set()
        self.unsynced_names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._counted(name, real) if name in self.CALLS else real

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if self.dead:
                raise Killed
            if name == "open" and not arguments[1] & os.O_CREAT:
                return self._do(name, real, arguments, options)
            self.count += 1
            if self.since_commit or (name == "link" and RECORD.search(arguments[1])):
                self.since_commit += 1
            if self.count == self.stop_at:
                self.dead = True
                if self.how == "torn" and name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                elif self.how == "after":
                    self._do(name, real, arguments, options)
                raise Killed
            return self._do(name, real, arguments, options)

        return call

    def _do(self, name: str, real: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        # what is synced is remembered, and nobody needs to wait for it
        result = None if name == "fsync" else real(*arguments, **options)
        if name == "open":
            self.names[result] = arguments[0]
            if arguments[1] & os.O_CREAT:
                self.unsynced_names.add(arguments[0])
        elif name == "write":
            self.unsynced_data.add(self.names[arguments[0]])
        elif name == "link":
            self.unsynced_names.add(arguments[1])
            if arguments[0] in self.unsynced_data:
                self.unsynced_data.add(arguments[1])
        elif name == "replace":
            self.unsynced_data.discard(arguments[0])
        elif name == "fsync":
            path = self.names[arguments[0]]
            self.unsynced_data.discard(path)
            self.unsynced_names = {one for one in self.unsynced_names if os.path.dirname(one) != path}
        return result

    def sync_all(self) -> None:
        """What the system's syncfs does."""
        self.unsynced_data.clear()
        self.unsynced_names.clear()

    def lose_power(self, names: bool) -> None:
        """What was not synced is gone: names, or what stands under them."""
        for path in self.unsynced_names if names else ():
            if os.path.exists(path):
                os.unlink(path)
        for path in self.unsynced_data:
            if os.path.exists(path):
                os.truncate(path, 0)


class CountedBackend(LocalBackend):
    """A folder on a machine that may end; every call to the system goes through it."""

    machine: Machine

    def _sync_file_system(self) -> bool:
        self.machine._counted("sync", self.machine.sync_all)()
        return True


@contextmanager
def machine(
    store: Store, monkeypatch: pytest.MonkeyPatch, stop_at: int | None, how: str
) -> Iterator[tuple[Store, Machine]]:
    one = Machine(stop_at, how)
    backend = CountedBackend(str(store.path), sync_all_from=4 if how.endswith("all") else 10_000)
    backend.machine = one
    with monkeypatch.context() as patch:
        patch.setattr(local, "os", one)
        yield store.on(backend), one


def copies(store: Store, fast_path: pathlib.Path) -> Iterator[Store]:
    """The same repository again and again."""
    number = 0
    while True:
        number += 1
        path = fast_path / f"copy-{number}"
        shutil.copytree(store.path, path, copy_function=os.link)
        yield replace(store, path=path, backend=type(store.backend)(str(path)))
        shutil.rmtree(path)


def calls(store: Store, monkeypatch: pytest.MonkeyPatch, run: Callable[[Store], object], how: str) -> int:
    with machine(store, monkeypatch, None, how) as (counted, one):
        run(counted)
        return one.count


# torn is before the call, but for a write; before one call is after the one before
HOWS = ["torn", "after", "lose names", "lose data", "lose names, all"]


def crash(
    store: Store, monkeypatch: pytest.MonkeyPatch, run: Callable[[Store], object], point: int, how: str
) -> Machine | None:
    """The machine that stopped at the point, None when the run ended before: objects have random names, so some runs
    make a folder less."""
    kind = "torn" if how == "torn" else "after"
    with machine(store, monkeypatch, point, kind + (" all" if how.endswith("all") else "")) as (counted, one):
        one.how = kind
        try:
            run(counted)
        except Killed:
            if how.startswith("lose"):
                one.lose_power(names="names" in how)
            return one
        assert one.count < point
        return None


def points(total: int, how: str, whole_end: int = 0) -> list[int]:
    """Where to end a run that makes so many calls; of the last ones none is left out."""
    return sample(range(1, total + 1), 5, first=HOWS.index(how), whole_end=whole_end)


def as_bytes(files: Files) -> dict[bytes, bytes]:
    return {path.encode(): content for path, content in files.items() if isinstance(content, bytes)}


def check_backup(store: Store, old: CommitRecord, existed: set[str]) -> bool:
    """Whether the new generation is there: it is complete, or invisible; whatever comes later works."""
    assert existed <= store.names()
    assert store.files(old) == as_bytes(OLD)
    assert verify(store.backend, 1).findings == []
    committed = store.backend.exists("commits/pbx/kamailio/2.json")
    if committed:
        assert store.files(store.record("pbx/kamailio/2")) == as_bytes(NEW)
    again = store.backup(NEW)
    assert again.record.sequence == (3 if committed else 2) and again.content_changed != committed
    assert store.files(again.record) == as_bytes(NEW)
    return committed


@pytest.mark.parametrize("how", HOWS)
def test_a_backup_that_ends_anywhere(
    store: Store, fast_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    old = store.backup(OLD).record
    existed = store.names()
    endless = copies(store, fast_path)
    total = calls(next(endless), monkeypatch, lambda one: one.backup(NEW), how)
    outcomes = []
    # the commit is at the end, and no run makes exactly as many calls as another
    for point in points(total + 8, how, whole_end=16):
        one = next(endless)
        stopped = crash(one, monkeypatch, lambda counted: counted.backup(NEW), point, how)
        if stopped is None:
            assert point > total - 8
            continue
        outcomes.append((stopped.since_commit, check_backup(one, old, existed)))
    assert total > 25
    # invisible, and from one call on committed; the calls before that one are not always as many
    committed = [is_there for _calls, is_there in sorted(outcomes)]
    assert committed == sorted(committed) and not committed[0] and committed[-1]
    assert not any(is_there for calls_since, is_there in outcomes if not calls_since)


@pytest.mark.parametrize("how", ["lose names, all"])
def test_a_group_that_ends_anywhere_is_committed_line_by_line(
    store: Store, fast_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    sources = ["a", "b", "c"]

    def run(one: Store) -> None:
        with one.writer() as repository:
            repository.commit([one.prepare(repository, {"/x": source.encode()}, source) for source in sources])

    endless = copies(store, fast_path)
    total = calls(next(endless), monkeypatch, run, how)
    for point in points(total, how):
        one = next(endless)
        if not crash(one, monkeypatch, run, point, how):
            assert point > total - 8
            break
        assert verify(one.backend, 1).findings == []
        for source in sources:
            if one.backend.exists(f"commits/{source}/kamailio/1.json"):
                assert one.files(one.record(f"{source}/kamailio/1")) == {b"/x": source.encode()}
        run(one)
        assert verify(one.backend, 1).checked["generations"] >= 3


@pytest.mark.parametrize("how", ["torn", "after", "lose names", "lose data"])
def test_a_verification_that_ends_anywhere(
    store: Store, fast_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    old = store.backup(OLD).record
    keys = store.keys_of(old)
    verify(store.backend, 1)
    existed = store.names()

    def run(one: Store) -> None:
        verify(one.backend, 2, file_keys=keys)

    endless = copies(store, fast_path)
    total = calls(next(endless), monkeypatch, run, how)
    assert total >= 8
    for point in points(total, how):
        one = next(endless)
        if not crash(one, monkeypatch, run, point, how):
            assert point > total - 8
            break
        assert existed - {STATE_FILE} <= one.names()
        report = verify(one.backend, 1)
        assert report.findings == [] and report.notes == []
        assert one.files(old) == as_bytes(OLD)
        assert one.files(one.backup(NEW).record) == as_bytes(NEW)


@pytest.mark.parametrize("how", HOWS)
def test_a_journal_that_ends_anywhere(
    store: Store, fast_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def run(one: Store) -> None:
        with one.writer() as repository:
            journal = RestoreJournal.start(repository, "pbx", "kamailio", generation="pbx/kamailio/1")
            states.append(open_restores(one.backend, "pbx", "kamailio") == [journal.identifier])
            journal.finish("restored")

    endless = copies(store, fast_path)
    states: list[bool] = []
    total = calls(next(endless), monkeypatch, run, how)
    seen = []
    for point in points(total, how):
        states.clear()
        one = next(endless)
        if not crash(one, monkeypatch, run, point, how):
            assert point > total - 8
            break
        assert verify(one.backend, 1).findings == []
        left = len(open_restores(one.backend, "pbx", "kamailio"))
        # once the start was told, only the end closes it
        assert left <= 1
        if states:
            assert states == [True]
            ended = any(name.endswith(".finished.json") for name in one.names())
            assert left == (0 if ended else 1)
        seen.append(left)
        # the restore that comes next can take its place, whatever it left behind
        replaced = open_restores(one.backend, "pbx", "kamailio")
        with one.writer() as repository:
            following = RestoreJournal.start(repository, "pbx", "kamailio", generation="pbx/kamailio/1")
            following.finish("restored", replaced)
        assert open_restores(one.backend, "pbx", "kamailio") == []
        assert verify(one.backend, 1).findings == []
    assert 1 in seen and seen[0] == 0
