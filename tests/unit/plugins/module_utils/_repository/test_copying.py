# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import shutil
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    NotAuthentic,
    RepositoryDamaged,
    RolledBack,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.copying import Copier, CopyReport
from ansible_collections.ucops.recovery.plugins.module_utils._repository.expiry import fate_of
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import object_name
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import RestoreJournal, open_restores
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import AllowedSigners
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import Trust, verify

from .conftest import SECRET, QuickBackend, Store
from .test_crash_points import HOWS, calls, copies, crash, points
from .test_prune import AGED, add_janitor, back_up, fill, hold, prune, pruned


@pytest.fixture
def store(store: Store) -> Store:
    return add_janitor(store)


@pytest.fixture
def second(store: Store, fast_path: pathlib.Path) -> Store:
    """The place of the second copy."""
    path = fast_path / "second"
    return replace(store, path=path, backend=QuickBackend(str(path)))


def copy(store: Store, second: Store, heads: dict[str, str] | None = None, **options: Any) -> CopyReport:
    allowed = AllowedSigners.parse(store.allowed_signers())
    return Copier(store.backend, second.backend, allowed, heads, **options).run()


def is_whole(store: Store, *, level: int = 1) -> bool:
    trust = Trust(AllowedSigners.parse(store.allowed_signers()))
    report = verify(store.backend, level, trust=trust)
    assert report.findings == []
    return report.verdict == "authentic"


def test_everything_is_taken_and_the_second_time_nothing(store: Store, second: Store) -> None:
    records = fill(store, 3)
    back_up(store, 1, source="sbc")
    hold(store, records[0], 2)
    with store.writer() as writer:
        journal = RestoreJournal.start(writer, "pbx", "kamailio", generation="pbx/kamailio/1")
    looked = copy(store, second, dry_run=True)
    assert not second.path.exists() and looked.objects == 16 and len(looked.generations) == 4
    report = copy(store, second)
    assert (report.objects, report.generations, report.records) == (looked.objects, looked.generations, 2)
    assert second.names() == store.names() and is_whole(second)
    assert [second.files(record) for record in records] == [store.files(record) for record in records]
    assert open_restores(second.backend, "pbx", "kamailio") == [journal.identifier]
    before = second.names()
    assert copy(store, second) == CopyReport(heads=report.heads) and second.names() == before
    back_up(store, 4)
    assert copy(store, second, report.heads).generations == ["pbx/kamailio/4"]


def test_a_pruning_is_not_carried_over(store: Store, second: Store) -> None:
    records = fill(store, 5)
    copy(store, second)
    prune(store, 5)
    prune(store, 13)
    assert not store.backend.exists(object_name(records[0].manifest[0]))
    back_up(store, 14)
    assert copy(store, second).findings == []
    assert pruned(second) == [] and is_whole(second)
    assert second.files(records[0])[b"/config"] == b"day 0 " * 40


def test_what_the_copy_never_had_is_named_as_pruned(store: Store, second: Store) -> None:
    records = fill(store, 5)
    prune(store, 5)
    prune(store, 13)
    report = copy(store, second)
    assert report.findings == [] and len(report.generations) == 5
    assert pruned(second) == [1, 2, 3] and is_whole(second)
    assert second.files(records[4])[b"/config"] == b"day 4 " * 40
    assert copy(store, second) == CopyReport(heads=report.heads)


def test_logs_that_the_copy_never_had(store: Store, second: Store) -> None:
    records = fill(store, 3)
    prune(store, 9, AGED)
    prune(store, 17, AGED)
    assert copy(store, second).findings == [] and is_whole(second)
    assert fate_of(second.backend, records[2]).expired_classes == {"logs"}
    assert second.files(records[2]) == {b"/config": b"day 2 " * 40, b"/lasting": b"lasting" * 40}


