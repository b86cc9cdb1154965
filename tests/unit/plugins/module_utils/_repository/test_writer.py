# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionLost,
    KeyringMismatch,
    NotAuthentic,
    OptionInvalid,
    RepositoryError,
    RepositoryFull,
    RepositoryMissing,
    StoredOtherwise,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, bundles, generation_writer, writer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends import local
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import list_chains
from ansible_collections.ucops.recovery.plugins.module_utils._repository.cutter import Cutter
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    COMMIT_NAMESPACE,
    CommitRecord,
    GenerationId,
    PieceIndex,
    object_name,
    record_name,
    signature_name,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Recipient
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import (
    GenerationFacts,
    RepositoryWriter,
)

from .conftest import SECRET, QuickBackend, Store, entry, fill

FILES = {"/etc/a.cfg": b"listen=udp:10.0.0.1:5060\n" * 20, "/etc/b.cfg": b"b" * 700, "/etc/empty": b""}
LARGE = random.Random(5).randbytes(2_500_000)


def index_of(store: Store, record: CommitRecord) -> PieceIndex:
    return PieceIndex.from_bytes(store.backend.read(object_name(record.piece_index[0]), 2**30))


# --- what a generation is ---
def test_a_generation_comes_back(store: Store) -> None:
    committed = store.backup({**FILES, "/large": LARGE})
    assert str(committed.generation_id) == "pbx/kamailio/1"
    assert committed.content_changed and committed.changed_items == ("config",)
    assert committed.bytes_read == sum(map(len, FILES.values())) + len(LARGE)
    expected = {path.encode(): content for path, content in {**FILES, "/large": LARGE}.items()}
    assert store.files(committed.record) == expected
    assert store.backend.names("incoming") == []


def test_stored_bytes_are_the_bytes_of_the_new_files(store: Store) -> None:
    before = sum(size for _name, size in store.backend.list())
    committed = store.backup(FILES)
    assert sum(size for _name, size in store.backend.list()) - before == committed.bytes_stored


def test_nothing_stands_in_clear(store: Store) -> None:
    store.backup(
        {"/etc/secret-name": b"planted-secret " * 5, "/large": LARGE + b"planted-secret"}, identity={"ip": "planted"}
    )
    for name, _size in store.backend.list():
        data = store.backend.read(name, 2**30)
        assert not re.search(b"planted|secret-name", data), name


def test_an_unchanged_run_writes_exactly_two_files(store: Store) -> None:
    first = store.backup({**FILES, "/large": LARGE}, identity={"name": "pbx"}, release="5.7")
    before = store.names()
    second = store.backup(
        {**FILES, "/large": LARGE}, identity={"name": "pbx"}, release="5.7", phase="scheduled", reason="why"
    )
    new = store.names() - before
    assert new == {record_name(second.generation_id), signature_name(second.generation_id, second.head)}
    assert not second.content_changed and second.changed_items == () and second.file_keys == {}
    assert dict(second.record.needed_objects()) == dict(first.record.needed_objects())
    assert second.record.parent == first.head and second.record.phase == "scheduled"
    assert second.bytes_stored == sum(store.backend.size(name) or 0 for name in new)
    assert store.files(second.record) == store.files(first.record)


@pytest.mark.parametrize(("phase", "expected"), [("pre_restore", 2), ("scheduled", 1)])
def test_what_a_restore_goes_back_to_has_the_times_of_now(store: Store, phase: str, expected: int) -> None:
    records = []
    for moment in (1, 2):
        with store.writer() as repository:
            generation = repository.begin("pbx", "linux")
            generation.add(entry("/a", mtime_ns=moment), [b"a" * 1000])
            committed = repository.commit([generation.finish(GenerationFacts(phase=phase))])[0]
        records.append(committed.record)
    assert not committed.content_changed and records[0].objects == records[1].objects
    with store.reader(records[1]) as opened:
        assert [stored.entry.mtime_ns for stored in opened.entries()] == [expected]


