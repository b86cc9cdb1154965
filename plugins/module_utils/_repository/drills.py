# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which generations a restore drill has proved, by signed evidence in the repository."""

from __future__ import annotations

import re

from .._errors import RepositoryDamaged
from .backends.base import Backend
from .format import DRILL_NAMESPACE, DRILL_ROLE, DRILLS_FOLDER, ChainId
from .keyring import Keyring
from .signed import read_signed

PASSED = "passed"

_FILE = re.compile(r"([1-9][0-9]{0,8})\.[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.json")


def proved_generations(backend: Backend, keyring: Keyring, chain: ChainId) -> frozenset[int]:
    """The sequences of generations of a line that passed a drill. Evidence that nobody may have signed is none."""
    folder = f"{DRILLS_FOLDER}/{chain.folder.partition('/')[2]}"
    found = set()
    for own_name in backend.names(folder):
        match = _FILE.fullmatch(own_name)
        if match is None:
            continue
        generation = chain.generation(int(match.group(1)))
        try:
            evidence = read_signed(backend, keyring, generation, f"{folder}/{own_name}", DRILL_NAMESPACE, (DRILL_ROLE,))
        except RepositoryDamaged:
            continue
        if evidence.text("outcome") == PASSED:
            found.add(generation.sequence)
    return frozenset(found)
