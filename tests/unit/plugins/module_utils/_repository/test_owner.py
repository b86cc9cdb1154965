# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pathlib
import shutil
from dataclasses import replace
from typing import Any, Callable

import pytest
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    KeyringMismatch,
    NotAuthentic,
    OptionInvalid,
    RepositoryDamaged,
    RepositoryError,
    RepositoryExists,
    RepositoryMissing,
    WeakSecret,
    WrongKey,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.age import X25519Identity
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Recipient, Signer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey, owner_key
from ansible_collections.ucops.recovery.plugins.module_utils._repository.owner import (
    Plan,
    RepositoryState,
    apply_plan,
    plan_add_secret,
    plan_change,
    plan_create,
    plan_rotate_identity,
    plan_rotate_secret,
    read_state,
    unlock,
)

SECRET = "quarz-vogel-lampe-7341"
OTHER = "birke-tasse-hafen-2096"
THIRD = "nebel-kreide-amsel-5518"
DOCUMENTS = {"FORMAT.md": b"format", "RECOVERY.md": b"recovery", "recover.py": b"recover"}
NEWER = {**DOCUMENTS, "recover.py": b"recover 2"}
WRITER = WriterKey.generate("backup-1")
SAFE = X25519Identity.generate()
CHEAP = 1


def create(state: RepositoryState | None = None, secret: str = SECRET, **options: Any) -> Plan:
    options.setdefault("work_factor", CHEAP)
    return plan_create(state or RepositoryState(), secret, DOCUMENTS, WRITER.public, writer_name="backup-1", **options)


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def backend(tmp_path: pathlib.Path) -> LocalBackend:
    return LocalBackend(str(tmp_path / "repository"))


@pytest.fixture
def repository(backend: LocalBackend) -> LocalBackend:
    apply_plan(backend, create())
    return backend


def names(backend: LocalBackend) -> set[str]:
    return {name for name, _size in backend.list("") if not name.startswith("incoming/")}


def opens(state: RepositoryState, secret: str) -> bool:
    try:
        unlock(state, secret)
    except WrongKey:
        return False
    return True


def check_sound(backend: LocalBackend) -> None:
    """Nothing is left over, and every file is what the keyring says."""
    present = keyring.load_keyring(backend)
    wanted = {keyring.KEYRING, keyring.KEYRING_SIGNATURE, *keyring.listed_files(present)}
    assert {name for name in names(backend) if not name.startswith(("objects/", "commits/"))} == wanted
    assert keyring.damaged_files(backend, present) == []
    assert read_state(backend).leftovers == ()


# --- creation --------------------------------------------------------------------------------------------------------
def test_creation(backend: LocalBackend) -> None:
    further = Recipient(SAFE.recipient, "safe")
    auditor = Signer("auditor", WriterKey.generate("auditor").public, ("prune",))
    plan = create(recipients=[further], signers=[auditor], created="2026-01-31T12:00:00Z")
    apply_plan(backend, plan)
    check_sound(backend)
    state = read_state(backend)
    assert state.exists
    present = keyring.load_keyring(backend)
    (identity,) = unlock(state, SECRET)
    assert [recipient.recipient for recipient in present.recipients] == [identity.recipient, SAFE.recipient]
    assert [signer.name for signer in present.signers] == ["backup-1", "auditor"]
    assert json.loads(backend.read("REPOSITORY.json", 1000)) == {
        "format": 1,
        "created": "2026-01-31T12:00:00Z",
        "repository_id": plan.facts["repository_id"],
    }
    assert plan.facts["changes"] == ["created"]
    assert plan.facts["warnings"] == []
    assert plan.facts["owner"] == owner_key(identity).public == present.owner
    bound = WRITER.with_pins(**plan.facts["pins"])
    keyring.check_pinned(present, bound)
    for file in names(backend):
        assert os.stat(os.path.join(backend.location, file)).st_mode & 0o077 == 0