def test_only_what_is_new_is_stored(store: Store) -> None:
    files = {f"/etc/{number}": random.Random(number).randbytes(5000) for number in range(20)}
    first = store.backup({**files, "/large": LARGE})
    changed = LARGE[:1_000_000] + b"changed" + LARGE[1_000_000:]
    second = store.backup({**files, "/etc/3": b"new", "/large": changed})
    assert second.content_changed and second.bytes_stored < 1_500_000 < first.bytes_stored
    assert first.record.objects.keys() < second.record.objects.keys()
    assert store.files(second.record)[b"/large"] == changed
    assert store.files(second.record)[b"/etc/3"] == b"new"
    assert store.files(first.record)[b"/large"] == LARGE


def test_changed_items_are_named(store: Store) -> None:
    def run(config: bytes, users: bytes, extra: bool) -> tuple[str, ...]:
        with store.writer() as repository:
            generation = repository.begin("pbx", "linux")
            generation.add(entry("/a"), [config])
            generation.add(entry("/b", item="users", data_class="system_config"), [users])
            if extra:
                generation.add(entry("/c", item="extra"), [b"c"])
            seen = generation.changed_items()
            committed = repository.commit([generation.finish(GenerationFacts())])[0]
            assert tuple(seen) == committed.changed_items
            return committed.changed_items

    assert run(b"1", b"1", False) == ("config", "users")
    assert run(b"1", b"2", False) == ("users",)
    assert run(b"1", b"2", True) == ("extra",)
    assert run(b"3", b"2", False) == ("config", "extra")
    assert run(b"3", b"2", False) == ()


def test_two_entries_of_one_path(store: Store) -> None:
    with store.writer() as repository:
        generation = repository.begin("pbx", "kamailio")
        for content in (b"torn", b"a"):
            generation.add(entry("/a"), [content])
            generation.add(entry("/dir", kind="directory"), ())
        committed = repository.commit([generation.finish(GenerationFacts())])[0]
    with store.reader(committed.record) as reader:
        assert [(stored.entry.path, stored.entry.kind) for stored in reader.entries()] == [
            (b"/a", "file"),
            (b"/dir", "directory"),
        ]
        assert store.files(committed.record)[b"/a"] == b"a"
        assert reader.manifest.replaced == (0, 1)
    assert committed.record.items["config"]["entries"] == 2 and committed.record.items["config"]["bytes"] == 1


def test_data_classes_do_not_share_a_bundle_even_for_equal_contents(store: Store) -> None:
    with store.writer() as repository:
        generation = repository.begin("pbx", "linux")
        for number, data_class in enumerate(("voip_config", "logs", "user_data", "voip_config")):
            generation.add(entry(f"/{number}", item=data_class, data_class=data_class), [b"same content"])
        record = repository.commit([generation.finish(GenerationFacts())])[0].record
    index = index_of(store, record)
    assert sorted(bundle.data_class for bundle in index.bundles) == ["logs", "user_data", "voip_config"]
    assert [len(pieces) for pieces in index.pieces] == [1, 1, 1]


def test_a_record_is_small(store: Store) -> None:
    assert len(store.backup(FILES, phase="scheduled", release="5.7.3").record.to_bytes()) < 850


def test_the_facts_are_sealed_and_come_back(store: Store) -> None:
    facts = {
        "version": {"build": "7"},
        "identity": {"id": "x"},
        "contract": {"demanded": ["config"]},
        "tools": {"tar": "1"},
    }
    record = store.backup(
        FILES, items={"config": {"required": True}}, restore_order=["config"], status="partial", missing=["db"], **facts
    ).record
    assert (record.status, record.missing) == ("partial", ("db",))
    with store.reader(record) as reader:
        assert {name: getattr(reader.manifest, name) for name in facts} == facts
        assert reader.manifest.restore_order == ("config",) and reader.manifest.items == {"config": {"required": True}}


