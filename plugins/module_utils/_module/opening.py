# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of the groups C(repository) and C(trust) to the things of the repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import OptionInvalid, RepositoryMissing
from .._libraries import require
from .._repository.backends.base import Backend
from .._repository.backends.local import LocalBackend
from .._repository.format import REPOSITORY_FILE
from .._repository.sshsig import AllowedSigners
from .._repository.verify import Trust


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


def trust_of(params: Mapping[str, Any]) -> Trust | None:
    """The options allowed_signers and expected_heads, as the action plugin resolved them; None without either.

    Raises OptionInvalid.
    """
    signers = params.get("allowed_signers")
    heads = params.get("expected_heads")
    if not signers and not heads:
        return None
    if heads is not None and not _is_heads(heads):
        raise OptionInvalid(
            "expected_heads is not a dictionary of heads",
            hint='It looks like {"pbx-berlin/kamailio": "<head>"}; a path is for the action plugin.',
        )
    return Trust(
        allowed_signers=AllowedSigners.parse(signers) if signers else None,
        expected_heads=dict(heads or {}),
    )


def _is_heads(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(head, str) for name, head in value.items()
    )
