# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted of a repository to the plans that bring it there. Pure: nothing is read or written here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    RepositoryExists,
    RepositoryMissing,
    WrongKey,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import (
    KEYRING,
    KEYRING_SIGNATURE,
    SLOTS,
    Keyring,
    Recipient,
    Signer,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.owner import (
    Plan,
    RepositoryState,
    plan_change,
    plan_create,
    plan_rotate_identity,
    plan_rotate_secret,
)

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._@-]+")
_NAME_LENGTH = 60


@dataclass(frozen=True)
class Wishes:
    """What the operator wants. ``recipients`` None: as they are. ``previous`` asks for a rotation of the secret."""

    secret: str = ""
    previous: str | None = None
    rotate_identity: bool = False
    recipients: Sequence[Recipient] | None = None
    signers: Sequence[Signer] = ()


def is_there(state: RepositoryState) -> bool:
    """Whether there is a repository whose creation came to its end."""
    return state.keyring is not None and (state.exists or state.has_content)


def check_writer(state: RepositoryState, writer: Mapping[str, Any] | None, path: str) -> None:
    """Raises RepositoryExists for a writer key of another repository, RepositoryMissing when its own is gone."""
    bound_to = writer["pins"]["repository_id"] if writer else ""
    if not bound_to:
        return
    if not is_there(state):
        raise RepositoryMissing(
            f"The writer key belongs to the repository {bound_to}, which is not here",
            item=path,
            hint="Is its volume mounted? For a new repository take another writer key file.",
        )
    if Keyring.from_bytes(state.keyring or b"").repository_id != bound_to:
        raise RepositoryExists(
            f"The writer key belongs to another repository, {bound_to}",
            item=path,
            hint="Take another writer key file for this repository.",
        )


def unused_name(state: RepositoryState, wanted: str) -> str:
    """A signer's name that no signer has: the wanted one, or the same with a number."""
    taken = {"owner"}
    if state.keyring is not None:
        taken |= {signer.name for signer in Keyring.from_bytes(state.keyring).signers}
    name = _NOT_IN_A_NAME.sub("-", wanted)[:_NAME_LENGTH].strip("-") or "writer"
    number = 1
    unused = name
    while unused in taken:
        number += 1
        unused = f"{name}-{number}"
    return unused


def plan_wishes(
    state: RepositoryState, wishes: Wishes, writer: Signer, documents: Mapping[str, bytes]
) -> tuple[list[Plan], Mapping[str, Any]]:
    """The plans, in the order in which they are carried out, and what is true after them.

    Raises WrongKey when the secret does not open an existing repository, WeakSecret, RepositoryDamaged, OptionInvalid.
    """
    if not is_there(state):
        created = plan_create(
            state,
            wishes.secret,
            documents,
            writer.public_key,
            recipients=wishes.recipients or (),
            signers=wishes.signers,
            writer_name=writer.name,
        )
        return [created], created.facts
    plans = []
    if wishes.previous is not None:
        rotated = _rotate(state, wishes.previous, wishes.secret)
        plans.append(rotated)
        state = state_after(state, rotated)
    try:
        changed = plan_change(
            state, wishes.secret, wishes.recipients, [*_new(state, writer), *wishes.signers], documents
        )
    except WrongKey:
        raise WrongKey(
            "There is a repository already, and this Domain Master Secret does not open it",
            hint="To replace its Domain Master Secret, give the present one as previous_domain_master_secret.",
        ) from None
    plans.append(changed)
    if wishes.rotate_identity:
        plans.append(plan_rotate_identity(state_after(state, changed), wishes.secret))
    return [plan for plan in plans if plan.changed], plans[-1].facts


def _rotate(state: RepositoryState, previous: str, secret: str) -> Plan:
    try:
        return plan_rotate_secret(state, previous, secret)
    except WrongKey:
        raise WrongKey("Neither the previous nor the new Domain Master Secret opens this repository") from None


def _new(state: RepositoryState, writer: Signer) -> list[Signer]:
    """The writer, unless it is known: its entry, revoked perhaps, is nothing that a new run may change."""
    known = {signer.public_key for signer in Keyring.from_bytes(state.keyring or b"").signers}
    return [] if writer.public_key in known else [writer]


def state_after(state: RepositoryState, plan: Plan) -> RepositoryState:
    """The state that a plan leads to."""
    keyring, signature = state.keyring, state.keyring_signature
    slots, documents = dict(state.slots), dict(state.documents)
    for step in plan.steps:
        if step.name == KEYRING:
            keyring = step.data
        elif step.name == KEYRING_SIGNATURE:
            signature = step.data
        elif step.name.startswith(SLOTS):
            _set(slots, step.name[len(SLOTS) : -len(".age")], step.data)
        elif "/" not in step.name:
            _set(documents, step.name, step.data)
    return replace(state, keyring=keyring, keyring_signature=signature, slots=slots, documents=documents, leftovers=())


def _set(files: dict[str, bytes], name: str, data: bytes | None) -> None:
    if data is None:
        files.pop(name, None)
    else:
        files[name] = data
