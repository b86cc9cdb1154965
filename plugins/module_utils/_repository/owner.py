# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only the holder of the Domain Master Secret can do: create a repository, change who opens it and who signs.

Planning is pure and happens where the secret is. A plan holds nothing secret, so it can be carried out elsewhere, step
by step. Each sequence of steps is made so that it may be cut off anywhere: a valid keyring is always there, one secret
at least opens a slot that it lists, and planning once more from what is there finishes the work.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Union

from .._errors import (
    AlreadyExists,
    OptionInvalid,
    RepositoryDamaged,
    RepositoryError,
    RepositoryExists,
    RepositoryMissing,
    WrongKey,
)
from . import age, keyring, sshsig
from .age import WORK_FACTOR, X25519Identity
from .keyring import KIND_RESTORE, Keyring, OwnerChange, Recipient, Signer
from .keys import judge_secret, owner_key, secret_bytes

if TYPE_CHECKING:
    from .backends.base import Backend

RESTORE_RECIPIENT_NAME = "restore"
MAX_SLOT_WORK_FACTOR = 20
_CONTENT_PREFIXES = ("commits/", "objects/")

Unlocking = Union[str, X25519Identity, Sequence[X25519Identity]]
"""The Domain Master Secret, or an identity, or all identities of an identity file."""


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@dataclass(frozen=True)
class RepositoryState:
    """What is there: the valid keyring and its signature, slots by id, documents by name, all as bytes.

    ``has_content``: there are objects or commits. ``leftovers``: names that an interrupted change left behind.
    """

    keyring: bytes | None = None
    keyring_signature: bytes | None = None
    slots: Mapping[str, bytes] = field(default_factory=dict)
    documents: Mapping[str, bytes] = field(default_factory=dict)
    has_content: bool = False
    leftovers: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether a creation was finished here."""
        return keyring.REPOSITORY_DOCUMENT in self.documents or self.has_content

    def to_json(self) -> dict[str, Any]:
        """The state as JSON, to be carried to where the secret is. Nothing of it is secret."""
        return {
            "keyring": None if self.keyring is None else _encode(self.keyring),
            "keyring_signature": None if self.keyring_signature is None else _encode(self.keyring_signature),
            "slots": {slot: _encode(data) for slot, data in self.slots.items()},
            "documents": {name: _encode(data) for name, data in self.documents.items()},
            "has_content": self.has_content,
            "leftovers": list(self.leftovers),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RepositoryState:
        """The reverse of :meth:`to_json`."""
        return cls(
            keyring=None if data["keyring"] is None else base64.b64decode(data["keyring"]),
            keyring_signature=None
            if data["keyring_signature"] is None
            else base64.b64decode(data["keyring_signature"]),
            slots={slot: base64.b64decode(text) for slot, text in data["slots"].items()},
            documents={name: base64.b64decode(text) for name, text in data["documents"].items()},
            has_content=data["has_content"],
            leftovers=tuple(data["leftovers"]),
        )


def read_state(backend: Backend) -> RepositoryState:
    """The state of a repository, or of a place where none is yet. Raises RepositoryDamaged on a broken keyring."""
    try:
        data, signature = keyring.read_keyring_files(backend)
    except RepositoryMissing:
        data, signature = None, None
    slots = {}
    for name, _size in backend.list(keyring.SLOTS):
        if name.endswith(".age"):
            slots[name[len(keyring.SLOTS) : -len(".age")]] = backend.read(name, keyring.SMALL_FILE)
    documents = {name: backend.read(name, keyring.SMALL_FILE) for name in keyring.DOCUMENTS if backend.exists(name)}
    leftovers = [name for name in (keyring.NEXT_KEYRING, keyring.NEXT_KEYRING_SIGNATURE) if backend.exists(name)]
    has_content = any(True for prefix in _CONTENT_PREFIXES for _entry in backend.list(prefix))
    return RepositoryState(data, signature, slots, documents, has_content, tuple(leftovers))


# --- plans -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Step:
    """One change of one file: ``create`` (must not be there), ``replace``, or ``remove`` (``data`` is None)."""

    action: str
    name: str
    data: bytes | None = None


@dataclass(frozen=True)
class Plan:
    """Ordered steps, and what will be true after them. ``based_on`` is the hash of the keyring that was planned from.

    ``facts``: ``changes`` (words: created, domain_master_secret, another_secret, identity, recipients, signers,
    documents; empty where only leftovers are cleaned up), ``warnings``, ``repository_id``, ``created``, ``serial`` (of
    the keyring), ``owner``, ``owner_fingerprint``, ``recipients``, ``signers``, ``slots``, ``removed_slots``,
    ``documents`` (name -> SHA-256), ``allowed_signers`` (text) and ``pins``, the arguments of
    :meth:`WriterKey.with_pins`.
    """

    steps: tuple[Step, ...]
    facts: Mapping[str, Any]
    based_on: str

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON, to be carried to where the repository is. Nothing of it is secret."""
        steps = [[step.action, step.name, None if step.data is None else _encode(step.data)] for step in self.steps]
        return {"steps": steps, "facts": dict(self.facts), "based_on": self.based_on}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The reverse of :meth:`to_json`."""
        steps = (
            Step(action, name, None if text is None else base64.b64decode(text)) for action, name, text in data["steps"]
        )
        return cls(tuple(steps), data["facts"], data["based_on"])


def _keyring_hash(data: bytes | None) -> str:
    return "" if data is None else keyring.sha256_hex(data)


def apply_plan(backend: Backend, plan: Plan) -> None:
    """Carry a plan out. Every written file is read again and compared before the next step.

    Raises RepositoryError when the keyring is not the one any more that was planned from, RepositoryDamaged when a file
    does not read back as it was written.
    """
    if not plan.steps:
        return
    try:
        present = keyring.read_keyring_files(backend)[0]
    except RepositoryMissing:
        present = None
    if _keyring_hash(present) != plan.based_on:
        raise RepositoryError(
            "The keyring was changed by somebody else in the meantime", item=keyring.KEYRING, hint="Run it again."
        )
    for step in plan.steps:
        if step.action == "remove":
            if backend.exists(step.name):
                backend.remove(step.name)
            continue
        data = step.data if step.data is not None else b""
        if step.action == "create":
            try:
                backend.create(step.name, data)
            except AlreadyExists:
                if backend.read(step.name, keyring.SMALL_FILE) != data:
                    raise
        else:
            backend.replace(step.name, data)
        if backend.read(step.name, keyring.SMALL_FILE) != data:
            raise RepositoryDamaged("What was written does not read back; nothing more was changed", item=step.name)


def take_over(
    backend: Backend, pair: tuple[bytes, bytes], files: Mapping[str, bytes], *, dry_run: bool = False
) -> bool:
    """Bring keyring, slots and documents of a copy to those of its source; whether anything was to be done.

    ``pair`` are the bytes of the keyring and of its signature, ``files`` all that it lists. Slots that it does not list
    any more stay: a copy deletes nothing. Raises what :func:`apply_plan` raises.
    """
    try:
        present = keyring.read_keyring_files(backend)
    except RepositoryMissing:
        present = None
    steps = [
        Step("replace", name, data)
        for name, data in sorted(files.items())
        if not backend.exists(name) or backend.read(name, keyring.SMALL_FILE) != data
    ]
    if present != pair:
        steps += _keyring_steps(*pair)
    if not dry_run:
        apply_plan(backend, Plan(tuple(steps), {}, _keyring_hash(present[0] if present is not None else None)))
    return bool(steps)


def _keyring_steps(data: bytes, signature: bytes) -> list[Step]:
    return [
        Step("replace", keyring.NEXT_KEYRING, data),
        Step("replace", keyring.NEXT_KEYRING_SIGNATURE, signature),
        Step("replace", keyring.KEYRING_SIGNATURE, signature),
        Step("replace", keyring.KEYRING, data),
        Step("remove", keyring.NEXT_KEYRING_SIGNATURE),
        Step("remove", keyring.NEXT_KEYRING),
    ]


def _make_plan(
    state: RepositoryState,
    new: Keyring,
    signer: sshsig.SigningKey,
    changes: Sequence[str],
    *,
    new_slots: Mapping[str, bytes] | None = None,
    documents: Mapping[str, bytes] | None = None,
    warnings: Sequence[str] = (),
) -> Plan:
    """From the state to the wanted keyring, slots and documents. New slots come before the keyring that lists them,
    slots that it does not list go after it, and REPOSITORY.json, which says that a creation is finished, comes last."""
    steps = [Step("create", keyring.slot_name(slot), data) for slot, data in (new_slots or {}).items()]
    data = new.to_bytes()
    if data != state.keyring:
        signature = signer.sign(data, keyring.KEYRING_NAMESPACE)
        keyring.verify_keyring(data, signature)
        steps += _keyring_steps(data, signature)
    elif state.leftovers:
        # the present keyring may stand in the .next files alone
        steps += _keyring_steps(data, state.keyring_signature or b"")
    steps += [
        Step("replace", name, document)
        for name, document in sorted((documents or {}).items())
        if state.documents.get(name) != document
    ]
    removed = sorted(set(state.slots) - set(new.slots))
    steps += [Step("remove", keyring.slot_name(slot)) for slot in removed]
    if state.documents.get(keyring.REPOSITORY_DOCUMENT) != new.repository_document:
        steps.append(Step("replace", keyring.REPOSITORY_DOCUMENT, new.repository_document))
    facts = {
        "changes": list(changes),
        "created": new.created,
        "serial": new.serial,
        "warnings": list(warnings),
        "repository_id": new.repository_id,
        "owner": new.owner,
        "owner_fingerprint": sshsig.fingerprint(new.owner),
        "recipients": [dict(vars(recipient)) for recipient in new.recipients],
        "signers": [{**vars(signer), "roles": list(signer.roles)} for signer in new.signers],
        "slots": sorted(new.slots),
        "removed_slots": removed,
        "documents": dict(new.documents),
        "allowed_signers": keyring.allowed_signers_text(new),
        "pins": {
            "repository_id": new.repository_id,
            "owner": new.owner,
            "recipients_digest": new.recipients_digest,
        },
    }
    return Plan(tuple(steps), facts, _keyring_hash(state.keyring))


# --- unlocking -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Unlocked:
    keyring: Keyring
    identities: list[X25519Identity]
    slot: str | None

    @property
    def owner(self) -> sshsig.SigningKey:
        return owner_key(self.identities[0])


def _present_keyring(state: RepositoryState) -> Keyring:
    if state.keyring is None or state.keyring_signature is None:
        raise RepositoryMissing("There is no keyring", item=keyring.KEYRING)
    return keyring.verify_keyring(state.keyring, state.keyring_signature)


def _open_slots(state: RepositoryState, present: Keyring, secret: str) -> _Unlocked:
    passphrase = secret_bytes(secret)
    problem: RepositoryDamaged | None = None
    for slot in sorted(present.slots):
        data = state.slots.get(slot)
        try:
            keyring.check_file(present, keyring.slot_name(slot), data)
            clear = age.open_sealed_scrypt(data or b"", passphrase, MAX_SLOT_WORK_FACTOR)
            identities = age.identities_from_text(clear.decode("utf-8"))
        except WrongKey:
            continue
        except RepositoryDamaged as error:
            problem = error
            continue
        except (ValueError, OptionInvalid):
            problem = RepositoryDamaged("The slot does not hold identities", item=keyring.slot_name(slot))
            continue
        if not identities or owner_key(identities[0]).public != present.owner:
            raise RepositoryDamaged(
                "The slot holds the identity of another owner than the keyring names", item=keyring.slot_name(slot)
            )
        return _Unlocked(present, identities, slot)
    raise problem or WrongKey(
        "The Domain Master Secret does not open this repository",
        hint="Is it the one of this repository, and not from before it was replaced?",
    )


def unlock(state: RepositoryState, unlocking: Unlocking) -> list[X25519Identity]:
    """The identities that open the repository's objects, newest first.

    A Domain Master Secret opens a slot that the keyring lists, and the identity in it proves that the keyring is the
    owner's. Identities are handed back as they are: they may be of a recipient who owns nothing, and prove nothing.
    Raises WrongKey, or RepositoryDamaged when a slot or the keyring is not what it should be.
    """
    present = _present_keyring(state)
    if isinstance(unlocking, str):
        return _open_slots(state, present, unlocking).identities
    return _as_list(unlocking)


def _as_list(identities: X25519Identity | Sequence[X25519Identity]) -> list[X25519Identity]:
    return [identities] if isinstance(identities, X25519Identity) else list(identities)


def _unlock_as_owner(state: RepositoryState, unlocking: Unlocking) -> _Unlocked:
    present = _present_keyring(state)
    if isinstance(unlocking, str):
        return _open_slots(state, present, unlocking)
    of_owner = {owner_key(identity).public: identity for identity in _as_list(unlocking)}
    owners = [present.owner, *(change.old for change in reversed(present.owner_changes))]
    if present.owner not in of_owner:
        raise WrongKey("The identity is not the restore identity of this repository, so it owns nothing here")
    if not all(owner in of_owner for owner in owners):
        # a slot made without them would lock away what was sealed before the rotation
        raise WrongKey("The identity was rotated, and the former identities are missing", hint="Give all of them.")
    return _Unlocked(present, [of_owner[owner] for owner in owners], None)


def _seal_slot(
    identities: Sequence[X25519Identity], repository_id: str, secret: str, work_factor: int
) -> tuple[str, bytes]:
    lines = [f"# ucops.recovery restore identity of repository {repository_id}"]
    for number, identity in enumerate(identities):
        lines += [f"# {'present' if not number else 'former'} public key: {identity.recipient}", identity.text]
    text = "\n".join(lines) + "\n"
    sealed = age.seal_scrypt(text.encode("utf-8"), secret_bytes(secret), work_factor)
    reopened = age.open_sealed_scrypt(sealed, secret_bytes(secret), MAX_SLOT_WORK_FACTOR)
    if age.identities_from_text(reopened.decode("utf-8")) != list(identities):
        raise RepositoryDamaged("The new slot does not open as it was sealed; nothing was changed")
    return secrets.token_hex(8), sealed


# --- what the owner does ---------------------------------------------------------------------------------------------
def _restore_recipient(identity: X25519Identity) -> Recipient:
    return Recipient(identity.recipient, RESTORE_RECIPIENT_NAME, KIND_RESTORE)


def _check_documents(documents: Mapping[str, bytes]) -> None:
    wanted = set(keyring.DOCUMENTS) - {keyring.REPOSITORY_DOCUMENT}
    if set(documents) != wanted:
        raise OptionInvalid(f"A repository has the documents {', '.join(sorted(wanted))}")


def _document_hashes(present: Keyring, documents: Mapping[str, bytes]) -> dict[str, str]:
    return {
        keyring.REPOSITORY_DOCUMENT: keyring.sha256_hex(present.repository_document),
        **{name: keyring.sha256_hex(data) for name, data in documents.items()},
    }


def plan_create(
    state: RepositoryState,
    secret: str,
    documents: Mapping[str, bytes],
    writer_public_key: str,
    recipients: Sequence[Recipient] = (),
    signers: Sequence[Signer] = (),
    work_factor: int = WORK_FACTOR,
    *,
    writer_name: str = "writer",
    created: str | None = None,
) -> Plan:
    """A new repository: restore identity, first slot, keyring, documents. It also finishes an interrupted creation.

    ``documents`` are FORMAT.md, RECOVERY.md and recover.py. ``recipients`` and ``signers`` come on top of the restore
    identity and of the writer. Raises RepositoryExists when there is a repository already, RepositoryDamaged when there
    is content without a keyring, WeakSecret.
    """
    warnings = judge_secret(secret)
    _check_documents(documents)
    if state.exists and state.keyring is not None:
        raise RepositoryExists("There is a repository already, and it stays as it is")
    if state.exists:
        raise RepositoryDamaged(
            "There is content but no keyring; a new one would lock it for ever",
            item=keyring.KEYRING,
            hint="Put the files of the folder keys/ back from a copy of the repository.",
        )
    signers = (Signer(writer_name, writer_public_key, ("writer",)), *signers)
    if state.keyring is not None:
        try:
            unlocked = _unlock_as_owner(state, secret)
        except WrongKey:
            raise RepositoryExists(
                "A repository was begun here with another Domain Master Secret",
                hint="Use that one, or remove the folder: nothing was stored in it yet.",
            ) from None
        identity, new = unlocked.identities[0], unlocked.keyring
        slots: dict[str, bytes] = {}
    else:
        identity = X25519Identity.generate()
        repository_id = secrets.token_hex(16)
        slot, sealed = _seal_slot([identity], repository_id, secret, work_factor)
        slots = {slot: sealed}
        new = Keyring(
            repository_id=repository_id,
            created=created or datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            serial=1,
            owner=owner_key(identity).public,
            recipients=(),
            signers=(),
            slots={slot: keyring.sha256_hex(sealed)},
            documents={},
        )
    wanted = replace(
        new,
        recipients=(_restore_recipient(identity), *sorted(recipients, key=lambda entry: entry.recipient)),
        signers=keyring.merge_signers(new.signers, signers),
        documents=_document_hashes(new, documents),
    )
    if state.keyring is not None and wanted != new:
        wanted = replace(wanted, serial=new.serial + 1)
    new = wanted
    return _make_plan(
        state, new, owner_key(identity), ["created"], new_slots=slots, documents=documents, warnings=warnings
    )


def plan_change(
    state: RepositoryState,
    secret: Unlocking,
    recipients: Sequence[Recipient] | None = None,
    signers: Sequence[Signer] | None = None,
    documents: Mapping[str, bytes] | None = None,
) -> Plan:
    """Bring recipients, signers and documents to what is wanted; None leaves them alone. No steps: all is so already.

    ``recipients`` are all of them but the restore identity's own. ``signers`` are added, or changed when their key is
    known; those not named stay. Changed recipients start a new epoch: writers must be bound anew and store everything
    again. Raises WrongKey when the secret does not open the repository.
    """
    unlocked = _unlock_as_owner(state, secret)
    present = unlocked.keyring
    new = present
    changes = []
    if recipients is not None:
        restore = [recipient for recipient in present.recipients if recipient.kind == KIND_RESTORE]
        new = replace(new, recipients=(*restore, *sorted(recipients, key=lambda entry: entry.recipient)))
        if set(new.recipients) != set(present.recipients):
            changes.append("recipients")
        else:
            new = replace(new, recipients=present.recipients)
    if signers is not None:
        new = replace(new, signers=keyring.merge_signers(present.signers, signers))
        changes += ["signers"] if new.signers != present.signers else []
    if documents is not None:
        _check_documents(documents)
        new = replace(new, documents=_document_hashes(present, documents))
        written = any(state.documents.get(name) != data for name, data in documents.items())
        changes += ["documents"] if written or new.documents != present.documents else []
    if new != present:
        new = replace(new, serial=present.serial + 1)
    return _make_plan(state, new, unlocked.owner, changes, documents=documents)


def plan_rotate_secret(state: RepositoryState, old: Unlocking, new: str, work_factor: int = WORK_FACTOR) -> Plan:
    """Replace the Domain Master Secret ``old`` by ``new``; nothing else changes, and slots of other secrets stay.

    ``old`` may be the identities of the restore identity's file, for the day when the secret is lost; then all slots
    are replaced. When all is done already, only leftovers of an interrupted rotation go. Raises WrongKey, WeakSecret.
    """
    warnings = judge_secret(new)
    present = _present_keyring(state)
    try:
        unlocked = _unlock_as_owner(state, old)
    except WrongKey as error:
        try:
            done = _open_slots(state, present, new)
        except WrongKey:
            raise error from None
        return _make_plan(state, present, done.owner, [], warnings=warnings)
    if isinstance(old, str) and secret_bytes(old) == secret_bytes(new):
        return _make_plan(state, present, unlocked.owner, [], warnings=warnings)
    kept = {slot: digest for slot, digest in present.slots.items() if slot != unlocked.slot}
    known = _slot_of(state, replace(present, slots=kept), new)
    if unlocked.slot is None:
        kept = {slot: digest for slot, digest in kept.items() if slot == known}
    new_slots = {}
    if known is None:
        slot, sealed = _seal_slot(unlocked.identities, present.repository_id, new, work_factor)
        new_slots = {slot: sealed}
    return _change_slots(state, unlocked, kept, new_slots, ["domain_master_secret"], warnings)


def plan_add_secret(state: RepositoryState, secret: Unlocking, another: str, work_factor: int = WORK_FACTOR) -> Plan:
    """A second Domain Master Secret beside the first, for a sealed envelope. Raises WrongKey, WeakSecret."""
    warnings = judge_secret(another)
    unlocked = _unlock_as_owner(state, secret)
    present = unlocked.keyring
    if _slot_of(state, present, another) is not None:
        return _make_plan(state, present, unlocked.owner, [], warnings=warnings)
    slot, sealed = _seal_slot(unlocked.identities, present.repository_id, another, work_factor)
    return _change_slots(state, unlocked, present.slots, {slot: sealed}, ["another_secret"], warnings)


def _slot_of(state: RepositoryState, present: Keyring, secret: str) -> str | None:
    """The slot that a secret opens, None when there is none that is intact."""
    try:
        return _open_slots(state, present, secret).slot
    except (WrongKey, RepositoryDamaged):
        return None


def _change_slots(
    state: RepositoryState,
    unlocked: _Unlocked,
    kept: Mapping[str, str],
    new_slots: Mapping[str, bytes],
    changes: Sequence[str],
    warnings: Sequence[str],
) -> Plan:
    present = unlocked.keyring
    slots = {**kept, **{slot: keyring.sha256_hex(sealed) for slot, sealed in new_slots.items()}}
    if slots == dict(present.slots):
        return _make_plan(state, present, unlocked.owner, [], warnings=warnings)
    wanted = replace(present, serial=present.serial + 1, slots=slots)
    return _make_plan(state, wanted, unlocked.owner, changes, new_slots=new_slots, warnings=warnings)


def plan_rotate_identity(state: RepositoryState, secret: str, work_factor: int = WORK_FACTOR) -> Plan:
    """A new restore identity, and with it a new owner key, after the old one may have been stolen.

    What was sealed before stays readable: the new slot holds the old identities too. Slots of other secrets cannot be
    made anew and go; ``removed_slots`` names all that go. Writers must be bound anew. Raises WrongKey.
    """
    unlocked = _unlock_as_owner(state, secret)
    present = unlocked.keyring
    identity = X25519Identity.generate()
    identities = [identity, *unlocked.identities]
    new_owner = owner_key(identity)
    text = keyring.owner_change_text(present.repository_id, present.owner, new_owner.public)
    signature = unlocked.owner.sign(text, keyring.OWNER_CHANGE_NAMESPACE).decode("ascii")
    slot, sealed = _seal_slot(identities, present.repository_id, secret, work_factor)
    others = [recipient for recipient in present.recipients if recipient.kind != KIND_RESTORE]
    wanted = replace(
        present,
        serial=present.serial + 1,
        owner=new_owner.public,
        recipients=(_restore_recipient(identity), *others),
        slots={slot: keyring.sha256_hex(sealed)},
        owner_changes=(*present.owner_changes, OwnerChange(present.owner, new_owner.public, signature)),
    )
    return _make_plan(state, wanted, new_owner, ["identity"], new_slots={slot: sealed})
