# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_paths import (
    ancestors,
    moment_of,
    parent,
    plain_name,
    split,
)

NAMES = st.text(max_size=12).filter(plain_name)


@given(st.lists(NAMES, max_size=6))
def test_a_path_is_drive_and_names(names: list[str]) -> None:
    inner = "\\".join(names)
    assert split("c:\\" + inner) == ("c", inner)
    assert [*ancestors(inner), inner][: len(names)] == ["\\".join(names[:count]) for count in range(1, len(names) + 1)]
    assert parent(inner) == "\\".join(names[:-1])


@pytest.mark.parametrize("path", ["C:", "C:\\"])
def test_a_drive(path: str) -> None:
    assert split(path) == ("C", "") and ancestors("") == []


@pytest.mark.parametrize("path", [r"C:\trailing.", r"C:\trailing ", r"C:\CON", "C:\\" + "x\\" * 500 + "y"])
def test_names_that_only_windows_programs_refuse(path: str) -> None:
    assert split(path)[1] == path[3:]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "C",
            r"\a",
            r"\\h\s",
            r"C:\..\a",
            r"C:\a\.\b",
            r"C:\a\\b",
            r"C:\a:b",
            "C:\\a\0",
            r"C:\a/b",
            r"C:\*",
            "CC:\\a",
        ),
        *("C:\\" + "x" * 256, "C:\\" + "x\\" * 20_000),
    ],
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(OSError):
        split(path)


def test_the_moment_of_a_shadow_copy() -> None:
    assert moment_of("@GMT-1970.01.01-00.00.01") == (11_644_473_600 + 1) * 10**7
    for wrong in ("", "@GMT-2026.13.01-00.00.00", "2026"):
        with pytest.raises(ValueError):
            moment_of(wrong)
