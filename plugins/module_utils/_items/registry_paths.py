# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Registry keys as paths: ``HKEY_LOCAL_MACHINE\SOFTWARE\x`` is ``/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/x.reg``."""

from __future__ import annotations

import re

from .._compare.registry import fold

_PREFIX = b"/@registry/"
_SUFFIX = b".reg"
_SPECIAL = re.compile(r"[%/\x00-\x1f]|\A\.{1,2}\Z")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")


def path_of(key: str) -> bytes:
    """The path of a key's entry. A slash in a name, and a name of dots, are percent-encoded."""
    parts = [
        _SPECIAL.sub(lambda found: "".join(f"%{ord(char):02X}" for char in found[0]), part) for part in key.split("\\")
    ]
    return _PREFIX + "/".join(parts).encode("utf-8", "surrogatepass") + _SUFFIX


def key_of(path: bytes) -> str | None:
    """The reverse; None for what is no such path, or not written as :func:`path_of` writes it."""
    if not (path.startswith(_PREFIX) and path.endswith(_SUFFIX)):
        return None
    try:
        text = path[len(_PREFIX) : -len(_SUFFIX)].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    parts = [_ESCAPED.sub(lambda found: chr(int(found[1], 16)), part) for part in text.split("/")]
    key = "\\".join(parts)
    return key if all(parts) and path_of(key) == path else None


def view_of(key: str) -> str:
    """``32`` for a key of the 32 bit view, else ``64``."""
    return "32" if "WOW6432NODE" in fold(key).split("\\") else "64"