def test_the_slot_is_an_identity_file_that_age_opens(repository: LocalBackend) -> None:
    (sealed,) = read_state(repository).slots.values()
    text = age.open_sealed_scrypt(sealed, SECRET.encode()).decode()
    assert text.splitlines()[0].startswith("# ucops.recovery restore identity of repository ")
    assert age.identities_from_text(text) == unlock(read_state(repository), SECRET)


def test_no_secret_is_in_a_plan_or_state(backend: LocalBackend) -> None:
    plan = create()
    apply_plan(backend, plan)
    state = read_state(backend)
    (identity,) = unlock(state, SECRET)
    for carried in (json.dumps(plan.to_json()), json.dumps(state.to_json())):
        assert SECRET not in carried
        assert identity.text not in carried
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == replace(
        plan, facts=json.loads(json.dumps(plan.facts))
    )
    assert RepositoryState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert RepositoryState.from_json(RepositoryState().to_json()) == RepositoryState()


def test_a_second_creation_is_refused(repository: LocalBackend) -> None:
    before = names(repository)
    for secret in (SECRET, OTHER):
        with pytest.raises(RepositoryExists):
            create(read_state(repository), secret)
    assert names(repository) == before


def test_content_without_keyring_is_not_locked_for_ever(repository: LocalBackend) -> None:
    repository.create("objects/ab/" + "ab" * 32, b"sealed")
    shutil.rmtree(os.path.join(repository.location, "keys"))
    with pytest.raises(RepositoryDamaged, match="lock it for ever"):
        create(read_state(repository))
    repository.remove("REPOSITORY.json")
    with pytest.raises(RepositoryDamaged, match="lock it for ever"):
        create(read_state(repository))


def test_weak_secrets() -> None:
    with pytest.raises(WeakSecret):
        create(secret="seven77")
    assert create(secret="passwort").facts["warnings"]
    with pytest.raises(OptionInvalid):
        create(secret="with\nline break")


def test_documents_are_complete() -> None:
    for documents in ({}, {"FORMAT.md": b""}, {**DOCUMENTS, "more": b""}):
        with pytest.raises(OptionInvalid):
            plan_create(RepositoryState(), SECRET, documents, WRITER.public, work_factor=CHEAP)


def test_an_unfinished_creation_is_not_taken_over_with_another_secret(backend: LocalBackend) -> None:
    plan = create()
    apply_plan(backend, replace(plan, steps=plan.steps[:-1]))
    assert not read_state(backend).exists
    with pytest.raises(RepositoryExists, match="begun here with another"):
        create(read_state(backend), OTHER)
    finish = create(read_state(backend), recipients=[Recipient(SAFE.recipient, "safe")])
    assert finish.facts["repository_id"] == plan.facts["repository_id"]
    apply_plan(backend, finish)
    check_sound(backend)
    assert keyring.load_keyring(backend).serial == 2


# --- unlocking -------------------------------------------------------------------------------------------------------
def test_unlocking(repository: LocalBackend) -> None:
    state = read_state(repository)
    (identity,) = unlock(state, SECRET)
    assert unlock(state, identity) == unlock(state, [identity]) == [identity]
    assert unlock(state, [SAFE]) == [SAFE]
    with pytest.raises(WrongKey):
        unlock(state, OTHER)
    with pytest.raises(RepositoryMissing):
        unlock(RepositoryState(), SECRET)


def test_a_swapped_slot_is_named(repository: LocalBackend) -> None:
    state = read_state(repository)
    (slot,) = state.slots
    stranger = X25519Identity.generate()
    planted = age.seal_scrypt(stranger.text.encode(), SECRET.encode(), CHEAP)
    for broken in (planted, b"", state.slots[slot][:-1]):
        with pytest.raises(RepositoryDamaged, match="replaced or damaged") as caught:
            unlock(replace(state, slots={slot: broken}), SECRET)
        assert caught.value.item == f"keys/slots/{slot}.age"
    with pytest.raises(RepositoryDamaged, match="missing"):
        unlock(replace(state, slots={}), SECRET)
    # a slot that nobody listed is not even tried
    assert not opens(replace(state, slots={**state.slots, "99999999": planted}), OTHER)


