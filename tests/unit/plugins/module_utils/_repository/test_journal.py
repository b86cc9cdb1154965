# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    NotAuthentic,
    RepositoryDamaged,
    SignatureInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import journal
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import (
    IN_DOUBT,
    OpenRestore,
    RestoreJournal,
    interrupted_restores,
    journal_names,
    last_restore,
    open_restores,
    read_journal_record,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer, load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey

from .conftest import Store

PBX = ChainId("pbx", "kamailio")


def start(store: Store, instance: str = "") -> RestoreJournal:
    with store.writer() as repository:
        return RestoreJournal.start(
            repository,
            "pbx",
            "kamailio",
            instance,
            generation="pbx/kamailio/1",
            plan={"items": ["config"], "paths": ["/etc/a"]},
            actor="me",
        )


def open_ones(store: Store) -> list[str]:
    return open_restores(store.backend, "pbx", "kamailio")


def path_of(store: Store, one: RestoreJournal, state: str) -> str:
    return f"{store.path}/journal/pbx/kamailio/{one.identifier}.{state}.json"


def test_a_restore_is_open_until_it_is_finished(store: Store) -> None:
    assert open_ones(store) == []
    one = start(store)
    assert open_ones(store) == [one.identifier]
    one.finish("restored")
    assert open_ones(store) == []
    assert len(journal_names(store.backend, PBX)) == 4


def test_the_records_say_what_happened(store: Store) -> None:
    one = start(store)
    one.finish("rolled_back")
    keyring = load_keyring(store.backend)
    begun, ended = (
        read_journal_record(store.backend, keyring, f"journal/pbx/kamailio/{one.identifier}.{state}.json").facts
        for state in ("started", "finished")
    )
    assert (begun["generation"], begun["actor"]) == ("pbx/kamailio/1", "me")
    assert begun["plan"] == {"items": ["config"], "paths": ["/etc/a"]}
    assert ended["outcome"] == "rolled_back" and ended["at"] >= begun["at"]


def test_lines_are_kept_apart(store: Store) -> None:
    start(store, "CHAT")
    assert open_ones(store) == []
    assert len(open_restores(store.backend, "pbx", "kamailio", "CHAT")) == 1


def test_a_restore_can_take_the_place_of_open_ones(store: Store) -> None:
    lost, other = start(store), start(store)
    assert open_ones(store) == sorted([lost.identifier, other.identifier])
    other.finish("restored", replaces=[lost.identifier])
    assert open_ones(store) == []
    with pytest.raises(RepositoryDamaged, match="has this record already"):
        other.finish("restored")
    with pytest.raises(RepositoryDamaged):
        start(store).finish("restored", replaces=["20260101T000000Z-00000000"])


@pytest.mark.parametrize("suffix", ["", ".sig"])
def test_a_damaged_beginning_was_a_beginning(store: Store, suffix: str) -> None:
    one = start(store)
    with open(path_of(store, one, "started") + suffix, "r+b") as stream:
        stream.write(b"#")
    assert open_ones(store) == [one.identifier]
    one.finish("restored")
    assert open_ones(store) == [one.identifier]


@pytest.mark.parametrize("suffix", ["", ".sig"])
def test_a_damaged_end_is_none(store: Store, suffix: str) -> None:
    one = start(store)
    one.finish("restored")
    with open(path_of(store, one, "finished") + suffix, "r+b") as stream:
        stream.write(b"#")
    assert open_ones(store) == [one.identifier]


def test_an_end_by_a_stranger_is_none(store: Store) -> None:
    one = start(store)
    stranger = WriterKey.generate("stranger").with_pins(store.key.repository_id, store.key.owner, "0" * 64)
    facts = {"at": "2026-01-01T00:00:00Z", "outcome": "restored", "started": one._started.hash}
    name = journal._write(store.backend, stranger, PBX, one.identifier, "finished", facts).name
    assert open_ones(store) == [one.identifier]
    with pytest.raises(NotAuthentic) as error:
        read_journal_record(store.backend, load_keyring(store.backend), name)
    assert error.value.item == name


def test_a_signer_of_the_journal_may_write_it(store: Store) -> None:
    other = WriterKey.generate("restorer").with_pins(store.key.repository_id, store.key.owner, "0" * 64)
    store.change(signers=[Signer("restorer", other.public, ("journal",))])
    one = start(store)
    facts = {"at": "2026-01-01T00:00:00Z", "outcome": "restored", "started": one._started.hash}
    journal._write(store.backend, other, PBX, one.identifier, "finished", facts)
    assert open_ones(store) == []


def test_the_end_of_another_restore_is_none(store: Store) -> None:
    one, other = start(store), start(store)
    other.finish("restored")
    for suffix in ("", ".sig"):
        os.link(path_of(store, other, "finished") + suffix, path_of(store, one, "finished") + suffix)
    assert open_ones(store) == [one.identifier]
    with pytest.raises(NotAuthentic, match="another place"):
        name = f"journal/pbx/kamailio/{one.identifier}.finished.json"
        read_journal_record(store.backend, load_keyring(store.backend), name)


def test_an_end_that_names_another_beginning_is_none(store: Store) -> None:
    one = start(store)
    facts = {"at": "2026-01-01T00:00:00Z", "outcome": "restored", "started": "0" * 64}
    journal._write(store.backend, store.key, PBX, one.identifier, "finished", facts)
    assert open_ones(store) == [one.identifier]


def test_what_is_signed_but_no_record_is_damaged(store: Store) -> None:
    name = "journal/pbx/kamailio/20260101T000000Z-00000000.started.json"
    for data, error in ((b"[]", RepositoryDamaged), (b"{}", RepositoryDamaged)):
        store.backend.replace(name, data)
        store.backend.replace(f"{name}.sig", store.key.signing_key.sign(data, "ucops-recovery-journal"))
        with pytest.raises(error, match="not a record of the journal"):
            read_journal_record(store.backend, load_keyring(store.backend), name)
    store.backend.replace(f"{name}.sig", store.key.signing_key.sign(b"{}", "ucops-recovery-commit"))
    with pytest.raises(SignatureInvalid, match="ucops-recovery-commit"):
        read_journal_record(store.backend, load_keyring(store.backend), name)


def test_strange_files_in_the_journal_are_no_restores(store: Store) -> None:
    store.backend.create("journal/pbx/kamailio/notes.txt", b"hello")
    assert open_ones(store) == []


def test_what_was_cut_off_says_what_it_was_doing_and_what_is_damaged_is_in_doubt(store: Store) -> None:
    one = start(store)
    assert interrupted_restores(store.backend, "pbx", "kamailio") == [
        OpenRestore(one.identifier, "pbx/kamailio/1", ["config"], ["/etc/a"])
    ]
    with open(path_of(store, one, "started"), "ab") as stream:
        stream.write(b" ")
    assert interrupted_restores(store.backend, "pbx", "kamailio") == [OpenRestore(one.identifier, "", IN_DOUBT)]


@pytest.mark.parametrize(
    ("killed", "items", "paths", "is_within"),
    [
        ((["config"], []), ["config", "database"], [], True),
        ((["config", "database"], []), ["config"], [], False),
        ((["config"], []), ["config"], ["/etc/a"], False),
        ((["config"], ["/etc/a"]), ["config"], ["/etc/a", "/etc/b"], True),
        ((["config"], ["/etc/a", "/etc/b"]), ["config"], ["/etc/a"], False),
        ((["config"], ["/etc/a"]), ["config"], [], True),
        # only services were stopped
        (([], []), [], ["/etc/a"], True),
        ((IN_DOUBT, []), ["config"], [], False),
    ],
)
def test_what_may_be_half_done_is_within_a_restore_that_puts_all_of_it_back(
    killed: tuple[list[str], list[str]], items: list[str], paths: list[str], is_within: bool
) -> None:
    assert OpenRestore("one", "pbx/kamailio/1", *killed).is_within(items, paths) is is_within


def test_another_process_ends_what_was_cut_off(store: Store) -> None:
    one = start(store)
    with store.writer() as repository:
        RestoreJournal.resume(repository, "pbx", "kamailio", "", one.identifier).finish("not_begun")
    assert open_ones(store) == []
    with store.writer() as repository, pytest.raises(RepositoryDamaged):
        RestoreJournal.resume(repository, "pbx", "kamailio", "", "20261125T200000Z-00000000")


def test_only_what_ended_well_was_restored(store: Store) -> None:
    assert last_restore(store.backend, PBX, "config", ["/etc/a"]) is None
    start(store).finish("rolled_back")
    start(store)
    assert last_restore(store.backend, PBX, "config", ["/etc/a"]) is None
    good = start(store)
    good.finish("restored")
    found = last_restore(store.backend, PBX, "config", ["/etc/a"])
    assert found is not None and found[0] == "pbx/kamailio/1"
    for item, paths in (("database", ["/etc/a"]), ("config", []), ("config", ["/etc/a", "/etc/b"])):
        assert last_restore(store.backend, PBX, item, paths) is None
    with open(path_of(store, good, "finished"), "ab") as stream:
        stream.write(b" ")
    assert last_restore(store.backend, PBX, "config", ["/etc/a"]) is None
