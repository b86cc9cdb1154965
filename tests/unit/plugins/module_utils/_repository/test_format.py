# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._entries import DATA_CLASSES, KINDS, Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid, RepositoryDamaged
from ansible_collections.ucops.recovery.plugins.module_utils._repository import format as fmt

SHA = hashlib.sha256(b"x").hexdigest()

RECORD = fmt.CommitRecord(
    repository_id="0f6c",
    source="büro/pbx",
    product="mssql",
    instance="CHAT",
    sequence=3,
    parent=SHA,
    received_at="2026-11-23T05:24:59Z",
    status="complete",
    phase="pre_change",
    items={"config": {"digest": "ab" * 16, "bytes": 12, "entries": 1, "data_class": "voip_config"}},
    manifest=(SHA, 100),
    piece_index=(SHA, 20),
    objects={SHA: 300},
    recipients_digest=SHA,
    fingerprint_key="0011223344556677",
    facts_digest="cd" * 16,
    signer="backup-host",
    missing=("database",),
    change_id="CHG0042",
    attempt=2,
)
INDEX = fmt.PieceIndex(
    repository_id="0f6c",
    source="pbx",
    recipients_digest=SHA,
    fingerprint_key="0011223344556677",
    bundles=(fmt.BundleFacts(SHA, 300, "logs", 2),),
    pieces=((b"\1" * 16, None),),
)


# --- names ---
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pbx-berlin", "pbx-berlin"),
        ("pbx.example.org", "pbx.example.org"),
        ("büro", "b%C3%BCro"),
        ("a/b", "a%2Fb"),
        (".hidden", "%2Ehidden"),
        ("..", "%2E%2E"),
        ("dot.", "dot%2E"),
        ("a b%", "a%20b%25"),
        ("con", "%63on"),
        ("LPT1.x", "%4CPT1.x"),
        ("console", "console"),
        ("PBX", "PBX"),
    ],
)
def test_a_source_becomes_a_folder_that_every_file_system_takes(text: str, name: str) -> None:
    assert fmt.encode_name(text) == name
    assert fmt.decode_name(name) == text


@pytest.mark.parametrize("text", ["", "a\nb", "a\0", "\x7f", "x" * 201, "ü" * 70, "\u2028"])
def test_names_that_cannot_be(text: str) -> None:
    with pytest.raises(OptionInvalid):
        fmt.encode_name(text)


@pytest.mark.parametrize("name", ["%41", "a%2f", "a b", ".x", "con", "%zz", "%C3", "%", "a/b", "ü"])
def test_only_the_one_encoding_is_decoded(name: str) -> None:
    with pytest.raises(ValueError):
        fmt.decode_name(name)


@given(st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()))
def test_every_printable_name_survives_and_has_no_path_in_it(text: str) -> None:
    name = fmt.encode_name(text)
    assert fmt.decode_name(name) == text
    assert "/" not in name and not name.startswith(".") and name.isascii()


@pytest.mark.parametrize("text", ["pbx-berlin/kamailio/7", "pbx-berlin/mssql@CHAT/3", "a/b/linux/1", "x@y/linux@z@/12"])
def test_generation_ids_are_read_back(text: str) -> None:
    assert str(fmt.GenerationId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "7", "/7", "linux/7", "/linux/7", "pbx/linux/0", "pbx/linux/07", "pbx/linux/-1", "pbx/linux/x"]
    + ["pbx/linux@/1", "p/Linux/1", "p/../1", "p/linux/1 "],
)
def test_generation_ids_that_are_none(text: str) -> None:
    with pytest.raises(OptionInvalid):
        fmt.GenerationId.parse(text)


def test_ids_and_file_names_belong_together() -> None:
    generation = fmt.GenerationId.of(RECORD)
    assert str(generation) == "büro/pbx/mssql@CHAT/3"
    assert fmt.record_name(generation) == "commits/b%C3%BCro%2Fpbx/mssql@CHAT/3.json"
    assert fmt.signature_name(generation, SHA) == f"commits/b%C3%BCro%2Fpbx/mssql@CHAT/3.{SHA}.sig"
    assert fmt.ChainId.of_folder(generation.chain.folder) == generation.chain
    assert fmt.parse_commit_file("3.json") == (3, None)
    assert fmt.parse_commit_file(f"3.{SHA}.sig") == (3, SHA)
    assert fmt.object_sha(fmt.object_name(SHA)) == SHA