def test_a_swapped_keyring_is_found_by_the_secret(repository: LocalBackend, tmp_path: pathlib.Path) -> None:
    """An attacker who knows the secret's slot, but not the identity, lists himself."""
    state = read_state(repository)
    present = keyring.load_keyring(repository)
    attacker = X25519Identity.generate()
    swapped = replace(
        present,
        owner=owner_key(attacker).public,
        recipients=(Recipient(attacker.recipient, "restore", keyring.KIND_RESTORE),),
    )
    signature = owner_key(attacker).sign(swapped.to_bytes(), keyring.KEYRING_NAMESPACE)
    with pytest.raises(RepositoryDamaged, match="another owner"):
        unlock(replace(state, keyring=swapped.to_bytes(), keyring_signature=signature), SECRET)
    bound = WRITER.with_pins(present.repository_id, present.owner, present.recipients_digest)
    with pytest.raises(KeyringMismatch, match="strange owner"):
        keyring.check_pinned(keyring.verify_keyring(swapped.to_bytes(), signature), bound)
    with pytest.raises(NotAuthentic, match="stranger"):
        unlock(
            replace(state, keyring_signature=owner_key(attacker).sign(state.keyring or b"", keyring.KEYRING_NAMESPACE)),
            SECRET,
        )


@pytest.mark.parametrize("content", [b"", b"\xff", b"no identity", b"# only a comment\n"])
def test_a_slot_that_holds_no_identity(repository: LocalBackend, content: bytes) -> None:
    state = read_state(repository)
    (identity,) = unlock(state, SECRET)
    sealed = age.seal_scrypt(content, SECRET.encode(), CHEAP)
    present = replace(keyring.load_keyring(repository), slots={"99999999": keyring.sha256_hex(sealed)})
    signature = owner_key(identity).sign(present.to_bytes(), keyring.KEYRING_NAMESPACE)
    broken = RepositoryState(present.to_bytes(), signature, {"99999999": sealed})
    with pytest.raises(RepositoryDamaged, match="slot"):
        unlock(broken, SECRET)


def test_an_expensive_slot_is_refused(repository: LocalBackend) -> None:
    state = read_state(repository)
    (identity,) = unlock(state, SECRET)
    (sealed,) = state.slots.values()
    expensive = sealed.replace(f" {CHEAP}\n".encode(), b" 22\n", 1)
    present = replace(keyring.load_keyring(repository), slots={"99999999": keyring.sha256_hex(expensive)})
    signature = owner_key(identity).sign(present.to_bytes(), keyring.KEYRING_NAMESPACE)
    with pytest.raises(RepositoryDamaged, match="work factor of 22"):
        unlock(RepositoryState(present.to_bytes(), signature, {"99999999": expensive}), SECRET)


# --- changes ---------------------------------------------------------------------------------------------------------
def test_nothing_to_change(repository: LocalBackend) -> None:
    plan = plan_change(read_state(repository), SECRET, [], [Signer("backup-1", WRITER.public)], DOCUMENTS)
    assert not plan.changed
    assert plan.facts["changes"] == []
    apply_plan(repository, plan)
    assert keyring.load_keyring(repository).serial == 1
    assert not plan_change(read_state(repository), SECRET).changed


def test_another_secret_is_refused(repository: LocalBackend) -> None:
    with pytest.raises(WrongKey):
        plan_change(read_state(repository), OTHER, [Recipient(SAFE.recipient, "safe")])
    with pytest.raises(WrongKey):
        plan_rotate_secret(read_state(repository), THIRD, OTHER, CHEAP)
    with pytest.raises(WrongKey):
        plan_rotate_identity(read_state(repository), OTHER, CHEAP)
    with pytest.raises(WrongKey):
        plan_change(read_state(repository), SAFE)


