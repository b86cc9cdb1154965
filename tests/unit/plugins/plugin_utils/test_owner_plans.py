# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    RepositoryExists,
    RepositoryMissing,
    WeakSecret,
    WrongKey,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import owner
from ansible_collections.ucops.recovery.plugins.module_utils._repository.age import X25519Identity
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import Keyring, Recipient, Signer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.owner import RepositoryState, unlock
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey
from ansible_collections.ucops.recovery.plugins.plugin_utils.owner_plans import (
    Wishes,
    check_writer,
    is_there,
    plan_wishes,
    state_after,
    unused_name,
)

SECRET = "correct horse battery staple"
OTHER = "another horse battery staple"
DOCUMENTS = {"FORMAT.md": b"format", "RECOVERY.md": b"recovery", "recover.py": b"recover"}
WRITER = Signer("backup1", SigningKey.generate().public)


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch):
    real = owner._seal_slot
    monkeypatch.setattr(
        owner, "_seal_slot", lambda identities, name, secret, work_factor: real(identities, name, secret, 2)
    )


def carried_out(state, wishes, writer=WRITER, documents=None):
    plans, facts = plan_wishes(state, wishes, writer, documents or DOCUMENTS)
    for plan in plans:
        state = state_after(state, plan)
    return state, plans, facts


@pytest.fixture
def state():
    return carried_out(RepositoryState(), Wishes(SECRET))[0]


def keyring(state):
    return Keyring.from_bytes(state.keyring)


def test_a_new_repository(state):
    assert is_there(state) and not is_there(RepositoryState())
    assert keyring(state).signers == (WRITER,)
    assert len(unlock(state, SECRET)) == 1


def test_a_second_run_has_nothing_to_do(state):
    after, plans, facts = carried_out(state, Wishes(SECRET))
    assert plans == [] and after == state
    assert facts["repository_id"] == keyring(state).repository_id
    assert facts["pins"]["owner"] == keyring(state).owner


def test_another_secret_is_refused_and_told_how_to_rotate(state):
    with pytest.raises(WrongKey, match="There is a repository already.*previous_domain_master_secret"):
        carried_out(state, Wishes(OTHER))


def test_a_short_secret_is_refused():
    with pytest.raises(WeakSecret):
        carried_out(RepositoryState(), Wishes("1234567"))


def test_rotation_and_its_repetition(state):
    after, plans, _facts = carried_out(state, Wishes(OTHER, previous=SECRET))
    assert [plan.facts["changes"] for plan in plans] == [["domain_master_secret"]]
    assert unlock(after, OTHER) == unlock(state, SECRET)
    with pytest.raises(WrongKey):
        unlock(after, SECRET)
    assert carried_out(after, Wishes(OTHER, previous=SECRET))[1] == []


def test_rotation_with_a_wrong_previous_secret(state):
    with pytest.raises(WrongKey, match="Neither the previous nor the new"):
        carried_out(state, Wishes(OTHER, previous="not this one"))


def test_rotation_to_a_short_secret(state):
    with pytest.raises(WeakSecret):
        carried_out(state, Wishes("1234567", previous=SECRET))


def test_everything_at_once(state):
    escrow = Recipient(X25519Identity.generate().recipient, "escrow")
    pruner = Signer("pruner", SigningKey.generate().public, ("prune",))
    wishes = Wishes(OTHER, previous=SECRET, rotate_identity=True, recipients=[escrow], signers=[pruner])
    after, plans, facts = carried_out(state, wishes, documents={**DOCUMENTS, "recover.py": b"newer"})
    assert [plan.facts["changes"] for plan in plans] == [
        ["domain_master_secret"],
        ["recipients", "signers", "documents"],
        ["identity"],
    ]
    # each plan says which keyring it was made from, and is refused on another one
    assert len({plan.based_on for plan in plans}) == 3
    present = keyring(after)
    assert escrow in present.recipients and pruner in present.signers and WRITER in present.signers
    assert facts["owner"] == present.owner != keyring(state).owner
    assert unlock(after, OTHER)[1:] == unlock(state, SECRET)


def test_a_new_repository_needs_no_new_identity():
    plans = carried_out(RepositoryState(), Wishes(SECRET, rotate_identity=True))[1]
    assert [plan.facts["changes"] for plan in plans] == [["created"]]


def test_recipients_that_are_not_mentioned_stay(state):
    escrow = Recipient(X25519Identity.generate().recipient, "escrow")
    with_escrow = carried_out(state, Wishes(SECRET, recipients=[escrow]))[0]
    assert carried_out(with_escrow, Wishes(SECRET))[1] == []
    assert escrow not in keyring(carried_out(with_escrow, Wishes(SECRET, recipients=[]))[0]).recipients


def test_a_second_writer_is_added(state):
    second = Signer("backup2", SigningKey.generate().public)
    after = carried_out(state, Wishes(SECRET), writer=second)[0]
    assert keyring(after).signers == (WRITER, second)


def test_a_revoked_writer_is_not_let_in_again_by_its_own_run(state):
    revoked = replace(WRITER, revoked=True)
    after = carried_out(state, Wishes(SECRET, signers=[revoked]))[0]
    assert keyring(after).signers == (revoked,)
    assert carried_out(after, Wishes(SECRET))[1] == []


def test_a_lost_repository_file_is_put_back_and_costs_no_signer(state):
    documents = {name: data for name, data in state.documents.items() if name != "REPOSITORY.json"}
    second = Signer("backup2", SigningKey.generate().public)
    broken = replace(carried_out(state, Wishes(SECRET), writer=second)[0], documents=documents, has_content=True)
    after = carried_out(broken, Wishes(SECRET))[0]
    assert "REPOSITORY.json" in after.documents
    assert keyring(after).signers == (WRITER, second)


def writer_key(repository_id):
    return {"name": "x", "public_key": WRITER.public_key, "pins": {"repository_id": repository_id}}


def test_a_writer_key_fits_its_own_repository_only(state):
    check_writer(state, None, "/key")
    check_writer(state, writer_key(""), "/key")
    check_writer(state, writer_key(keyring(state).repository_id), "/key")
    with pytest.raises(RepositoryExists, match="another repository"):
        check_writer(state, writer_key("0" * 32), "/key")


def test_a_writer_key_whose_repository_is_gone_starts_no_new_one():
    with pytest.raises(RepositoryMissing, match="volume mounted"):
        check_writer(RepositoryState(), writer_key("0" * 32), "/key")


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("backup2", "backup2"),
        ("backup1", "backup1-2"),
        ("owner", "owner-2"),
        ("b\u00fcro server", "b-ro-server"),
        ("///", "writer"),
        ("x" * 100, "x" * 60),
    ],
)
def test_a_writers_name_is_its_own(state, wanted, name):
    assert unused_name(state, wanted) == name