@pytest.mark.parametrize(
    "changed",
    [
        {"identity": {"id": "y"}},
        {"release": "6"},
        {"status": "partial"},
        {"items": {"config": {"order": 1}}},
        {"missing": ["db"]},
    ],
)
def test_other_facts_need_another_manifest_but_no_bundle(store: Store, changed: dict[str, object]) -> None:
    first = store.backup(FILES).record
    second = store.backup(FILES, **changed)
    assert second.record.manifest != first.manifest and second.record.objects == first.objects
    assert second.record.piece_index == first.piece_index
    assert second.content_changed == ("release" in changed) and second.changed_items == ()


def test_counts_stand_in_the_clear_record_also_when_nothing_else_changed(store: Store) -> None:
    first = store.backup({"/etc/a": b"x"}, counts={"users": 7})
    again = store.backup({"/etc/a": b"x"}, counts={"users": 8})
    assert first.record.counts == {"users": 7}
    assert store.record("pbx/kamailio/2").counts == {"users": 8}
    assert not again.content_changed and again.record.manifest == first.record.manifest


def test_facts_must_be_possible() -> None:
    for wrong in ({"status": "fine"}, {"phase": "never"}):
        with pytest.raises(OptionInvalid):
            GenerationFacts(**wrong)


def test_the_clock_is_this_machines_in_utc(store: Store) -> None:
    with store.writer(clock=lambda: 1_700_000_000.7) as repository:
        record = repository.commit([store.prepare(repository, FILES)])[0].record
    assert record.received_at == "2023-11-14T22:13:20Z"


def test_attempts_of_a_change_are_counted(store: Store) -> None:
    def attempt(**facts: str) -> int:
        return store.backup(FILES, **facts).record.attempt

    assert attempt(change_id="C1", phase="pre_change") == 1
    assert attempt(change_id="C1", phase="pre_change", status="partial") == 2
    assert attempt() == 1
    assert attempt(change_id="C1", phase="post_change") == 1
    assert attempt(change_id="C2", phase="pre_change") == 1
    assert attempt(change_id="C1", phase="pre_change") == 3


# --- names ---
def test_names_that_could_be_mixed_up_are_refused(store: Store) -> None:
    store.backup(FILES, "PBX-Süd", product="mssql", instance="CHAT")
    with store.writer() as repository:
        for source, instance in (("pbx-süd", ""), ("PBX-Su\u0308d", ""), ("PBX-Süd", "chat")):
            with pytest.raises(OptionInvalid, match="mixed up"):
                repository.begin(source, "mssql", instance)
        repository.begin("PBX-Süd", "mssql", "OTHER")
        with pytest.raises(OptionInvalid):
            repository.begin("", "mssql")


def test_names_of_one_run_are_not_mixed_up_either(store: Store) -> None:
    with store.writer() as repository:
        first = store.prepare(repository, FILES, "PBX")
        with pytest.raises(OptionInvalid, match="'pbx' could be mixed up with 'PBX'"):
            repository.begin("pbx", "kamailio")
        second = store.prepare(repository, FILES, "pbx2")
        repository.commit([first, second])
    assert [str(chain) for chain in list_chains(store.backend)] == ["PBX/kamailio", "pbx2/kamailio"]


