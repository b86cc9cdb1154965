# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO

import pytest
from support.thoroughness import QUICK, sample, thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    KeyRequired,
    RecoveryError,
    RepositoryDamaged,
    RepositoryError,
    RepositoryMissing,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import (
    reader,
    side_by_side,
    verify_contents,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import verify as verify_module
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.base import Backend, Names, Staged
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import head
from ansible_collections.ucops.recovery.plugins.module_utils._repository.cutter import CUT_FROM, Cutter
from ansible_collections.ucops.recovery.plugins.module_utils._repository.drills import record_drill
from ansible_collections.ucops.recovery.plugins.module_utils._repository.expiry import bury
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    COMMIT_NAMESPACE,
    ChainId,
    CommitRecord,
    GenerationId,
    StoredEntry,
    object_name,
    record_name,
    signature_name,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.holds import HoldKeeper
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import RestoreJournal
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import (
    KEYRING,
    KEYRING_SIGNATURE,
    Signer,
    load_keyring,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import (
    GenerationReader,
    hash_object,
    sealed_headers,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import AllowedSigners, SigningKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import (
    Trust,
    VerifyReport,
    headers_to_open,
    verify,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify_contents import compare, shares_of
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify_lines import Lines
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify_state import STATE_FILE, VerifyState
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import GenerationFacts

from .conftest import Store, entry

PBX = ChainId("pbx", "kamailio")


class FrozenBackend(Backend):
    """A repository in memory that can be damaged quickly and is never written to."""

    location = "memory"

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def exists(self, name: str) -> bool:
        return name in self.files

    def size(self, name: str) -> int | None:
        return len(self.files[name]) if name in self.files else None

    def open(self, name: str) -> BinaryIO:
        if name not in self.files:
            raise RepositoryDamaged("The file is missing", item=name)
        return BytesIO(self.files[name])

    def read(self, name: str, limit: int) -> bytes:
        return self.open(name).read()

    def names(self, folder: str) -> Names:
        below = [name[len(folder) + 1 :] for name in self.files if name.startswith(f"{folder}/")]
        return sorted({name.partition("/")[0] + name.partition("/")[1] for name in below})

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        for name, data in list(self.files.items()):
            if not prefix or name.startswith(prefix.rstrip("/") + "/"):
                yield name, len(data)

    def free_bytes(self) -> int | None:
        return None

    def stage(self, hint: str) -> Staged:
        raise RepositoryError("read only")

    def publish(self, files: Sequence[tuple[Staged, str]]) -> Names:
        raise RepositoryError("read only")

    def replace(self, name: str, data: bytes, *, durable: bool = True) -> None:
        raise RepositoryError("read only")

    def remove(self, name: str) -> None:
        raise RepositoryError("read only")

    def sweep(self, age: float = 86400.0) -> int:
        return 0


def freeze(store: Store) -> FrozenBackend:
    return FrozenBackend({name: store.backend.read(name, 2**30) for name, _size in store.backend.list()})


def trust(store: Store, **heads: str) -> Trust:
    return Trust(AllowedSigners.parse(store.allowed_signers()), heads)


@pytest.fixture
def filled(store: Store) -> Store:
    """Three generations of one source, one of another, a restore in the journal."""
    store.backup({"/a": b"one", "/b": b"b" * 100})
    store.backup({"/a": b"one", "/b": b"b" * 100})
    store.backup({"/a": b"two", "/b": b"b" * 100})
    store.backup({"/a": b"one"}, "other", product="linux", instance="X")
    with store.writer() as repository:
        RestoreJournal.start(repository, "pbx", "kamailio", generation="pbx/kamailio/1").finish("restored")
    return store


def records(store: Store) -> list[CommitRecord]:
    return [store.record(f"pbx/kamailio/{number}") for number in (1, 2, 3)] + [store.record("other/linux@X/1")]


def keys(store: Store) -> dict[str, bytes]:
    return store.keys_of(*records(store))


def names(report: VerifyReport) -> list[str]:
    return [finding.object for finding in report.findings]


# --- nothing is wrong ---
def test_an_intact_repository(filled: Store) -> None:
    for level, checked in ((0, (0, 0)), (1, (9, 0)), (2, (9, 4))):
        report = verify(filled.backend, level, trust(filled), keys(filled))
        assert (report.verdict, report.findings, report.remaining, report.notes) == ("authentic", [], 0, [])
        assert (report.checked["objects"], report.checked["contents"]) == checked
        assert (report.checked["generations"], report.checked["signatures"], report.checked["files"]) == (4, 6, 5)
        heads = {"pbx/kamailio": records(filled)[2].hash, "other/linux@X": records(filled)[3].hash}
        assert report.heads == heads


def test_without_the_operators_signers_it_is_only_consistent_in_itself(filled: Store) -> None:
    assert verify(filled.backend, 1).verdict == "self_consistent"
    heads = {"pbx/kamailio": records(filled)[1].hash}
    assert verify(filled.backend, 0, Trust(expected_heads=heads)).verdict == "self_consistent"


def test_an_empty_repository_and_none(store: Store, tmp_path: object) -> None:
    assert verify(store.backend, 1, trust(store)).verdict == "authentic"
    with pytest.raises(RepositoryMissing):
        verify(FrozenBackend({}), 0)


def test_level_2_needs_keys(filled: Store) -> None:
    with pytest.raises(KeyRequired):
        verify(filled.backend, 2)
    report = verify(filled.backend, 2, file_keys={})
    assert report.verdict == "damaged" and all("not at hand" in finding.problem for finding in report.findings)


def test_only_some_lines(filled: Store) -> None:
    other = ChainId("other", "linux", "X")
    (filled.path / record_name(records(filled)[0].chain.generation(1))).write_bytes(b"damaged")
    report = verify(filled.backend, 2, trust(filled), keys_of_other(filled), only=[other])
    assert report.verdict == "authentic" and list(report.heads) == ["other/linux@X"]
    assert verify(filled.backend, 0, trust(filled), only=[PBX]).verdict == "damaged"


def keys_of_other(store: Store) -> dict[str, bytes]:
    return store.keys_of(store.record("other/linux@X/1"))


# --- every byte ---
def belongs_to(found: str, name: str) -> bool:
    if name.startswith("expired/"):
        return found == re.sub(r"\.[0-9a-f]{64}\.sig$", ".json", name)
    return found == name or f"{found}.sig" == name or {found, name} <= {KEYRING, KEYRING_SIGNATURE}


def detects(backend: FrozenBackend, name: str, operator: Trust) -> bool:
    report = verify(backend, 1, operator)
    if name == STATE_FILE:
        return any(note.startswith(name) for note in report.notes)
    return report.verdict == "damaged" and any(belongs_to(found, name) for found in names(report))


def refuses(backend: FrozenBackend, file_keys: dict[str, bytes]) -> bool:
    """Whether somebody who restores everything is stopped."""
    try:
        for chain in (PBX, ChainId("other", "linux", "X")):
            newest = head(backend, chain)
            if newest is None:
                return True
            for number in range(1, newest.sequence + 1):
                record = CommitRecord.from_bytes(backend.files[record_name(chain.generation(number))])
                with GenerationReader(backend, record, file_keys) as reader:
                    for stored in reader.entries():
                        for _chunk in reader.content(stored):
                            pass
    except RecoveryError:
        return True
    return False


STRIDE = 20 if QUICK else 1
"""1 tries every single byte."""
PARTS = 4
"""So many tests share them, so that several processors do."""


@pytest.fixture
def tiny(store: Store) -> Store:
    """One of each kind of file."""
    janitor, auditor = SigningKey.generate(), SigningKey.generate()
    store.change(signers=[Signer("janitor", janitor.public, ("prune",)), Signer("auditor", auditor.public, ("drill",))])
    keyring = load_keyring(store.backend)
    first, second = (store.backup({"/a": b"one"}).record for _number in range(2))
    now = first.received_at
    with store.writer() as repository:
        RestoreJournal.start(repository, "pbx", "kamailio", generation="pbx/kamailio/1").finish("restored")
        keeper = HoldKeeper(repository, now)
        keeper.place(GenerationId.of(second), "legal")
        keeper.release(keeper.place(GenerationId.of(second), "change", change_id="CHG1"))
    # what it needed the second one needs as well
    bury(store.backend, keyring, janitor, first, now, "a rule")
    drill = {"at": now, "record": second.hash, "outcome": "passed"}
    record_drill(store.backend, keyring, auditor, GenerationId.of(second), drill)
    verify(store.backend, 1)
    return store


@pytest.mark.parametrize("part", range(PARTS))
def test_every_flipped_byte_of_every_file_is_named(tiny: Store, part: int) -> None:
    operator, backend = trust(tiny), freeze(tiny)
    assert STATE_FILE in backend.files and len(backend.files) == 29
    undetected = []
    flips = 0
    mine = sorted(backend.files.items())[part::PARTS]
    for name, data in mine:
        for position in range(flips % STRIDE, len(data), STRIDE):
            changed = data[position] ^ (1 << flips % 8)
            backend.files[name] = data[:position] + bytes([changed]) + data[position + 1 :]
            flips += 1
            if not detects(backend, name, operator):
                undetected.append((name, position))
        backend.files[name] = data
    assert undetected == []
    assert abs(flips * STRIDE - sum(len(data) for _name, data in mine)) <= STRIDE * len(mine) and len(mine) >= 7


def test_every_cut_of_every_file_is_named(tiny: Store) -> None:
    operator, backend = trust(tiny), freeze(tiny)
    undetected = []
    for name, data in list(backend.files.items()):
        for size in {0, 1, len(data) // 2, len(data) - 2, len(data) - 1, *sample(range(0, len(data), 67), 5)}:
            backend.files[name] = data[:size]
            if not detects(backend, name, operator):
                undetected.append((name, size))
        backend.files[name] = data + b"\n"
        if not detects(backend, name, operator):
            undetected.append((name, len(data) + 1))
        backend.files[name] = data
    assert undetected == []


def test_every_missing_file_is_noticed(tiny: Store) -> None:
    newest = tiny.record("pbx/kamailio/2").hash
    operator, backend = trust(tiny, **{"pbx/kamailio": newest}), freeze(tiny)
    for name, data in list(backend.files.items()):
        del backend.files[name]
        report = verify(backend, 1, operator)
        if name.startswith(("journal/", "drills/", "holds/", "expired/")) and name.endswith(".json"):
            # a restore that nobody knows of; at least the signature stands there alone
            assert report.verdict == "authentic" or name.endswith("placed.json"), name
            alone = name.removesuffix(".json") if name.startswith("expired/") else f"{name}.sig"
            assert name == STATE_FILE or any(note.startswith(alone) for note in report.notes)
        else:
            assert report.verdict == "damaged", name
            record = f"{name.rpartition('/')[2].partition('.')[0]}.json"
            expected = {name, name.removesuffix(".sig"), KEYRING, "commits/pbx/kamailio"}
            expected |= {f"{folder}/pbx/kamailio/{record}" for folder in ("commits", "expired")}
            assert set(names(report)) <= expected, (name, names(report))
        backend.files[name] = data


def test_a_restore_refuses_every_damaged_object(filled: Store) -> None:
    file_keys, backend = keys(filled), freeze(filled)
    accepted = []
    assert not refuses(backend, file_keys)
    indexes = {object_name(record.piece_index[0]) for record in records(filled)}
    for name, data in list(backend.files.items()):
        # an index is of use for writing only
        if name.startswith("objects/") and name not in indexes:
            for position in sample(range(len(data)), 44):
                for damaged in (data[:position], data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :]):
                    backend.files[name] = damaged
                    if not refuses(backend, file_keys):
                        accepted.append((name, position))
            backend.files[name] = data
    assert accepted == []


# --- what is found is told well ---
def test_a_damaged_object_names_the_generations_that_it_spoils(filled: Store) -> None:
    first, second, third, other = records(filled)
    shared = next(iter(first.objects))
    data = filled.backend.read(object_name(shared), 2**20)
    (filled.path / object_name(shared)).write_bytes(data[:-1] + b"#")
    report = verify(filled.backend, 1)
    assert names(report) == [object_name(shared)]
    assert report.findings[0].generations == tuple(GenerationId.of(record) for record in (first, second, third))
    (filled.path / object_name(third.manifest[0])).unlink()
    report = verify(filled.backend, 2, file_keys=keys_before(filled))
    found = {finding.object: finding.generations for finding in report.findings}
    assert found[object_name(third.manifest[0])] == (GenerationId.of(third),)
    assert set(found) == {object_name(shared), object_name(third.manifest[0])}


def keys_before(store: Store) -> dict[str, bytes]:
    return store.keys_of(store.record("pbx/kamailio/1"), store.record("other/linux@X/1"))


def test_several_things_are_found_in_one_run(filled: Store) -> None:
    (filled.path / "commits/pbx/kamailio/2.json").unlink()
    (filled.path / "recover.py").write_bytes(b"import evil\n")
    (filled.path / "objects/zz").mkdir()
    (filled.path / "objects/zz/x").write_bytes(b"")
    (filled.path / "commits/pbx/kamailio/notes").write_bytes(b"")
    report = verify(filled.backend, 0)
    assert sorted(names(report)) == [
        "commits/pbx/kamailio/2.json",
        "commits/pbx/kamailio/notes",
        "objects/zz/x",
        "recover.py",
    ]


def test_a_planted_number_costs_no_time(filled: Store) -> None:
    (filled.path / "commits/pbx/kamailio/999999999.json").write_bytes(b"{}")
    (filled.path / "commits/pbx/kamailio/6.json").write_bytes(b"{}")
    report = verify(filled.backend, 0)
    told = {finding.object: finding.problem for finding in report.findings}
    assert list(told) == [f"commits/pbx/kamailio/{name}.json" for name in (4, 6, 7, 999999999)]
    assert told["commits/pbx/kamailio/4.json"] == "The records 4 to 5 are missing, later ones are there"
    assert told["commits/pbx/kamailio/7.json"] == "The records 7 to 999999998 are missing, later ones are there"


def add_auditor(store: Store) -> SigningKey:
    key = SigningKey.generate()
    store.change(signers=[Signer("auditor", key.public, ("drill",))])
    return key


def drill(store: Store, key: SigningKey, record: CommitRecord, of: CommitRecord | None = None) -> str:
    told = {"at": record.received_at, "record": (of or record).hash, "outcome": "passed"}
    return record_drill(store.backend, load_keyring(store.backend), key, GenerationId.of(record), told).name


def test_evidence_of_a_drill_that_is_changed_or_of_another_line_is_named(filled: Store) -> None:
    key = add_auditor(filled)
    first, second, _third, other = records(filled)
    name = drill(filled, key, first)
    assert verify(filled.backend, 0, trust(filled)).findings == []
    moved = drill(filled, key, second, of=first)
    elsewhere = drill(filled, key, other)
    (filled.path / name).write_bytes((filled.path / name).read_bytes().replace(b"passed", b"failed"))
    (filled.path / elsewhere).rename(filled.path / f"drills/{elsewhere.rpartition('/')[2]}")
    problems = {finding.object: finding.problem for finding in verify(filled.backend, 0).findings}
    assert set(problems) == {name, moved, f"drills/{elsewhere.rpartition('/')[2]}"}
    assert problems[moved] == "It is evidence of another record than the one of pbx/kamailio/2"
    assert set(names(verify(filled.backend, 0, only=[PBX]))) == {name, moved}
    assert verify(filled.backend, 0, only=[ChainId("other", "linux", "X")]).findings == []


def test_evidence_of_what_is_gone_is_noted(filled: Store) -> None:
    name = drill(filled, add_auditor(filled), records(filled)[3])
    for path in (filled.path / "commits/other/linux@X").iterdir():
        path.unlink()
    report = verify(filled.backend, 0)
    assert any(note.startswith(f"{name}: ") and "other/linux@X/1" in note for note in report.notes), report.notes


def test_a_release_of_another_hold_is_named(tiny: Store) -> None:
    placed = sorted((tiny.path / "holds/pbx/kamailio").glob("*.placed.json"))
    (released,) = (tiny.path / "holds/pbx/kamailio").glob("*.released.json")
    identifier = released.name.split(".")[1]
    (other,) = (path for path in placed if identifier not in path.name)
    mine = released.with_name(other.name.replace("placed", "released"))
    for end in ("", ".sig"):
        mine.with_name(mine.name + end).write_bytes(released.with_name(released.name + end).read_bytes())
    (finding,) = verify(tiny.backend, 0).findings
    assert finding.object == f"holds/pbx/kamailio/{mine.name}" and "another hold" in finding.problem


def test_a_lost_keyring_does_not_hide_other_damage(filled: Store) -> None:
    (filled.path / KEYRING).unlink()
    (filled.path / KEYRING_SIGNATURE).unlink()
    lost = object_name(records_without_keyring(filled))
    (filled.path / lost).unlink()
    assert names(verify(filled.backend, 1)) == [KEYRING, lost]


def records_without_keyring(store: Store) -> str:
    return CommitRecord.from_bytes((store.path / "commits/pbx/kamailio/3.json").read_bytes()).manifest[0]


def test_what_an_interrupted_run_leaves_is_only_noted(filled: Store) -> None:
    record = records(filled)[2]
    filled.backend.create(signature_name(record.chain.generation(9), "0" * 64), b"stray")
    data = b"stray object"
    filled.backend.create(object_name(hashlib.sha256(data).hexdigest()), data)
    filled.backend.create("keys/slots/0123456789abcdef.age", b"new slot")
    filled.backend.create("journal/pbx/kamailio/x.started.json.sig", b"stray")
    filled.backend.stage("bundle")
    report = verify(filled.backend, 1, trust(filled))
    assert report.verdict == "authentic" and len(report.notes) == 4
    assert report.checked["objects"] == 10
    filled.backend.replace(object_name(hashlib.sha256(data).hexdigest()), b"damaged")
    assert verify(filled.backend, 1).verdict == "damaged"


def test_a_damaged_hint_is_noted_and_made_anew(filled: Store) -> None:
    verify(filled.backend, 1)
    (filled.path / STATE_FILE).write_bytes(b"{}")
    report = verify(filled.backend, 1)
    assert report.findings == [] and len(report.notes) == 1
    assert verify(filled.backend, 1).notes == []


def test_a_place_that_cannot_be_written_to_is_verified_nevertheless(filled: Store) -> None:
    report = verify(freeze(filled), 1, trust(filled))
    assert report.verdict == "authentic" and len(report.notes) == 1 and "read only" in report.notes[0]


# --- what only a writer's own key could have done ---
def plant(store: Store, record: CommitRecord) -> None:
    generation = GenerationId.of(record)
    signature = store.key.signing_key.sign(record.to_bytes(), COMMIT_NAMESPACE)
    store.backend.create(signature_name(generation, record.hash), signature)
    store.backend.create(record_name(generation), record.to_bytes())


@pytest.mark.parametrize(
    ("level", "change", "problem"),
    [
        (0, lambda mine, other: {"parent": other.hash}, "line is broken"),
        (0, lambda mine, other: {"manifest": (mine.manifest[0], 7)}, "another size than other records"),
        (0, lambda mine, other: {"manifest": ("0" * 64, 7)}, "missing"),
        (1, lambda mine, other: {"piece_index": other.piece_index}, "index is that of another source"),
        (1, lambda mine, other: {"fingerprint_key": "0" * 16}, "index is that of another source or of other keys"),
        (1, lambda mine, other: {"objects": dict(other.objects)}, "index names other bundles"),
        (1, lambda mine, other: {"piece_index": mine.manifest}, "not a piece index"),
        (2, lambda mine, other: {"manifest": other.manifest}, "that of other/linux"),
        (2, lambda mine, other: {"status": "partial"}, "does not fit"),
        (2, lambda mine, other: {"release": "9"}, "does not fit"),
        (
            2,
            lambda mine, other: {"items": {"config": {**mine.items["config"], "bytes": 1}}},
            "other entries than the commit record says",
        ),
    ],
    ids=range(11),
)
def test_a_record_that_does_not_fit_what_it_names(
    filled: Store, level: int, change: Callable[[CommitRecord, CommitRecord], dict[str, object]], problem: str
) -> None:
    file_keys = keys(filled)
    mine, other = records(filled)[2:]
    plant(filled, replace(mine, **{"sequence": 4, "parent": mine.hash, **change(mine, other)}))
    assert level == 0 or verify(filled.backend, level - 1, file_keys=file_keys).findings == []
    report = verify(filled.backend, level, file_keys=file_keys)
    assert any(re.search(problem, finding.problem) for finding in report.findings)
    assert GenerationId.parse("pbx/kamailio/4") in {one for finding in report.findings for one in finding.generations}


def test_a_first_record_has_no_parent(store: Store) -> None:
    record = store.backup({"/a": b"x"}).record
    plant(store, replace(record, source="new", parent=record.hash))
    assert "names a parent" in verify(store.backend, 0).findings[0].problem


# --- time ---
class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_what_was_checked_longest_ago_comes_first(store: Store) -> None:
    for number in range(6):
        store.backup({"/a": random.Random(number).randbytes(10)}, f"pbx{number}")
    seen: list[int] = []
    for moment in range(1, 4):
        report = verify(store.backend, 1, max_duration=7, clock=Clock(), wall_clock=lambda moment=moment: float(moment))
        assert report.remaining == 18 - report.checked["objects"] == 12
        state = VerifyState.load(store.backend)
        seen.append(len(state.hashed))
    assert seen == [6, 12, 18]
    state = VerifyState.load(store.backend)
    assert sorted(state.hashed.values()) == [1] * 6 + [2] * 6 + [3] * 6


def test_generations_are_opened_in_turn_too(store: Store) -> None:
    all_keys = {}
    for number in range(4):
        all_keys.update(store.keys_of(store.backup({"/a": b"%d" % number}, f"pbx{number}").record))
    first = verify(store.backend, 2, file_keys=all_keys, max_duration=15, clock=Clock())
    assert first.remaining == 4 - len(VerifyState.load(store.backend).opened) > 0
    second = verify(store.backend, 2, file_keys=all_keys, max_duration=10_000, clock=Clock())
    assert second.remaining == 0 and second.checked["contents"] == 4
    assert len(VerifyState.load(store.backend).opened) == 4


def test_damaged_objects_are_not_noted_as_checked_and_lost_ones_are_forgotten(filled: Store) -> None:
    verify(filled.backend, 1)
    before = len(VerifyState.load(filled.backend).hashed)
    sha = records(filled)[0].manifest[0]
    (filled.path / object_name(sha)).write_bytes(b"#" * records(filled)[0].manifest[1])
    verify(filled.backend, 1)
    state = VerifyState.load(filled.backend)
    assert len(state.hashed) == before - 1 and sha[:16] not in state.hashed


def in_processes(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(side_by_side, "_processors", lambda: number)
    monkeypatch.setattr(verify_module, "LEAST_LINES", 1)
    monkeypatch.setattr(verify_contents, "LEAST_BYTES", 1)
    monkeypatch.setattr(verify_module, "LEAST_BYTES", 1)


@thorough
def test_several_processes_find_what_one_does(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        store.backup({"/same": b"same" * 100, "/a": b"%d" % number}, f"pbx{source}").record
        for source in range(4)
        for number in range(3)
    ]
    operator = trust(store, **{"pbx2/kamailio": "0" * 64})
    all_keys, frozen = store.keys_of(*made), freeze(store)
    lost = {
        record_name(GenerationId.of(made[4])),
        object_name(made[7].manifest[0]),
        object_name(next(iter(made[11].objects))),
    }
    assert len(lost) == 3
    cut = object_name(made[0].manifest[0])
    for damage in (set(), *({name} for name in lost), lost):
        files = {name: data[:-1] if name == cut else data for name, data in frozen.files.items() if name not in damage}
        told, contents = [], []
        for number in (1, 2, 3, 8):
            in_processes(monkeypatch, number)
            report = verify(FrozenBackend(dict(files)), 2, operator, all_keys)
            findings = sorted((one.object, one.problem, sorted(map(str, one.generations))) for one in report.findings)
            checked = dict(report.checked)
            contents.append(checked.pop("contents"))
            told.append((report.verdict, findings, checked, report.heads, sorted(report.notes)))
        assert told[0][0] == "damaged" and len(told[0][1]) >= 2 + len(damage), told[0]
        assert told[1:] == told[:1] * 3
        # behind what is wrong in a generation one process looks no further; the others have shares of their own
        assert contents[0] == min(contents) and max(contents) <= 16


def test_several_processes_keep_to_the_time_and_note_what_they_did(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_processes(monkeypatch, 2)
    # of five none is so much of everything that several processes share it
    made = [store.backup({"/a": b"%d" % number}, f"pbx{number}").record for number in range(5)]
    late = verify(store.backend, 2, file_keys=store.keys_of(*made), max_duration=10, clock=Clock())
    opened = VerifyState.load(store.backend).opened
    assert late.remaining == 5 - len(opened) > 0 and late.checked["contents"] == len(opened)
    assert verify(store.backend, 2, file_keys=store.keys_of(*made)).checked["contents"] == 5
    assert len(VerifyState.load(store.backend).opened) == 5


@pytest.mark.parametrize("number", [1, 3])
def test_headers_are_of_all_that_can_be_opened(store: Store, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    in_processes(monkeypatch, number)
    made = [store.backup({"/a": b"%d" % source}, f"pbx{source}").record for source in range(4)]
    generations = [GenerationId.of(record) for record in made]
    wanted = sealed_headers(store.backend, made)
    assert headers_to_open(store.backend, generations) == wanted and len(wanted) == 8
    (store.path / record_name(generations[0])).unlink()
    bundle = next(iter(made[1].objects))
    (store.path / object_name(bundle)).write_bytes(b"no header")
    found = headers_to_open(store.backend, generations)
    assert found.keys() == wanted.keys() - {made[0].manifest[0], *made[0].objects, bundle}


def test_what_one_source_holds_is_compared_by_several_processes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch, 3)
    files = {f"/{number:02}": b"%d" % number * 900 for number in range(20)}
    made = [store.backup(files | {"/05": text}).record for text in (b"x" * 900, b"y" * 900)]
    keys = store.keys_of(*made)
    parts = shares_of(
        [record.manifest[0] for record in made],
        {record.manifest[0]: GenerationId.of(record) for record in made},
        {"pbx": 10**9},
    )
    assert [[(share.number, share.of) for share in part] for part in parts] == [[(one, 3)] * 2 for one in range(3)]
    shared: list[int] = []
    monkeypatch.setattr(verify_module, "compare", lambda *of: shared.append(len(of[1])) or compare(*of))
    report = verify(store.backend, 2, file_keys=keys)
    assert (report.verdict, report.checked["contents"], report.remaining, shared) == ("self_consistent", 21, 0, [2])
    assert len(VerifyState.load(store.backend).opened) == 2
    # a bundle whose bytes are others than those that were sealed, under the name that they have
    bundle = next(iter(made[0].objects))
    del keys[bundle]
    wrong = verify(store.backend, 2, file_keys=keys)
    assert [one.object for one in wrong.findings] == [object_name(bundle)] * 2 and wrong.remaining == 0
    assert not VerifyState.load(store.backend).opened


def test_records_that_give_an_object_two_sizes_are_named_whoever_reads_them() -> None:
    one, other = Lines(needed={"a" * 64: 1, "b" * 64: 2}), Lines(needed={"a" * 64: 3, "b" * 64: 2})
    one.take(other)
    assert [name for name, _problem, _generation in one.found] == [object_name("a" * 64)]


def test_contents_that_several_generations_share_are_read_once(store: Store) -> None:
    found = []
    for number in range(5):
        found.append(store.backup({"/same": b"same" * 100, "/a": b"%d" % number}).record)
    report = verify(store.backend, 2, file_keys=store.keys_of(*found))
    assert report.checked["contents"] == 6


def test_generations_are_opened_in_the_order_in_which_they_were_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what the first of them alone has would be looked for all over its bundles, after the last one was read."""
    made = [store.backup({"/a": b"%d" % number}).record for number in range(12)]
    manifests = [record.manifest[0] for record in made]
    assert manifests != sorted(manifests)
    orders: list[list[str]] = []
    monkeypatch.setattr(
        verify_module, "compare", lambda *of: orders.append([share.manifest for share in of[1]]) or compare(*of)
    )
    state = VerifyState({}, {sha[:16]: 1000 - number for number, sha in enumerate(manifests)})
    for limit in (None, 10_000):
        state.save(store.backend)
        verify(store.backend, 2, file_keys=store.keys_of(*made), max_duration=limit)
    # what was opened longest ago comes first where time may not suffice
    assert orders == [manifests, manifests[::-1]]


def test_pieces_that_large_contents_share_are_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    large = random.Random(1).randbytes(4_000_000)
    edited = large[:1_000_000] + b"something else" + large[1_000_000:]
    found = [store.backup({"/large": content}).record for content in (large, edited, edited + b"more", large)]
    found.append(store.backup({"/small": large[:200_000], "/large": large}).record)
    read: list[int] = []
    piece = GenerationReader.piece

    def count(opened: GenerationReader, stored: StoredEntry, number: int) -> memoryview:
        data = piece(opened, stored, number)
        read.append(len(data))
        return data

    monkeypatch.setattr(GenerationReader, "piece", count)
    report = verify(store.backend, 2, file_keys=store.keys_of(*found))
    assert report.findings == [] and report.checked["contents"] == 5
    assert 4_200_000 < sum(read) < 7_500_000


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: replace(stored, digests=(b"\0" * 16, *stored.digests[1:])),
        lambda stored: replace(stored, pieces=stored.pieces[1:], digests=stored.digests[1:]),
    ],
    ids=["another digest", "a piece less"],
)
def test_what_is_wrong_with_a_content_of_known_pieces_is_found(
    store: Store, monkeypatch: pytest.MonkeyPatch, change: Callable[[StoredEntry], StoredEntry]
) -> None:
    large = random.Random(1).randbytes(2_000_000)
    found = [store.backup({"/large": content}).record for content in (large, large + b"more")]
    entries = GenerationReader.entries

    def lying(opened: GenerationReader) -> Iterator[StoredEntry]:
        for stored in entries(opened):
            yield change(stored) if opened.record.sequence == 2 else stored

    monkeypatch.setattr(GenerationReader, "entries", lying)
    report = verify(store.backend, 2, file_keys=store.keys_of(*found))
    assert report.verdict == "damaged"
    assert [(finding.object, finding.generations) for finding in report.findings] == [
        ("/large", (GenerationId.of(found[1]),))
    ]


def test_a_small_content_that_is_also_a_piece_of_a_large_one(store: Store) -> None:
    large = random.Random(1).randbytes(2_000_000)
    pieces = [bytes(piece) for _block, pieces in Cutter().cut([large]) for piece in pieces]
    small = next(piece for piece in pieces if len(piece) < CUT_FROM)
    found = [store.backup(files).record for files in ({"/large": large}, {"/small": small}, {"/a": b"a"})]
    assert found[1].objects == found[0].objects
    report = verify(store.backend, 2, file_keys=store.keys_of(*found))
    assert report.findings == [] and report.checked["contents"] == 3


def test_large_objects_are_hashed_once_in_a_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    large = random.Random(1).randbytes(2_000_000)
    found = [store.backup({"/large": large, "/a": b"%d" % number}).record for number in range(3)]
    hashed: list[str] = []

    def count(backend: Backend, sha: str, size: int) -> None:
        hashed.append(sha)
        hash_object(backend, sha, size)

    monkeypatch.setattr(reader, "hash_object", count)
    monkeypatch.setattr(verify_module, "hash_object", count)
    report = verify(store.backend, 2, file_keys=store.keys_of(*found))
    assert report.verdict == "self_consistent" and report.checked["contents"] == 4
    assert len(hashed) == len(set(hashed)) == report.checked["objects"]


def test_large_objects_are_hashed_beside_each_other(store: Store) -> None:
    record = store.backup({f"/{number}": random.Random(number).randbytes(400_000) for number in range(3)}).record
    others = [store.backup({"/a": random.Random(number).randbytes(300_000)}, f"pbx{number}") for number in range(5)]
    assert verify(store.backend, 1).findings == []
    damaged = object_name(next(iter(others[2].record.objects)))
    data = bytearray(filled_bytes(store, damaged))
    data[1000] ^= 1
    (store.path / damaged).write_bytes(data)
    assert names(verify(store.backend, 1)) == [damaged]
    assert record.is_complete


def filled_bytes(store: Store, name: str) -> bytes:
    return store.backend.read(name, 2**30)


def test_an_item_whose_only_content_broke_off_never_began(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with store.writer() as writer:
        generation = writer.begin("pbx", "kamailio")
        generation.add(entry("/whole"), [b"whole"])
        with pytest.raises(ConnectionResetError):
            generation.add(entry("/broken", item="broken"), broken())
        committed = writer.commit([generation.finish(GenerationFacts(status="partial", missing=["broken"]))])[0]
    assert list(committed.record.items) == ["config"]
    assert verify(store.backend, 2, file_keys=store.keys_of(committed.record)).findings == []
