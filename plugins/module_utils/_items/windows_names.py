# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and paths as Windows sees them: without case, and with names that are no files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from re import Pattern

from .._errors import OptionInvalid

LONGEST_NAME = 255
LONGEST_PATH = 32760
"""UTF-16 units (MS-FSCC 2.1.5)."""

_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_DEVICES = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3])[ ]*(\.|:|\Z)", re.IGNORECASE
)
_ROOT = re.compile(r"[A-Za-z]:\\")


def fold(text: str) -> str:
    """Two names are one for Windows when this is the same: letters in upper case, one by one, as NTFS does it."""
    if text.isascii():
        return text.upper()
    return "".join(_upper(one) for one in text)


def _upper(one: str) -> str:
    upper = one.upper()
    return upper if len(upper) == 1 and (one.isascii() or not upper.isascii()) else one


def what_is_wrong(name: str) -> str:
    """Why a name is no name of a file for Windows' programs; empty when it is one."""
    if name in ("", ".", ".."):
        return "is no plain name"
    if _FORBIDDEN.search(name):
        return "has a character in it that Windows forbids (a colon would mean a stream of another file)"
    if name[-1] in ". ":
        return "ends with a dot or a blank, which Windows takes away: it would be another file"
    if _DEVICES.match(name):
        return "is the name of a device, not of a file"
    if len(name.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    return ""


class WindowsGlobs:
    r"""Absolute paths with ``*`` and ``?`` inside single names, without case. A path is covered when it matches, or
    when a folder above it does.

    :raises OptionInvalid: for what is no absolute path
    """

    def __init__(self, globs: Sequence[str]) -> None:
        self.parts = [_parts(glob) for glob in globs]

    def covers(self, path: str) -> bool:
        """Whether the path is one of them or lies below one."""
        names = fold(path).rstrip("\\").split("\\")
        return any(
            len(glob) <= len(names) and all(part.match(name) for part, name in zip(glob, names)) for glob in self.parts
        )


class WindowsExcludes:
    r"""Patterns of what is left out, with everything below it: with a ``\`` in it against the whole path (``*`` within
    one name, ``**`` across), without one against every single name."""

    def __init__(self, globs: Sequence[str]) -> None:
        patterns = [fold(glob.replace("/", "\\")).rstrip("\\") for glob in globs]
        names = [r"(?:.*\\)?" + _translate(glob) for glob in patterns if "\\" not in glob]
        paths = [_translate(glob) for glob in patterns if "\\" in glob]
        self._pattern = re.compile("(?:" + "|".join([*names, *paths]) + r")(?:\\.*)?\Z", re.DOTALL) if globs else None

    def match(self, path: str) -> bool:
        """Whether the path is left out."""
        return self._pattern is not None and self._pattern.match(fold(path)) is not None


def _parts(glob: str) -> list[Pattern[str]]:
    names = glob.rstrip("\\").split("\\")
    plain = [name.replace("*", "x").replace("?", "x") for name in names[1:]]
    wrong = next((f"{name!r} in it {reason}" for name in plain if (reason := what_is_wrong(name))), "")
    if not _ROOT.match(glob if len(names) > 1 else names[0] + "\\") or wrong:
        raise OptionInvalid(
            f"{glob!r} is no absolute Windows path" + (f": {wrong}" if wrong else ""),
            hint=r"Write it like C:\Program Files\estos, with * and ? inside names at most.",
        )
    return [re.compile(_translate(fold(name)) + r"\Z", re.DOTALL) for name in names]


def _translate(glob: str) -> str:
    parts = re.split(r"(\*\*|\*|\?)", glob)
    meaning = {"**": ".*", "*": r"[^\\]*", "?": r"[^\\]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)
