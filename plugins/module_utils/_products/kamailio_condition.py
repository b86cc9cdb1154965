# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a condition (``#!ifexp``) of a Kamailio script holds, as far as its definitions tell.

Kamailio puts definitions into the expression, those without a value as 1 (core cookbook, "ifexp"). What nobody here
knows, such as its own version or the host's operating system, leaves a condition undecided.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_WORD = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>==|!=|<=|>=|&&|\|\||[-+*/%<>!()]))"
)
_LEVELS: Sequence[Mapping[str, Callable[[Any, Any], Any]]] = (
    {"==": operator.eq, "!=": operator.ne},
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv, "%": operator.mod},
)
_DEEPEST = 50


def holds(expression: str, defines: Mapping[str, str]) -> bool | None:
    """Whether it holds; None when that cannot be told."""
    try:
        reader = _Expression(expression, defines)
        value = reader.either()
        return None if value is None or not reader.is_at_end else bool(value)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return None


class _Expression:
    """Reads an expression from its loosest operator down. None stands for what is not known."""

    def __init__(self, text: str, defines: Mapping[str, str]) -> None:
        self._defines = defines
        self._words: list[re.Match[str]] = []
        self._at = 0
        self._depth = 0
        position, text = 0, text.strip()
        while position < len(text):
            found = _WORD.match(text, position)
            if found is None:
                raise ValueError("no expression")
            self._words.append(found)
            position = found.end()

    @property
    def is_at_end(self) -> bool:
        """Whether all of it was read."""
        return self._at == len(self._words)

    def either(self) -> Any:
        """``||``, of which one side that holds is enough."""
        value = self._both()
        while self._takes("||"):
            other = self._both()
            value = True if value or other else (None if value is None or other is None else False)
        return value

    def _both(self) -> Any:
        value = self._level(0)
        while self._takes("&&"):
            other = self._level(0)
            fails = any(one is not None and not one for one in (value, other))
            value = False if fails else (None if value is None or other is None else True)
        return value

    def _level(self, level: int) -> Any:
        if level == len(_LEVELS):
            return self._one()
        value = self._level(level + 1)
        while True:
            mark = next((mark for mark in _LEVELS[level] if self._takes(mark)), None)
            if mark is None:
                return value
            other = self._level(level + 1)
            value = None if value is None or other is None else _LEVELS[level][mark](value, other)

    def _one(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST or self.is_at_end:
            raise ValueError("no expression")
        try:
            if self._takes("!"):
                value = self._one()
                return None if value is None else not value
            if self._takes("-"):
                value = self._one()
                return None if value is None else -value
            if self._takes("("):
                value = self.either()
                if not self._takes(")"):
                    raise ValueError("a bracket is not closed")
                return value
            found = self._words[self._at]
            self._at += 1
            if found["mark"] is not None:
                raise ValueError("no value")
            return self._value(found)
        finally:
            self._depth -= 1

    def _value(self, found: re.Match[str]) -> Any:
        if found["number"] is not None:
            return float(found["number"])
        if found["name"] is None:
            return found["double"] if found["double"] is not None else found["single"]
        if found["name"] not in self._defines:
            return None
        value = self._defines[found["name"]].strip()
        literal = _WORD.fullmatch(value or "1")
        if literal is None or literal["mark"] is not None or literal["name"] is not None:
            return None
        return self._value(literal)

    def _takes(self, mark: str) -> bool:
        if not self.is_at_end and self._words[self._at]["mark"] == mark:
            self._at += 1
            return True
        return False
