# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at a zone again and again, until what is expected has arrived or the time is over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..._compare.xml_document import XmlRefused
from . import cucm
from .facts import Observation
from .grouping import Batch, Selection, batches
from .judging import Arrival, Patience, Watch
from .kept import Kept
from .scanning import Limits, open_folder
from .scanning import look as look_at_zone
from .zone import Zone

READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Timing:
    """``interval``: seconds between two looks. ``timeout``: seconds after which nothing new is waited for; what lies
    there is looked at often enough to be judged even then."""

    interval: float = 20.0
    timeout: float = 900.0


@dataclass(frozen=True)
class Round:
    """What one look brought: batches to take, the oldest first, batches to wait for, and what is refused by name.

    ``not_meant``: files that are left out, or that belong to no set.
    """

    stable: tuple[Batch, ...] = ()
    waiting: tuple[Batch, ...] = ()
    refused: Mapping[bytes, str] = field(default_factory=dict)
    not_meant: tuple[bytes, ...] = ()
    sees_writers: bool = True


class Waiting:
    """Rounds over one zone. ``taken`` is to be called for every batch that was taken; :meth:`rounds` ends when
    something was and nothing is left to wait for, or when the time is over."""

    def __init__(
        self,
        zone: Zone,
        selection: Selection,
        patience: Patience,
        timing: Timing,
        limits: Limits,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[Zone, Limits], Observation] = look_at_zone,
    ) -> None:
        self._zone = zone
        self._selection = selection
        self._patience = patience
        self._timing = timing
        self._limits = limits
        self._sleep = sleep
        self._clock = clock
        self._observe = observe
        self._watch = Watch(patience)
        self._taken = 0

    def taken(self) -> None:
        """A batch was taken."""
        self._taken += 1

    def rounds(self) -> Iterator[Round]:
        """One after another. Raises OSError when the zone cannot be read."""
        begun = self._clock()
        looks = 0
        while True:
            found = self.look()
            looks += 1
            yield found
            left = begun + self._timing.timeout - self._clock()
            if self._taken and not found.waiting:
                return
            if left <= 0 and (looks >= self._patience.polls or not found.waiting):
                return
            self._sleep(min(self._timing.interval, left) if left > 0 else self._timing.interval)

    def look(self) -> Round:
        """One round."""
        seen = self._observe(self._zone, self._limits)
        kept = Kept.load(self._zone)
        new = {name: facts for name, facts in seen.files.items() if not kept.holds(facts)}
        arrivals = self._watch.feed(replace(seen, files=new))
        meant = {name: one for name, one in arrivals.items() if self._selection.means(name)}
        if self._selection.group_by == "cucm":
            found = cucm.sets(meant, self._manifests(meant))
        else:
            found = batches(meant, self._selection)
        of_a_batch = {name for batch in found for name in batch.names}
        return Round(
            tuple(one for one in found if one.is_stable),
            tuple(one for one in found if not one.is_stable),
            {name: reason for name, reason in seen.refused.items() if name not in kept.names()},
            tuple(sorted(set(new) - of_a_batch)),
            seen.sees_writers,
        )

    def _manifests(self, arrivals: Mapping[bytes, Arrival]) -> dict[bytes, cucm.Manifest]:
        found = {}
        for name, arrival in arrivals.items():
            if not cucm.is_document(name) or not arrival.is_stable:
                continue
            try:
                found[name] = cucm.read_manifest(name, read_small(self._zone, name, cucm.LARGEST_DOCUMENT))
            except XmlRefused as error:
                # it is taken alone, so that somebody hears of it
                found[name] = cucm.Manifest((), (str(error),))
            except OSError:
                continue
        return found


def open_incoming(zone: Zone, name: bytes) -> int:
    """A descriptor of a file in ``incoming``; no link is followed. Raises OSError."""
    folder, last = open_folder(zone, name)
    try:
        return os.open(last, READ_FLAGS, dir_fd=folder)
    finally:
        os.close(folder)


def read_small(zone: Zone, name: bytes, limit: int) -> bytes:
    """The content of a small file in ``incoming``. Raises OSError, and XmlRefused for one that is larger."""
    handle = open_incoming(zone, name)
    with os.fdopen(handle, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise XmlRefused(f"a document of more than {limit} bytes")
    return content