def test_recipients(repository: LocalBackend) -> None:
    before = keyring.load_keyring(repository)
    second = X25519Identity.generate()
    wanted = [Recipient(SAFE.recipient, "safe"), Recipient(second.recipient, "second")]
    plan = plan_change(read_state(repository), SECRET, wanted)
    assert plan.facts["changes"] == ["recipients"]
    assert plan.facts["pins"]["recipients_digest"] != before.recipients_digest
    apply_plan(repository, plan)
    check_sound(repository)
    assert not plan_change(read_state(repository), SECRET, wanted[::-1]).changed
    apply_plan(repository, plan_change(read_state(repository), SECRET, []))
    after = keyring.load_keyring(repository)
    assert after.recipients == before.recipients
    assert after.serial == 3
    with pytest.raises(RepositoryDamaged, match="twice"):
        plan_change(read_state(repository), SECRET, [wanted[0], wanted[0]])


def test_signers(repository: LocalBackend) -> None:
    auditor = Signer("auditor", WriterKey.generate("auditor").public, ("prune",))
    apply_plan(repository, plan_change(read_state(repository), SECRET, signers=[auditor]))
    revoked = Signer("backup-1", WRITER.public, revoked="2026-01-31T12:00:00Z")
    plan = plan_change(read_state(repository), SECRET, signers=[revoked])
    assert plan.facts["changes"] == ["signers"]
    apply_plan(repository, plan)
    assert keyring.load_keyring(repository).signers == (revoked, auditor)
    assert not plan_change(read_state(repository), SECRET, signers=[]).changed


def test_documents_are_updated_and_replaced_ones_are_put_back(repository: LocalBackend) -> None:
    plan = plan_change(read_state(repository), SECRET, documents=NEWER)
    assert plan.facts["changes"] == ["documents"]
    apply_plan(repository, plan)
    check_sound(repository)
    assert repository.read("recover.py", 1000) == b"recover 2"
    repository.replace("recover.py", b"planted")
    (found,) = keyring.damaged_files(repository, keyring.load_keyring(repository))
    assert found.item == "recover.py" and "replaced" in found.message
    plan = plan_change(read_state(repository), SECRET, documents=NEWER)
    assert plan.facts["changes"] == ["documents"]
    apply_plan(repository, plan)
    check_sound(repository)
    repository.remove("REPOSITORY.json")
    repository.create("objects/ab/" + "ab" * 32, b"sealed")
    apply_plan(repository, plan_change(read_state(repository), SECRET))
    check_sound(repository)


# --- rotation of the secret ------------------------------------------------------------------------------------------
def test_rotation_of_the_secret(repository: LocalBackend) -> None:
    before = keyring.load_keyring(repository)
    identities = unlock(read_state(repository), SECRET)
    plan = plan_rotate_secret(read_state(repository), SECRET, OTHER, CHEAP)
    assert plan.facts["removed_slots"] == list(before.slots)
    assert plan.facts["changes"] == ["domain_master_secret"]
    apply_plan(repository, plan)
    check_sound(repository)
    state = read_state(repository)
    assert unlock(state, OTHER) == identities
    assert not opens(state, SECRET)
    after = keyring.load_keyring(repository)
    assert (after.owner, after.recipients, after.serial) == (before.owner, before.recipients, 2)
    pins = WRITER.with_pins(before.repository_id, before.owner, before.recipients_digest)
    assert WRITER.with_pins(**plan.facts["pins"]) == pins
    # asked for once more, it is done already
    assert not plan_rotate_secret(state, SECRET, OTHER, CHEAP).changed
    assert not plan_rotate_secret(state, OTHER, OTHER, CHEAP).changed


def test_rotation_to_a_weak_secret_is_refused(repository: LocalBackend) -> None:
    with pytest.raises(WeakSecret):
        plan_rotate_secret(read_state(repository), SECRET, "short", CHEAP)
    assert plan_rotate_secret(read_state(repository), SECRET, "12345678", CHEAP).facts["warnings"]


