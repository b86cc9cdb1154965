# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of the groups C(repository) and C(trust) to the things of the repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import OptionInvalid, RepositoryDamaged, RepositoryMissing, RolledBack
from .._libraries import require
from .._repository.backends.base import Backend
from .._repository.backends.local import LocalBackend
from .._repository.chain import (
    Believe,
    believe_keyring,
    believe_operator,
    load_record,
    sequences,
    walk_back,
)
from .._repository.format import REPOSITORY_FILE, ChainId, CommitRecord
from .._repository.keyring import check_trusted, load_keyring
from .._repository.sshsig import AllowedSigners


def backend_at(params: Mapping[str, Any]) -> Backend:
    """The backend of option C(repository); nothing needs to be there yet."""
    return LocalBackend(params["repository"])


def open_backend(params: Mapping[str, Any]) -> Backend:
    """The backend of an existing repository. Raises RepositoryMissing, LibraryMissing."""
    require("cryptography", "zstandard")
    backend = backend_at(params)
    if not backend.exists(REPOSITORY_FILE):
        raise RepositoryMissing(
            "There is no repository",
            item=str(params["repository"]),
            hint="Check the path and that its volume is mounted, or create it with ucops.recovery.repository.",
        )
    return backend


def trusted(params: Mapping[str, Any]) -> tuple[AllowedSigners | None, dict[str, str]]:
    """The options allowed_signers and expected_heads, as the action plugin resolved them.

    Raises OptionInvalid.
    """
    signers = params.get("allowed_signers")
    heads = params.get("expected_heads")
    if heads is not None and not _is_heads(heads):
        raise OptionInvalid(
            "expected_heads is not a dictionary of heads",
            hint='It looks like {"pbx-berlin/kamailio": "<head>"}; a path is for the action plugin.',
        )
    return AllowedSigners.parse(signers) if signers else None, dict(heads or {})


def _is_heads(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(head, str) for name, head in value.items()
    )


def believed_writers(params: Mapping[str, Any], backend: Backend) -> Believe:
    """Whose generations are believed: those that the keyring names, and with allowed_signers only those it names too.

    Raises NotAuthentic when the keyring's owner is not among the allowed signers, RepositoryDamaged, OptionInvalid.
    """
    signers, _heads = trusted(params)
    keyring = load_keyring(backend)
    if signers is None:
        return believe_keyring(keyring)
    check_trusted(keyring, signers)
    return believe_operator(keyring, signers)


def check_heads(params: Mapping[str, Any], backend: Backend, chain: ChainId) -> None:
    """Raises RolledBack when the head that is expected of a chain is no part of it, OptionInvalid.

    Behind it may stand what is damaged. Where that keeps the head from being found it is raised: RepositoryDamaged.
    """
    _signers, heads = trusted(params)
    expected = heads.get(str(chain))
    if expected is None:
        return
    newest, damage = _newest_believed(backend, chain)
    if newest is not None and any(record.hash == expected for record in walk_back(backend, newest)):
        return
    if damage is not None:
        raise type(damage)(
            f"{damage.message}, so nobody can tell whether the expected head of {chain} is still there",
            item=damage.item,
            hint="Bring the file back from another copy of the repository. A generation named by its number can be had"
            " without expected_heads.",
        ) from damage
    raise RolledBack(
        f"The expected head of {chain} is not there any more: somebody put back an older state of the repository",
        hint="Run repository_verify with the same expected_heads, and look for another copy of the repository.",
    )


def _newest_believed(backend: Backend, chain: ChainId) -> tuple[CommitRecord | None, RepositoryDamaged | None]:
    """The newest record that a writer signed, and what is wrong with the one that stands at the end."""
    believe = believe_keyring(load_keyring(backend))
    damage = None
    for number in reversed(sequences(backend, chain)):
        try:
            return load_record(backend, chain.generation(number), believe), damage
        except RepositoryDamaged as error:
            damage = damage or error
    return None, damage
