# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of a command as one line that every POSIX shell takes apart into the same words again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .._errors import OptionInvalid
from .base import Argument

LONGEST_LINE = 120 * 1024
"""Bytes. Linux takes 128 KiB in one word of a command, and sshd hands the whole line to the login shell as one word."""

_SAFE = re.compile(rb"[A-Za-z0-9_@%+=:,./-]+\Z")


def word(argument: Argument) -> bytes:
    """The argument as bytes. Raises OptionInvalid when it holds NUL, which no command can receive."""
    raw = argument.encode("utf-8", "surrogateescape") if isinstance(argument, str) else argument
    if b"\0" in raw:
        raise OptionInvalid("A word of a command holds a NUL byte")
    return raw


def quote(argument: Argument) -> bytes:
    """One word, quoted for a POSIX shell."""
    raw = word(argument)
    return raw if _SAFE.match(raw) else b"'" + raw.replace(b"'", b"'\\''") + b"'"


def command_line(argv: Sequence[Argument]) -> bytes:
    """All words, quoted and joined. Raises OptionInvalid when there are none or they are too long together."""
    if not argv:
        raise OptionInvalid("A command without a word")
    line = b" ".join(quote(argument) for argument in argv)
    if len(line) > LONGEST_LINE:
        raise OptionInvalid(f"A command of {len(line)} bytes is longer than a host takes ({LONGEST_LINE})")
    return line
