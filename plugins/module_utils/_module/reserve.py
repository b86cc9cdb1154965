# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to stay free on the repository's volume: below it no backup begins.

A repository that runs full takes with it what a restore needs to write first: its journal and the C(pre_restore)
generation. These are never refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from .._errors import OptionInvalid, RepositoryFull
from .._repository.backends.base import Backend

NOTED_AT = "/etc/ansible/facts.d/ucops_backup_host.fact"
"""Where the role backup_host notes what it was told of this host."""


def reserve_of(params: Mapping[str, Any], noted_at: str = NOTED_AT) -> int:
    """Bytes: the option C(reserve), else what the role backup_host noted for this very repository, else none.

    :raises OptionInvalid: it is negative
    """
    given = params["reserve"]
    if given is None:
        return _noted(str(params["repository"]), noted_at)
    if given < 0:
        raise OptionInvalid("reserve is a number of bytes and cannot be negative")
    return int(given)


def check_reserve(backend: Backend, reserve: int) -> None:
    """Raises RepositoryFull when less than ``reserve`` bytes are free. A place that does not say how much is free
    passes."""
    free = backend.free_bytes()
    if reserve and free is not None and free < reserve:
        raise RepositoryFull(
            f"There are {free} bytes free at {backend.location}, and {reserve} are to stay free, so no backup begins",
            hint="Nothing was changed. Make room, let old generations go with ucops.recovery.repository_prune, or lower"
            " the reserve (option reserve, or backup_host_reserve of the role backup_host).",
            free_bytes=free,
            reserve=reserve,
        )


def _noted(repository: str, path: str) -> int:
    """What is not there, or not understood, is no reserve: this file serves people too."""
    try:
        with open(path, encoding="utf-8") as handle:
            noted = json.load(handle)
        same = os.path.normpath(noted["repository"]) == os.path.normpath(repository)
        return max(0, int(noted["reserve"])) if same else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0
