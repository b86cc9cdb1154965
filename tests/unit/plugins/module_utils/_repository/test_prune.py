# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ClockRefused,
    GenerationPruned,
    NotAuthentic,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import load_chain
from ansible_collections.ucops.recovery.plugins.module_utils._repository.expiry import bury, fate_of, load_fates
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    CommitRecord,
    GenerationId,
    object_name,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.generations import find_generation
from ansible_collections.ucops.recovery.plugins.module_utils._repository.holds import (
    HoldKeeper,
    active,
    load_holds,
    utc_text,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer, load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.prune import (
    Pruned,
    PruneOptions,
    PrunePlan,
    Pruner,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.retention import Policy
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import verify
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import GenerationFacts

from .conftest import Store, entry
from .test_crash_points import HOWS, calls, copies, crash, points

START = 1_780_000_000
DAY = 86400
KEY = SigningKey.from_seed(b"p" * 32)
LAST_TWO = PruneOptions(policy=Policy(last=2, open_for=0), allow_many=True)


def add_janitor(store: Store) -> Store:
    """The repository, with somebody in it who lets generations go."""
    store.change(signers=[Signer("janitor", KEY.public, ("prune",))])
    return store


@pytest.fixture
def store(store: Store) -> Store:
    return add_janitor(store)


def back_up(store: Store, day: float, content: bytes | None = None, **facts: Any) -> CommitRecord:
    """A generation of a day: a file that is new each day, one that stays, a log of another class."""
    source = facts.pop("source", "pbx")
    with store.writer(clock=lambda: START + day * DAY) as writer:
        generation = writer.begin(source, "kamailio")
        generation.add(entry("/config"), [content or f"day {day} ".encode() * 40])
        generation.add(entry("/lasting"), [b"lasting" * 40])
        generation.add(entry("/log", item="log", data_class="logs"), [f"log of {day} ".encode() * 40])
        return writer.commit([generation.finish(GenerationFacts(**facts))])[0].record


def fill(store: Store, days: int) -> list[CommitRecord]:
    return [back_up(store, day) for day in range(days)]


def prune(store: Store, day: float, options: PruneOptions = LAST_TWO) -> Pruned:
    pruner = Pruner(store.backend, options, KEY, lambda: START + day * DAY)
    return pruner.run(pruner.plan())


def going(plan: PrunePlan) -> list[int]:
    return [record.sequence for line in plan.lines for record in line.going]


def pruned(store: Store, source: str = "pbx", at: float = START) -> list[int]:
    records = load_chain(store.backend, source, "kamailio")
    if not records:
        return []
    fates = load_fates(store.backend, load_keyring(store.backend), records[0].chain, at)
    return [record.sequence for record in records if fates.of(record).pruned is not None]


def hold(store: Store, record: CommitRecord, day: float, kind: str = "legal", **facts: str) -> HoldKeeper:
    with store.writer() as writer:
        keeper = HoldKeeper(writer, utc_text(START + day * DAY))
        keeper.place(GenerationId.of(record), kind, until=facts.pop("until", ""), **facts)
    return keeper


# --- the whole life of a generation ----------------------------------------------------------------------------------
def test_a_generation_goes_in_two_steps_and_its_record_stays(store: Store) -> None:
    records = fill(store, 5)
    kept = [store.files(record) for record in records[3:]]
    first = prune(store, 5)
    assert first.removed_files == 0 and pruned(store) == [1, 2, 3]
    assert all(store.backend.exists(object_name(sha)) for record in records for sha, _size in record.needed_objects())
    with pytest.raises(GenerationPruned, match=r"pbx/kamailio/2 was pruned on 2026-.* by janitor: no rule keeps it"):
        store.keys_of(records[1])
    assert prune(store, 11).removed_files == 0
    second = prune(store, 12.1)
    assert second.removed_files > 0 and second.removed_bytes > 0
    assert not store.backend.exists(object_name(records[0].manifest[0]))
    assert [store.files(record) for record in records[3:]] == kept
    report = verify(store.backend, 2, file_keys=store.keys_of(*records[3:]))
    assert report.findings == [] and report.checked["generations"] == 5
    assert [note for note in report.notes if "was pruned" in note] == report.notes and len(report.notes) == 3
    assert len(load_chain(store.backend, "pbx", "kamailio")) == 5
    again = back_up(store, 13)
    assert again.sequence == 6 and store.files(again)[b"/lasting"] == b"lasting" * 40
    assert find_generation(store.backend, "pbx/kamailio/latest").sequence == 6


def test_pruning_twice_does_nothing_twice(store: Store) -> None:
    fill(store, 4)
    prune(store, 5)
    before = store.names()
    assert prune(store, 6) == Pruned()
    assert store.names() == before


def test_at_most_a_fifth_goes_without_being_told(store: Store) -> None:
    fill(store, 11)
    plan = Pruner(store.backend, replace(LAST_TWO, allow_many=False), None, lambda: START + 11 * DAY).plan()
    assert going(plan) == [1, 2]
    assert sum(one.is_deferred for one in plan.lines[0].decisions) == 7


def test_looking_writes_nothing(store: Store) -> None:
    fill(store, 4)
    before = store.names()
    pruner = Pruner(store.backend, LAST_TWO, None, lambda: START + 5 * DAY)
    assert going(pruner.plan()) == [1, 2]
    assert store.names() == before
    with pytest.raises(ValueError, match="without a key"):
        pruner.run(pruner.plan())


# --- holds -----------------------------------------------------------------------------------------------------------
def test_a_hold_keeps_and_brings_back(store: Store) -> None:
    records = fill(store, 5)
    hold(store, records[0], 4, reason="case 7", actor="anna")
    prune(store, 5)
    assert pruned(store) == [2, 3]
    hold(store, records[1], 6)
    assert pruned(store) == [3]
    prune(store, 20)
    assert store.files(records[1]) and store.files(records[0])
    with pytest.raises(GenerationPruned):
        store.files(records[2])
    assert verify(store.backend, 1).findings == []


def test_a_hold_that_was_released_or_ran_out_holds_no_more(store: Store) -> None:
    records = fill(store, 5)
    keeper = hold(store, records[0], 4)
    hold(store, records[1], 4, until=utc_text(START + 6 * DAY))
    prune(store, 5)
    assert pruned(store) == [3]
    (placed, _other) = load_holds(store.backend, load_keyring(store.backend), records[0].chain)
    keeper.release(placed, reason="done")
    prune(store, 7)
    assert pruned(store, at=START + 7 * DAY) == [1, 2, 3]


def test_a_hold_in_doubt_holds(store: Store) -> None:
    records = fill(store, 4)
    hold(store, records[0], 4)
    name = next(name for name in store.names() if name.startswith("holds/") and name.endswith(".json"))
    (store.path / f"{name}.sig").unlink()
    prune(store, 5)
    assert pruned(store) == [2]
    assert [finding.object for finding in verify(store.backend, 0).findings] == [name]


def test_a_change_is_open_while_it_is_held(store: Store) -> None:
    before = back_up(store, 0, phase="pre_change", change_id="C1")
    back_up(store, 1, phase="post_change", change_id="C1")
    keeper = hold(store, before, 1, kind="change", change_id="C1")
    for day in range(2, 6):
        back_up(store, day)
    prune(store, 6)
    assert pruned(store) == [3, 4]
    keeper.release(load_holds(store.backend, load_keyring(store.backend), before.chain)[0])
    prune(store, 7)
    assert pruned(store) == [1, 2, 3, 4]


# --- data classes ----------------------------------------------------------------------------------------------------
AGED = PruneOptions(max_ages={"logs": 3 * DAY})


def test_logs_go_by_their_age_and_the_configuration_stays(store: Store) -> None:
    records = fill(store, 6)
    hold(store, records[0], 5)
    prune(store, 6, AGED)
    assert store.files(records[1]) == {b"/config": b"day 1 " * 40, b"/lasting": b"lasting" * 40}
    assert b"/log" in store.files(records[0]) and b"/log" in store.files(records[4])
    assert prune(store, 14, AGED).removed_files >= 2
    assert store.files(records[1])[b"/lasting"] == b"lasting" * 40
    assert b"/log" in store.files(records[0])
    report = verify(store.backend, 2, file_keys=store.keys_of(*records))
    assert report.findings == []
    assert any(note.startswith("The logs of pbx/kamailio/2 were let go on") for note in report.notes)


def test_a_backup_builds_on_nothing_that_was_let_go(store: Store) -> None:
    with store.writer(clock=lambda: START) as writer:
        for number in range(2):
            generation = writer.begin("pbx", "kamailio")
            generation.add(entry("/config"), [b"the same" * 40])
            generation.add(entry("/log", item="log", data_class="logs"), [b"the same log" * 40])
            writer.commit([generation.finish(GenerationFacts())])
            if number == 0:
                prune(store, 5, AGED)
    first, second = load_chain(store.backend, "pbx", "kamailio")
    assert set(first.objects) & set(second.objects) and set(first.objects) != set(second.objects)
    prune(store, 14, AGED)
    assert store.files(second)[b"/config"] == b"the same" * 40
    with store.writer(clock=lambda: START + 15 * DAY) as writer:
        generation = writer.begin("pbx", "kamailio")
        generation.add(entry("/config"), [b"the same" * 40])
        generation.add(entry("/log", item="log", data_class="logs"), [b"the same log" * 40])
        third = writer.commit([generation.finish(GenerationFacts())])[0]
    assert third.warnings == () and store.files(third.record)[b"/log"] == b"the same log" * 40


# --- who may ---------------------------------------------------------------------------------------------------------
def test_a_stolen_writer_cannot_prune(store: Store) -> None:
    records = fill(store, 4)
    with pytest.raises(NotAuthentic, match="no signer of the role prune"):
        Pruner(store.backend, LAST_TWO, store.key.signing_key)
    # nor by writing the tombstone himself
    forged = load_keyring(store.backend)
    signers = tuple(replace(one, roles=("prune",)) for one in forged.signers)
    bury(store.backend, replace(forged, signers=signers), store.key.signing_key, records[0], utc_text(START), "mine")
    assert store.files(records[0])
    assert pruned(store) == []
    report = verify(store.backend, 0)
    assert any("no signer of the role prune" in finding.problem for finding in report.findings)


def test_a_pruner_who_is_a_writer_as_well_is_refused(store: Store) -> None:
    records = fill(store, 4)
    prune(store, 5)
    assert pruned(store) == [1, 2]
    store.change(signers=[Signer("janitor", KEY.public, ("prune", "writer"))])
    with pytest.raises(NotAuthentic, match="a writer may not prune"):
        prune(store, 6)
    assert pruned(store) == [] and store.files(records[0])


@pytest.mark.parametrize("change", ["content", "signature", "other"])
def test_a_tombstone_that_was_changed_counts_for_nothing(store: Store, change: str) -> None:
    records = fill(store, 4)
    prune(store, 5)
    stone = store.path / "expired/pbx/kamailio/1.json"
    if change == "content":
        stone.write_bytes(stone.read_bytes().replace(b"no rule", b"no ruse"))
    elif change == "signature":
        next(stone.parent.glob("1.*.sig")).unlink()
    else:
        shutil.copy(stone.parent / "2.json", stone)
    assert pruned(store) == [2] and store.files(records[0])
    assert [finding.object for finding in verify(store.backend, 0).findings] == ["expired/pbx/kamailio/1.json"]


def test_a_tombstone_lets_go_of_the_record_that_it_names_only(store: Store) -> None:
    records = fill(store, 2)
    bury(store.backend, load_keyring(store.backend), KEY, replace(records[0], reason="x"), utc_text(START), "no")
    assert fate_of(store.backend, records[0]).pruned is None


# --- clocks and damage -----------------------------------------------------------------------------------------------
def test_a_clock_set_forward_a_year_deletes_nothing(store: Store) -> None:
    fill(store, 6)
    prune(store, 6)
    before = store.names()
    with pytest.raises(ClockRefused):
        prune(store, 6 + 365)
    back_up(store, 6 + 365)
    with pytest.raises(ClockRefused):
        prune(store, 6 + 365)
    assert before <= store.names()
    assert prune(store, 6 + 365, replace(LAST_TWO, accept_pause=True)).removed_files > 0


def test_a_clock_set_back_a_year_deletes_nothing(store: Store) -> None:
    fill(store, 6)
    prune(store, 6)
    before = store.names()
    assert prune(store, -365) == Pruned()
    assert store.names() == before


def test_a_damaged_line_stops_the_removal(store: Store) -> None:
    fill(store, 4)
    back_up(store, 1, source="other")
    prune(store, 5)
    (store.path / "commits/other/kamailio/1.json").write_bytes(b"{}")
    plan = Pruner(store.backend, LAST_TWO, KEY, lambda: START + 20 * DAY).plan()
    assert "what other/kamailio needs is not known" in plan.sweep_problem and plan.removable == {}


# --- leftovers -------------------------------------------------------------------------------------------------------
def test_leftovers_are_noted_and_go_a_grace_later(store: Store) -> None:
    record = back_up(store, 0)
    stray = "objects/ab/" + "ab" * 32
    store.backend.create(stray, b"cut off")
    store.backend.create("commits/pbx/kamailio/2." + "0" * 64 + ".sig", b"of nothing")
    assert prune(store, 1, AGED) == Pruned(noted_leftovers=2)
    assert prune(store, 7.9, AGED) == Pruned()
    assert store.backend.exists(stray)
    assert prune(store, 8.1, AGED).removed_files == 2
    assert not store.backend.exists(stray) and store.files(record)
    assert [name for name in store.names() if "leftovers" in name] == []


def test_a_note_by_anybody_else_counts_for_nothing(store: Store) -> None:
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.leftovers import write_notes

    back_up(store, 0)
    stray = "objects/ab/" + "ab" * 32
    store.backend.create(stray, b"of a backup that runs")
    keyring = load_keyring(store.backend)
    write_notes(store.backend, keyring, store.key.signing_key, "janitor", utc_text(START - 99 * DAY), [stray])
    prune(store, 1, AGED)
    assert store.backend.exists(stray)


def test_what_was_noted_and_came_to_life_stays(store: Store) -> None:
    with store.writer(clock=lambda: START + 2 * DAY) as writer:
        prepared = store.prepare(writer, {"/x": b"x" * 99})
        staged = list(prepared.staged)
        # as a slow backup: its objects are there, its record comes later
        store.backend.publish(staged)
        assert prune(store, 1, AGED).noted_leftovers == 3
        store.backend.create("commits/a/kamailio/1." + "0" * 64 + ".sig", b"")
        prepared.staged.clear()
        record = writer.commit([prepared])[0].record
    prune(store, 9, AGED)
    assert store.files(record) == {b"/x": b"x" * 99}


def test_what_came_to_life_between_the_look_and_the_removal_stays(store: Store) -> None:
    with store.writer(clock=lambda: START + 2 * DAY) as writer:
        prepared = store.prepare(writer, {"/x": b"x" * 99})
        store.backend.publish(prepared.staged)
        prune(store, 1, AGED)
        pruner = Pruner(store.backend, AGED, KEY, lambda: START + 9 * DAY)
        plan = pruner.plan()
        assert len(plan.removable) == 3
        prepared.staged.clear()
        record = writer.commit([prepared])[0].record
    assert pruner.run(plan).removed_files == 0
    assert store.files(record) == {b"/x": b"x" * 99}


def test_what_was_held_between_the_look_and_the_removal_stays(store: Store) -> None:
    records = fill(store, 4)
    prune(store, 5)
    pruner = Pruner(store.backend, LAST_TWO, KEY, lambda: START + 13 * DAY)
    plan = pruner.plan()
    hold(store, records[0], 13)
    assert pruner.run(plan).removed_files > 0
    assert store.files(records[0])[b"/config"] == b"day 0 " * 40 and verify(store.backend, 1).findings == []


# --- side by side ----------------------------------------------------------------------------------------------------
def test_backups_go_on_while_others_prune(store: Store) -> None:
    records = fill(store, 8)
    errors: list[BaseException] = []

    def guarded(body: Callable[[int], object]) -> threading.Thread:
        def run() -> None:
            try:
                for number in range(12):
                    body(number)
            except BaseException as error:
                errors.append(error)

        return threading.Thread(target=run)

    prune(store, 8)
    # what was pruned before goes meanwhile; no backup runs for longer than the grace
    threads = [
        guarded(lambda number: back_up(store, 15 + number / 100_000)),
        guarded(lambda number: back_up(store, 15 + number / 100_000)),
        guarded(lambda number: prune(store, 15.2 + number / 10)),
        guarded(lambda number: prune(store, 15.2 + number / 10)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert not store.backend.exists(object_name(records[0].manifest[0]))
    prune(store, 17)
    prune(store, 25)
    gone = set(pruned(store))
    alive = [record for record in load_chain(store.backend, "pbx", "kamailio") if record.sequence not in gone]
    assert len(alive) == 2 and all(store.files(record) for record in alive)
    assert verify(store.backend, 2, file_keys=store.keys_of(*alive)).findings == []


# --- the process ends, the power goes --------------------------------------------------------------------------------
@pytest.mark.parametrize("how", HOWS)
def test_a_pruning_that_ends_anywhere(store: Store, fast_path: Any, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    records = [back_up(store, day) for day in range(4)]
    prune(store, 4, replace(LAST_TWO, max_ages={"logs": 3 * DAY + 60}))
    records.append(back_up(store, 5))
    stray = object_name(hashlib.sha256(b"cut off").hexdigest())
    store.backend.create(stray, b"cut off")
    kept = records[3:]
    contents = [store.files(record) for record in kept]
    options = replace(LAST_TWO, max_ages={"logs": 5 * DAY})

    def run(one: Store) -> None:
        prune(one, 12, options)

    endless = copies(store, fast_path)
    total = calls(next(endless), monkeypatch, run, how)
    assert total > 12
    for point in points(total, how):
        one = next(endless)
        if not crash(one, monkeypatch, run, point, how):
            assert point > total - 8
            break
        assert verify(one.backend, 1).findings == [], point
        for record, content in zip(kept, contents):
            found = one.files(record)
            expected = dict(content)
            if fate_of(one.backend, record).expired_classes:
                del expected[b"/log"]
            assert found == expected
        run(one)
        prune(one, 20, options)
        assert pruned(one) == [1, 2, 3]
        assert not one.backend.exists(stray)
        assert verify(one.backend, 1).findings == []
        assert one.files(back_up(one, 21))[b"/lasting"]


@pytest.mark.parametrize("how", HOWS)
def test_a_hold_that_ends_anywhere(store: Store, fast_path: Any, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    record = back_up(store, 0)

    def run(one: Store) -> None:
        keeper = hold(one, record, 1)
        held.append(True)
        keeper.release(load_holds(one.backend, load_keyring(one.backend), record.chain)[0])
        held.append(False)

    held: list[bool] = []
    endless = copies(store, fast_path)
    total = calls(next(endless), monkeypatch, run, how)
    for point in points(total, how):
        held.clear()
        one = next(endless)
        if not crash(one, monkeypatch, run, point, how):
            assert point > total - 8
            break
        assert verify(one.backend, 1).findings == []
        found = load_holds(one.backend, load_keyring(one.backend), record.chain)
        if held == [True] and not any(name.endswith(".released.json") for name in one.names()):
            assert found[0].is_active(utc_text(START + 2 * DAY)) and not found[0].problem
        # whatever it left behind, the next run can let go of what is held
        with one.writer() as writer:
            for left in found:
                HoldKeeper(writer, utc_text(START + 2 * DAY)).release(left, reason="again")
        assert active(load_holds(one.backend, load_keyring(one.backend), record.chain), utc_text(START)) == {}
        assert verify(one.backend, 1).findings == []


def test_two_who_release_at_the_same_time_spoil_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record = back_up(store, 0)
    first = hold(store, record, 1)
    (found,) = load_holds(store.backend, load_keyring(store.backend), record.chain)
    with store.writer() as writer:
        second = HoldKeeper(writer, utc_text(START + 2 * DAY))
    create_many, meanwhile = type(store.backend).create_many, [lambda: second.release(found, reason="second")]

    def create(backend: Any, files: Any) -> Any:
        existing = create_many(backend, files)
        if meanwhile:
            meanwhile.pop()()
        return existing

    monkeypatch.setattr(type(store.backend), "create_many", create)
    first.release(found, reason="first")
    assert meanwhile == []
    (released,) = load_holds(store.backend, load_keyring(store.backend), record.chain)
    assert released.released_at and verify(store.backend, 1).findings == []


def test_an_option_that_cannot_be(store: Store) -> None:
    with pytest.raises(OptionInvalid):
        PruneOptions(policy=Policy())