def test_names_are_listed_once_for_a_whole_fleet(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    really_list = store.backend.names
    monkeypatch.setattr(store.backend, "names", lambda folder: listed.append(folder) or really_list(folder))
    with store.writer() as repository:
        repository.commit([store.prepare(repository, FILES, f"pbx{number}") for number in range(5)])
    assert listed.count("commits") == 1


# --- pieces that may not be used again ---
def test_force_store_uses_nothing_of_before(store: Store) -> None:
    first = store.backup({**FILES, "/large": LARGE})
    with store.writer() as repository:
        generation = repository.begin("pbx", "kamailio", force_store=True)
        fill(generation, {**FILES, "/large": LARGE})
        committed = repository.commit([generation.finish(GenerationFacts())])[0]
        assert not committed.content_changed
    assert not set(committed.record.objects) & set(first.record.objects)
    with writer_reader(store, committed) as reader:
        assert {stored.entry.path: reader.read(stored) for stored in reader.entries()}[b"/large"] == LARGE


def writer_reader(store: Store, committed: writer.Committed) -> GenerationReader:
    return GenerationReader(store.backend, committed.record, committed.file_keys)


@pytest.mark.parametrize("damage", ["remove", "cut"])
def test_a_lost_bundle_is_not_referred_to_again(store: Store, damage: str) -> None:
    first = store.backup(FILES)
    lost = next(iter(first.record.objects))
    path = store.path / object_name(lost)
    path.unlink() if damage == "remove" else os.truncate(path, 10)
    second = store.backup(FILES)
    assert lost not in second.record.objects and not second.content_changed
    assert any(lost in warning for warning in second.warnings)
    assert store.files(second.record)[b"/etc/b.cfg"] == FILES["/etc/b.cfg"]


def test_a_lost_manifest_is_written_again(store: Store) -> None:
    first = store.backup(FILES)
    (store.path / object_name(first.record.manifest[0])).unlink()
    second = store.backup(FILES)
    assert second.record.manifest != first.record.manifest and second.record.objects == first.record.objects
    assert second.warnings


@pytest.mark.parametrize("damage", ["remove", "change", "cut"])
def test_a_lost_index_means_that_everything_is_stored_anew(store: Store, damage: str) -> None:
    first = store.backup(FILES)
    path = store.path / object_name(first.record.piece_index[0])
    data = path.read_bytes()
    path.unlink()
    if damage != "remove":
        path.write_bytes(data[:-5] if damage == "cut" else data.replace(b"a", b"b"))
    second = store.backup(FILES)
    assert not set(second.record.objects) & set(first.record.objects)
    assert "stored anew" in second.warnings[0]
    third = store.backup(FILES)
    assert third.record.manifest == second.record.manifest and not third.warnings


def test_an_index_that_is_damaged_where_it_is_written_again_is_healed(store: Store) -> None:
    first = store.backup({}).record
    store.backup({"/a": b"1"})
    path = store.path / object_name(first.piece_index[0])
    path.write_bytes(b"damaged")
    third = store.backup({}).record
    assert third.piece_index == first.piece_index
    assert index_of(store, third).bundles == ()


def signed_head(store: Store, record: CommitRecord) -> None:
    """A record behind the head, signed by the writer's own key."""
    generation = GenerationId.of(record)
    signature = store.key.signing_key.sign(record.to_bytes(), COMMIT_NAMESPACE)
    store.backend.create(signature_name(generation, record.hash), signature)
    store.backend.create(record_name(generation), record.to_bytes())


def test_the_index_of_another_source_is_refused_by_name(store: Store) -> None:
    mine, other = store.backup(FILES).record, store.backup(FILES, "other").record
    signed_head(
        store, replace(mine, sequence=2, parent=mine.hash, piece_index=other.piece_index, objects=other.objects)
    )
    with pytest.raises(NotAuthentic, match="index of pbx/kamailio/2 is that of another source") as error:
        store.backup(FILES)
    assert error.value.item == object_name(other.piece_index[0])


def test_the_index_of_other_keys_is_refused_by_name(store: Store) -> None:
    record = store.backup(FILES).record
    index = replace(index_of(store, record), fingerprint_key="0" * 16).to_bytes()
    sha = hashlib.sha256(index).hexdigest()
    store.backend.create(object_name(sha), index)
    signed_head(store, replace(record, sequence=2, parent=record.hash, piece_index=(sha, len(index))))
    with pytest.raises(NotAuthentic, match="other keys"):
        store.backup(FILES)


def test_a_damaged_newest_record_stops_the_backup_by_name(store: Store) -> None:
    record = store.backup(FILES)
    path = store.path / record_name(record.generation_id)
    path.write_bytes(path.read_bytes().replace(b"manual", b"maNual"))
    with pytest.raises(RepositoryError) as error:
        store.backup(FILES)
    assert error.value.item == record_name(record.generation_id)


def test_pieces_of_a_bundle_that_is_mostly_dead_are_stored_anew(store: Store) -> None:
    files = {f"/{number}": random.Random(number).randbytes(1000) for number in range(10)}
    first = store.backup(files).record
    for number in range(5):
        files[f"/{number}"] = b"new" * 50
    second = store.backup(files).record
    assert set(first.objects) < set(second.objects), "half of it is in use: it stays"
    files["/5"] = b"newer" * 50
    third = store.backup(files).record
    assert set(first.objects) < set(third.objects), "it was half in use in the generation before"
    fourth = store.backup({**files, "/6": b"newest"}).record
    assert not set(first.objects) & set(fourth.objects), "now less than half was"
    assert store.files(fourth)[b"/9"] == files["/9"]


def test_other_recipients_begin_a_new_epoch(store: Store) -> None:
    first = store.backup(FILES).record
    another = age.X25519Identity.generate()
    facts = store.change(recipients=[Recipient(another.recipient, "escrow")])
    with pytest.raises(KeyringMismatch, match="recipients"):
        store.writer()
    bound = replace(store, key=store.key.with_pins(**facts["pins"]))
    second = bound.backup(FILES)
    assert not set(second.record.objects) & set(first.objects)
    assert not second.content_changed, "what is in it is the same, and its digests are comparable"
    assert replace(bound, identity=another).files(second.record) == bound.files(second.record)


def test_another_fingerprint_key_recognises_nothing(store: Store) -> None:
    first = store.backup(FILES).record
    other = replace(store, key=replace(store.key, fingerprint_key=bytes(32)))
    second = other.backup(FILES)
    assert not set(second.record.objects) & set(first.objects)
    assert second.content_changed and second.changed_items == ("config",)


# --- who may write ---
def test_there_must_be_a_repository(store: Store, tmp_path: object) -> None:
    with pytest.raises(RepositoryMissing):
        RepositoryWriter(LocalBackend(f"{tmp_path}/nothing"), store.key)


def test_a_writer_that_the_keyring_does_not_know_is_refused(store: Store) -> None:
    key = store.key
    stranger = WriterKey.generate("stranger").with_pins(key.repository_id, key.owner, key.recipients_digest)
    with pytest.raises(KeyringMismatch, match="stranger"):
        RepositoryWriter(store.backend, stranger)


# --- reading only ---
def test_a_dry_run_compares_and_writes_nothing(store: Store) -> None:
    store.backup(FILES)
    old = store.backend.stage("old")
    old.close()
    past = time.time() - 10 * 86400
    os.utime(f"{store.path}/incoming/{store.backend.names('incoming')[0]}", (past, past))
    before = store.names()
    with store.writer() as repository:
        generation = repository.begin("pbx", "kamailio", dry_run=True)
        fill(generation, {**FILES, "/large": LARGE})
        assert generation.changed_items() == ["config"] and generation.changed_items(ignore=["config"]) == []
        assert generation.previous is not None and generation.bytes_read > len(LARGE)
        with pytest.raises(ValueError):
            generation.finish(GenerationFacts())
        generation = repository.begin("pbx", "kamailio", dry_run=True)
        fill(generation, FILES)
        assert generation.changed_items() == []
        generation.abort()
    assert store.names() == before


def test_a_digester_sees_what_a_generation_sees(store: Store) -> None:
    committed = store.backup({**FILES, "/large": LARGE})
    with store.writer() as repository:
        digester = repository.digester("pbx")
        for path, content in {**FILES, "/large": LARGE}.items():
            digester.add(entry(path), [content])
        assert digester.item_digests() == committed.record.items


# --- what goes wrong ---
def test_an_aborted_generation_leaves_nothing(store: Store) -> None:
    before = store.names()
    with store.writer() as repository:
        generation = repository.begin("pbx", "kamailio")
        fill(generation, {"/large": random.Random(1).randbytes(9_000_000)})
        generation.abort()
        generation.abort()
        prepared = store.prepare(repository, {"/large": LARGE})
        assert store.names() != before
        prepared.abort()
    assert store.names() == before


def test_abort_after_the_commit_is_harmless(store: Store) -> None:
    with store.writer() as repository:
        generation = repository.begin("pbx", "kamailio")
        fill(generation, FILES)
        prepared = generation.finish(GenerationFacts())
        committed = repository.commit([prepared])[0]
        generation.abort()
        prepared.abort()
        with pytest.raises(ValueError):
            generation.finish(GenerationFacts())
    assert store.files(committed.record)[b"/etc/b.cfg"] == FILES["/etc/b.cfg"]


def test_a_host_that_vanishes_within_a_file_can_be_left_out(store: Store) -> None:
    def torn(size: int) -> Iterator[bytes]:
        yield LARGE[:size]
        raise ConnectionLost("gone")

    with store.writer() as repository:
        generation = repository.begin("pbx", "kamailio")
        generation.add(entry("/first"), [b"first"])
        for size in (100, 2_000_000):
            with pytest.raises(ConnectionLost):
                generation.add(entry("/torn"), torn(size))
        generation.add(entry("/last"), [b"last"])
        record = repository.commit([generation.finish(GenerationFacts(status="partial"))])[0].record
    assert store.files(record) == {b"/first": b"first", b"/last": b"last"}


@pytest.mark.parametrize("call", ["write", "link", "open"])
@pytest.mark.parametrize("allowed", range(12))
def test_a_full_disk_leaves_the_old_and_nothing_of_the_new(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str, allowed: int
) -> None:
    old = store.backup(FILES).record
    before = store.names()
    real, left = getattr(os, call), allowed

    def limited(*arguments: object, **options: object) -> object:
        nonlocal left
        if call != "open" or int(arguments[1]) & os.O_CREAT:  # type: ignore[call-overload]
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **options)

    monkeypatch.setattr(local.os, call, limited)
    try:
        store.backup({**FILES, "/large": random.Random(1).randbytes(5_000_000)})
        failed = False
    except RepositoryFull as error:
        failed = True
        assert isinstance(error.details["free_bytes"], int) and not error.details.get("committed")
    monkeypatch.undo()
    if failed:
        assert {name for name in store.names() - before if not is_index(store, name)} == set()
    else:
        assert allowed >= 5
    assert store.files(old)[b"/etc/b.cfg"] == FILES["/etc/b.cfg"]
    assert store.backup({"/a": b"again"}).content_changed


