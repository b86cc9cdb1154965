# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import random
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
import zstandard

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ItemTruncated,
    KeyRequired,
    RecoveryError,
    RepositoryDamaged,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, bundles, reader
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.base import Backend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    CommitRecord,
    Manifest,
    StoredEntry,
    object_name,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import (
    GenerationReader,
    hash_object,
    sealed_headers,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sealing import SealedWriter
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import GenerationFacts

from .conftest import Store, entry

LARGE = random.Random(5).randbytes(3_000_000)
FILES = {"/a": b"a" * 1000, "/b": b"b", "/empty": b"", "/large": LARGE}


def test_contents_are_read_in_any_order(store: Store) -> None:
    record = store.backup(FILES).record
    with store.reader(record) as generation:
        entries = list(generation.entries())
        for stored in entries + entries[::-1] + entries[1:2]:
            assert generation.read(stored) == FILES[stored.entry.path.decode()]
        assert generation.manifest.source == "pbx" and generation.manifest.entries == 4


def test_what_has_no_content_has_none(store: Store) -> None:
    with store.writer() as repository:
        generation = repository.begin("pbx", "linux")
        generation.add(entry("/link", kind="symlink", link_target=b"\xff/target\n"), ())
        record = repository.commit([generation.finish(GenerationFacts())])[0].record
    with store.reader(record) as opened:
        (stored,) = opened.entries()
        assert stored.entry.link_target == b"\xff/target\n" and stored.sha256 is None
        assert list(opened.content(stored)) == []


def test_headers_are_all_that_is_needed_to_find_the_keys(store: Store) -> None:
    record = store.backup(FILES).record
    headers = sealed_headers(store.backend, [record, record])
    assert set(headers) == {record.manifest[0], *record.objects}
    assert all(len(header) < 400 for header in headers.values())
    (store.path / object_name(record.manifest[0])).write_bytes(b"no header")
    with pytest.raises(RepositoryDamaged) as error:
        sealed_headers(store.backend, [record])
    assert error.value.item == object_name(record.manifest[0])


def test_missing_keys_are_asked_for(store: Store) -> None:
    record = store.backup(FILES).record
    with pytest.raises(KeyRequired):
        GenerationReader(store.backend, record, {})
    keys = {record.manifest[0]: store.keys_of(record)[record.manifest[0]]}
    with GenerationReader(store.backend, record, keys) as generation:
        entries = {stored.entry.path: stored for stored in generation.entries()}
        assert generation.read(entries[b"/empty"]) == b""
        with pytest.raises(KeyRequired) as error:
            generation.read(entries[b"/a"])
        assert error.value.item == object_name(next(iter(record.objects)))


def test_small_objects_are_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record = store.backup({"/a": b"a" * 1000, "/b": b"b"}).record
    keys = store.keys_of(record)
    touched: list[str] = []
    for how in ("open", "read"):
        really = getattr(store.backend, how)
        monkeypatch.setattr(
            store.backend, how, lambda name, *rest, _really=really: touched.append(name) or _really(name, *rest)
        )
    with GenerationReader(store.backend, record, keys) as generation:
        assert [generation.read(stored) for stored in generation.entries()] == [b"a" * 1000, b"b"]
    assert sorted(touched) == sorted(object_name(sha) for sha in (record.manifest[0], *record.objects))


def test_a_bundle_is_hashed_only_when_something_is_wrong(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record = store.backup(FILES).record
    keys = store.keys_of(record)
    hashed: list[str] = []
    monkeypatch.setattr(
        reader, "hash_object", lambda backend, sha, size: hashed.append(sha) or hash_object(backend, sha, size)
    )
    with GenerationReader(store.backend, record, keys) as generation:
        assert [generation.read(stored) for stored in generation.entries()] == list(FILES.values())
    assert hashed == []
    (sha,) = record.objects
    path = store.path / object_name(sha)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for already, message in (((), "SHA-256 is not its name"), (record.objects, "was changed or is cut off")):
        hashed.clear()
        with (
            pytest.raises(RepositoryDamaged, match=message) as error,
            GenerationReader(store.backend, record, keys, already) as generation,
        ):
            generation.read(next(generation.entries()))
        assert error.value.item == object_name(sha) and hashed == ([] if already else [sha])


def test_a_wrong_key_opens_nothing(store: Store) -> None:
    record = store.backup(FILES).record
    with pytest.raises(RepositoryDamaged):
        GenerationReader(store.backend, record, dict.fromkeys(store.keys_of(record), bytes(16)))


@pytest.mark.parametrize("size", [0, 100, -1], ids=["emptied", "cut", "one byte short"])
def test_cut_objects_are_named_before_anything_of_them_is_used(store: Store, size: int) -> None:
    record = store.backup(FILES).record
    keys = store.keys_of(record)
    for sha in (record.manifest[0], *record.objects):
        path = store.path / object_name(sha)
        data = path.read_bytes()
        path.write_bytes(data[:size])
        with pytest.raises(RepositoryDamaged) as error, GenerationReader(store.backend, record, keys) as generation:
            for stored in generation.entries():
                for _chunk in generation.content(stored):
                    pytest.fail("something of a damaged bundle was handed out")
        assert error.value.item == object_name(sha)
        path.write_bytes(data)


def test_of_a_changed_bundle_nothing_wrong_is_handed_out(store: Store) -> None:
    record = store.backup(FILES).record
    keys = store.keys_of(record)
    (sha,) = record.objects
    path = store.path / object_name(sha)
    data = bytearray(path.read_bytes())
    for position in range(0, len(data), len(data) // 24):
        data[position] ^= 0x20
        path.write_bytes(data)
        with pytest.raises(RepositoryDamaged, match="SHA-256") as error:
            read_all(store.backend, record, keys)
        assert error.value.item == object_name(sha) and "It holds /" in str(error.value)
        data[position] ^= 0x20


def bundle_of(store: Store, pieces: Sequence[bytes]) -> tuple[bytes, bytes]:
    """A bundle of these pieces, as anybody can seal it for the recipients, and its file key."""
    staged = store.backend.stage("test")
    compressor = bundles.Compressor()
    writer = bundles.BundleWriter(lambda hint: staged, [store.identity.recipient], compressor)
    for piece in pieces:
        writer.add(piece)
    written = writer.close()
    compressor.close()
    data = pathlib.Path(staged.path).read_bytes()
    staged.abort()
    return data, written.sealed.file_key


@pytest.mark.parametrize("padded", [False, True], ids=["of its own size", "of the same size"])
@pytest.mark.parametrize(
    "change",
    [
        lambda pieces: [b"A" * 1000, *pieces[1:]],
        lambda pieces: pieces[1:],
        lambda pieces: pieces[:1],
        lambda pieces: [*pieces[:2], *reversed(pieces[2:])],
        lambda pieces: [piece + b"x" for piece in pieces],
        lambda pieces: [bytes(1024 * 1024)] * 500,
    ],
    ids=["other content", "first left out", "rest left out", "order", "longer", "bomb"],
)
def test_a_bundle_that_a_stranger_sealed_anew_is_named(
    store: Store, change: Callable[[list[bytes]], list[bytes]], padded: bool
) -> None:
    record = store.backup(FILES).record
    keys = store.keys_of(record)
    (sha,) = record.objects
    with GenerationReader(store.backend, record, keys) as generation:
        entries = list(generation.entries())
        pieces = [bytes(generation.piece(one, number)) for one in entries for number in range(len(one.pieces))]
    forged, keys[sha] = bundle_of(store, change(pieces))
    (store.path / object_name(sha)).write_bytes(forged)
    if padded:
        record = replace(record, objects={sha: len(forged)})
    handed: dict[bytes, bytes] = {}
    with GenerationReader(store.backend, record, keys) as generation:
        for stored in entries:
            handed[stored.entry.path] = b""
            with suppress(RecoveryError):
                for chunk in generation.content(stored):
                    handed[stored.entry.path] += chunk
    assert all(FILES[path.decode()].startswith(data) for path, data in handed.items())
    assert any(FILES[path.decode()] != data for path, data in handed.items())
    with pytest.raises(RepositoryDamaged) as error:
        read_all(store.backend, record, keys)
    assert error.value.item == object_name(sha) and "It holds /" in str(error.value)


# --- what only the writer, or whoever has its key, could have done ---
def replant(
    store: Store, record: CommitRecord, change: Callable[[bytes], bytes]
) -> tuple[CommitRecord, dict[str, bytes]]:
    """A record whose manifest's text is another one, and the keys to it."""
    keys = store.keys_of(record)
    header = age.parse_header(store.backend.read(object_name(record.manifest[0]), 2**20))
    sealed = store.backend.open(object_name(record.manifest[0]))
    payload = age.PayloadReader(keys[record.manifest[0]], sealed, header.length, record.manifest[1] - header.length)
    text = zstandard.ZstdDecompressor().decompress(b"".join(payload.chunks()))
    writer = SealedWriter(store.backend.stage, "manifest", [store.identity.recipient])
    changed = change(text)
    writer.write(changed if changed.startswith(b"raw:") else zstandard.ZstdCompressor().compress(changed))
    planted = writer.close()
    store.backend.publish([(planted.staged, object_name(planted.sha))])
    keys[planted.sha] = planted.file_key
    return replace(record, manifest=(planted.sha, planted.size)), keys


def read_all(backend: Backend, record: CommitRecord, keys: dict[str, bytes]) -> None:
    with GenerationReader(backend, record, keys) as generation:
        for stored in generation.entries():
            for _chunk in generation.content(stored):
                pass


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace(b'"source":"pbx"', b'"source":"other"'), "that of other/kamailio"),
        (lambda text: text.replace(b'"product":"kamailio"', b'"product":"linux"'), "that of pbx/linux"),
        (lambda text: text.replace(b'"status":"complete"', b'"status":"partial"'), "does not fit"),
        (lambda text: text.replace(b'"bundles":["', b'"bundles":["' + b"0" * 64 + b'","'), "other bundles"),
        (lambda text: b"".join(text.splitlines(True)[:-1]), "3 entries instead of 4"),
        (lambda text: text + text.splitlines(True)[-1], "5 entries instead of 4"),
        (lambda text: text[:-1], "within a line"),
        (lambda text: b"", "not a manifest"),
        (lambda text: b"raw: this is not zstd", "cannot be decompressed"),
        (lambda text: b"x" * 100 + b"\n" + text, "not a manifest"),
        (lambda text: text.replace(b"[0,0]", b"[7,0]"), "bundle that it does not name"),
        (lambda text: text.replace(b"[0,0]", b"[0,700]"), "no member 700"),
        (lambda text: text.replace(b",[0,5]", b""), "a digest of each piece is expected"),
    ],
    ids=range(13),
)
def test_a_manifest_that_does_not_fit_its_record_is_refused(
    store: Store, change: Callable[[bytes], bytes], problem: str
) -> None:
    record, keys = replant(store, store.backup(FILES).record, change)
    with pytest.raises(RepositoryDamaged, match=problem):
        read_all(store.backend, record, keys)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b'"size":1000', b'"size":999'),
        lambda text: text.replace(b"[0,0]", b"[0,1]"),
        lambda text: text.replace(b'"pieces":[]', b'"pieces":[[0,0]]'),
        lambda text: text.replace(b"[0,3],[0,4]", b"[0,4],[0,3]"),
        lambda text: re.sub(rb'(?<="digests":")([0-9a-f]{32})([0-9a-f]{32})', rb"\2\1", text),
        lambda text: re.sub(rb'([0-9a-f]{32})","pieces":(.*),\[0,[0-9]+\]\]', rb'","pieces":\2]', text),
    ],
    ids=["size", "other piece", "not empty", "order", "digests", "left out"],
)
def test_a_content_that_is_not_the_one_that_was_stored_is_refused(
    store: Store, change: Callable[[bytes], bytes]
) -> None:
    original = store.backup(FILES).record
    record, keys = replant(store, original, change)
    with pytest.raises(ItemTruncated, match="not the one that was stored"):
        read_all(store.backend, record, keys)