@pytest.mark.parametrize(
    "name", ["03.json", "3.jso", "3.json.sig", "x.json", f"3.{SHA[:-1]}.sig", f"3.{SHA.upper()}.sig", "3.json\n"]
)
def test_file_names_that_are_no_commits(name: str) -> None:
    with pytest.raises(ValueError):
        fmt.parse_commit_file(name)


@pytest.mark.parametrize("name", [f"objects/00/{SHA}", f"objects/{SHA}", f"objects/2d/{SHA.upper()}", "objects/2d/"])
def test_file_names_that_are_no_objects(name: str) -> None:
    with pytest.raises(ValueError):
        fmt.object_sha(name)


@pytest.mark.parametrize(
    "folder", ["commits/a", "commits/a/b/c", "other/a/linux", "commits/a/linux@", "commits/%41/linux", "commits/a/L"]
)
def test_folders_that_hold_no_commits(folder: str) -> None:
    with pytest.raises(ValueError):
        fmt.ChainId.of_folder(folder)


def test_names_that_one_file_system_would_mix_up() -> None:
    assert fmt.collision_key("PBX-Süd") == fmt.collision_key("pbx-su\u0308d")
    assert fmt.collision_key("pbx1") != fmt.collision_key("pbx2")


# --- commit record ---
def test_a_record_is_read_back_and_its_hash_is_that_of_its_bytes() -> None:
    data = RECORD.to_bytes()
    assert fmt.CommitRecord.from_bytes(data) == dataclasses.replace(RECORD, manifest=(SHA, 100))
    assert RECORD.hash == hashlib.sha256(data).hexdigest()
    assert dict(RECORD.needed_objects()) == {SHA: 300}
    assert len(data) < 1000


def test_what_a_product_counts_is_read_back() -> None:
    counted = dataclasses.replace(RECORD, counts={"users": 120, "servers": 0})
    assert json.loads(counted.to_bytes())["counts"] == {"users": 120, "servers": 0}
    assert fmt.CommitRecord.from_bytes(counted.to_bytes()).counts == {"users": 120, "servers": 0}


def test_a_record_leaves_out_what_says_nothing() -> None:
    plain = dataclasses.replace(RECORD, instance="", missing=(), change_id=None, attempt=1, counts={})
    absent = {"instance", "missing", "change_id", "attempt", "counts", "reason", "actor", "job", "run_id", "release"}
    assert not absent & set(json.loads(plain.to_bytes()))
    assert fmt.CommitRecord.from_bytes(plain.to_bytes()) == plain


