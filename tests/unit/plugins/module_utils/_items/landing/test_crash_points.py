# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process ends before, in and after every single call that changes something. Nothing is lost, and nothing is in
the repository twice. The repository is a list here, whose append is the commit."""

from __future__ import annotations

import os
import pathlib
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from support.thoroughness import sample

from ansible_collections.ucops.recovery.plugins.module_utils._items.landing import claiming, durable, kept, scanning
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.claiming import (
    Afterwards,
    NotTaken,
    finish,
    recover,
    take,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.grouping import Selection, batches
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.judging import Patience, Watch
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.kept import Kept
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.scanning import look
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.zone import Zone

FILES = {
    "alone": {b"a.sar": b"alone" * 100},
    "in a folder": {b"starface-backup/Default/a.sar": b"deep" * 100},
    "two": {b"a": b"first" * 99, b"b": b"second" * 99},
    "a set": {b"x/1": b"part one" * 9, b"x/2": b"part two" * 9, b"x/3": b"part three" * 9},
}


class Killed(BaseException):
    """The process is no more."""


class Machine:
    """Stands in for the module os: counts the calls that change something, and ends at one of them."""

    NAMES = ("open", "rename", "link", "unlink", "mkdir", "rmdir")
    CALLS = (*NAMES, "write", "chmod", "chown", "fchmod", "fchown", "fsync")

    def __init__(self, stop_at: int | None = None, how: str = "after") -> None:
        self.stop_at = stop_at
        self.how = how
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.CALLS:
            return real

        def call(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **named)
            # what these tests ask does not depend on disks
            return self.step((lambda: None) if name == "fsync" else lambda: real(*arguments, **named), name, arguments)

        return call

    def step(self, do: Any, name: str = "", arguments: Any = ()) -> Any:
        self.count += 1
        if self.stop_at is None or self.count < self.stop_at:
            return do()
        if self.how == "torn" and name == "write":
            os.write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        elif self.how == "after" and self.count == self.stop_at:
            do()
        raise Killed


def run(zone: Zone, repository: list[dict[bytes, bytes]], machine: Machine, afterwards: Afterwards, group: str) -> None:
    """What the module does, with the machine's calls."""

    def ingest(claim: Any) -> None:
        content = {
            one.facts.name: pathlib.Path(os.fsdecode(claim.place(number))).read_bytes()
            for number, one in enumerate(claim.files)
        }
        if content not in repository:
            machine.step(lambda: repository.append(content))
        finish(claim)

    with ExitStack() as stack:
        for module in (claiming, scanning):
            stack.enter_context(mock.patch.object(module, "being_written", lambda files, ignore: ({}, True)))
        for module in (claiming, durable, kept, scanning):
            stack.enter_context(mock.patch.object(module, "os", machine))
        stack.enter_context(zone.lock())
        for claim in recover(zone):
            ingest(claim)
        watch = Watch(Patience(2, 0))
        ledger = Kept.load(zone)
        for _round in range(2):
            seen = look(zone)
            new = {name: facts for name, facts in seen.files.items() if not ledger.holds(facts)}
            arrivals = watch.feed(replace(seen, files=new, being_written={}))
        for batch in batches(arrivals, Selection(group_by=group)):
            ingest(take(zone, batch, "", afterwards))


