# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host does now, as an operator's own command tells it: registrations of an Asterisk, calls of a gateway."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._compare.mask import decoded
from .._errors import CommandFailed, DeadlineExceeded, OptionInvalid, OutputTooLarge, PrivilegeFailed
from .._transport.base import Become, Transport
from .options import option, parse_options, text, words

PATIENCE = 10.0
"""Seconds that one answer may take. A server that hangs is still backed up."""
MOST_OUTPUT = 2**20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class DeclaredCounter:
    """``argv``: a command that changes nothing; no shell sees it. ``pattern``: a regular expression, ``^`` and ``$`` at
    lines. With a group the number that it holds at its first match is the count, without one the matches are counted.
    """

    name: str = option(text, "")
    argv: Sequence[str] = option(words, ())
    pattern: str = option(text, "")

    def number(self, said: str) -> int | None:
        """The count in what the command said; None when the pattern with its group is nowhere, or holds no number."""
        pattern = re.compile(self.pattern, re.MULTILINE)
        if not pattern.groups:
            return sum(1 for _match in pattern.finditer(said))
        found = pattern.search(said)
        number = (found[1] or "") if found else ""
        return int(number) if re.fullmatch(r"[0-9]{1,15}", number) else None


def declared_counter(value: Any) -> DeclaredCounter:
    """A value of the option. Raises ValueError, OptionInvalid."""
    if not isinstance(value, Mapping):
        raise ValueError("a list of mappings with name, argv and pattern")
    counter = parse_options(DeclaredCounter, value)
    if not (_NAME.fullmatch(counter.name) and counter.argv and counter.pattern):
        raise ValueError("a list of mappings with name (small letters, digits, _), argv and pattern")
    try:
        groups = re.compile(counter.pattern).groups
    except re.error as error:
        raise ValueError(f"a list whose patterns are regular expressions; that of {counter.name}: {error}") from None
    if groups > 1:
        raise ValueError(f"a list whose patterns have at most one group, and that of {counter.name} has {groups}")
    return counter


def refuse_names(counters: Sequence[DeclaredCounter], own: Sequence[str]) -> None:
    """Raises OptionInvalid when a name is taken: by another counter, or by one that the product counts itself."""
    names = [*own]
    for counter in counters:
        if counter.name in names:
            raise OptionInvalid(f"There are two counters {counter.name}", hint="Name the one in counters otherwise.")
        names.append(counter.name)


def count_declared(transport: Transport, counters: Sequence[DeclaredCounter], become: Become) -> dict[str, int]:
    """What can be counted. Raises ConnectionFailed when the host is gone."""
    found: dict[str, int] = {}
    for counter in counters:
        try:
            result = transport.run(counter.argv, become=become, deadline=PATIENCE, limit=MOST_OUTPUT)
        except (CommandFailed, DeadlineExceeded, OutputTooLarge, PrivilegeFailed):
            continue
        number = counter.number(decoded(result.stdout)) if result.rc == 0 else None
        if number is not None:
            found[counter.name] = number
    return found