@pytest.mark.parametrize(
    "name", sorted(set(json.loads(RECORD.to_bytes())) - {"instance", "missing", "change_id", "attempt", "counts"})
)
def test_a_record_without_one_of_its_fields_is_damaged(name: str) -> None:
    data = json.loads(RECORD.to_bytes())
    del data[name]
    with pytest.raises(RepositoryDamaged, match=name):
        fmt.CommitRecord.from_bytes(fmt.canonical_json(data))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 2),
        ("format", True),
        ("sequence", 0),
        ("sequence", "3"),
        ("sequence", True),
        ("parent", "xyz"),
        ("parent", ""),
        ("received_at", "yesterday"),
        ("received_at", "2026-11-23T05:24:59+01:00"),
        ("received_at", "2026-02-30T05:24:59Z"),
        ("status", "fine"),
        ("phase", "never"),
        ("items", []),
        ("items", {"a": {}}),
        ("items", {"a": {"digest": "ab", "bytes": 1, "entries": 1, "data_class": "logs"}}),
        ("items", {"a": {"digest": "ab" * 16, "bytes": -1, "entries": 1, "data_class": "logs"}}),
        ("items", {"a": {"digest": "ab" * 16, "bytes": 1, "entries": 1, "data_class": "other"}}),
        ("manifest", [SHA]),
        ("manifest", [SHA, -1]),
        ("manifest", 7),
        ("objects", {"x": 1}),
        ("objects", [SHA]),
        ("source", ""),
        ("source", "a\nb"),
        ("product", "../x"),
        ("instance", "a/b"),
        ("instance", ""),
        ("missing", []),
        ("missing", [1]),
        ("attempt", 1),
        ("attempt", 0),
        ("change_id", 5),
        ("counts", {}),
        ("counts", []),
        ("counts", {"users": -1}),
        ("counts", {"users": "12"}),
        ("counts", {"users": True}),
        ("signer", None),
        ("surprise", 1),
    ],
)
def test_a_record_with_a_wrong_field_is_damaged(name: str, value: object) -> None:
    data = json.loads(RECORD.to_bytes())
    data[name] = value
    with pytest.raises(RepositoryDamaged):
        fmt.CommitRecord.from_bytes(fmt.canonical_json(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]\n", b"null\n", b"\xff", b'{"format":1,"format":1}\n', b"[" * 100_000]
    + [RECORD.to_bytes()[:-1], RECORD.to_bytes() + b"\n"],
    ids=range(9),
)
def test_what_is_no_record_is_damaged(data: bytes) -> None:
    with pytest.raises(RepositoryDamaged):
        fmt.CommitRecord.from_bytes(data)


def test_every_changed_or_cut_byte_of_a_record_changes_it() -> None:
    data = RECORD.to_bytes()
    for position in range(len(data)):
        for changed in (data[:position], data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]):
            with contextlib.suppress(RepositoryDamaged):
                assert fmt.CommitRecord.from_bytes(changed).hash != RECORD.hash


# --- piece index ---
def test_an_index_is_read_back() -> None:
    assert fmt.PieceIndex.from_bytes(INDEX.to_bytes()) == INDEX


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 2),
        ("pieces", []),
        ("pieces", [["01" * 16]]),
        ("pieces", [["01" * 15, None]]),
        ("pieces", [["AB" * 16, None]]),
        ("bundles", [[SHA, 300, "logs"]]),
        ("bundles", [[SHA, 300, "other", 2]]),
        ("bundles", [[SHA, 300, "logs", 0]]),
        ("recipients_digest", "x"),
        ("source", 1),
    ],
)
def test_an_index_with_a_wrong_field_is_damaged(name: str, value: object) -> None:
    data = json.loads(INDEX.to_bytes())
    data[name] = value
    with pytest.raises(RepositoryDamaged, match="piece index"):
        fmt.PieceIndex.from_bytes(fmt.canonical_json(data))


# --- manifest ---
_paths = st.binary(min_size=1, max_size=30).filter(lambda path: b"\0" not in path).map(lambda path: b"/" + path)
_small = st.integers(min_value=0, max_value=2**31)
_names = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
_entries = st.builds(
    Entry,
    item=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8),
    data_class=st.sampled_from(DATA_CLASSES),
    kind=st.sampled_from(KINDS),
    path=_paths,
    mode=st.none() | st.integers(0, 0o7777),
    uid=st.none() | _small,
    gid=st.none() | _small,
    owner=st.none() | _names,
    group=st.none() | _names,
    mtime_ns=st.none() | st.integers(-(2**62), 2**62),
    size=_small,
    link_target=st.none() | _paths,
    device=st.none() | st.tuples(_small, _small),
    acl_access=st.none() | _names,
    acl_default=st.none() | _names,
    xattrs=st.dictionaries(_names, st.binary(max_size=8), max_size=2),
    sensitive=st.booleans(),
    extra=st.dictionaries(_names, st.none() | _small | _names, max_size=2),
)
_piece_digest = st.binary(min_size=fmt.PIECE_DIGEST_SIZE, max_size=fmt.PIECE_DIGEST_SIZE)


def _with_pieces(entry: Entry, sha: bytes, pieces: list[tuple[tuple[int, int], bytes]]) -> fmt.StoredEntry:
    digests = tuple(digest for _place, digest in pieces) if len(pieces) > 1 else ()
    return fmt.StoredEntry(entry, sha.hex(), tuple(place for place, _digest in pieces), digests)


