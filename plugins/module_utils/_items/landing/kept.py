# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are in the repository and lie in ``incoming`` again, for people and appliances to see.

``taken/.kept.json`` tells them from new ones. A file counts as kept only while it is the same inode, untouched since it
was put back; whatever else has its name is new. Only kept files are ever pruned.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..._entries import path_from_text, path_to_text
from .durable import write_note
from .facts import FileFacts
from .scanning import open_folder
from .zone import LandingDamaged, Zone

LEDGER = b".kept.json"


@dataclass(frozen=True)
class KeptFile:
    """One file, as it was when it was put back."""

    name: bytes
    device: int
    inode: int
    size: int
    ctime_ns: int

    @classmethod
    def of(cls, facts: FileFacts) -> KeptFile:
        """From a look at it."""
        return cls(facts.name, facts.device, facts.inode, facts.size, facts.ctime_ns)

    def is_same(self, facts: FileFacts) -> bool:
        """Whether a file is this one, untouched."""
        return self == KeptFile.of(facts)


def _kept(row: Sequence[Any]) -> KeptFile:
    name, device, inode, size, ctime_ns = row
    return KeptFile(path_from_text(name), int(device), int(inode), int(size), int(ctime_ns))


class Kept:
    """The ledger of a zone: backup -> its files, the oldest first."""

    def __init__(self, zone: Zone, backups: Mapping[str, Sequence[KeptFile]]) -> None:
        self._zone = zone
        self._backups = {name: list(files) for name, files in backups.items()}

    @classmethod
    def load(cls, zone: Zone) -> Kept:
        """Read it; there is none in a zone where nothing was ever kept."""
        try:
            with open(os.path.join(zone.taken, LEDGER), "rb") as handle:
                content = handle.read()
        except FileNotFoundError:
            return cls(zone, {})
        try:
            return cls(zone, {name: [_kept(one) for one in files] for name, files in json.loads(content).items()})
        except (AttributeError, IndexError, TypeError, ValueError):
            raise LandingDamaged(
                "The list of kept files cannot be understood",
                item=path_to_text(os.path.join(zone.taken, LEDGER)),
                hint="Remove it: kept files are then looked at anew, and found to be in the repository already.",
            ) from None

    def holds(self, facts: FileFacts) -> bool:
        """Whether a file is one that is in the repository already."""
        return any(one.is_same(facts) for files in self._backups.values() for one in files)

    def names(self) -> list[bytes]:
        """The names of all kept files."""
        return [one.name for files in self._backups.values() for one in files]

    def add(self, backup: str, files: Sequence[KeptFile], keep: int) -> None:
        """Note the files of a backup, remove what is older than the newest ``keep`` backups, and forget what is gone.

        Removed first, noted then: a full disk gets room before a note is written.
        """
        if files:
            self._backups[backup] = list(files)
        there = {name: [one for one in self._backups[name] if self._is_there(one)] for name in sorted(self._backups)}
        backups = [name for name, found in there.items() if found]
        for name in backups[: max(0, len(backups) - keep)]:
            for one in there.pop(name):
                self._remove(one)
        self._backups = {name: found for name, found in there.items() if found}
        data = {
            name: [[path_to_text(one.name), one.device, one.inode, one.size, one.ctime_ns] for one in files]
            for name, files in self._backups.items()
        }
        write_note(self._zone.taken, os.path.join(self._zone.taken, LEDGER), json.dumps(data).encode("ascii"))

    def _is_there(self, one: KeptFile) -> bool:
        try:
            folder, last = open_folder(self._zone, one.name)
        except (OSError, ValueError):
            return False
        try:
            return one.is_same(FileFacts.of(one.name, os.stat(last, dir_fd=folder, follow_symlinks=False)))
        except OSError:
            return False
        finally:
            os.close(folder)

    def _remove(self, one: KeptFile) -> None:
        with suppress(OSError, ValueError):
            folder, last = open_folder(self._zone, one.name)
            try:
                os.unlink(last, dir_fd=folder)
            finally:
                os.close(folder)