def is_index(store: Store, name: str) -> bool:
    """An index is in clear: another run could have written the same one, so it stays."""
    return name.startswith("objects/") and store.backend.read(name, 2**30).startswith(b'{"bundles"')


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_file_system_that_is_really_full(store: Store, tmp_path: object) -> None:
    mount = f"{tmp_path}/small"
    os.mkdir(mount)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", mount], capture_output=True, check=False
    ).returncode:
        pytest.skip("no mounts here")
    try:
        subprocess.run(["cp", "-r", f"{store.path}/.", mount], check=True)
        small = replace(store, backend=LocalBackend(mount))
        old = small.backup(FILES)
        before = {name for name, _size in small.backend.list()}
        with pytest.raises(RepositoryFull) as error:
            small.backup({"/large": random.Random(1).randbytes(20_000_000)})
        assert error.value.details["free_bytes"] < 6 * 1024 * 1024
        assert {name for name, _size in small.backend.list()} == before
        assert small.files(old.record)[b"/etc/b.cfg"] == FILES["/etc/b.cfg"]
        assert small.backup({"/a": b"small"}).generation_id.sequence == 2
    finally:
        subprocess.run(["umount", "--lazy", mount], check=True)


def test_leftovers_of_killed_runs_are_swept(store: Store) -> None:
    store.backend.stage("killed")
    left = store.backend.names("incoming")[0]
    past = time.time() - 2 * 86400
    os.utime(f"{store.path}/incoming/{left}", (past, past))
    store.backup(FILES)
    assert store.backend.names("incoming") == []


