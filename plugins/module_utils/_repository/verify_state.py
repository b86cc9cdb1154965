# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When was what checked last? A hint that decides what comes first when time is short, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from .._errors import RepositoryDamaged
from .backends.base import Backend
from .format import FORMAT, JOURNAL_FOLDER, canonical_json, parse_json

STATE_FILE = f"{JOURNAL_FOLDER}/verified.json"
STATE_LIMIT = 256 * 1024 * 1024
KEY_LENGTH = 16


class VerifyState:
    """Seconds since the epoch, by the first digits of an object's SHA-256, of its last check on levels 1 and 2."""

    def __init__(self, hashed: dict[str, int], opened: dict[str, int]) -> None:
        self.hashed = hashed
        self.opened = opened

    @classmethod
    def load(cls, backend: Backend) -> VerifyState:
        """What was kept, empty when nothing was. Raises RepositoryDamaged, after which an empty one will do."""
        if not backend.exists(STATE_FILE):
            return cls({}, {})
        try:
            data = backend.read(STATE_FILE, STATE_LIMIT)
            content = parse_json(data)
            state = cls(_times(content["hashed"]), _times(content["opened"]))
            if state.to_bytes() != data:
                raise ValueError("its digest does not fit")
            return state
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RepositoryDamaged(f"The list of checked objects is damaged ({error})", item=STATE_FILE) from None

    def forget_others(self, hashed: Iterable[str], opened: Iterable[str]) -> None:
        """Leave out what is not among these objects any more."""
        kept = {sha[:KEY_LENGTH] for sha in hashed}
        self.hashed = {key: moment for key, moment in self.hashed.items() if key in kept}
        kept = {sha[:KEY_LENGTH] for sha in opened}
        self.opened = {key: moment for key, moment in self.opened.items() if key in kept}

    def save(self, backend: Backend) -> None:
        """Keep it."""
        backend.replace(STATE_FILE, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The state's file."""
        content: dict[str, Any] = {"format": FORMAT, "hashed": self.hashed, "opened": self.opened}
        return canonical_json({**content, "sha256": _digest(content)})


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _times(content: dict[str, Any]) -> dict[str, int]:
    return {str(key): int(moment) for key, moment in content.items()}
