# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A keyring as results show it."""

from __future__ import annotations

from typing import Any

from .._repository.format import FORMAT
from .._repository.keyring import Keyring, allowed_signers_text
from .._repository.sshsig import fingerprint


def describe_keyring(keyring: Keyring) -> dict[str, Any]:
    """What a keyring says, as a result."""
    return {
        "repository_id": keyring.repository_id,
        "format": FORMAT,
        "owner": keyring.owner,
        "owner_fingerprint": fingerprint(keyring.owner),
        "recipients": [dict(vars(recipient)) for recipient in keyring.recipients],
        "signers": [
            {**vars(signer), "roles": list(signer.roles), "revoked": revoked_text(signer.revoked)}
            for signer in keyring.signers
        ],
        "slots": sorted(keyring.slots),
        "allowed_signers": allowed_signers_text(keyring),
    }


def revoked_text(revoked: bool | str) -> str:
    """C(false), C(true), or the time from which on nothing is believed."""
    return revoked if isinstance(revoked, str) else str(revoked).lower()
