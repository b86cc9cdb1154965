# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a store takes unread. How a backup of a host uses them is in _module/test_backup_and_restore.py."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry, KnownContent
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import GenerationId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import verify
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import GenerationFacts

from .conftest import Store, entry

DAY = 86400.0
LARGE = random.Random(1).randbytes(3_000_000)
FILE = entry("/large", version=b"inode 5, now")
Files = Sequence[tuple[Entry, bytes]]


def backup(store: Store, *files: tuple[Entry, bytes], source: str = "pbx") -> list[bytes]:
    """One generation; the paths that were taken unread."""
    unread = []
    with store.writer() as writer:
        generation = writer.begin(source, "kamailio", believed_for=DAY)
        assert generation.known_files is not None
        for file, content in files:
            found = generation.known_files.find(file)
            generation.add(*(found or (file, [content])))
            unread += [file.path] if found else []
        record = writer.commit([generation.finish(GenerationFacts())])[0].record
    assert store.files(record) == {file.path: content for file, content in files}
    report = verify(store.backend, 2, file_keys=store.keys_of(record), generations=[GenerationId.of(record)])
    assert not report.findings
    return unread


def test_a_known_file_is_stored_as_if_it_were_read(store: Store) -> None:
    assert backup(store, (FILE, LARGE)) == []
    before = store.names()
    assert backup(store, (FILE, LARGE)) == [b"/large"]
    one, two = store.record("pbx/kamailio/1"), store.record("pbx/kamailio/2")
    assert (two.manifest, two.items, two.objects) == (one.manifest, one.items, one.objects)
    assert len(store.names() - before) == 2
    assert backup(store, (FILE, LARGE), (entry("/other"), b"new")) == [b"/large"]
    assert store.record("pbx/kamailio/3").objects.keys() > one.objects.keys()


def test_one_that_is_a_single_piece_is_known_too(store: Store) -> None:
    content = bytes(300_000)
    assert [backup(store, (FILE, content)) for _time in range(2)] == [[], [b"/large"]]


@pytest.mark.parametrize(
    "other",
    [
        entry("/large", version=b"inode 5, later"),
        entry("/large", version=b"inode 5, now", item="another"),
        entry("/large2", version=b"inode 5, now"),
        entry("/large", version=b"inode 5, now", data_class="logs"),
        entry("/large", version=b"inode 5, now", sensitive=True),
    ],
    ids=["version", "item", "path", "data class", "sensitive"],
)
def test_another_file_is_read(store: Store, other: Entry) -> None:
    backup(store, (FILE, LARGE))
    assert backup(store, (other, LARGE)) == []


def test_small_ones_and_those_without_a_version_are_read(store: Store) -> None:
    files = [(entry("/small", version=b"1"), b"x" * 1000), (entry("/silent"), LARGE)]
    assert [backup(store, *files) for _time in range(2)] == [[], []]
    assert not store.backend.exists("known/pbx/kamailio.json")


def test_another_source_knows_nothing_of_it(store: Store) -> None:
    backup(store, (FILE, LARGE))
    notes = store.path / "known/pbx/kamailio.json"
    (store.path / "known/other").mkdir()
    (store.path / "known/other/kamailio.json").write_bytes(notes.read_bytes())
    backup(store, (entry("/a"), b"a"), source="other")
    assert backup(store, (FILE, LARGE), source="other") == []


def test_a_file_that_is_gone_is_forgotten(store: Store) -> None:
    backup(store, (FILE, LARGE))
    backup(store, (entry("/a"), b"a"))
    assert b"{}" in (store.path / "known/pbx/kamailio.json").read_bytes()
    assert backup(store, (FILE, LARGE)) == []


def test_a_content_that_was_not_read_is_never_handed_out() -> None:
    with pytest.raises(ValueError, match="not read"):
        list(KnownContent(1, b"", (), (), 0))


def test_an_instance_has_notes_of_its_own(store: Store) -> None:
    with store.writer() as writer:
        generation = writer.begin("pbx/1", "mssql", "CHAT", believed_for=DAY)
        generation.add(FILE, [LARGE])
        writer.commit([generation.finish(GenerationFacts())])
    assert store.backend.exists("known/pbx%2F1/mssql@CHAT.json")


def test_the_notes_cost_no_sync(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(type(store.backend), "_sync", lambda _self, paths: synced.extend(paths))
    with store.writer() as writer:
        generation = writer.begin("pbx", "kamailio", believed_for=DAY)
        generation.add(FILE, [LARGE])
        writer.commit([generation.finish(GenerationFacts())])
    assert store.backend.exists("known/pbx/kamailio.json")
    assert synced and not [path for path in synced if "/known" in path or "/replace-" in path]


@pytest.mark.parametrize("left", [b"", b"\0" * 4096], ids=["nothing", "zeros"])
def test_what_a_power_cut_leaves_of_them_is_none(store: Store, left: bytes) -> None:
    backup(store, (FILE, LARGE))
    (store.path / "known/pbx/kamailio.json").write_bytes(left)
    assert backup(store, (FILE, LARGE)) == []
    assert backup(store, (FILE, LARGE)) == [b"/large"]
