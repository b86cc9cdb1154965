# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: whatever files, registry keys and services of a Windows host an operator names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._entries import DATA_CLASSES
from .item_names import item_name
from .options import choice, flag, list_of, option, parse_options, text
from .windows_options import WindowsOptions, names_of_users, registry_key, windows_folder


@dataclass(frozen=True)
class WindowsPaths:
    """Files and folders to gather. ``path`` may hold ``*`` and ``?``; without ``name`` the first one names the item."""

    path: Sequence[str] = option(list_of(windows_folder), ())
    exclude: Sequence[str] = option(list_of(text), ())
    data_class: str = option(choice(*DATA_CLASSES), "voip_config")
    required: bool = option(flag, True)
    sensitive: bool = option(flag, False)
    name: str = option(item_name, "")


@dataclass(frozen=True)
class Keys:
    """Registry keys to gather, with all below them. ``users``: of whom keys in HKEY_CURRENT_USER are taken, by name or
    SID; nobody named means everybody."""

    key: Sequence[str] = option(list_of(registry_key), ())
    users: Sequence[str] = option(names_of_users, ())
    data_class: str = option(choice(*DATA_CLASSES), "voip_config")
    required: bool = option(flag, True)
    sensitive: bool = option(flag, False)
    name: str = option(item_name, "")


def _paths(value: Any) -> WindowsPaths:
    given = parse_options(WindowsPaths, value) if isinstance(value, Mapping) else WindowsPaths([windows_folder(value)])
    if not given.path:
        raise ValueError("a list of paths, or of mappings with path")
    return given


def _keys(value: Any) -> Keys:
    given = parse_options(Keys, value) if isinstance(value, Mapping) else Keys([registry_key(value)])
    if not given.key:
        raise ValueError("a list of keys, or of mappings with key")
    return given


@dataclass(frozen=True)
class WindowsHostOptions(WindowsOptions):
    """``paths``, ``registry``: what to gather, see :class:`WindowsPaths` and :class:`Keys`. ``services``: their
    definitions are gathered, and they are stopped for a restore."""

    paths: Sequence[WindowsPaths] = option(list_of(_paths), ())
    registry: Sequence[Keys] = option(list_of(_keys), ())