def test_no_piece_is_handed_out_before_it_was_compared(store: Store) -> None:
    original = store.backup(FILES).record

    def other_digest(text: bytes) -> bytes:
        return re.sub(rb'(?<="digests":"[0-9a-f]{96})[0-9a-f]{32}', b"0" * 32, text)

    record, keys = replant(store, original, other_digest)
    with GenerationReader(store.backend, record, keys) as generation:
        (large,) = (stored for stored in generation.entries() if stored.entry.path == b"/large")
        taken = b""
        with pytest.raises(ItemTruncated):
            for chunk in generation.content(large):
                taken += chunk
    assert taken and LARGE.startswith(taken) and len(taken) < len(LARGE)


def test_a_line_without_an_end_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record, keys = replant(store, store.backup(FILES).record, lambda text: b" " * 5_000_000)
    monkeypatch.setattr(reader, "LINE_LIMIT", 1_000_000)
    with pytest.raises(RepositoryDamaged, match="without an end"):
        GenerationReader(store.backend, record, keys)


def test_a_manifest_that_ends_within_a_frame_is_refused(store: Store) -> None:
    with pytest.raises(RepositoryDamaged, match="cut off"):
        list(reader._decompress([zstandard.ZstdCompressor().compress(b"text" * 100)[:-3]]))
    frames = zstandard.ZstdCompressor().compress(b"one") + zstandard.ZstdCompressor().compress(b"two")
    for size in range(1, len(frames)):
        assert b"".join(reader._decompress([frames[:size], frames[size:]])) == b"onetwo"