_stored = st.one_of(
    st.builds(fmt.StoredEntry, _entries),
    st.builds(
        _with_pieces,
        _entries,
        st.binary(min_size=32, max_size=32),
        st.lists(st.tuples(st.tuples(_small, _small), _piece_digest), max_size=4),
    ),
)


@settings(max_examples=examples(300), deadline=None)
@given(_stored)
def test_every_entry_survives_the_manifest_in_one_line(stored: fmt.StoredEntry) -> None:
    line = stored.to_line()
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert fmt.StoredEntry.from_line(line) == stored


def test_the_members_of_a_line_stand_in_the_order_that_stock_tools_rely_on() -> None:
    entry = Entry(
        item="config", data_class="logs", kind="file", path=b'/a "b"\n\xff', mode=0o640, uid=0, gid=0, owner="root",
        group="root", mtime_ns=1, size=3, link_target=b"/x", device=(1, 2), acl_access="a", acl_default="d",
        xattrs={"user.x": b"1"}, sensitive=True, extra={"rc": 0},
    )  # fmt: skip
    line = fmt.StoredEntry(entry, SHA, ((0, 7), (1, 0)), (b"\1" * 16, b"\2" * 16)).to_line()
    assert list(json.loads(line)) == [
        "item", "class", "kind", "path", "mode", "uid", "gid", "owner", "group", "acl_access", "acl_default",
        "link_target", "device", "xattrs", "sensitive", "extra", "mtime_ns", "size", "sha256", "digests",
        "pieces",
    ]  # fmt: skip
    digests = "01" * 16 + "02" * 16
    end = f',"mtime_ns":1,"size":3,"sha256":"{SHA}","digests":"{digests}","pieces":[[0,7],[1,0]]}}\n'
    assert line.endswith(end.encode())
    assert rb'"path":"/a \"b\"%0A%FF"' in line


_PLAIN_LINE = {"item": "a", "class": "logs", "kind": "file", "path": "/a"}


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "%zz"},
        {"item": None, "class": None, "kind": None, "path": None},
        {"sha256": "0", "pieces": []},
        {"sha256": SHA},
        {"sha256": SHA, "pieces": [[0]]},
        {"sha256": SHA, "pieces": [[0, -1]]},
        {"sha256": SHA, "pieces": [[0, 1], [0, 2]]},
        {"sha256": SHA, "pieces": [[0, 1], [0, 2]], "digests": "ab" * 31},
        {"sha256": SHA, "pieces": [[0, 1], [0, 2]], "digests": "AB" * 32},
        {"sha256": SHA, "pieces": [[0, 1], [0, 2]], "digests": ["ab" * 16, "ab" * 16]},
        {"sha256": SHA, "pieces": [[0, 1]], "digests": "ab" * 16},
        {"mode": "9"},
    ],
)
def test_a_line_that_is_no_entry_is_damaged(fields: dict[str, object]) -> None:
    line = fmt.canonical_json({**_PLAIN_LINE, **fields})
    with pytest.raises(RepositoryDamaged, match="line of a manifest"):
        fmt.StoredEntry.from_line(line)


MANIFEST = fmt.Manifest(
    repository_id="0f6c",
    source="pbx",
    product="kamailio",
    instance="",
    bundles=(SHA,),
    entries=2,
    status="complete",
    release="5.7",
    version={"build": "x"},
    identity={"machine_id": "y"},
    items={"config": {"required": True}},
    restore_order=("config",),
)


def test_the_first_line_of_a_manifest_is_read_back() -> None:
    assert fmt.Manifest.from_line(MANIFEST.to_line()) == MANIFEST
    assert MANIFEST.to_line().count(b"\n") == 1


@pytest.mark.parametrize("name", sorted(json.loads(MANIFEST.to_line())))
def test_a_manifest_without_one_of_its_fields_is_damaged(name: str) -> None:
    data = json.loads(MANIFEST.to_line())
    del data[name]
    with pytest.raises(RepositoryDamaged, match="manifest"):
        fmt.Manifest.from_line(fmt.canonical_json(data))
