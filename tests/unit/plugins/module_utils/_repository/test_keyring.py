# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    KeyringMismatch,
    NotAuthentic,
    OptionInvalid,
    RepositoryDamaged,
    RepositoryMissing,
    SignatureInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import keyring as keyrings
from ansible_collections.ucops.recovery.plugins.module_utils._repository.age import X25519Identity
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import (
    Keyring,
    OwnerChange,
    Recipient,
    Signer,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey, owner_key
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import AllowedSigners, SigningKey

IDENTITY = X25519Identity(bytes(range(32)))
STRANGER = X25519Identity(bytes(range(1, 33)))
OFFLINE = X25519Identity(bytes(range(2, 34)))
OWNER = owner_key(IDENTITY)
WRITER = SigningKey(bytes(32))
PRUNER = SigningKey(bytes(range(3, 35)))
ID = "0123456789abcdef" * 2
HASH = "ab" * 32

KEYRING = Keyring(
    repository_id=ID,
    created="2026-01-31T12:00:00Z",
    serial=3,
    owner=OWNER.public,
    recipients=(
        Recipient(IDENTITY.recipient, "restore", keyrings.KIND_RESTORE),
        Recipient(OFFLINE.recipient, "safe"),
    ),
    signers=(Signer("backup-1", WRITER.public), Signer("auditor", PRUNER.public, ("prune", "drill"))),
    slots={"00112233": HASH},
    documents=dict.fromkeys(keyrings.DOCUMENTS, HASH),
)


def sign(keyring: Keyring, key: SigningKey = OWNER) -> bytes:
    return key.sign(keyring.to_bytes(), keyrings.KEYRING_NAMESPACE)


def writer_key() -> WriterKey:
    key = WriterKey("backup-1", WRITER, bytes(32))
    return key.with_pins(ID, OWNER.public, KEYRING.recipients_digest)


def changed(**fields: Any) -> bytes:
    """The keyring's bytes with some fields of its JSON changed, in the canonical layout."""
    content = json.loads(KEYRING.to_bytes())
    content.update(fields)
    body = ",\n".join(keyrings._lines(key, content[key]) for key in sorted(content))
    return ("{\n" + body + "\n}\n").encode()


# --- the form --------------------------------------------------------------------------------------------------------
def test_round_trip() -> None:
    assert Keyring.from_bytes(KEYRING.to_bytes()) == KEYRING
    assert changed() == KEYRING.to_bytes()
    assert KEYRING.recipient_texts == [IDENTITY.recipient, OFFLINE.recipient]


def test_stock_tools_find_every_member_on_its_own_line() -> None:
    lines = KEYRING.to_bytes().decode().splitlines()
    assert f'"owner":"{OWNER.public}",' in lines
    assert f'"recover.py":"{HASH}"' in lines
    assert f'"00112233":"{HASH}"' in lines
    assert f'{{"name":"backup-1","public_key":"{WRITER.public}","revoked":false,"roles":["writer"]}},' in lines


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 100000, "cannot be read"),
        (KEYRING.to_bytes() + b"\n", "does not know"),
        (KEYRING.to_bytes().replace(b"\n", b"", 1), "does not know"),
        (changed(extra=1), "does not know"),
        (changed(format=2), "unknown format 2"),
        (changed(serial=0), "cannot be read"),
        (changed(serial="1"), "cannot be read"),
        (changed(serial=True), "cannot be read"),
        (changed(repository_id="../../etc"), "cannot be read"),
        (changed(created="yesterday"), "cannot be read"),
        (changed(owner="ssh-rsa AAAA"), "cannot be read"),
        (changed(owner=OWNER.public + " comment"), "cannot be read"),
        (changed(slots={}), "cannot be read"),
        (changed(slots={"../x": HASH}), "cannot be read"),
        (changed(slots={"00112233": "short"}), "cannot be read"),
        (changed(slots=[]), "cannot be read"),
        (changed(documents={"recover.py": HASH}), "cannot be read"),
        (changed(recipients=[]), "exactly one"),
        (changed(recipients=[vars(KEYRING.recipients[1])]), "exactly one"),
        (changed(recipients=[vars(KEYRING.recipients[0]), vars(KEYRING.recipients[0])]), "exactly one"),
        (changed(recipients=[vars(entry) for entry in (*KEYRING.recipients, KEYRING.recipients[1])]), "twice"),
        (changed(recipients=[{"recipient": "age1", "name": "x", "kind": "restore"}]), "not an age recipient"),
        (changed(recipients=[{"recipient": OFFLINE.recipient, "name": "x", "kind": "king"}]), "no kind"),
        (changed(recipients=[{"recipient": OFFLINE.recipient}]), "cannot be read"),
        (changed(recipients=[7]), "cannot be read"),
        (changed(signers=[vars(KEYRING.signers[0]), vars(KEYRING.signers[0])]), "twice"),
        (changed(signers=[{**vars(KEYRING.signers[0]), "roles": ["king"]}]), "roles"),
        (changed(signers=[{**vars(KEYRING.signers[0]), "roles": []}]), "roles"),
        (changed(signers=[{**vars(KEYRING.signers[0]), "name": "owner"}]), "kept for"),
        (changed(signers=[{**vars(KEYRING.signers[0]), "name": "a b"}]), "cannot be the name"),
        (changed(signers=[{**vars(KEYRING.signers[0]), "revoked": "soon"}]), "no time"),
        (changed(signers=[{**vars(KEYRING.signers[0]), "revoked": 1}]), "cannot be read"),
        (changed(signers=[{**vars(KEYRING.signers[0]), "extra": 1}]), "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(RepositoryDamaged, match=message):
        Keyring.from_bytes(data)


@given(st.data())
def test_changed_bytes_never_verify_and_never_crash(data: st.DataObject) -> None:
    raw = bytearray(KEYRING.to_bytes())
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 20)))
    raw[start:end] = data.draw(st.one_of(st.binary(max_size=10), st.sampled_from([b'"', b"{", b"null", b"true", b"0"])))
    if bytes(raw) != KEYRING.to_bytes():
        with pytest.raises(RepositoryDamaged):
            keyrings.verify_keyring(bytes(raw), sign(KEYRING))


