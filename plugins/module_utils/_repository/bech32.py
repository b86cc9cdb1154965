# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bech32 (BIP 173, without its length limit), the text form of age keys."""

from __future__ import annotations

from collections.abc import Iterable

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {char: value for value, char in enumerate(_CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH = 6


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check


def _expand(prefix: str) -> list[int]:
    return [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]


def encode(prefix: str, data: bytes) -> str:
    """The lower-case Bech32 text of ``data`` under the human-readable ``prefix`` (lower case)."""
    bits = int.from_bytes(data, "big")
    length = -(-len(data) * 8 // 5)
    bits <<= length * 5 - len(data) * 8
    values = [bits >> 5 * (length - 1 - index) & 31 for index in range(length)]
    check = _polymod(_expand(prefix) + values + [0] * _CHECKSUM_LENGTH) ^ 1
    values += [check >> 5 * (_CHECKSUM_LENGTH - 1 - index) & 31 for index in range(_CHECKSUM_LENGTH)]
    return prefix + "1" + "".join(_CHARSET[value] for value in values)


def decode(text: str) -> tuple[str, bytes]:
    """The lower-case prefix and the data of a Bech32 text. Raises ValueError on anything that is none."""
    if text.lower() != text and text.upper() != text:
        raise ValueError("mixed case")
    text = text.lower()
    if any(not 33 <= ord(char) <= 126 for char in text):
        raise ValueError("a character that is not allowed")
    prefix, separator, tail = text.rpartition("1")
    if not separator or not prefix or len(tail) < _CHECKSUM_LENGTH:
        raise ValueError("no prefix or too short")
    try:
        values = [_VALUES[char] for char in tail]
    except KeyError:
        raise ValueError("a character that is not allowed") from None
    if _polymod(_expand(prefix) + values) != 1:
        raise ValueError("the checksum does not fit")
    values = values[:-_CHECKSUM_LENGTH]
    bits = 0
    for value in values:
        bits = bits << 5 | value
    padding = len(values) * 5 % 8
    if padding > 4 or bits & (1 << padding) - 1:
        raise ValueError("padding that is not zero")
    return prefix, (bits >> padding).to_bytes(len(values) * 5 // 8, "big")