def test_a_second_secret(repository: LocalBackend) -> None:
    plan = plan_add_secret(read_state(repository), SECRET, OTHER, CHEAP)
    assert plan.facts["changes"] == ["another_secret"]
    apply_plan(repository, plan)
    check_sound(repository)
    state = read_state(repository)
    assert unlock(state, SECRET) == unlock(state, OTHER)
    assert not plan_add_secret(state, SECRET, OTHER, CHEAP).changed
    with pytest.raises(WeakSecret):
        plan_add_secret(state, SECRET, "short", CHEAP)
    # one intact slot is enough
    (first, second) = sorted(state.slots)
    for broken in (first, second):
        damaged = replace(state, slots={**state.slots, broken: b"damaged"})
        assert sorted((str(works(damaged, SECRET)), str(works(damaged, OTHER)))) == ["False", "True"]
    # a rotation leaves the other secret alone
    apply_plan(repository, plan_rotate_secret(state, SECRET, THIRD, CHEAP))
    check_sound(repository)
    state = read_state(repository)
    assert [opens(state, secret) for secret in (SECRET, OTHER, THIRD)] == [False, True, True]
    # a rotation to the other secret just drops the old one
    apply_plan(repository, plan_rotate_secret(state, THIRD, OTHER, CHEAP))
    check_sound(repository)
    state = read_state(repository)
    assert [opens(state, secret) for secret in (SECRET, OTHER, THIRD)] == [False, True, False]


def works(state: RepositoryState, secret: str) -> bool:
    try:
        unlock(state, secret)
    except (WrongKey, RepositoryDamaged):
        return False
    return True


def test_a_lost_secret_is_replaced_with_the_identity(repository: LocalBackend) -> None:
    apply_plan(repository, plan_add_secret(read_state(repository), SECRET, OTHER, CHEAP))
    identities = unlock(read_state(repository), SECRET)
    apply_plan(repository, plan_rotate_secret(read_state(repository), identities, THIRD, CHEAP))
    check_sound(repository)
    state = read_state(repository)
    assert [opens(state, secret) for secret in (SECRET, OTHER, THIRD)] == [False, False, True]
    assert not plan_rotate_secret(state, identities, THIRD, CHEAP).changed
    with pytest.raises(WrongKey):
        plan_rotate_secret(state, [SAFE], OTHER, CHEAP)


def test_former_identities_are_not_lost_with_the_secret(repository: LocalBackend) -> None:
    apply_plan(repository, plan_rotate_identity(read_state(repository), SECRET, CHEAP))
    identities = unlock(read_state(repository), SECRET)
    with pytest.raises(WrongKey, match="former identities are missing"):
        plan_rotate_secret(read_state(repository), identities[:1], OTHER, CHEAP)
    apply_plan(repository, plan_rotate_secret(read_state(repository), identities[::-1], OTHER, CHEAP))
    assert unlock(read_state(repository), OTHER) == identities


