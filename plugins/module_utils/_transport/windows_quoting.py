# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of a command as one line that cmd.exe hands on untouched and that a Windows program takes apart into the same
words again.

WinRM starts every command by ``cmd.exe /c``: the option to leave it out works on no Windows since 2012 R2
(documentation of pypsrp, ``no_shell``). So each word is first quoted for the program (the rules of CommandLineToArgvW),
then every character that cmd.exe would act on is escaped, quotes included, so that it never sees a quoted part. What it
would expand even then, variables, is refused; so is ``!``, which means that where delayed expansion is switched on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .._errors import OptionInvalid
from .base import Argument

LONGEST_LINE = 8000
"""Characters. cmd.exe takes 8191 with its own name and option in front."""

_PROGRAM = re.compile(r"[A-Za-z0-9_.:\\~-]+\Z")
_SPECIAL = re.compile(r'[()<>&|^"@]')
_EXPANDED = re.compile(r"[%!]")
_IMPOSSIBLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Line breaks, which end a line, and what XML cannot carry."""


def command_line(argv: Sequence[Argument]) -> str:
    """All words, quoted and joined.

    :raises OptionInvalid: there are none, they are too long together, or one of them cannot be handed over as it is
    """
    words = [_text(argument) for argument in argv]
    if not words:
        raise OptionInvalid("A command without a word")
    if not _PROGRAM.match(words[0]):
        raise OptionInvalid(f"{words[0]!r} cannot be started by WinRM: the name of a program must not need quotes")
    line = " ".join([words[0], *(_SPECIAL.sub(r"^\g<0>", _quote(word)) for word in words[1:])])
    if len(line) > LONGEST_LINE:
        raise OptionInvalid(f"A command of {len(line)} characters is longer than cmd.exe takes ({LONGEST_LINE})")
    return line


def _text(argument: Argument) -> str:
    try:
        word = argument.decode("utf-8") if isinstance(argument, bytes) else argument
    except UnicodeDecodeError:
        raise OptionInvalid("A word of a command for Windows is not UTF-8") from None
    if _IMPOSSIBLE.search(word):
        raise OptionInvalid("A word of a command for Windows holds a line break or control character")
    if _EXPANDED.search(word):
        raise OptionInvalid(
            "A word of a command for Windows holds % or !, which cmd.exe would expand",
            hint="Such a value has to reach the host in a file or as input.",
        )
    return word


def _quote(word: str) -> str:
    """One word for CommandLineToArgvW: backslashes count only in front of a quote."""
    if word and not re.search(r'[\s"]', word):
        return word
    word = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", word) + '"'