# --- groups ---
def test_a_group_of_sources_and_of_one_line(store: Store) -> None:
    with store.writer() as repository:
        prepared = [store.prepare(repository, {"/a": b"%d" % number}, f"pbx{number}") for number in range(20)]
        prepared += [store.prepare(repository, {"/b": b"%d" % number}, "pbx0") for number in range(3)]
        committed = repository.commit(prepared)
    ids = [str(one.generation_id) for one in committed]
    assert ids[:20] == [f"pbx{number}/kamailio/1" for number in range(20)]
    assert ids[20:] == ["pbx0/kamailio/2", "pbx0/kamailio/3", "pbx0/kamailio/4"]
    for number in range(3):
        assert store.files(store.record(ids[20 + number])) == {b"/b": b"%d" % number}
    # the signatures of the places that were taken are gone
    assert len(store.backend.names("commits/pbx0/kamailio")) == 8


def test_a_group_is_committed_with_few_syncs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = LocalBackend(str(store.path))
    calls: list[str] = []
    monkeypatch.setattr(LocalBackend, "_sync_file_system", lambda self: calls.append("all") or True)
    monkeypatch.setattr(local.os, "fsync", lambda descriptor: calls.append("one"))
    with store.on(backend).writer() as repository:
        prepared = [store.prepare(repository, {"/a": b"%d" % number}, f"pbx{number}") for number in range(50)]
        repository.commit(prepared)
    assert calls == ["all"] * 4