def test_many_bundles_are_not_all_open_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "OPEN_BUNDLES", 2)
    monkeypatch.setattr(bundles, "BUNDLE_LIMIT", 5 * 1024 * 1024)
    data = random.Random(1).randbytes(16_000_000)
    record = store.backup({"/large": data, "/a": b"a"}).record
    assert len(record.objects) > 3
    with store.reader(record) as generation:
        for stored in list(generation.entries()) * 2:
            assert generation.read(stored) == (data if stored.entry.path == b"/large" else b"a")
            assert len(generation._bundles) <= 2


def test_another_reader_has_nothing_in_common_that_is_open(store: Store) -> None:
    with store.reader(store.backup(FILES).record) as generation:
        (large,) = (stored for stored in generation.entries() if stored.entry.path == b"/large")
        one, other = generation.content(large), generation.another()
        taken = [next(one)]
        with other:
            assert other.read(large) == LARGE and other._thread is None
        assert b"".join([*taken, *one]) == LARGE


def test_hashing_ends_behind_the_size_that_an_object_must_have(store: Store) -> None:
    sha, size = next(iter(store.backup(FILES).record.objects.items()))
    with open(store.path / object_name(sha), "ab") as stream:
        stream.truncate(2**40)
    with pytest.raises(RepositoryDamaged, match=f"instead of {size}"):
        hash_object(store.backend, sha, size)


