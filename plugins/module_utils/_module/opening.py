# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of the groups C(repository) and C(trust) to the things of the repository."""

from __future__ import annotations

from typing import Any, Mapping

from .._errors import OptionInvalid, RepositoryMissing
from .._libraries import require
from .._repository.backends.base import Backend
from .._repository.backends.local import LocalBackend
from .._repository.sshsig import AllowedSigners
from .._repository.verify import Trust


def backend_at(params: Mapping[str, Any]) -> Backend:
    """The backend of option C(repository); nothing needs to be there yet."""
    return LocalBackend(params["repository"])


def open_backend(params: Mapping[str, Any]) -> Backend:
    """The backend of an existing repository. Raises RepositoryMissing, LibraryMissing."""
    require("cryptography", "zstandard")
    backend = backend_at(params)
    if not backend.exists("REPOSITORY.json"):
        raise RepositoryMissing(
            "There is no repository",
            item=str(params["repository"]),
            hint="Check the option repository and that its volume is mounted, or create it with ucops.recovery.repository.",
        )
    return backend


def trust_of(params: Mapping[str, Any]) -> Trust | None:
    """The options C(allowed_signers) and C(expected_heads), as the action plugin resolved them; None when neither is given.

    Raises OptionInvalid.
    """
    signers = params.get("allowed_signers")
    heads = params.get("expected_heads")
    if not signers and not heads:
        return None
    if heads is not None and not _is_heads(heads):
        raise OptionInvalid(
            "expected_heads is not a dictionary of heads",
            hint='It looks like {"pbx-berlin/kamailio": "<head>"}; a path is read by the action plugin on the controller only.',
        )
    return Trust(
        allowed_signers=AllowedSigners.parse(signers) if signers else None,
        expected_heads=dict(heads or {}),
    )


def _is_heads(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) and isinstance(head, str) for name, head in value.items())
