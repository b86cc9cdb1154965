# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who can write to the repository, but has none of its keys, tries to deceive; each attempt has its name."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    KeyringMismatch,
    NotAuthentic,
    RecoveryError,
    RepositoryDamaged,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import (
    believe_operator,
    head,
    load_chain,
    load_record,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import (
    COMMIT_NAMESPACE,
    ChainId,
    GenerationId,
    object_name,
    record_name,
    signature_name,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import (
    KEYRING,
    KEYRING_NAMESPACE,
    KEYRING_SIGNATURE,
    Keyring,
    Recipient,
    Signer,
    load_keyring,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import AllowedSigners, SigningKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import Trust, VerifyReport, verify

from .conftest import Store

PBX = ChainId("pbx", "kamailio")
GOOD, EVIL = {"/etc/dialplan": b"good\n" * 20}, {"/etc/dialplan": b"evil\n" * 20}


@dataclasses.dataclass
class Scene:
    """A repository with two generations of one source, one of another, and what the operator keeps outside."""

    store: Store
    trust: Trust

    def verify(self, level: int = 1) -> VerifyReport:
        return verify(self.store.backend, level, self.trust)

    def problems(self) -> dict[str, str]:
        return {finding.object: finding.problem for finding in self.verify().findings}


@pytest.fixture
def scene(store: Store) -> Scene:
    store.backup(GOOD)
    newest = store.backup({**GOOD, "/etc/users": b"users"})
    store.backup({"/etc/hosts": b"hosts\n" * 20}, "other")
    allowed = AllowedSigners.parse(store.allowed_signers())
    return Scene(store, Trust(allowed, {"pbx/kamailio": newest.head}))


def forge_keyring(store: Store, owner: SigningKey, **changes: object) -> Keyring:
    """Replace the keyring by one that the attacker signed."""
    keyring = dataclasses.replace(load_keyring(store.backend), owner=owner.public, **changes)  # type: ignore[arg-type]
    store.backend.replace(KEYRING, keyring.to_bytes())
    store.backend.replace(KEYRING_SIGNATURE, owner.sign(keyring.to_bytes(), KEYRING_NAMESPACE))
    return keyring


def sign(store: Store, key: WriterKey, generation: str, **changes: object) -> None:
    """Put a changed copy of a record behind the head, signed by some key."""
    newest = head(store.backend, PBX)
    assert newest is not None
    record = dataclasses.replace(
        load_record(store.backend, GenerationId.parse(generation)),
        **{"sequence": newest.sequence + 1, "parent": newest.hash, **changes},  # type: ignore[arg-type]
    )
    signature = key.signing_key.sign(record.to_bytes(), COMMIT_NAMESPACE)
    store.backend.create(signature_name(GenerationId.of(record), record.hash), signature)
    store.backend.create(record_name(GenerationId.of(record)), record.to_bytes())


def test_nothing_is_wrong_before(scene: Scene) -> None:
    assert scene.verify().verdict == "authentic"


def test_swapped_recipients(scene: Scene) -> None:
    mine = age.X25519Identity.generate()
    present = load_keyring(scene.store.backend)
    recipients = (dataclasses.replace(present.recipients[0], recipient=mine.recipient),)
    forge_keyring(scene.store, SigningKey.generate(), recipients=recipients)
    with pytest.raises(KeyringMismatch, match="keyring was swapped: it has a strange owner"):
        scene.store.backup(EVIL)
    assert "not among the allowed signers" in scene.problems()[KEYRING]


def test_swapped_recipients_with_the_right_owner_in_the_text(scene: Scene) -> None:
    mine = age.X25519Identity.generate()
    present = load_keyring(scene.store.backend)
    forged = dataclasses.replace(present, recipients=(*present.recipients, Recipient(mine.recipient, "mine")))
    scene.store.backend.replace(KEYRING, forged.to_bytes())
    with pytest.raises(RepositoryDamaged) as error:
        scene.store.backup(EVIL)
    assert error.value.item in (KEYRING, KEYRING_SIGNATURE)
    scene.store.backend.replace(KEYRING_SIGNATURE, SigningKey.generate().sign(forged.to_bytes(), KEYRING_NAMESPACE))
    with pytest.raises(NotAuthentic, match="signed by a stranger"):
        scene.store.backup(EVIL)
    assert scene.verify().verdict == "damaged"


def test_an_older_keyring_is_put_back(scene: Scene) -> None:
    old = [(name, scene.store.backend.read(name, 2**20)) for name in (KEYRING, KEYRING_SIGNATURE)]
    another = age.X25519Identity.generate()
    facts = scene.store.change(recipients=[Recipient(another.recipient, "escrow")])
    bound = dataclasses.replace(scene.store, key=scene.store.key.with_pins(**facts["pins"]))
    bound.backup(GOOD)
    for name, data in old:
        scene.store.backend.replace(name, data)
    with pytest.raises(KeyringMismatch, match="recipients"):
        bound.backup(EVIL)


def test_a_record_signed_by_a_stranger(scene: Scene) -> None:
    sign(scene.store, WriterKey.generate("backup-host"), "pbx/kamailio/1")
    name = "commits/pbx/kamailio/3.json"
    for use in (
        lambda: scene.store.backup(GOOD),
        lambda: load_record(scene.store.backend, GenerationId.parse("pbx/kamailio/3")),
        lambda: load_chain(scene.store.backend, "pbx", "kamailio"),
    ):
        with pytest.raises(NotAuthentic, match="stranger") as error:
            use()
        assert error.value.item == name
    assert "stranger" in scene.problems()[name]


def test_a_stranger_who_is_in_a_forged_keyring(scene: Scene) -> None:
    stranger = WriterKey.generate("stranger")
    keyring = load_keyring(scene.store.backend)
    forged = forge_keyring(
        scene.store, SigningKey.generate(), signers=(*keyring.signers, Signer("stranger", stranger.public))
    )
    sign(scene.store, stranger, "pbx/kamailio/1")
    allowed = scene.trust.allowed_signers
    assert allowed is not None
    with pytest.raises(NotAuthentic, match="stranger, who is not among the allowed signers"):
        head(scene.store.backend, PBX, believe_operator(forged, allowed))
    assert {KEYRING, "commits/pbx/kamailio/3.json"} <= set(scene.problems())


def test_a_record_without_its_signature(scene: Scene) -> None:
    record = head(scene.store.backend, PBX)
    assert record is not None
    os.unlink(f"{scene.store.path}/{signature_name(GenerationId.of(record), record.hash)}")
    with pytest.raises(RepositoryDamaged, match="not signed"):
        scene.store.backup(GOOD)
    assert "not signed" in scene.problems()["commits/pbx/kamailio/2.json"]


def test_a_changed_record(scene: Scene) -> None:
    path = scene.store.path / "commits/pbx/kamailio/1.json"
    path.write_bytes(path.read_bytes().replace(b'"phase":"manual"', b'"phase":"pre_change"'))
    with pytest.raises(RepositoryDamaged):
        load_chain(scene.store.backend, "pbx", "kamailio")
    assert set(scene.problems()) >= {"commits/pbx/kamailio/1.json", "commits/pbx/kamailio/2.json"}


def test_a_record_of_one_source_for_another(scene: Scene) -> None:
    store = scene.store
    other = store.record("other/kamailio/1")
    os.makedirs(f"{store.path}/commits/third/kamailio")
    for name in (record_name(GenerationId.of(other)), signature_name(GenerationId.of(other), other.hash)):
        shutil.copy(f"{store.path}/{name}", f"{store.path}/{name}".replace("other", "third"))
    with pytest.raises(RepositoryDamaged, match="strange place: it is that of other/kamailio/1"):
        store.backup(GOOD, "third")
    assert "strange place" in scene.problems()["commits/third/kamailio/1.json"]


def test_objects_swapped_between_sources(scene: Scene) -> None:
    store = scene.store
    mine, other = store.record("pbx/kamailio/1"), store.record("other/kamailio/1")
    keys = store.keys_of(mine, other)
    for one, another in ((mine.manifest[0], other.manifest[0]), (next(iter(mine.objects)), next(iter(other.objects)))):
        paths = [store.path / object_name(sha) for sha in (one, another)]
        contents = [path.read_bytes() for path in paths]
        for path, content in zip(paths, reversed(contents)):
            path.write_bytes(content)
        assert {object_name(one), object_name(another)} <= set(scene.problems())
        swapped = {**keys, one: keys[another], another: keys[one]}
        for file_keys in (keys, swapped):
            with pytest.raises(RecoveryError) as error, GenerationReader(store.backend, mine, file_keys) as reader:
                for stored in reader.entries():
                    reader.read(stored)
            assert error.value.item == object_name(one)
        for path, content in zip(paths, contents):
            path.write_bytes(content)


def test_objects_of_another_source_named_by_the_writer_itself(scene: Scene) -> None:
    """A stolen backup host may sign, but cannot pass one source's content off as another's."""
    store = scene.store
    other = store.record("other/kamailio/1")
    keys = store.keys_of(other)
    borrowed = {"manifest": other.manifest, "piece_index": other.piece_index, "objects": dict(other.objects)}
    sign(store, store.key, "pbx/kamailio/1", **borrowed)
    with pytest.raises(RepositoryDamaged, match="that of other/kamailio"):
        GenerationReader(store.backend, store.record("pbx/kamailio/3"), keys)
    with pytest.raises(NotAuthentic, match="index of pbx/kamailio/3 is that of another source"):
        store.backup(GOOD)
    assert "index is that of another source" in scene.problems()[object_name(other.piece_index[0])]


def test_a_bundle_sealed_anew_by_the_attacker(scene: Scene) -> None:
    """Everybody can seal for the recipients; what is sealed must be what the record names."""
    store = scene.store
    record = store.record("pbx/kamailio/1")
    sha = next(iter(record.objects))
    forged = age.seal(b"whatever", [store.identity.recipient])
    (store.path / object_name(sha)).write_bytes(forged)
    keys = store.keys_of(record)
    with pytest.raises(RepositoryDamaged) as error, GenerationReader(store.backend, record, keys) as reader:
        reader.read(next(reader.entries()))
    assert error.value.item == object_name(sha)
    assert object_name(sha) in scene.problems()


def test_a_repository_rolled_back(scene: Scene) -> None:
    store = scene.store
    week_ago = store.path.parent / "week-ago"
    shutil.copytree(store.path, week_ago)
    newest = store.backup(EVIL)
    trust = dataclasses.replace(scene.trust, expected_heads={"pbx/kamailio": newest.head})
    assert verify(store.backend, 0, trust).verdict == "authentic"
    shutil.rmtree(store.path)
    shutil.copytree(week_ago, store.path)
    assert verify(store.backend, 2, dataclasses.replace(trust, expected_heads={}), {}).findings != []
    assert scene.verify().verdict == "authentic", "in itself it is in order"
    (finding,) = verify(store.backend, 0, trust).findings
    assert finding.object == "commits/pbx/kamailio" and "rolled back" in finding.problem
    assert newest.head in finding.problem


def test_a_head_that_is_not_the_newest_is_still_known(scene: Scene) -> None:
    scene.store.backup(EVIL)
    assert scene.verify().verdict == "authentic"


def test_a_source_that_was_removed(scene: Scene) -> None:
    shutil.rmtree(scene.store.path / "commits/pbx")
    assert "pbx/kamailio was removed" in scene.problems()["commits"]


def test_the_newest_generation_removed(scene: Scene) -> None:
    os.unlink(scene.store.path / "commits/pbx/kamailio/2.json")
    assert "rolled back" in scene.problems()["commits/pbx/kamailio"]
    assert any("no such record" in note for note in scene.verify().notes)


@pytest.mark.parametrize("name", ["recover.py", "RECOVERY.md", "FORMAT.md", "REPOSITORY.json"])
def test_a_replaced_document(scene: Scene, name: str) -> None:
    (scene.store.path / name).write_bytes(b"import os; os.system('evil')\n")
    assert "replaced or damaged" in scene.problems()[name]


def test_a_swapped_slot(scene: Scene) -> None:
    (slot,) = (scene.store.path / "keys/slots").iterdir()
    slot.write_bytes(age.seal_scrypt(b"AGE-SECRET-KEY-1", b"known to the attacker", 1))
    assert "replaced or damaged" in scene.problems()[f"keys/slots/{slot.name}"]


def test_a_removed_signer(scene: Scene) -> None:
    store = scene.store
    store.change(signers=[Signer("backup-host", store.key.public, ("writer",), True)])
    with pytest.raises(KeyringMismatch, match="revoked"):
        store.backup(EVIL)
    with pytest.raises(NotAuthentic, match="revoked"):
        load_chain(store.backend, "pbx", "kamailio")
    assert all("revoked" in problem for name, problem in scene.problems().items() if name.startswith("commits/"))
    assert len(scene.problems()) == 3


def test_a_signer_removed_by_a_forged_keyring(scene: Scene) -> None:
    mine = WriterKey.generate("mine")
    forge_keyring(scene.store, SigningKey.generate(), signers=(Signer("mine", mine.public),))
    with pytest.raises(KeyringMismatch, match="strange owner"):
        scene.store.backup(GOOD)
    assert {KEYRING, "commits/pbx/kamailio/1.json", "commits/other/kamailio/1.json"} <= set(scene.problems())


def test_another_repository_in_its_place(scene: Scene) -> None:
    shutil.rmtree(scene.store.path)
    Store.create(scene.store.path)
    with pytest.raises(KeyringMismatch, match="another repository"):
        scene.store.backup(GOOD)
    assert {KEYRING, "commits"} <= set(scene.problems())


def test_a_bundle_under_a_link_is_not_followed(scene: Scene, tmp_path: object) -> None:
    record = scene.store.record("pbx/kamailio/1")
    path = scene.store.path / object_name(next(iter(record.objects)))
    elsewhere = f"{tmp_path}/elsewhere"
    os.rename(path, elsewhere) if os.stat(path).st_dev == os.stat(f"{tmp_path}").st_dev else shutil.move(
        path, elsewhere
    )
    os.symlink(elsewhere, path)
    assert object_name(next(iter(record.objects))) in scene.problems()
    assert scene.store.backup(GOOD).warnings
