# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of others in Markdown, always as code: nothing in code becomes a link, a tag or a picture, nor a mention of all
who read along, and nothing in it can end it."""

from __future__ import annotations

import re

_BACKTICKS = re.compile(r"`+")


def inline(text: str) -> str:
    """A text within a line or a cell of a table; nothing for nothing."""
    line = " ".join(str(text).split()).replace("|", "\\|")
    if not line:
        return ""
    fence = "`" * (_longest(line) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{room}{line}{room}{fence}"


def block(text: str, language: str = "") -> str:
    """A text as a block of code."""
    text = str(text)
    fence = "`" * max(3, _longest(text) + 1)
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{fence}{language}\n{text}{end}{fence}"


def _longest(text: str) -> int:
    """The most backticks in a row."""
    return max((len(found) for found in _BACKTICKS.findall(text)), default=0)
