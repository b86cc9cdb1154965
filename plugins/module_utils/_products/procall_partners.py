# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other UCServers of a multi-server environment: all of them are one unit, over one database.

Source: estos Datensicherungskonzept, "ProCall Chat-/Journal-DB" and "ProCall Konfiguration/Benutzer-DB": they are used
by all UCServers, which are stopped while a database is restored.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import RestoreRefused
from .._transport.tcp import listens
from .procall_options import PartnerServer


def refuse_running_partners(partners: Sequence[PartnerServer], *, allowed: bool, host: str) -> list[str]:
    """Warnings about partners of which it is not known whether they run, and about those that run when that is allowed.

    :raises RestoreRefused: one of them answers at its port, and that is not allowed
    """
    warnings = []
    for partner in partners:
        answer = listens(partner.host, partner.port)
        if answer is None:
            warnings.append(
                f"{partner.host} gives no answer at port {partner.port}, so it is not known whether its UCServer runs."
            )
        elif answer and not allowed:
            raise RestoreRefused(
                f"The UCServer on {partner.host} runs: it answers at port {partner.port}",
                host=host,
                item=partner.host,
                hint="Nothing was touched. All UCServers of the environment are one unit: stop it first, or set"
                " allow_running_partners: true when only this server is replaced and no database is restored.",
            )
        elif answer:
            warnings.append(f"The UCServer on {partner.host} runs while this one is restored.")
    return warnings
