# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One author of the page does not write over another."""

from __future__ import annotations

import pathlib

import pytest
from sections import section, with_section

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = "before\n<!-- fleet: begin -->\nold\n<!-- fleet: end -->\nafter\n"


def test_only_what_stands_between_the_marks_changes() -> None:
    assert section(PAGE, "fleet") == "old\n"
    assert with_section(PAGE, "fleet", "new\n") == PAGE.replace("old", "new")


def test_without_marks_nothing_is_guessed() -> None:
    with pytest.raises(ValueError, match="not found"):
        with_section("before\n", "fleet", "new\n")


@pytest.mark.parametrize("page", ["benchmarks/page.md", "docs/benchmarks.md"])
def test_the_page_has_the_marks(page: str) -> None:
    section((ROOT / page).read_text(), "fleet")