# --- rotation of the identity ----------------------------------------------------------------------------------------
def test_rotation_of_the_identity(repository: LocalBackend) -> None:
    apply_plan(repository, plan_change(read_state(repository), SECRET, [Recipient(SAFE.recipient, "safe")]))
    apply_plan(repository, plan_add_secret(read_state(repository), SECRET, OTHER, CHEAP))
    before = keyring.load_keyring(repository)
    old_generation = age.seal(b"content", before.recipient_texts)
    bound = WRITER.with_pins(before.repository_id, before.owner, before.recipients_digest)
    (old,) = unlock(read_state(repository), SECRET)

    plan = plan_rotate_identity(read_state(repository), SECRET, CHEAP)
    assert plan.facts["changes"] == ["identity"]
    assert plan.facts["removed_slots"] == sorted(before.slots)
    apply_plan(repository, plan)
    check_sound(repository)

    state = read_state(repository)
    after = keyring.load_keyring(repository)
    new, former = unlock(state, SECRET)
    assert former == old
    assert after.owner == owner_key(new).public != before.owner
    assert after.recipient_texts == [new.recipient, SAFE.recipient]
    assert age.open_sealed(old_generation, [new, former]) == b"content"
    assert not opens(state, OTHER)
    with pytest.raises(WrongKey):
        age.open_sealed(age.seal(b"", after.recipient_texts), [old])
    with pytest.raises(KeyringMismatch, match="owner was changed"):
        keyring.check_pinned(after, bound)
    keyring.check_pinned(after, bound.with_pins(**plan.facts["pins"]))
    (change,) = after.owner_changes
    assert (change.old, change.new) == (before.owner, after.owner)
    # whoever stole the old identity does not own the repository any more
    with pytest.raises(WrongKey):
        plan_change(state, old, [])
    apply_plan(repository, plan_rotate_identity(state, SECRET, CHEAP))
    assert unlock(read_state(repository), SECRET)[1:] == [new, old]
    assert len(keyring.load_keyring(repository).owner_changes) == 2


# --- carrying plans out ----------------------------------------------------------------------------------------------
def test_a_plan_from_yesterday_is_refused(repository: LocalBackend) -> None:
    late = plan_rotate_secret(read_state(repository), SECRET, OTHER, CHEAP)
    apply_plan(repository, plan_change(read_state(repository), SECRET, [Recipient(SAFE.recipient, "safe")]))
    with pytest.raises(RepositoryError, match="changed by somebody else"):
        apply_plan(repository, late)
    with pytest.raises(RepositoryError, match="changed by somebody else"):
        apply_plan(repository, create())
    assert opens(read_state(repository), SECRET)


def test_two_creations_at_once_leave_one_repository(backend: LocalBackend) -> None:
    first, second = create(), create(secret=OTHER)
    apply_plan(backend, first)
    with pytest.raises(RepositoryError):
        apply_plan(backend, second)
    check_sound(backend)
    assert opens(read_state(backend), SECRET)