# --- signatures ------------------------------------------------------------------------------------------------------
def test_signed_by_its_owner() -> None:
    assert keyrings.verify_keyring(KEYRING.to_bytes(), sign(KEYRING)) == KEYRING


def test_a_strangers_signature_is_named() -> None:
    with pytest.raises(NotAuthentic, match="signed by a stranger"):
        keyrings.verify_keyring(KEYRING.to_bytes(), sign(KEYRING, owner_key(STRANGER)))
    with pytest.raises(NotAuthentic, match="signed by a stranger"):
        keyrings.verify_keyring(KEYRING.to_bytes(), sign(KEYRING, WRITER))


def test_a_signature_for_another_purpose_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="and not for") as caught:
        keyrings.verify_keyring(KEYRING.to_bytes(), OWNER.sign(KEYRING.to_bytes(), "ucops-recovery-commit"))
    assert caught.value.item == keyrings.KEYRING_SIGNATURE


def owner_change(old: SigningKey, new: SigningKey, by: SigningKey | None = None, repository: str = ID) -> OwnerChange:
    text = keyrings.owner_change_text(repository, old.public, new.public)
    signature = (by or old).sign(text, keyrings.OWNER_CHANGE_NAMESPACE)
    return OwnerChange(old.public, new.public, signature.decode("ascii"))


def test_owner_changes_lead_to_the_present_owner() -> None:
    first, second = owner_key(STRANGER), owner_key(OFFLINE)
    good = replace(KEYRING, owner_changes=(owner_change(first, second), owner_change(second, OWNER)))
    assert Keyring.from_bytes(good.to_bytes()) == good
    for bad in (
        (owner_change(first, second),),
        (owner_change(second, OWNER), owner_change(first, second)),
        (owner_change(second, OWNER, by=OWNER),),
        (owner_change(second, OWNER, repository="0" * 32),),
        (owner_change(first, WRITER), owner_change(second, OWNER)),
        (replace(owner_change(second, OWNER), signature="nonsense"),),
    ):
        with pytest.raises(RepositoryDamaged):
            Keyring.from_bytes(replace(KEYRING, owner_changes=bad).to_bytes())


# --- the two files ---------------------------------------------------------------------------------------------------
@pytest.fixture
def backend(tmp_path: pathlib.Path) -> LocalBackend:
    return LocalBackend(str(tmp_path / "repository"))


def test_no_keyring(backend: LocalBackend) -> None:
    with pytest.raises(RepositoryMissing):
        keyrings.load_keyring(backend)


@pytest.mark.parametrize("name", [keyrings.KEYRING, keyrings.KEYRING_SIGNATURE])
def test_one_of_two_files_is_missing(backend: LocalBackend, name: str) -> None:
    backend.create(keyrings.KEYRING, KEYRING.to_bytes())
    backend.create(keyrings.KEYRING_SIGNATURE, sign(KEYRING))
    backend.remove(name)
    with pytest.raises(RepositoryDamaged) as caught:
        keyrings.load_keyring(backend)
    assert caught.value.item == name