def test_a_copy_prunes_by_itself_and_takes_nothing_back(store: Store, second: Store) -> None:
    fill(store, 5)
    copy(store, second)
    prune(second, 5)
    prune(second, 13)
    report = copy(store, second)
    assert report.objects == 0 and report.findings == [] and pruned(second) == [1, 2, 3] and is_whole(second)


# --- a source that is not what it was --------------------------------------------------------------------------------
def refused(store: Store, second: Store, error: type[Exception], match: str, **options: Any) -> None:
    before = {name: (second.path / name).read_bytes() for name in second.names()} if second.path.exists() else {}
    with pytest.raises(error, match=match):
        copy(store, second, **options)
    after = {name: (second.path / name).read_bytes() for name in second.names()} if second.path.exists() else {}
    assert after == before


def test_a_source_that_was_rolled_back(store: Store, second: Store, fast_path: pathlib.Path) -> None:
    fill(store, 2)
    shutil.copytree(store.path, fast_path / "old")
    old = replace(store, path=fast_path / "old", backend=QuickBackend(str(fast_path / "old")))
    back_up(store, 3)
    report = copy(store, second)
    refused(old, second, RolledBack, "of pbx/kamailio is not in its line")
    back_up(old, 5)
    refused(old, second, RolledBack, "of pbx/kamailio is not in its line")
    shutil.rmtree(old.path / "commits")
    refused(old, second, RolledBack, "rolled back")
    # without an earlier copy only what the operator knows tells
    third = replace(second, path=fast_path / "third", backend=QuickBackend(str(fast_path / "third")))
    refused(old, third, RolledBack, "rolled back", heads=report.heads)


def test_a_source_that_was_swapped(store: Store, second: Store, fast_path: pathlib.Path) -> None:
    fill(store, 1)
    copy(store, second)
    other = Store.create(fast_path / "other")
    other.backup({"/x": b"x"})
    refused(other, second, NotAuthentic, "The source was swapped: it is the repository")
    allowed = AllowedSigners.parse(store.allowed_signers())
    with pytest.raises(NotAuthentic, match="not among the allowed signers"):
        Copier(other.backend, second.backend, allowed).run()


def test_an_older_keyring_is_refused_and_a_newer_one_is_taken(
    store: Store, second: Store, fast_path: pathlib.Path
) -> None:
    fill(store, 1)
    shutil.copytree(store.path, fast_path / "old")
    old = replace(store, path=fast_path / "old", backend=QuickBackend(str(fast_path / "old")))
    state = owner.read_state(store.backend)
    owner.apply_plan(store.backend, owner.plan_rotate_secret(state, SECRET, "another long secret here", work_factor=1))
    slots = set(load_keyring(old.backend).slots)
    copy(old, second)
    assert copy(store, second).keyring is True
    assert load_keyring(second.backend) == load_keyring(store.backend)
    assert all(second.backend.exists(f"keys/slots/{slot}.age") for slot in slots)
    refused(old, second, RolledBack, "its keyring has the serial")


# --- damage ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_object_is_not_taken_and_what_comes_later_is(store: Store, second: Store, damage: str) -> None:
    records = fill(store, 3)
    bundle = store.path / object_name(next(iter(records[1].objects.keys() - records[0].objects.keys())))
    intact = bundle.read_bytes()
    if damage == "remove":
        bundle.unlink()
    else:
        bundle.write_bytes(bytes([intact[0] ^ 1]) + intact[1:] if damage == "flip" else intact[:-1])
    report = copy(store, second)
    assert [name for name, _problem in report.findings] == [object_name(bundle.name)]
    assert "pbx/kamailio/2 needs it" in report.findings[0][1] and len(report.generations) == 3
    assert second.files(records[2]) == store.files(records[2])
    assert [finding.object for finding in verify(second.backend, 1).findings] == [object_name(bundle.name)]
    # the source was healed: so is the copy
    bundle.write_bytes(intact)
    assert copy(store, second).objects == 1
    assert is_whole(second)