def test_an_empty_group(store: Store) -> None:
    with store.writer() as repository:
        assert repository.commit([]) == []


def test_a_faster_writer_goes_first(store: Store) -> None:
    with store.writer() as repository, store.writer() as other:
        slow = store.prepare(repository, {"/a": b"slow"}, change_id="C", phase="pre_change")
        fast = other.commit([store.prepare(other, {"/a": b"fast"}, change_id="C", phase="pre_change")])[0]
        late = repository.commit([slow])[0]
    assert [fast.record.sequence, late.record.sequence] == [1, 2]
    assert late.record.parent == fast.head and late.record.attempt == 2
    assert late.content_changed
    assert store.files(late.record) == {b"/a": b"slow"} and store.files(fast.record) == {b"/a": b"fast"}
    assert len(store.backend.names("commits/pbx/kamailio")) == 4


def test_what_was_committed_before_an_error_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.writer() as repository, store.writer() as other:
        prepared = [store.prepare(repository, {"/a": b"1"}, source) for source in ("one", "two")]
        other.commit([store.prepare(other, {"/a": b"2"}, "two")])

        def full(*_arguments: object) -> None:
            raise RepositoryFull("full")

        monkeypatch.setattr(writer, "head", full)
        with pytest.raises(RepositoryFull) as error:
            repository.commit(prepared)
    assert error.value.details["committed"] == ["one/kamailio/1"]
    assert store.files(store.record("one/kamailio/1")) == {b"/a": b"1"}


