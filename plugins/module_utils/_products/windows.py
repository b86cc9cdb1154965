# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: whatever files, registry keys and services of a Windows host an operator names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._entries import DATA_CLASSES
from .._errors import OptionInvalid
from .._items.base import Item
from .._items.windows_host import look_at_windows
from .._transport.base import Transport
from .base import Probe
from .item_names import item_name, named_after, refuse_same_names
from .options import choice, flag, list_of, option, parse_options, text
from .windows_options import WindowsOptions, names_of_users, registry_key, windows_folder
from .windows_product import WindowsProduct, host_probe


@dataclass(frozen=True)
class WindowsPaths:
    """Files and folders to gather. ``path`` may hold ``*`` and ``?``; without ``name`` the first one names the item."""

    path: Sequence[str] = option(list_of(windows_folder), ())
    exclude: Sequence[str] = option(list_of(text), ())
    data_class: str = option(choice(*DATA_CLASSES), "voip_config")
    required: bool = option(flag, True)
    sensitive: bool = option(flag, False)
    lives: bool = option(flag, False)
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
    lives: bool = option(flag, False)
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


class Windows(WindowsProduct):
    """Any Windows host. :class:`WindowsHostOptions` tells its options."""

    name = "windows"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(WindowsHostOptions, options)
        super().__init__(
            shadow_copy=self.options.shadow_copy,
            passwords=self.options.service_passwords,
            stop_for_backup=self.options.stop_services_for_backup,
        )
        refuse_same_names((item.name for item in self._own), "paths, registry and services")

    def probe(self, transport: Transport) -> Probe:
        if not self._own:
            raise OptionInvalid("There is nothing to gather", hint="Name paths, registry keys or services.")
        look = look_at_windows(transport)
        probe = host_probe(look, self.options.services or ())
        probe.release = " ".join(filter(None, (look.product, look.build.partition(".")[0])))
        probe.version = look.product
        probe.build = look.build
        return probe

    def items(self, probe: Probe) -> list[Item]:
        return self._own

    @property
    def _own(self) -> list[Item]:
        options = self.options
        items: list[Item] = [
            self.tree(
                wanted.name or named_after(wanted.path[0]),
                wanted.path,
                wanted.data_class,
                required=wanted.required,
                sensitive=wanted.sensitive,
                lives=wanted.lives,
                exclude=tuple(wanted.exclude),
            )
            for wanted in options.paths
        ]
        items += self.definitions(options.services or ())
        items += [
            self.registry(
                wanted.name or named_after(wanted.key[0].partition("\\")[2]),
                wanted.key,
                wanted.data_class,
                required=wanted.required,
                sensitive=wanted.sensitive,
                lives=wanted.lives,
                users=tuple(wanted.users),
            )
            for wanted in options.registry
        ]
        return items

    def release_must_match(self, then: Probe, now: Probe) -> bool:
        """Another product of Microsoft's, not another build of the same one."""
        return bool(then.version and now.version and then.version != now.version)
