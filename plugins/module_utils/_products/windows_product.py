# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What products on Windows hosts share: who the host is, items of its files, registry and services, guards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._compare.mask import Masker
from .._compare.semantic import SemanticChange
from .._errors import RestoreRefused
from .._items.base import Item
from .._items.registry import RegistryKeys
from .._items.service_settings import needs_password, plain_account
from .._items.services import Service, ServiceControl
from .._items.windows_host import WindowsLook
from .._items.windows_services import ServiceDefinitions, WindowsServiceControl, WindowsServiceName
from .._items.windows_tree import WindowsTree
from .._transport.base import Transport
from .base import Probe, Product, View
from .item_names import named_after
from .windows_semantic import windows_changes

TREE_ORDER, SERVICES_ORDER, REGISTRY_ORDER = 20, 30, 40
"""The vendor's order (estos Datensicherungskonzept, "ProCall DataCenter"): folders, service definitions, registry."""
_DRIVE = re.compile(rb"/([A-Za-z]):(?:/|$)")


class WindowsProduct(Product):
    """A product of a Windows host. The constructor of a subclass hands on what its options say.

    :param shadow_copy: whether files are read from a shadow copy: never, auto, required
    :param passwords: of the accounts that services run as, by account or service
    """

    root = "C:\\"

    def __init__(
        self, *, shadow_copy: str = "never", passwords: Mapping[str, str] | None = None, stop_for_backup: bool = False
    ) -> None:
        self.stop_services_for_backup = stop_for_backup
        self._shadow_copy = shadow_copy
        self._passwords = dict(passwords or {})

    # --- items -------------------------------------------------------------------------------------------------------
    def tree(self, name: str, paths: Iterable[str], data_class: str = "voip_config", **others: Any) -> WindowsTree:
        """Files and folders of this host; ``others`` are fields of WindowsTree."""
        mode = others.pop("shadow_copy", self._shadow_copy)
        return WindowsTree(
            name=name,
            data_class=data_class,
            order=TREE_ORDER,
            consistency="none" if mode == "never" else "shadow_copy",
            paths=tuple(paths),
            shadow_copy=mode,
            **others,
        )

    def registry(self, name: str, keys: Iterable[str], data_class: str = "voip_config", **others: Any) -> RegistryKeys:
        """Registry keys of this host; ``others`` are fields of RegistryKeys."""
        return RegistryKeys(name=name, data_class=data_class, order=REGISTRY_ORDER, keys=tuple(keys), **others)

    def definitions(self, services: Iterable[str]) -> list[Item]:
        """How services are set up: start, account, dependencies, what happens when they fail. An item for each, so that
        one that is gone is missed."""
        return [
            ServiceDefinitions(
                name=f"service-{named_after(name)}",
                data_class="system_config",
                order=SERVICES_ORDER,
                services=(name,),
                passwords=self._passwords,
            )
            for name in services
        ]

    # --- services ----------------------------------------------------------------------------------------------------
    def services(self, probe: Probe) -> list[Service]:
        return [WindowsServiceName(name) for name in probe.facts.get("services", ())]

    def services_to_start(self, probe: Probe) -> list[Service]:
        """Not what is disabled; a service that was disabled then may run now, so it is stopped all the same."""
        disabled = probe.facts.get("disabled_services", ())
        return [service for service in self.services(probe) if service.name not in disabled]

    def counters(self, transport: Transport, probe: Probe) -> dict[str, int]:
        """How many of its services run, of those that are not disabled."""
        return self.running_services(transport, probe)

    def service_control(self, transport: Transport) -> ServiceControl:
        return WindowsServiceControl(transport)

    # --- guards ------------------------------------------------------------------------------------------------------
    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        for item in items:
            if isinstance(item, ServiceDefinitions):
                self._demand_passwords(transport, item, then, now)
        return []

    def _demand_passwords(self, transport: Transport, item: ServiceDefinitions, then: Probe, now: Probe) -> None:
        """A service that gets another account needs its password, and the one of the account that it has, in case that
        the restore fails; the item itself would notice only later."""
        given = {plain_account(name) for name in self._passwords}
        for service in item.services:
            was, is_now = _account(then, service), _account(now, service)
            if not was or plain_account(was) == plain_account(is_now):
                continue
            if needs_password(was) and not given & {plain_account(was), plain_account(service)}:
                raise _password_missing(transport.host, item.name, f"The service {service} shall run as {was}")
            if needs_password(is_now) and plain_account(is_now) not in given:
                story = f"The service {service} runs as {is_now}, which it has to get back if the restore fails"
                raise _password_missing(transport.host, item.name, story)

    def volume_of(self, path: bytes) -> str:
        drive = _DRIVE.match(path)
        return f"{drive[1].decode('ascii').upper()}:\\" if drive else self.root

    # --- differences -------------------------------------------------------------------------------------------------
    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        return windows_changes(old, new, masker)


def host_probe(look: WindowsLook, services: Sequence[str] = ()) -> Probe:
    """What is known of the host itself, with the services that count for the product."""
    identity = {"machine_id": look.machine_id, "hostname": look.hostname}
    there = {name: found for name, found in zip(services, map(look.service, services)) if found is not None}
    facts: dict[str, Any] = {
        "os": look.product,
        "build": look.build,
        "architecture": look.architecture,
        "services": list(services),
        "service_accounts": {name: found.account for name, found in there.items()},
        "disabled_services": [name for name, found in there.items() if found.start == "disabled"],
    }
    return Probe(
        identity={key: value for key, value in identity.items() if value},
        facts={key: value for key, value in facts.items() if value},
    )


def _account(probe: Probe, service: str) -> str:
    accounts = probe.facts.get("service_accounts", {})
    return next((account for name, account in accounts.items() if name.lower() == service.lower()), "")


def _password_missing(host: str, item: str, story: str) -> RestoreRefused:
    return RestoreRefused(
        f"{story}, and the password is not given",
        host=host,
        item=item,
        hint="Nothing was touched. No host gives passwords back: set service_passwords.",
    )