def make(folder: pathlib.Path, files: dict[bytes, bytes]) -> Zone:
    (folder / "incoming").mkdir(parents=True)
    (folder / "taken").mkdir(mode=0o700)
    zone = Zone(os.fsencode(folder))
    for name, content in files.items():
        path = os.path.join(zone.incoming, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(content)
    return zone


def contents(folder: bytes) -> list[bytes]:
    found = []
    for where, _folders, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as handle:
                found.append(handle.read())
    return found


FIRST = {"before": 0, "torn": 1, "after": 2}


@pytest.mark.parametrize("how", FIRST)
@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("case", sorted(FILES))
def test_killed_anywhere_nothing_is_lost_or_doubled(tmp_path, case, keeps, how):
    files = FILES[case]
    group = "all" if case == "a set" else "file"
    afterwards = Afterwards(keeps, 5)
    whole = Machine()
    run(make(tmp_path / "whole", files), [], whole, afterwards, group)
    assert whole.count > 12
    for stop_at in sample(range(1, whole.count + 1), 4, first=FIRST[how]):
        zone = make(tmp_path / str(stop_at), files)
        repository: list[dict[bytes, bytes]] = []
        with pytest.raises(Killed):
            run(zone, repository, Machine(stop_at, how), afterwards, group)
        lying = contents(zone.folder)
        stored = [content for one in repository for content in one.values()]
        assert all(content in lying or content in stored for content in files.values()), stop_at
        for _again in range(2):
            run(zone, repository, Machine(), afterwards, group)
        stored = [content for one in repository for content in one.values()]
        assert sorted(stored) == sorted(files.values()), stop_at
        assert [name for name in os.listdir(zone.taken) if not name.startswith(b".")] == [], stop_at
        assert sorted(contents(zone.incoming)) == (sorted(files.values()) if keeps else []), stop_at


def test_killed_twice_in_a_row(tmp_path):
    files = FILES["two"]
    whole = Machine()
    run(make(tmp_path / "whole", files), [], whole, Afterwards(True, 5), "file")
    for first in sample(range(1, whole.count + 1, 4), 3):
        for second in range(1, 12, 3):
            zone = make(tmp_path / f"{first}-{second}", files)
            repository: list[dict[bytes, bytes]] = []
            for stop_at in (first, second):
                try:
                    run(zone, repository, Machine(stop_at), Afterwards(True, 5), "file")
                except Killed:
                    continue
            run(zone, repository, Machine(), Afterwards(True, 5), "file")
            assert sorted(content for one in repository for content in one.values()) == sorted(files.values())


def test_nothing_is_removed_before_the_commit(tmp_path):
    """The only calls that remove a content come after the append."""
    zone = make(tmp_path, FILES["a set"])
    repository: list[dict[bytes, bytes]] = []
    real = os.unlink

    def unlink(path: Any, **how: Any) -> None:
        name = os.path.basename(os.fsencode(path))
        if name.isdigit():
            assert len(repository) == 1
        real(path, **how)

    machine = Machine()
    with mock.patch.object(os, "unlink", unlink):
        run(zone, repository, machine, Afterwards(), "all")
    assert contents(zone.incoming) == []


@pytest.fixture
def zone(tmp_path):
    return make(tmp_path, {b"sub/a": b"content", b"b": b"other"})


def stable(zone: Zone, group: str = "file") -> list[Any]:
    watch = Watch(Patience(2, 0))
    watch.feed(look(zone))
    return batches(watch.feed(look(zone)), Selection(group_by=group))


def read(zone: Zone, name: bytes) -> bytes:
    with open(os.path.join(zone.incoming, name), "rb") as handle:
        return handle.read()


def test_a_file_that_was_touched_after_the_judgement_stays(zone):
    batch = next(one for one in stable(zone) if one.names == (b"b",))
    with open(os.path.join(zone.incoming, b"b"), "ab") as handle:
        handle.write(b"x")
    with pytest.raises(NotTaken):
        take(zone, batch, "")
    assert read(zone, b"b") == b"otherx" and recover(zone) == []


def test_one_touched_file_sends_all_of_its_batch_back(zone):
    (batch,) = stable(zone, "all")
    os.chmod(os.path.join(zone.incoming, b"sub/a"), 0o640)
    batch = stable(zone, "all")[0]
    with open(os.path.join(zone.incoming, b"sub/a"), "ab"), pytest.raises(NotTaken, match="opened for writing"):
        take(zone, batch, "")
    assert read(zone, b"b") == b"other" and read(zone, b"sub/a") == b"content"
    assert os.stat(os.path.join(zone.incoming, b"sub/a")).st_mode & 0o777 == 0o640
    assert [name for name in os.listdir(zone.taken) if not name.startswith(b".")] == []


@pytest.mark.parametrize("trick", ["symlink", "folder", "fifo", "gone", "hardlink", "replaced"])
def test_what_a_sender_puts_in_place_at_the_last_moment_is_not_taken(zone, tmp_path, trick):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(b"not yours")
    mode = (outside / "a").stat().st_mode
    (batch,) = [one for one in stable(zone) if one.names == (b"sub/a",)]
    path = os.path.join(zone.incoming, b"sub", b"a")
    if trick == "folder":
        os.rename(os.path.dirname(path), os.path.dirname(path) + b"2")
        os.symlink(outside, os.path.dirname(path))
    elif trick == "hardlink":
        os.link(path, path + b"2")
    else:
        os.unlink(path)
    if trick == "symlink":
        os.symlink(outside / "a", path)
    elif trick == "fifo":
        os.mkfifo(path)
    elif trick == "replaced":
        with open(path, "wb") as handle:
            handle.write(b"content")
    with pytest.raises(NotTaken):
        take(zone, batch, "")
    assert (outside / "a").read_bytes() == b"not yours" and (outside / "a").stat().st_mode == mode
    assert recover(zone) == []


@pytest.mark.parametrize("trick", ["symlink", "fifo", "replaced"])
def test_between_the_look_and_the_rename(zone, tmp_path, trick):
    """The very last moment: what was moved is not what was looked at. It goes back as it is."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"not yours")
    mode = outside.stat().st_mode
    (batch,) = [one for one in stable(zone) if one.names == (b"sub/a",)]
    path = os.path.join(zone.incoming, b"sub", b"a")
    real = os.rename

    def rename(source: Any, target: Any, **how: Any) -> None:
        if how:
            os.unlink(path)
            if trick == "symlink":
                os.symlink(outside, path)
            elif trick == "fifo":
                os.mkfifo(path)
            else:
                pathlib.Path(os.fsdecode(path)).write_bytes(b"content")
        real(source, target, **how)

    with mock.patch.object(os, "rename", rename), pytest.raises(NotTaken, match="replaced|touched"):
        take(zone, batch, "")
    assert outside.read_bytes() == b"not yours" and outside.stat().st_mode == mode
    assert os.path.lexists(path)
    assert [name for name in os.listdir(zone.taken) if not name.startswith(b".")] == []


def test_what_got_a_successor_is_not_lost_when_it_goes_back(zone):
    (batch,) = [one for one in stable(zone) if one.names == (b"b",)]
    claim = take(zone, batch, "")
    with open(os.path.join(zone.incoming, b"b"), "wb") as handle:
        handle.write(b"newer")
    assert claiming.put_back(claim) == [b"b"]
    assert read(zone, b"b") == b"newer"
    (again,) = recover(zone)
    assert pathlib.Path(os.fsdecode(again.place(0))).read_bytes() == b"other"


def test_a_folder_that_the_sender_removed_is_made_anew(zone):
    (batch,) = [one for one in stable(zone) if one.names == (b"sub/a",)]
    claim = take(zone, batch, "")
    os.rmdir(os.path.join(zone.incoming, b"sub"))
    assert claiming.put_back(claim) == [] and read(zone, b"sub/a") == b"content"


def test_a_full_disk_has_room_for_a_note(zone):
    recover(zone)
    real = os.write
    spare = os.path.join(zone.taken, durable.SPARE)

    def full(handle: int, data: Any) -> int:
        if os.path.exists(spare):
            raise OSError(28, "No space left on device")
        return real(handle, data)

    with mock.patch.object(os, "write", full):
        claim = take(zone, stable(zone)[0], "")
        finish(claim)
    assert len(contents(zone.incoming)) == 1
    recover(zone)
    assert os.path.getsize(spare) == durable.SPARE_SIZE


def test_kept_files_are_removed_only_untouched(zone):
    for batch in stable(zone):
        finish(take(zone, batch, "", Afterwards(True, 5)))
    assert len(contents(zone.incoming)) == 2
    path = os.path.join(zone.incoming, b"b")
    os.chmod(path, 0o600)
    with open(path, "wb") as handle:
        handle.write(b"a newer one that nobody has stored")
    with open(os.path.join(zone.incoming, b"c"), "wb") as handle:
        handle.write(b"c")
    (batch,) = [one for one in stable(zone) if one.names == (b"c",)]
    finish(take(zone, batch, "", Afterwards(True, 0)))
    assert contents(zone.incoming) == [b"a newer one that nobody has stored"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_whole_way_to_a_kept_file_is_out_of_its_senders_hands(tmp_path):
    """What the sender may rename or remove, he could replace. He may still make what is new, at every depth."""
    zone = make(tmp_path, {b"top/of/a": b"content"})
    folders = [os.path.join(zone.incoming, path) for path in (b"top", b"top/of")]
    for path in (*folders, os.path.join(folders[1], b"a")):
        os.chown(path, 12345, 12345)
    os.chmod(folders[0], 0o755)
    os.chmod(folders[1], 0o700)
    (batch,) = stable(zone)
    finish(take(zone, batch, "", Afterwards(True, 5)))
    for path in folders:
        status = os.stat(path)
        assert (status.st_uid, status.st_gid) == (0, 12345), path
        assert status.st_mode & 0o1730 == 0o1730 and not status.st_mode & 0o002, path
    assert os.stat(os.path.join(folders[1], b"a")).st_uid == 0 and kept.Kept.load(zone).names() == [b"top/of/a"]
