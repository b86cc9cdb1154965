# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cmd.exe and then a program's start-up code make of a line: the words that the program sees.

Written from the published rules, for stand-ins only. Whatever would make cmd.exe do more than start one program is an
error here: no test wants that.
"""

from __future__ import annotations

import re

OPERATORS = "&|<>()"


class NotOneCommand(Exception):
    """The line would make cmd.exe do more than start one program with these words."""


def split_words(line: str) -> list[str]:
    """The words of a line for ``cmd.exe /c``."""
    return split_program_line(through_cmd(line))


def through_cmd(line: str) -> str:
    """The line as cmd.exe hands it to the program."""
    if re.search(r"%[^%]*%|[\r\n]", line):
        raise NotOneCommand(f"cmd.exe would expand {line!r}")
    result, quoted, at = "", False, 0
    while at < len(line):
        char = line[at]
        if char == '"':
            quoted = not quoted
        elif char == "^" and not quoted:
            at += 1
            char = line[at : at + 1]
        elif char in OPERATORS and not quoted:
            raise NotOneCommand(f"cmd.exe would act on {char} in {line!r}")
        result += char
        at += 1
    return result


def split_program_line(line: str) -> list[str]:
    """The words of a program's line, by the rules of Microsoft's C run-time library."""
    words: list[str] = []
    word, begun, quoted, at = "", False, False, 0
    while at <= len(line):
        slashes = len(line) - at - len(line[at:].lstrip("\\"))
        at += slashes
        char = line[at : at + 1]
        if char == '"':
            word += "\\" * (slashes // 2)
            begun = True
            if slashes % 2:
                word += '"'
            elif quoted and line[at + 1 : at + 2] == '"':
                word += '"'
                at += 1
            else:
                quoted = not quoted
        else:
            word += "\\" * slashes
            begun = begun or slashes > 0
            if not char or (char in " \t" and not quoted):
                if begun:
                    words.append(word)
                word, begun = "", False
            else:
                word += char
                begun = True
        at += 1
    return words
