# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a product: a frozen dataclass whose fields say how a value is checked."""

from __future__ import annotations

import difflib
import posixpath
import shlex
from collections.abc import Callable, Mapping
from dataclasses import field, fields
from functools import partial
from typing import Any, TypeVar

from .._errors import OptionInvalid

Checked = Callable[[Any], Any]
"""Gives the value in its final form, or raises ValueError with words that end a sentence like "root must be ..."."""

T = TypeVar("T")


def option(check: Checked, default: Any, *, secret: bool = False) -> Any:
    """A field of an options class. ``secret``: it does not appear when the options are printed."""
    # pylint: disable=invalid-field-call
    if isinstance(default, (list, dict)):
        factory = partial(type(default), default)
        return field(default_factory=factory, metadata={"check": check}, repr=not secret)
    return field(default=default, metadata={"check": check}, repr=not secret)


def parse_options(cls: type[T], raw: Mapping[str, Any]) -> T:
    """An options object from plain values; None means that an option is not given.

    :raises OptionInvalid: an option that there is not, or a value that cannot be
    """
    known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
    values = {}
    for name, value in raw.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise OptionInvalid(
                f"There is no option {name}",
                hint=f"Is {near[0]} meant?" if near else f"There are {', '.join(sorted(known))}.",
            )
        if value is None:
            continue
        try:
            values[name] = known[name].metadata["check"](value)
        except ValueError as error:
            raise OptionInvalid(f"{name} must be {error}") from None
    return cls(**values)


def text(value: Any) -> str:
    """Any text but the empty one."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("a text")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def port(value: Any) -> int:
    """A port number."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise ValueError("a port between 1 and 65535")
    return value


def days(value: Any) -> int:
    """A number of days, or 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a number of days, or 0")
    return value


def absolute_path(value: Any) -> str:
    """An absolute path, in its shortest form."""
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise ValueError("an absolute path")
    return "/" + posixpath.normpath(value).lstrip("/")


def choice(*allowed: str) -> Checked:
    """One of some words."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return str(value)

    return check


def list_of(check: Checked) -> Checked:
    """A list; a single value counts as a list of one."""

    def check_all(value: Any) -> list[Any]:
        if isinstance(value, (str, Mapping)):
            value = [value]
        if not isinstance(value, (list, tuple)):
            raise ValueError("a list")
        return [check(item) for item in value]

    return check_all


def words(value: Any) -> list[str]:
    """A command as a list of words; a text is split as a shell would, but never given to one."""
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            raise ValueError("a command with balanced quotes") from None
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(word, str) for word in value):
        raise ValueError("a command, as a text or a list of words")
    return list(value)