def test_hashing_names_what_is_wrong(store: Store) -> None:
    sha, size = store.backup(FILES).record.manifest
    hash_object(store.backend, sha, size)
    with pytest.raises(RepositoryDamaged, match=f"{size} bytes instead of {size + 1}"):
        hash_object(store.backend, sha, size + 1)
    (store.path / object_name(sha)).unlink()
    with pytest.raises(RepositoryDamaged, match="missing"):
        hash_object(store.backend, sha, size)


def test_an_error_names_the_entry(store: Store) -> None:
    with store.reader(store.backup(FILES).record) as generation:
        stored = next(generation.entries())
        wrong = StoredEntry(stored.entry, "0" * 64, stored.pieces)
        with pytest.raises(RecoveryError) as error:
            generation.read(wrong)
        assert error.value.item == "/a"


def test_the_first_line_is_the_manifest(store: Store) -> None:
    texts: list[bytes] = []
    replant(store, store.backup(FILES).record, lambda text: texts.append(text) or text)
    first, *lines = texts[0].splitlines(True)
    assert Manifest.from_line(first).entries == len(lines) == 4
    assert [StoredEntry.from_line(line).entry.path for line in lines] == [b"/a", b"/b", b"/empty", b"/large"]


def test_readers_of_several_generations_can_share_what_was_opened(store: Store) -> None:
    first, second = (store.backup({"/large": LARGE, "/a": text}).record for text in (b"a", b"b"))
    cache = bundles.FrameCache()
    opened: list[int] = []
    for record in (first, second, first):
        with GenerationReader(store.backend, record, store.keys_of(record), cache=cache) as generation:
            (large,) = (stored for stored in generation.entries() if stored.entry.path == b"/large")
            assert generation.read(large) == LARGE
            opened.append(len(cache._frames))
    assert opened == opened[:1] * 3