def test_what_does_not_read_back_stops_the_plan(repository: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_rotate_secret(read_state(repository), SECRET, OTHER, CHEAP)
    real = LocalBackend.create

    def torn(self: LocalBackend, name: str, data: bytes) -> None:
        real(self, name, data[:-1])

    monkeypatch.setattr(LocalBackend, "create", torn)
    with pytest.raises(RepositoryDamaged, match="does not read back"):
        apply_plan(repository, plan)
    monkeypatch.undo()
    assert opens(read_state(repository), SECRET)
    apply_plan(repository, plan_rotate_secret(read_state(repository), SECRET, OTHER, CHEAP))
    check_sound(repository)


def test_the_same_plan_can_be_carried_out_again(backend: LocalBackend) -> None:
    plan = create()
    apply_plan(backend, replace(plan, steps=plan.steps[:1]))
    apply_plan(backend, plan)
    check_sound(backend)
    backend.create(keyring.slot_name("99999999"), b"another")
    clash = replace(
        plan,
        steps=(replace(plan.steps[0], name=keyring.slot_name("99999999")),),
        based_on=keyring.sha256_hex(read_state(backend).keyring or b""),
    )
    with pytest.raises(RepositoryError, match="already"):
        apply_plan(backend, clash)


# --- killed at any instant -------------------------------------------------------------------------------------------
class Killed(BaseException):
    """The process is gone. Nothing of it runs any more."""


SYSTEM_CALLS = ("open", "write", "fsync", "link", "replace", "unlink", "mkdir", "makedirs", "close")


def run_until(number: int, action: Callable[[], None]) -> bool:
    """Run until the given system call; neither it nor any after it happens. True: it got to the end."""
    calls = 0
    real = {name: getattr(os, name) for name in SYSTEM_CALLS}

    def wrap(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > number:
                raise Killed
            return real[name](*arguments, **options)

        return call

    for name in SYSTEM_CALLS:
        setattr(os, name, wrap(name))
    try:
        action()
        return True
    except Killed:
        return False
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def kill_everywhere(
    folder: pathlib.Path,
    prepare: Callable[[LocalBackend], None],
    plan: Callable[[RepositoryState], Plan],
    secrets: list[str],
    after: Callable[[LocalBackend], None],
) -> int:
    """Kill a change at each of its system calls: the keyring loads, a secret opens it, once more finishes it."""
    template = folder / "template"
    prepare(LocalBackend(str(template)))
    existed = template.is_dir() and read_state(LocalBackend(str(template))).exists
    number = 0
    while True:
        place = folder / "place"
        if template.is_dir():
            shutil.copytree(template, place)
        backend = LocalBackend(str(place))
        wanted = plan(read_state(backend))
        finished = run_until(number, lambda backend=backend, wanted=wanted: apply_plan(backend, wanted))  # type: ignore[misc]
        # a new process looks at what is there
        backend = LocalBackend(str(place))
        state = read_state(backend)
        if existed or state.exists:
            assert any(opens(state, secret) for secret in secrets), number
            assert json.loads(backend.read("REPOSITORY.json", 1000))["repository_id"]
        if not finished or plan(state).changed:
            apply_plan(backend, plan(state))
        check_sound(backend)
        after(backend)
        shutil.rmtree(place)
        if finished:
            return number
        number += 1


@thorough
def test_killed_while_it_is_created(tmp_path: pathlib.Path) -> None:
    def plan(state: RepositoryState) -> Plan:
        return plan_change(state, SECRET, documents=DOCUMENTS) if state.exists else create(state)

    def after(backend: LocalBackend) -> None:
        assert opens(read_state(backend), SECRET)

    assert kill_everywhere(tmp_path, lambda backend: None, plan, [SECRET], after) > 50


def created(backend: LocalBackend) -> None:
    apply_plan(backend, create())


def test_killed_while_the_secret_is_rotated(tmp_path: pathlib.Path) -> None:
    def after(backend: LocalBackend) -> None:
        state = read_state(backend)
        assert opens(state, OTHER) and not opens(state, SECRET)

    def plan(state: RepositoryState) -> Plan:
        return plan_rotate_secret(state, SECRET, OTHER, CHEAP)

    assert kill_everywhere(tmp_path, created, plan, [SECRET, OTHER], after) > 30


def test_killed_while_recipients_and_documents_change(tmp_path: pathlib.Path) -> None:
    wanted = [Recipient(SAFE.recipient, "safe")]

    def after(backend: LocalBackend) -> None:
        assert SAFE.recipient in keyring.load_keyring(backend).recipient_texts
        assert backend.read("recover.py", 1000) == NEWER["recover.py"]

    def plan(state: RepositoryState) -> Plan:
        return plan_change(state, SECRET, wanted, documents=NEWER)

    assert kill_everywhere(tmp_path, created, plan, [SECRET], after) > 30


def test_killed_while_the_identity_is_rotated(tmp_path: pathlib.Path) -> None:
    def after(backend: LocalBackend) -> None:
        assert first in unlock(read_state(backend), SECRET)[1:]

    def plan(state: RepositoryState) -> Plan:
        # once is enough: when it is done, only leftovers are cleaned up
        done = bool(keyring.Keyring.from_bytes(state.keyring or b"").owner_changes)
        return plan_change(state, SECRET) if done else plan_rotate_identity(state, SECRET, CHEAP)

    plan_of_creation = create()
    (first,) = unlock(carried_out(plan_of_creation, tmp_path / "first"), SECRET)

    def prepare(backend: LocalBackend) -> None:
        apply_plan(backend, plan_of_creation)

    assert kill_everywhere(tmp_path, prepare, plan, [SECRET], after) > 30


def carried_out(plan: Plan, place: pathlib.Path) -> RepositoryState:
    backend = LocalBackend(str(place))
    apply_plan(backend, plan)
    return read_state(backend)
