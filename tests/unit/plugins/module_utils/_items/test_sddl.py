# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.windows_services import descriptor_of

from ansible_collections.ucops.recovery.plugins.module_utils._items.scratch import only_administrators
from ansible_collections.ucops.recovery.plugins.module_utils._items.sddl import to_sddl

ENTRIES = st.tuples(
    st.sampled_from(["A", "D", "AU"]),
    st.lists(st.sampled_from(["OI", "CI", "NP", "IO", "ID"]), unique=True),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5),
)
ORDER = ["OI", "CI", "NP", "IO", "ID"]


def text_of(letter, protected, entries):
    body = "".join(
        f"({kind};{''.join(sorted(flags, key=ORDER.index))};0x{mask:x};;;S-1-5-{'-'.join(map(str, parts))})"
        for kind, flags, mask, parts in entries
    )
    return f"{letter}:{'P' if protected else ''}{body}"


@given(st.booleans(), st.lists(ENTRIES, max_size=4), st.booleans(), st.lists(ENTRIES, max_size=3))
def test_a_descriptor_is_the_text_that_it_was_made_of(protected, allowed, audited_protected, audited):
    text = text_of("D", protected, allowed) + text_of("S", audited_protected, audited)
    assert to_sddl(descriptor_of(text)) == text


@given(st.binary(max_size=120))
def test_whatever_comes_is_a_text_or_none(data):
    assert to_sddl(data) is None or to_sddl(data)


@given(st.data())
def test_a_cut_descriptor_is_none(data):
    whole = descriptor_of("D:(A;;0xf01ff;;;S-1-5-18)(A;;0x1;;;S-1-5-32-544)")
    end = len(whole) - 24  # owner and group stand behind the lists, and are not looked at
    assert to_sddl(whole[: data.draw(st.integers(0, end - 1))]) is None


def test_flags_of_a_list():
    inherited = bytearray(descriptor_of("D:(A;;0x1;;;S-1-1-0)"))
    inherited[2:4] = (0x8004 | 0x0100 | 0x0400).to_bytes(2, "little")
    assert to_sddl(bytes(inherited)) == "D:ARAI(A;;0x1;;;S-1-1-0)"


@pytest.mark.parametrize("kind", [5, 6, 9, 255])
def test_entries_that_no_service_has_are_none(kind):
    data = bytearray(descriptor_of("D:(A;;0x1;;;S-1-1-0)"))
    data[20 + 8] = kind
    assert to_sddl(bytes(data)) is None


def test_only_administrators_and_the_system_enter_a_scratch_folder():
    assert to_sddl(only_administrators()) == "D:P(A;OICI;0x1f01ff;;;S-1-5-32-544)(A;OICI;0x1f01ff;;;S-1-5-18)"