def test_every_state_of_a_replacement_has_a_valid_keyring(backend: LocalBackend) -> None:
    new = replace(KEYRING, serial=4)
    backend.create(keyrings.KEYRING, KEYRING.to_bytes())
    backend.create(keyrings.KEYRING_SIGNATURE, sign(KEYRING))
    seen = [keyrings.load_keyring(backend).serial]
    for name, data in (
        (keyrings.NEXT_KEYRING, new.to_bytes()),
        (keyrings.NEXT_KEYRING_SIGNATURE, sign(new)),
        (keyrings.KEYRING_SIGNATURE, sign(new)),
        (keyrings.KEYRING, new.to_bytes()),
    ):
        backend.replace(name, data)
        seen.append(keyrings.load_keyring(backend).serial)
    assert seen == [3, 3, 3, 4, 4]


def test_a_damaged_keyring_is_not_hidden_by_leftovers(backend: LocalBackend) -> None:
    backend.create(keyrings.KEYRING, KEYRING.to_bytes().replace(b"safe", b"evil"))
    backend.create(keyrings.KEYRING_SIGNATURE, sign(KEYRING))
    backend.create(keyrings.NEXT_KEYRING, b"rest")
    backend.create(keyrings.NEXT_KEYRING_SIGNATURE, b"rest")
    with pytest.raises(SignatureInvalid, match="does not fit") as caught:
        keyrings.load_keyring(backend)
    assert caught.value.item == keyrings.KEYRING_SIGNATURE


# --- what the writer knows -------------------------------------------------------------------------------------------
def test_the_pinned_keyring_is_accepted() -> None:
    keyrings.check_pinned(KEYRING, writer_key())
    # names, slots and further signers are not the writer's business
    keyrings.check_pinned(replace(KEYRING, serial=9, slots={"44556677": HASH}), writer_key())


@pytest.mark.parametrize(
    ("keyring", "message"),
    [
        (replace(KEYRING, owner=owner_key(STRANGER).public), "strange owner"),
        (replace(KEYRING, owner=WRITER.public, owner_changes=(owner_change(OWNER, WRITER),)), "owner was changed"),
        (replace(KEYRING, recipients=KEYRING.recipients[:1]), "recipients"),
        (replace(KEYRING, recipients=(KEYRING.recipients[0], Recipient(STRANGER.recipient, "safe"))), "recipients"),
        (replace(KEYRING, repository_id="f" * 32), "another repository"),
        (replace(KEYRING, signers=KEYRING.signers[1:]), "stranger"),
        (replace(KEYRING, signers=(Signer("backup-1", WRITER.public, revoked=True),)), "revoked"),
        (replace(KEYRING, signers=(Signer("backup-1", WRITER.public, revoked="2026-02-01T00:00:00Z"),)), "revoked"),
        (replace(KEYRING, signers=(Signer("backup-1", WRITER.public, ("prune",)),)), "role writer"),
    ],
)
def test_a_swapped_keyring_is_named(keyring: Keyring, message: str) -> None:
    with pytest.raises(KeyringMismatch, match=message):
        keyrings.check_pinned(keyring, writer_key())


def test_a_writer_key_that_is_not_bound_writes_nothing() -> None:
    with pytest.raises(KeyringMismatch, match="not bound"):
        keyrings.check_pinned(KEYRING, WriterKey("backup-1", WRITER, bytes(32)))


# --- what the operator knows -----------------------------------------------------------------------------------------
def test_trust() -> None:
    keyrings.check_trusted(KEYRING, AllowedSigners.parse(keyrings.allowed_signers_text(KEYRING)))
    other = replace(KEYRING, owner=owner_key(STRANGER).public)
    with pytest.raises(NotAuthentic, match="not among the allowed signers"):
        keyrings.check_trusted(KEYRING, AllowedSigners.parse(keyrings.allowed_signers_text(other)))
    # a writer does not become the owner
    with pytest.raises(NotAuthentic):
        keyrings.check_trusted(KEYRING, AllowedSigners.parse(f"backup-1 {OWNER.public}"))


