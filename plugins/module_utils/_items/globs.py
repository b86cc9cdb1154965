# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patterns of paths, on bytes: which paths an item means, which it leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import Pattern
from typing import Union

Glob = Union[str, bytes]
_SPECIAL = re.compile(rb"[*?\[\\]")


def raw(glob: Glob) -> bytes:
    """The pattern as bytes."""
    return glob.encode("utf-8", "surrogateescape") if isinstance(glob, str) else glob


class PathGlobs:
    """Absolute paths with ``*``, ``?`` and ``[...]`` inside single names, as a shell expands them.

    A path is covered when it matches, or when a folder above it does.
    """

    def __init__(self, globs: Iterable[Glob]) -> None:
        self.patterns = [raw(glob) for glob in globs]
        self._globs = [_components(glob) for glob in self.patterns]

    def matches(self, path: bytes) -> bool:
        """Whether the path is one of them."""
        names = path.strip(b"/").split(b"/") if path != b"/" else []
        return any(
            len(glob) == len(names) and all(part.match(name) for part, name in zip(glob, names)) for glob in self._globs
        )

    def covers(self, path: bytes) -> bool:
        """Whether the path is one of them or lies below one."""
        names = path.strip(b"/").split(b"/") if path != b"/" else []
        return any(
            len(glob) <= len(names) and all(part.match(name) for part, name in zip(glob, names)) for glob in self._globs
        )

    def leads(self, path: bytes) -> bool:
        """Whether a covered path may lie below this one."""
        names = path.strip(b"/").split(b"/") if path != b"/" else []
        return any(all(part.match(name) for part, name in zip(glob, names)) for glob in self._globs)


class Excludes:
    """Patterns of what is left out, with everything below it.

    A pattern with a slash in it is held against the whole path, ``*`` stays within one name and ``**`` does not; a
    pattern without one is held against every single name.
    """

    def __init__(self, globs: Sequence[Glob]) -> None:
        patterns = [raw(glob) for glob in globs]
        names = [_translate(glob) for glob in patterns if b"/" not in glob]
        paths = [_translate(b"/" + glob.strip(b"/")) for glob in patterns if b"/" in glob]
        alternatives = [b"(?:.*/)?" + name for name in names] + [path.removeprefix(b"/") for path in paths]
        self._pattern = re.compile(b"(?:" + b"|".join(alternatives) + b")(?:/.*)?\\Z", re.DOTALL) if patterns else None

    def match(self, path: bytes) -> bool:
        """Whether the path is left out."""
        return self._pattern is not None and self._pattern.match(path.lstrip(b"/")) is not None


def name_globs(globs: Sequence[str]) -> Pattern[str]:
    """One pattern for names (of tables, say) out of many globs."""
    parts = [_translate(glob.encode("utf-8")).decode("utf-8") for glob in globs]
    return re.compile("(?:" + "|".join(parts) + r")\Z", re.DOTALL) if parts else re.compile(r"(?!)")


def _components(glob: bytes) -> list[Pattern[bytes]]:
    names = [name for name in glob.split(b"/") if name]
    return [re.compile(_translate(name) + b"\\Z", re.DOTALL) for name in names]


def _translate(glob: bytes) -> bytes:
    if _SPECIAL.search(glob) is None:
        return re.escape(glob)
    out = []
    at = 0
    while at < len(glob):
        one = glob[at : at + 1]
        at += 1
        if one == b"*":
            if glob[at : at + 1] == b"*":
                at += 1
                out.append(b".*")
            else:
                out.append(b"[^/]*")
        elif one == b"?":
            out.append(b"[^/]")
        elif one == b"[" and (end := glob.find(b"]", at + 1 + (glob[at : at + 1] in (b"!", b"^")))) >= 0:
            out.append(_one_of(glob[at:end]))
            at = end + 1
        elif one == b"\\" and at < len(glob):
            out.append(re.escape(glob[at : at + 1]))
            at += 1
        else:
            out.append(re.escape(one))
    return b"".join(out)


def _one_of(inside: bytes) -> bytes:
    """What stands in brackets, as a regular expression; taken literally when it is no range."""
    body = inside.replace(b"\\", b"\\\\").replace(b"[", b"\\[")
    if body[:1] in (b"!", b"^"):
        body = b"^/" + body[1:]
    try:
        re.compile(b"[" + body + b"]")
    except re.error:
        return re.escape(b"[" + inside + b"]")
    return b"[" + body + b"]"
