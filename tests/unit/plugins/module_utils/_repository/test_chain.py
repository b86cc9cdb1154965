# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    GenerationMissing,
    NotAuthentic,
    OptionInvalid,
    RepositoryDamaged,
    SignatureInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import chain as chains
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    COMMIT_NAMESPACE,
    ChainId,
    CommitRecord,
    GenerationId,
    record_name,
    signature_name,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.generations import (
    current_generation_of_change,
    find_generation,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Signer, load_keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import AllowedSigners

from .conftest import Store

PBX = ChainId("pbx", "kamailio")


def put(store: Store, record: CommitRecord, key: WriterKey | None = None) -> CommitRecord:
    """Write a record as whoever holds a key would."""
    generation = GenerationId.of(record)
    signature = (key or store.key).signing_key.sign(record.to_bytes(), COMMIT_NAMESPACE)
    store.backend.create(signature_name(generation, record.hash), signature)
    store.backend.create(record_name(generation), record.to_bytes())
    return record


def three(store: Store) -> list[CommitRecord]:
    return [
        store.backup({"/a": b"%d" % number}, status=status).record
        for number, status in enumerate(("complete", "complete", "partial"))
    ]


def test_what_there_is(store: Store) -> None:
    for source, product, instance in (("pbx", "kamailio", ""), ("pbx", "mssql", "CHAT"), ("büro", "linux", "")):
        store.backup({"/a": b"1"}, source, product=product, instance=instance)
    os.makedirs(f"{store.path}/commits/stray%zz/linux")
    store.backend.create("commits/file", b"")
    assert [str(chain) for chain in chains.list_chains(store.backend)] == [
        "büro/linux",
        "pbx/kamailio",
        "pbx/mssql@CHAT",
    ]
    assert [str(chain) for chain in chains.list_chains(store.backend, "büro")] == ["büro/linux"]
    assert chains.list_sources(store.backend) == ["büro", "pbx"]


def test_a_line_is_read_from_its_head_to_its_beginning(store: Store) -> None:
    records = three(store)
    assert chains.load_chain(store.backend, "pbx", "kamailio") == records
    assert chains.head(store.backend, PBX) == records[-1]
    assert chains.sequences(store.backend, PBX) == [1, 2, 3]
    assert [record.parent for record in records] == ["", records[0].hash, records[1].hash]
    assert chains.load_chain(store.backend, "nobody", "linux") == []
    assert chains.head(store.backend, ChainId("nobody", "linux")) is None


def test_the_newest_complete_ones(store: Store) -> None:
    records = three(store)
    assert chains.last_complete(store.backend, "pbx", "kamailio", "", 5) == [records[1], records[0]]
    assert chains.last_complete(store.backend, "pbx", "kamailio", "", 1) == [records[1]]
    assert chains.last_complete(store.backend, "pbx", "kamailio", "", 0) == []
    assert chains.last_complete(store.backend, "nobody", "linux", "", 5) == []


def test_what_a_restore_put_aside_is_not_what_the_host_should_be(store: Store) -> None:
    good = store.backup({"/a": b"good"}).record
    broken = store.backup({"/a": b"broken"}, phase="pre_restore").record
    assert chains.last_complete(store.backend, "pbx", "kamailio", "", 5) == [good]
    assert find_generation(store.backend, "pbx/kamailio/latest") == good
    assert find_generation(store.backend, "pbx/kamailio/newest") == broken
    assert find_generation(store.backend, "pbx/kamailio/2") == broken


def test_generations_are_found_by_what_people_say(store: Store) -> None:
    records = three(store)
    assert find_generation(store.backend, "pbx/kamailio/1") == records[0]
    assert find_generation(store.backend, "pbx/kamailio/latest") == records[1]
    assert find_generation(store.backend, "pbx/kamailio/newest") == records[2]
    for text in ("pbx/kamailio/4", "pbx/linux/latest", "nobody/linux/newest", "nobody/linux/1"):
        with pytest.raises(GenerationMissing):
            find_generation(store.backend, text)
    with pytest.raises(OptionInvalid):
        find_generation(store.backend, "latest")


def test_only_complete_generations_count_for_a_change(store: Store) -> None:
    store.backup({"/a": b"1"}, change_id="C1", phase="pre_change")
    wanted = store.backup({"/a": b"2"}, change_id="C1", phase="pre_change").record
    store.backup({"/a": b"3"}, change_id="C1", phase="pre_change", status="partial")
    store.backup({"/a": b"4"}, change_id="C2", phase="pre_change")
    store.backup({"/a": b"5"}, change_id="C1", phase="post_change")
    assert current_generation_of_change(store.backend, PBX, "C1", "pre_change") == wanted
    assert current_generation_of_change(store.backend, PBX, "C3", "pre_change") is None
    store.backup({"/a": b"6"}, "other", change_id="C1", phase="pre_change", status="partial")
    assert current_generation_of_change(store.backend, ChainId("other", "kamailio"), "C1", "pre_change") is None


def test_a_missing_record_breaks_the_line(store: Store) -> None:
    three(store)
    os.unlink(store.path / "commits/pbx/kamailio/2.json")
    with pytest.raises(RepositoryDamaged, match="later ones are there") as error:
        chains.load_chain(store.backend, "pbx", "kamailio")
    assert error.value.item == "commits/pbx/kamailio/2.json"


def test_a_record_that_was_exchanged_breaks_the_line(store: Store) -> None:
    records = three(store)
    os.unlink(store.path / "commits/pbx/kamailio/2.json")
    put(store, replace(records[1], reason="other"))
    with pytest.raises(RepositoryDamaged, match="line is broken"):
        chains.load_chain(store.backend, "pbx", "kamailio")


def test_a_record_in_another_place_is_refused(store: Store) -> None:
    three(store)
    os.makedirs(store.path / "commits/other/kamailio")
    os.rename(store.path / "commits/pbx/kamailio/1.json", store.path / "commits/other/kamailio/1.json")
    with pytest.raises(RepositoryDamaged, match="strange place: it is that of pbx/kamailio/1"):
        chains.load_record(store.backend, GenerationId.parse("other/kamailio/1"))


def test_a_record_without_a_signature_is_refused(store: Store) -> None:
    record = three(store)[2]
    os.unlink(f"{store.path}/{signature_name(GenerationId.of(record), record.hash)}")
    with pytest.raises(SignatureInvalid, match="not signed") as error:
        chains.head(store.backend, PBX)
    assert error.value.item == "commits/pbx/kamailio/3.json"


def test_a_line_needs_the_signature_of_every_record(store: Store) -> None:
    first = three(store)[0]
    os.unlink(f"{store.path}/{signature_name(GenerationId.of(first), first.hash)}")
    assert chains.head(store.backend, PBX) is not None
    with pytest.raises(SignatureInvalid) as error:
        chains.load_chain(store.backend, "pbx", "kamailio")
    assert error.value.item == "commits/pbx/kamailio/1.json"


def test_the_signature_of_another_record_does_not_fit(store: Store) -> None:
    first, _second, third = three(store)
    name = f"{store.path}/{signature_name(GenerationId.of(third), third.hash)}"
    os.unlink(name)
    os.link(f"{store.path}/{signature_name(GenerationId.of(first), first.hash)}", name)
    with pytest.raises(SignatureInvalid, match="does not fit"):
        chains.head(store.backend, PBX)


def test_a_strangers_record_is_refused(store: Store) -> None:
    record = three(store)[2]
    put(store, replace(record, sequence=4, parent=record.hash), WriterKey.generate("stranger"))
    with pytest.raises(NotAuthentic, match="stranger") as error:
        chains.head(store.backend, PBX)
    assert error.value.item == "commits/pbx/kamailio/4.json"


def test_a_signer_of_another_role_is_refused(store: Store) -> None:
    other = WriterKey.generate("pruner")
    store.change(signers=[Signer("pruner", other.public, ("prune",))])
    record = three(store)[2]
    put(store, replace(record, sequence=4, parent=record.hash), other)
    with pytest.raises(NotAuthentic, match="pruner"):
        chains.head(store.backend, PBX)


def test_a_revoked_signer_is_believed_for_what_was_before(store: Store) -> None:
    record = three(store)[2]
    store.change(signers=[Signer("backup-host", store.key.public, ("writer",), record.received_at)])
    assert chains.head(store.backend, PBX) == record
    late = put(store, replace(record, sequence=4, parent=record.hash, received_at="2099-01-01T00:00:00Z"))
    with pytest.raises(NotAuthentic, match="revoked"):
        chains.head(store.backend, PBX)
    os.unlink(f"{store.path}/{record_name(GenerationId.of(late))}")
    store.change(signers=[Signer("backup-host", store.key.public, ("writer",), True)])
    with pytest.raises(NotAuthentic, match="revoked"):
        chains.head(store.backend, PBX)


def test_a_record_of_another_repository_is_refused(store: Store) -> None:
    put(store, replace(three(store)[2], sequence=4, repository_id="0" * 32))
    with pytest.raises(NotAuthentic, match="another repository"):
        chains.head(store.backend, PBX)


def test_the_operator_has_the_last_word_on_who_is_believed(store: Store) -> None:
    record = three(store)[2]
    keyring = load_keyring(store.backend)
    known = chains.believe_operator(keyring, AllowedSigners.parse(store.allowed_signers()))
    assert chains.head(store.backend, PBX, known) == record
    unknown = chains.believe_operator(keyring, AllowedSigners.parse(f"x {WriterKey.generate('x').public}\n"))
    with pytest.raises(NotAuthentic, match="not among the allowed signers"):
        chains.head(store.backend, PBX, unknown)
