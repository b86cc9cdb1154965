# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet's hosts declare: held against the options of their products before anything is reached.

Passwords travel apart from the other options, in one option that Ansible hides; here they come together again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid
from .all_parts import PARTS
from .argspec import INTERNAL_OPTIONS, UNLOCK_OPTIONS, ArgumentSpec
from .backup_module import backup_spec
from .fleet_limits import Place
from .secret_values import secrets_of

if TYPE_CHECKING:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

FLEET_PRODUCTS = (
    "ad_attributes",
    "ecsta",
    "ejbca_configdump",
    "kamailio",
    "linux",
    "metadirectory",
    "mssql",
    "procall_client",
    "procall_server",
    "windows",
)
"""Products that are gathered from their host. What pushes its own backup is waited for, one task for each."""

AFTER = {"procall_server": frozenset({"ad_attributes", "mssql"})}
"""What demands generations of others of the same run, and of which products. Its option C(demanded_companions) may name
further ones."""


@dataclass(frozen=True)
class FleetHost:
    """One host of a fleet: ``options`` as its task would get them, secrets included."""

    name: str
    product: str
    options: Mapping[str, Any] = field(repr=False)
    site: str = ""

    @property
    def place(self) -> Place:
        """What it counts for."""
        after = AFTER.get(self.product, frozenset())
        if after:
            more = self.options.get("demanded_companions")
            named = [one.get("product") for one in more if isinstance(one, Mapping)] if isinstance(more, list) else []
            after = after.union(str(one) for one in named)
        return Place(self.product, self.site, after)

    @property
    def secrets(self) -> set[str]:
        """The texts among its options that are secret."""
        known = spec_of(self.product).options if self.product in FLEET_PRODUCTS else {}
        return secrets_of(known, self.options)

    def params(self) -> dict[str, Any]:
        """Its options as the product's module would see them. Raises OptionInvalid that names what is wrong."""
        validated = _validator(self.product).validate(dict(self.options))
        if validated.error_messages:
            raise OptionInvalid("; ".join(validated.error_messages), host=self.name)
        params: dict[str, Any] = validated.validated_parameters
        return params


@cache
def spec_of(product: str) -> ArgumentSpec:
    """The options of the product's backup. Raises OptionInvalid when a fleet cannot have it."""
    if product not in FLEET_PRODUCTS:
        raise OptionInvalid(
            f"{product or 'A host without a product'} is not backed up as part of a fleet",
            hint=f"Products of a fleet are {', '.join(FLEET_PRODUCTS)}; others have a task of their own.",
        )
    return backup_spec(PARTS[product])


@cache
def _validator(product: str) -> ArgumentSpecValidator:
    """One for all hosts of a product: making it copies the whole specification."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    return ArgumentSpecValidator(**spec_of(product).to_kwargs())


def split_secrets(product: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options that may be seen, and those that hold a secret. What stays on the controller is in neither.

    Raises OptionInvalid.
    """
    known = spec_of(product).options
    goes = {name: value for name, value in options.items() if name not in (*UNLOCK_OPTIONS, *INTERNAL_OPTIONS)}
    hidden = {name: value for name, value in goes.items() if secrets_of(known, {name: value})}
    return {name: value for name, value in goes.items() if name not in hidden}, hidden


def fleet_hosts(hosts: Sequence[Mapping[str, Any]], secrets: Mapping[str, Mapping[str, Any]]) -> list[FleetHost]:
    """What the module's options C(hosts) and C(secrets) say. Raises OptionInvalid on a host that is named twice."""
    found: dict[str, FleetHost] = {}
    for one in hosts:
        name = one["name"]
        if name in found:
            raise OptionInvalid("The host is named twice", host=name)
        options = {**(one["options"] or {}), **secrets.get(name, {})}
        found[name] = FleetHost(name, one["product"], options, one["site"] or "")
    return list(found.values())
