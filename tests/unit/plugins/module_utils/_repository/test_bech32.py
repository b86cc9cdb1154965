# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._repository import bech32

# BIP 173: valid strings with the data bits that a round trip over whole bytes can show
VALID = [
    ("A12UEL5L", "a", b""),
    (
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "abcdef",
        bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df"),
    ),
    (
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
        "split",
        bytes.fromhex("c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d"),
    ),
]

INVALID = [
    "\x201nwldj5",  # a character below the range
    "\x7f1axkwrx",
    "\x801eym55h",
    "pzry9x0s0muk",  # no separator
    "1pzry9x0s0muk",  # no prefix
    "x1b4n0q5v",  # a character that is not in the alphabet
    "li1dgmt3",  # the checksum is too short
    "de1lg7wt\xff",
    "A1G7SGD8",  # checksum made of the upper-case prefix
    "10a06t8",
    "1qzzfhee",
    "a12UEL5L",  # mixed case
    "",
    "1",
]


@pytest.mark.parametrize(("text", "prefix", "data"), VALID)
def test_known_texts_decode(text: str, prefix: str, data: bytes) -> None:
    assert bech32.decode(text) == (prefix, data)
    assert bech32.encode(prefix, data) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_broken_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        bech32.decode(text)


@given(st.binary(max_size=64), st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20))
def test_round_trip(data: bytes, prefix: str) -> None:
    text = bech32.encode(prefix, data)
    assert bech32.decode(text) == (prefix, data)
    assert bech32.decode(text.upper()) == (prefix, data)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 1000), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_a_changed_character_is_found(data: bytes, position: int, char: str) -> None:
    text = bech32.encode("age", data)
    position = 4 + position % (len(text) - 4)
    changed = text[:position] + char + text[position + 1 :]
    if changed != text:
        with pytest.raises(ValueError):
            bech32.decode(changed)


@given(st.text(max_size=100))
def test_any_text_decodes_or_is_refused(text: str) -> None:
    try:
        prefix, data = bech32.decode(text)
    except ValueError:
        return
    assert bech32.encode(prefix, data) == text.lower()


def test_padding_bits_must_be_zero() -> None:
    # one byte takes two characters, whose last two bits are padding
    for stray in range(1, 4):
        values = [0, stray]
        check = bech32._polymod(bech32._expand("age") + values + [0] * 6) ^ 1
        values += [check >> 5 * (5 - index) & 31 for index in range(6)]
        with pytest.raises(ValueError, match="padding"):
            bech32.decode("age1" + "".join(bech32._CHARSET[value] for value in values))
