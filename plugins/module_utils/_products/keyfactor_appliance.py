# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Keyfactor (PrimeKey) Software Appliance, which makes its own backup and stores it on an NFS export.

Source: docs.keyfactor.com/software-appliance/latest/ejbca/backup. The backup holds the firmware's configuration, the
system's (cluster, network, database) and the internal database; neither the HSM nor an external database. It is
encrypted with the appliance's own Domain Master Secret, which is set once and which this collection never holds. Format
and number of files, and how a name goes on after the prefix, are not public: a file is opaque.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from .._errors import OptionInvalid
from .._items.base import Item
from .._items.declared import Declared
from .._transport.base import Transport
from .base import Companion, Probe
from .keyfactor_options import EXTERNAL, HSM, KeyfactorApplianceOptions
from .options import parse_options
from .pushed import Pushed

SECRET_ITEM = "appliance-secret"
DECLARED_ITEM = "declared"
_NOT_DECLARED = ("appliance_secret_fingerprint", "accept_new_appliance_secret", "backup_details", "restart_lock")


class KeyfactorAppliance(Pushed):
    """:class:`KeyfactorApplianceOptions` tells its options."""

    name: ClassVar[str] = "keyfactor_appliance"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(KeyfactorApplianceOptions, options)
        self.take_options(self.options)
        for name, outside, place in (
            ("hsm_backup", self.options.key_storage == HSM, self.options.hsm_backup),
            ("database_backup", self.options.database == EXTERNAL, self.options.database_backup),
        ):
            if outside and not place:
                raise OptionInvalid(
                    f"{name} is not given: the appliance's own backup does not hold what is outside of it",
                    hint="Say which source holds its backup; when others look after it, name it in companions_elsewhere"
                    " too.",
                )
        self.companion_max_age = 0
        self.secret_differs = False

    def demand(self, *, companion_max_age: int, secret_differs: bool) -> None:
        """What the module layer has found out of its options.

        :param companion_max_age: seconds
        :param secret_differs: the secret that was given has another fingerprint than the declared one
        """
        self.companion_max_age = companion_max_age
        self.secret_differs = secret_differs

    @property
    def declared(self) -> dict[str, Any]:
        """The declared configuration, without what is secret and what is of one day only."""
        told = asdict(self.options)
        return {name: value for name, value in told.items() if name not in _NOT_DECLARED}

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        probe = super().probe(transport)
        probe.facts["declared"] = self.declared
        probe.facts["appliance_secret_known"] = bool(self.options.appliance_secret_fingerprint)
        return probe

    def items(self, probe: Probe) -> list[Item]:
        options = self.options
        document = {"configuration": self.declared, "backup_details": dict(options.backup_details)}
        items = super().items(probe)
        items.append(Declared(name=DECLARED_ITEM, data_class="system_config", document=document))
        if options.appliance_secret_fingerprint:
            items.append(
                Declared(
                    name=SECRET_ITEM,
                    data_class="system_config",
                    sensitive=True,
                    document={"fingerprint": options.appliance_secret_fingerprint},
                    constant=not options.accept_new_appliance_secret,
                    contradicted=SECRET_DIFFERS if self.secret_differs else "",
                )
            )
        return items

    def companions(self, probe: Probe) -> list[Companion]:
        options = self.options
        wanted = []
        for outside, place, what in (
            (options.key_storage == HSM, options.hsm_backup, "keys are in an HSM"),
            (options.database == EXTERNAL, options.database_backup, "the database is an external one"),
        ):
            if outside:
                why = f"{what}, and the appliance's backup does not hold it"
                wanted.append(Companion(**place, why=why, max_age=self.companion_max_age))
        return wanted

    def remarks(self, probe: Probe) -> list[str]:
        return [
            "It is put back by people: ucops.recovery.keyfactor_appliance_restore_plan says how, step by step.",
            "The file is encrypted with the appliance's own Domain Master Secret, which is not in the repository:"
            " without its copy in escrow nobody can restore it.",
            "It holds neither the keys of an HSM nor an external database.",
        ]


SECRET_DIFFERS = (
    "the Domain Master Secret that was given is not the one of appliance_secret_fingerprint. It can be set only once:"
    " see which of the two is the appliance's, and whether the appliance was replaced"
)