def test_threads_share_a_writer(store: Store) -> None:
    contents = {f"pbx{number}": random.Random(number).randbytes(600_000) for number in range(8)}
    prepared = {}
    with store.writer() as repository:

        def work(source: str) -> None:
            prepared[source] = store.prepare(repository, {"/a": contents[source]}, source)

        threads = [threading.Thread(target=work, args=(source,)) for source in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in repository.commit(list(prepared.values())):
            assert store.files(one.record) == {b"/a": contents[one.record.source]}


def test_a_bundle_that_is_full_is_followed_by_another(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "BUNDLE_LIMIT", 6 * 1024 * 1024)
    data = random.Random(2).randbytes(14_000_000)
    record = store.backup({"/large": data, "/small": b"x"}).record
    assert len(record.objects) > 2 and all(size <= 6 * 1024 * 1024 for size in record.objects.values())
    assert store.files(record) == {b"/large": data, b"/small": b"x"}


@pytest.mark.parametrize(("size", "lost"), [(0, 0), (1, 0), (5_000_000, 7), (20_000_000, 12_000_000)])
@pytest.mark.parametrize("steps", [(4_194_304, 65_537), (262_144, 1_048_576)])
def test_bytes_are_the_same_however_they_pass_by(size: int, lost: int, steps: tuple[int, int]) -> None:
    data = memoryview(random.Random(size).randbytes(size))
    found = []
    for step, content in zip(steps, (data, data)):
        watch = generation_writer._Watch(bytes(range(32)))
        for start in range(0, len(content), step):
            watch.pass_by(content[start : start + step])
        found.append(watch.result())
    assert found[0] == found[1]
    if lost:
        watch = generation_writer._Watch(bytes(range(32)))
        other = memoryview(bytes(data[:lost]) + bytes(data[lost + 1 :]) + b"x")
        for start in range(0, len(other), steps[0]):
            watch.pass_by(other[start : start + steps[0]])
        assert watch.result() != found[0]


@pytest.mark.parametrize("fault", ["lost", "order", "twice", "changed", "block"])
def test_a_large_file_that_is_cut_into_something_else_is_never_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """A program or memory that is at fault: each piece alone would be right for ever after."""
    store.backup(FILES)
    before = sorted(store.backend.list())
    really = Cutter.cut

    def cut(self: Cutter, chunks: Iterable[bytes]) -> Iterator[tuple[memoryview, list[memoryview]]]:
        for block, pieces in really(self, chunks):
            if fault == "lost":
                del pieces[1]
            elif fault == "order":
                pieces[0], pieces[1] = pieces[1], pieces[0]
            elif fault == "twice":
                pieces.insert(1, pieces[0])
            elif fault == "changed":
                pieces[1] = memoryview(bytes([pieces[1][0] ^ 1]) + bytes(pieces[1][1:]))
            else:
                yield block[1:], pieces
                continue
            yield block, pieces

    monkeypatch.setattr(Cutter, "cut", cut)
    with store.writer() as repository:
        generation = repository.begin("pbx", "kamailio")
        with pytest.raises(StoredOtherwise, match="pieces that are not the file"):
            generation.add(entry("/large"), [LARGE])
        generation.abort()
    assert sorted(store.backend.list()) == before
    monkeypatch.undo()
    assert store.files(store.backup({"/large": LARGE}).record) == {b"/large": LARGE}


def test_a_manifest_of_many_entries_is_written_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_writer, "MANIFEST_FRAME", 2000)
    files = {f"/{number}": b"%d" % number for number in range(300)}
    record = store.backup(files).record
    assert store.files(record) == {path.encode(): content for path, content in files.items()}


MEMORY_PROBE = """
import json, random, sys
from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import GenerationFacts, RepositoryWriter

path, key, size = sys.argv[1], WriterKey.load(sys.argv[2]), int(sys.argv[3])
block = random.Random(1).randbytes(1 << 20)

def chunks():
    for number in range(size >> 20):
        yield number.to_bytes(8, "big") + block[8:]

with RepositoryWriter(LocalBackend(path), key) as repository:
    generation = repository.begin("pbx", "linux")
    generation.add(Entry("dump", "user_data", "dump", b"/large"), chunks())
    committed = repository.commit([generation.finish(GenerationFacts())])[0]
with GenerationReader(LocalBackend(path), committed.record, committed.file_keys) as reader:
    read = sum(len(chunk) for stored in reader.entries() for chunk in reader.content(stored))
# the peak that getrusage tells is also that of the process that started this one
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([read, peak * 1024]))
"""


@thorough
def test_memory_does_not_grow_with_the_file(store: Store, tmp_path: object) -> None:
    store.key.save(f"{tmp_path}/writer.key")
    size = 400 * 1024 * 1024
    arguments = [sys.executable, "-c", MEMORY_PROBE, str(store.path), f"{tmp_path}/writer.key", str(size)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(arguments, capture_output=True, env=environment, check=True)
    read, peak = json.loads(result.stdout)
    assert read == size
    assert peak < 150 * 1024 * 1024


def test_the_secret_is_not_needed_to_write(store: Store) -> None:
    assert isinstance(store.backend, QuickBackend)
    assert SECRET not in repr(store.key) and "file_key" not in repr(store.backup(FILES))
