# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What products on Unix hosts share: a tree that may lie below a root, services, the host's identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from .._items.file_tree import FileTree
from .._items.services import Service
from .._transport.base import Transport
from .base import Probe, Product
from .declared_counters import count_declared, refuse_names
from .unix_options import UnixOptions


class UnixProduct(Product):
    """A product of a host with a shell. The constructor of a subclass hands its parsed options on.

    :param default_services: what is stopped and started when the options name no services
    """

    own_counters: ClassVar[tuple[str, ...]] = ("services",)

    def __init__(self, options: UnixOptions, default_services: Iterable[str]) -> None:
        self.root = options.root
        self.become = options.become
        self.stop_services_for_backup = options.stop_services_for_backup
        self.reread_days = options.reread_days
        refuse_names(options.counters, self.own_counters)
        self._counters = options.counters
        self._services = options.services_or(list(default_services))

    def services(self, probe: Probe) -> list[Service]:
        return list(self._services)

    def counters(self, transport: Transport, probe: Probe) -> dict[str, int]:
        """How many of its services run, and what the operator's own commands count."""
        return {
            **self.running_services(transport, probe),
            **count_declared(transport, self._counters, self.become),
        }

    def tree(
        self,
        name: str,
        paths: Iterable[str],
        data_class: str = "voip_config",
        kind: type[FileTree] = FileTree,
        **others: Any,
    ) -> FileTree:
        """Files and folders of this host; ``others`` are fields of FileTree."""
        return kind(name=name, data_class=data_class, paths=tuple(paths), root=self.root, become=self.become, **others)