def test_a_damaged_line_does_not_hold_up_the_others(store: Store, second: Store) -> None:
    fill(store, 2)
    back_up(store, 1, source="sbc")
    (store.path / "commits/pbx/kamailio/2.json").write_bytes(b"{}")
    report = copy(store, second)
    assert report.generations == ["sbc/kamailio/1"] and report.findings[0][0] == "commits/pbx/kamailio/2.json"
    assert is_whole(second)


def test_what_a_killed_run_left_goes_a_day_later(store: Store, second: Store) -> None:
    back_up(store, 1)
    copy(store, second)
    old, new = (second.path / "incoming" / name for name in ("copy-1-a", "copy-2-b"))
    for path in (old, new):
        path.write_bytes(b"half an object")
    os.utime(old, (0, 0))
    copy(store, second, dry_run=True)
    assert old.exists()
    copy(store, second)
    assert not old.exists() and new.exists()


def test_two_who_copy_at_the_same_time(store: Store, second: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose controller was killed goes on while the next one is at work."""
    records = fill(store, 3)
    hold(store, records[0], 2)
    fetch, meanwhile = Copier._fetch, [lambda: copy(store, second)]

    def with_another(copier: Copier, sha: str, size: int) -> Any:
        if meanwhile:
            assert len(meanwhile.pop()().generations) == 3
        return fetch(copier, sha, size)

    monkeypatch.setattr(Copier, "_fetch", with_another)
    report = copy(store, second)
    assert report.findings == [] and meanwhile == [] and is_whole(second)
    assert copy(store, second).generations == []


def test_who_writes_something_else_meanwhile_is_seen(
    store: Store, second: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 1)
    fetch = Copier._fetch

    def with_another(copier: Copier, sha: str, size: int) -> Any:
        if not second.backend.exists("commits/pbx/kamailio/1.json"):
            second.backend.create("commits/pbx/kamailio/1.json", b"of somebody else")
        return fetch(copier, sha, size)

    monkeypatch.setattr(Copier, "_fetch", with_another)
    with pytest.raises(RepositoryDamaged, match="Somebody else wrote"):
        copy(store, second)


def test_nothing_of_the_copy_is_overwritten(store: Store, second: Store) -> None:
    records = fill(store, 1)
    copy(store, second)
    name = object_name(records[0].manifest[0])
    (second.path / name).write_bytes(b"damaged")
    report = copy(store, second)
    assert report.findings == [(name, f"this copy's has 7 bytes instead of {records[0].manifest[1]}")]
    assert (second.path / name).read_bytes() == b"damaged"


def test_records_that_nobody_signed_are_not_taken(store: Store, second: Store) -> None:
    records = fill(store, 1)
    hold(store, records[0], 1)
    name = next(name for name in store.names() if name.startswith("holds/") and name.endswith(".json"))
    (store.path / name).write_bytes((store.path / name).read_bytes().replace(b"legal", b"Legal"))
    report = copy(store, second)
    assert [found for found, _problem in report.findings] == [name] and not second.backend.exists(name)


# --- the process ends, the power goes --------------------------------------------------------------------------------
@pytest.mark.parametrize("how", HOWS)
def test_a_copy_that_ends_anywhere(
    store: Store, second: Store, fast_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    fill(store, 2)
    copy(store, second)
    prune(store, 5, replace(AGED, grace=86400))
    records = [back_up(store, day) for day in (6, 7)]
    existed = second.names()

    def run(one: Store) -> None:
        copy(store, one)

    endless = copies(second, fast_path)
    total = calls(next(endless), monkeypatch, run, how)
    assert total > 12
    for point in points(total, how):
        one = next(endless)
        if not crash(one, monkeypatch, run, point, how):
            assert point > total - 8
            break
        assert existed <= one.names()
        assert verify(one.backend, 1).findings == []
        run(one)
        assert is_whole(one)
        assert [one.files(record) for record in records] == [store.files(record) for record in records]
