# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""What ``reg query KEY /s`` prints, as a tree: for looking, never for keeping.

A line at the margin is a key, one that is indented by four blanks a value: name, type and data, with four blanks
between them. Texts with line breaks are cut there, and letters beyond the code page of the host are lost. The default
value is printed under a name in the host's language, in parentheses.
"""

from __future__ import annotations

import re

from .._compare.registry import (
    REG_BINARY,
    REG_DWORD,
    REG_EXPAND_SZ,
    REG_MULTI_SZ,
    REG_NONE,
    REG_QWORD,
    REG_SZ,
    RegistryTree,
    RegistryValue,
    is_below,
    long_key,
)

_TYPES = {
    "REG_NONE": REG_NONE,
    "REG_SZ": REG_SZ,
    "REG_EXPAND_SZ": REG_EXPAND_SZ,
    "REG_BINARY": REG_BINARY,
    "REG_DWORD": REG_DWORD,
    "REG_MULTI_SZ": REG_MULTI_SZ,
    "REG_QWORD": REG_QWORD,
}
_VALUE = re.compile(r"    (?P<name>\S.*?|)    (?P<type>REG_[A-Z_]+)(?:    (?P<data>.*))?\Z")
_DEFAULT = re.compile(r"\([^()]*\)\Z")


def parse_print(output: bytes, key: str) -> RegistryTree:
    """The tree of a key. What is no line of a key below it, or of a value, is left out."""
    top = long_key(key)
    keys: dict[str, dict[str, RegistryValue]] = {top: {}}
    values = keys[top]
    for line in output.decode("utf-8", "replace").splitlines():
        if line.startswith("HKEY_") and is_below(line.rstrip(), top):
            values = keys.setdefault(line.rstrip(), {})
            continue
        found = _VALUE.match(line)
        if found:
            name = "" if _DEFAULT.match(found["name"]) else found["name"]
            values[name] = _value(found["type"], found["data"] or "")
    return RegistryTree(keys)


def _value(word: str, data: str) -> RegistryValue:
    kind = _TYPES.get(word, REG_NONE)
    try:
        if kind in (REG_DWORD, REG_QWORD):
            return RegistryValue.of_number(int(data.strip(), 16), kind)
        if kind in (REG_BINARY, REG_NONE):
            return RegistryValue(kind, bytes.fromhex(data.strip()))
    except (ValueError, OverflowError):
        return RegistryValue(kind, b"")
    if kind == REG_MULTI_SZ:
        return RegistryValue.of_texts([text for text in data.split("\\0") if text])
    return RegistryValue.of_text(data, kind)
