# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_names import (
    WindowsExcludes,
    WindowsGlobs,
    fold,
    what_is_wrong,
)

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='<>:"/\\|?*'), min_size=1, max_size=12
)
PATHS = st.lists(NAMES.filter(lambda name: not what_is_wrong(name)), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Config.XML", "config.xml", True),
        ("GRÖSSE", "größe", False),  # there is a capital for ö, none of one letter for ß
        ("GRÖße", "größe", True),
        ("ärger", "ÄRGER", True),
        ("ſ", "s", False),
        ("\u212a", "k", False),  # the sign of Kelvin
        ("ﬁ", "FI", False),
        ("ı", "i", False),
    ],
)
def test_names_that_are_one_for_windows(one: str, other: str, same: bool) -> None:
    assert (fold(one) == fold(other)) is same


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing_and_keeps_the_length(text: str) -> None:
    assert fold(fold(text)) == fold(text) and len(fold(text)) == len(text)


@pytest.mark.parametrize(
    "name",
    ["CON", "con.txt", "Nul", "aux.", "COM9", "lpt1.log", "COM²", "conin$", "a.", "a ", "..", ".", "", "a:b", "x" * 256]
    + ["NUL .txt", "COM0"],
)
def test_names_that_are_none(name: str) -> None:
    assert what_is_wrong(name)


@pytest.mark.parametrize(
    "name", ["CONFIG", "com10", "nulls", "a.b", ".a", "a b", "x" * 255, "Größe", "日本", "console.log"]
)
def test_names_that_are_some(name: str) -> None:
    assert what_is_wrong(name) == ""


def test_two_units_of_utf16_count_as_two() -> None:
    assert what_is_wrong("🎧" * 127) == "" and what_is_wrong("🎧" * 128)


@given(PATHS)
def test_a_path_covers_itself_and_what_lies_below_in_any_case(names: list[str]) -> None:
    path = "C:\\" + "\\".join(names)
    globs = WindowsGlobs([path])
    assert globs.covers(path) and globs.covers(fold(path)) and globs.covers(path + r"\below\it")
    assert not globs.covers(path + "x") and not globs.covers("D" + path[1:])


@given(PATHS)
def test_stars_stay_within_a_name(names: list[str]) -> None:
    globs = WindowsGlobs([r"C:\*\end"])
    assert globs.covers("C:\\" + "\\".join([*names, "end"])) is (len(names) == 1 or fold(names[1]) == "END")


@pytest.mark.parametrize(
    ("pattern", "path", "match"),
    [
        ("*.tmp", r"C:\a\b.TMP", True),
        ("*.tmp", r"C:\a\b.tmp\inside", True),
        ("*.tmp", r"C:\a\b.tmpx", False),
        ("cache", r"C:\a\Cache\x", True),
        ("cache", r"C:\a\cached", False),
        (r"C:\a\*.log", r"C:\a\x.log", True),
        (r"C:\a\*.log", r"C:\a\b\x.log", False),
        (r"C:\a\**.log", r"C:\a\b\x.log", True),
        ("C:/a/b", r"C:\A\B\c", True),
        ("?.xml", r"C:\ä.xml", True),
        ("[x]", r"C:\[x]", True),
        ("[x]", r"C:\x", False),
    ],
)
def test_excludes(pattern: str, path: str, match: bool) -> None:
    assert WindowsExcludes([pattern]).match(path) is match
    assert not WindowsExcludes([]).match(path)


@pytest.mark.parametrize(
    "glob", ["", "a", r"\a", r"C:a", r"\\host\share\a", r"C:\a\..\b", r"C:\a.", r"C:\nul", r"C:\a|b"]
)
def test_globs_that_are_no_absolute_path(glob: str) -> None:
    with pytest.raises(OptionInvalid):
        WindowsGlobs([glob])
