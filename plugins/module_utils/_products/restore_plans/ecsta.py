# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How ECSTA drivers are brought back.

Source: estos Datensicherungskonzept, March 2024, "Datenwiederherstellung", "ECSTA".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .plan import Branch, Occasion, RecoveryPlan, Steps, licence_steps, listed

RESTORE = "ecsta_restore"


def ecsta_plan(occasion: Occasion) -> RecoveryPlan:
    """The plan for the machine that a generation was made of: one branch for each driver."""
    probe = occasion.probe
    host = str(probe.identity.get("hostname") or occasion.source)
    drivers = [_driver(one) for one in probe.facts.get("drivers", [])] or [{"name": "", "version": "", "key": ""}]
    known = {
        "Host": host,
        "Drivers": listed(_title(driver) for driver in drivers if driver["name"]),
        "Domain": str(probe.facts.get("domain") or ""),
    }
    return RecoveryPlan(
        f"Bring back ECSTA on {host}",
        occasion.generation,
        {name: value for name, value in known.items() if value},
        [_branch(occasion, host, driver) for driver in drivers],
        ["The whole configuration of an ECSTA is in the registry; no folder belongs to it."],
    )


def _driver(fact: str | Mapping[str, Any]) -> dict[str, str]:
    if isinstance(fact, str):
        return {"name": fact.rpartition("\\")[2], "version": "", "key": fact}
    return {name: str(fact.get(name) or "") for name in ("name", "version", "key")}


def _title(driver: Mapping[str, str]) -> str:
    return " ".join(word for word in (driver["name"], driver["version"]) if word) or "ECSTA"


def _branch(occasion: Occasion, host: str, driver: Mapping[str, str]) -> Branch:
    key = driver["key"] or r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\<ECSTA>"
    steps = Steps()
    steps.you(f"Install the driver {_title(driver)} on {host}.")
    steps.you(
        "Cancel the configuration that starts by itself at the end of the installation. Whatever it writes would be in"
        " the way of what was saved."
    )
    steps.module(
        RESTORE,
        f"Put the saved configuration back: {key}. What came later is removed, what differs is imported, and all is"
        " exported again and compared",
        source=occasion.source,
        generation=occasion.generation,
    )
    steps.you(
        'Add an instance of the driver in "Phone Driver Options Advanced" (control panel "Phone and Modem", page'
        ' "Advanced").'
    )
    licence_steps(steps, occasion, "where they are asked for")
    steps.you("See that it serves: the lines are shown in UCServer Verwaltung, and a call is seen on one of them.")
    return steps.branch(f"Install {_title(driver)} anew", "When the driver or its configuration is lost or damaged.")
