# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a file has arrived: pure, from one look at the zone to the next.

A file is stable when several looks in a row found it the same, nobody has it open for writing, and nothing has touched
it for the quiet period. Its name and the time that the sender gave it say nothing. Time is measured with the monotonic
clock between the looks; a file may also prove a longer rest with its ``ctime``, which the host's own clock made.
"""

from __future__ import annotations

from dataclasses import dataclass

from .facts import FileFacts, Observation

LEVEL_RECEIVED = "received"
"""It is there, and may still grow."""
LEVEL_STABLE = "stable"
"""It is there as a whole, as far as can be told from outside."""
LEVEL_PLAUSIBLE = "plausible"
"""It was read to its end, and nothing is wrong with its content, as far as that is known."""
LEVEL_PROVED = "restorable_proved"
"""A drill restored it. Nothing else ever proves that."""
LEVELS = (LEVEL_RECEIVED, LEVEL_STABLE, LEVEL_PLAUSIBLE, LEVEL_PROVED)


@dataclass(frozen=True)
class Patience:
    """When a file counts as stable. ``polls``: so many looks in a row find the same. ``quiet_period``: seconds in which
    nothing touched it."""

    polls: int = 3
    quiet_period: float = 60.0


@dataclass(frozen=True)
class Arrival:
    """The verdict on one file: ``level`` is received or stable, ``waits_for`` says in words why not yet stable.

    ``received_ns``: since when the file is as it is, by this host's clock; never later than the look.
    """

    facts: FileFacts
    level: str
    received_ns: int
    waits_for: tuple[str, ...] = ()

    @property
    def is_stable(self) -> bool:
        """Whether it may be taken."""
        return self.level == LEVEL_STABLE


@dataclass
class _Seen:
    facts: FileFacts
    since: float
    polls: int


class Watch:
    """Feed it one observation after another; :meth:`feed` returns the verdict on every file."""

    def __init__(self, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._seen: dict[bytes, _Seen] = {}

    def feed(self, look: Observation) -> dict[bytes, Arrival]:
        """Take the next look. What is not in it any more is forgotten: should it come back, it begins anew."""
        seen = {}
        for name, facts in look.files.items():
            before = self._seen.get(name)
            if before is not None and before.facts.is_same_state(facts):
                seen[name] = _Seen(facts, before.since, before.polls + 1)
            else:
                seen[name] = _Seen(facts, look.at, 1)
        self._seen = seen
        return {name: self._judge(one, look) for name, one in seen.items()}

    def _judge(self, one: _Seen, look: Observation) -> Arrival:
        facts, patience = one.facts, self._patience
        # a ctime in the future means that the clock was set back: only the looks count then
        rest = max(look.at - one.since, (look.wall_ns - facts.ctime_ns) / 1e9)
        waits = []
        if facts.identity in look.being_written:
            waits.append(f"{look.being_written[facts.identity]} has it open for writing")
        if one.polls < patience.polls:
            waits.append(f"seen unchanged {one.polls} of {patience.polls} times")
        if rest < patience.quiet_period:
            waits.append(f"touched {max(0, int(rest))} s ago, quiet period {patience.quiet_period:g} s")
        level = LEVEL_RECEIVED if waits else LEVEL_STABLE
        return Arrival(facts, level, min(facts.ctime_ns, look.wall_ns), tuple(waits))
