# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the documentation has several authors: what stands between two marks belongs to one of them."""

from __future__ import annotations


def section(page: str, name: str) -> str:
    """What stands between the marks of a name, the marks excluded. Raises ValueError when they are not there."""
    begin, end = _marks(name)
    return page[page.index(begin) + len(begin) : page.index(end)]


def with_section(page: str, name: str, text: str) -> str:
    """The page with other text between the marks. Raises ValueError when they are not there."""
    begin, end = _marks(name)
    return page[: page.index(begin) + len(begin)] + text + page[page.index(end) :]


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