def test_allowed_signers_by_role() -> None:
    gone = Signer("old", SigningKey(bytes(range(4, 36))).public, revoked=True)
    ended = Signer("ended", SigningKey(bytes(range(5, 37))).public, revoked="2026-02-01T10:20:30Z")
    text = keyrings.allowed_signers_text(replace(KEYRING, signers=(*KEYRING.signers, gone, ended)))
    allowed = AllowedSigners.parse(text)
    namespaces = ["keyring", "commit", "journal", "prune", "drill"]

    def may(key: str, at: datetime | None = None) -> list[str]:
        return [name for name in namespaces if allowed.principals_of(key, f"ucops-recovery-{name}", at)]

    assert may(OWNER.public) == ["keyring"]
    assert may(WRITER.public) == ["commit", "journal"]
    assert may(PRUNER.public) == ["prune", "drill"]
    assert may(gone.public_key) == []
    assert may(ended.public_key, datetime(2026, 2, 1, 10, 20, 31, tzinfo=timezone.utc)) == []
    assert may(ended.public_key, datetime(2026, 2, 1, 10, 20, 30, tzinfo=timezone.utc)) == ["commit", "journal"]
    assert allowed.principals_of(WRITER.public, "ucops-recovery-commit") == ["backup-1"]


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_ssh_keygen_agrees(tmp_path: pathlib.Path) -> None:
    (tmp_path / "allowed").write_text(keyrings.allowed_signers_text(KEYRING))
    (tmp_path / "sig").write_bytes(sign(KEYRING))
    command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-n", keyrings.KEYRING_NAMESPACE]
    command += ["-s", str(tmp_path / "sig"), "-I"]
    assert (
        subprocess.run([*command, "owner"], input=KEYRING.to_bytes(), capture_output=True, check=False).returncode == 0
    )
    assert (
        subprocess.run([*command, "backup-1"], input=KEYRING.to_bytes(), capture_output=True, check=False).returncode
        != 0
    )


def test_signers_by_role_and_time() -> None:
    keyring = replace(
        KEYRING, signers=(*KEYRING.signers, Signer("ended", OWNER.public, revoked="2026-02-01T00:00:00Z"))
    )
    assert keyring.signer_of(WRITER.public, "writer").name == "backup-1"
    assert keyring.signer_of(PRUNER.public, "drill").name == "auditor"
    assert keyring.signer_of(OWNER.public, "writer", at="2026-02-01T00:00:00Z").name == "ended"
    for key, role, at, message in (
        (WRITER.public, "prune", None, "backup-1, who is no signer of the role prune"),
        (OWNER.public, "writer", "2026-02-01T00:00:01Z", "ended, whose key was revoked"),
        (OWNER.public, "writer", None, "ended, whose key was revoked"),
        (owner_key(STRANGER).public, "writer", None, "stranger"),
    ):
        with pytest.raises(NotAuthentic, match=message):
            keyring.signer_of(key, role, at)


def test_signers_are_never_left_out() -> None:
    revoked = replace(KEYRING.signers[0], revoked=True, name="renamed")
    new = Signer("backup-2", OWNER.public)
    assert keyrings.merge_signers(KEYRING.signers, [revoked, new]) == (revoked, KEYRING.signers[1], new)


# --- slots and documents ---------------------------------------------------------------------------------------------
def test_replaced_slots_and_documents_are_named(backend: LocalBackend) -> None:
    files = {keyrings.slot_name("00112233"): b"slot", **{name: name.encode() for name in keyrings.DOCUMENTS}}
    for name, data in files.items():
        backend.create(name, data)
    keyring = replace(
        KEYRING,
        slots={"00112233": keyrings.sha256_hex(b"slot")},
        documents={name: keyrings.sha256_hex(name.encode()) for name in keyrings.DOCUMENTS},
    )
    assert keyrings.damaged_files(backend, keyring) == []
    backend.replace("recover.py", b"import os; os.system('...')")
    backend.replace(keyrings.slot_name("00112233"), b"another slot")
    backend.remove("FORMAT.md")
    found = {error.item: error.message for error in keyrings.damaged_files(backend, keyring)}
    assert set(found) == {"recover.py", "keys/slots/00112233.age", "FORMAT.md"}
    assert "replaced" in found["recover.py"] and "replaced" in found["keys/slots/00112233.age"]
    assert "missing" in found["FORMAT.md"]
    for stray in ("keys/slots/99999999.age", "README", "keys/slots/x.txt"):
        with pytest.raises(RepositoryDamaged, match="does not list"):
            keyrings.check_file(keyring, stray, b"")


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, 'quote"'])
def test_names_that_break_files_are_refused(name: str) -> None:
    with pytest.raises(OptionInvalid):
        Signer(name, WRITER.public)
    with pytest.raises(OptionInvalid):
        Recipient(OFFLINE.recipient, name)


def test_repository_document() -> None:
    assert KEYRING.repository_document == (
        b'{"created":"2026-01-31T12:00:00Z","format":1,"repository_id":"0123456789abcdef0123456789abcdef"}\n'
    )
