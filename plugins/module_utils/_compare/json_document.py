# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON of a host that nobody trusts: whole or refused, of bounded depth, no name twice, and one way to write it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

DEEPEST = 64
"""Levels of objects and lists."""
_LONGEST_NUMBER = 100


class JsonRefused(ValueError):
    """No JSON, cut JSON, or JSON that is made to do harm. The text says what, and quotes nothing of it."""


def parse(content: bytes) -> Any:
    """What a whole document holds. Raises JsonRefused."""
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_constant=_no_number,
            parse_float=_float,
            parse_int=_int,
        )
    except JsonRefused:
        raise
    except UnicodeDecodeError:
        raise JsonRefused("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
        raise JsonRefused("it ends before its end" if cut else "it is no JSON") from None
    except RecursionError:
        raise JsonRefused(f"it is deeper than {DEEPEST} levels") from None
    _check_depth(value)
    return value


def canonical(value: Any) -> bytes:
    """The one way to write what :func:`parse` gave: names sorted, a line each. Lists keep their order, for that may be
    a setting."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogatepass")


def legible(content: bytes) -> bytes:
    """A document in that form, or as it is when it is refused."""
    try:
        return canonical(parse(content))
    except JsonRefused:
        return content


class WholeDocument:
    """A normaliser (see :mod:`.normalise`) that takes a document together and gives it in its one form.

    :param largest: bytes from which on a content passes as it is, so that memory stays bounded
    :param form: gives the one form of a document, or raises JsonRefused: then it passes as it is
    """

    def __init__(self, largest: int, form: Callable[[bytes], bytes]) -> None:
        self._largest = largest
        self._form = form
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, return what is certain by now."""
        self._size += len(data)
        if self._size <= self._largest:
            self._held.append(data)
            return b""
        held, self._held = b"".join(self._held), []
        return held + data

    def finish(self) -> bytes:
        """The content is at its end: return what was still held back."""
        held, self._held = b"".join(self._held), []
        try:
            return self._form(held) if held else b""
        except JsonRefused:
            return held


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonRefused("it names the same thing twice")
    return found


def _no_number(_name: str) -> NoReturn:
    raise JsonRefused("it holds a number that is none")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise JsonRefused("it holds a number that is none")
    return number


def _int(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise JsonRefused(f"it holds a number of more than {_LONGEST_NUMBER} digits")
    return int(text)


def _check_depth(value: Any) -> None:
    level = [value]
    for _depth in range(DEEPEST + 1):
        containers = [one for one in level if isinstance(one, (dict, list))]
        if not containers:
            return
        level = [inner for one in containers for inner in (one.values() if isinstance(one, dict) else one)]
    raise JsonRefused(f"it is deeper than {DEEPEST} levels")
