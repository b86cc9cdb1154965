# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an estos MetaDirectory is brought back.

Source: estos Datensicherungskonzept, March 2024, "Datenwiederherstellung", "MetaDirectory".
"""

from __future__ import annotations

from .plan import Occasion, RecoveryPlan, Steps, licence_steps, listed

RESTORE = "metadirectory_restore"
FOLDERS = ("config", "database", "wwwroot")


def metadirectory_plan(occasion: Occasion) -> RecoveryPlan:
    """The plan for the machine that a generation was made of."""
    probe = occasion.probe
    host = str(probe.identity.get("hostname") or occasion.source)
    version = probe.version or "the version that the generation does not tell"
    folder = str(probe.facts.get("root") or probe.facts.get("install_folder") or "the folder of MetaDirectory")
    services = [str(one) for one in probe.facts.get("services", [])]
    steps = Steps()
    steps.you(f"Install MetaDirectory {version} on {host}, the identical version, into {folder}.")
    steps.module(
        RESTORE,
        f"Look at the plan of the restore. Nothing is touched. The restore stops {listed(services, 'the services')},"
        f" puts back the folders {listed(FOLDERS)} in {folder}, and starts the services again",
        source=occasion.source,
        generation=occasion.generation,
        step="plan",
    )
    steps.module(
        RESTORE,
        f"Put the saved folders back: {listed(FOLDERS)}",
        source=occasion.source,
        generation=occasion.generation,
    )
    licence_steps(steps, occasion, "where they are asked for")
    steps.you(
        "See that it serves: log in with its administration, look at its replicators, look up a number with an LDAP"
        " client."
    )
    branch = steps.branch(
        "Install anew from this generation", "When the machine, the installation or its data are lost or damaged."
    )
    known = {
        "Host": host,
        "Version": version,
        "Folder": folder,
        "Services": listed(services),
        "Domain": str(probe.facts.get("domain") or ""),
    }
    return RecoveryPlan(
        f"Bring back MetaDirectory on {host}",
        occasion.generation,
        {name: value for name, value in known.items() if value},
        [branch],
        ["The folder config holds the password of its administrator: after the restore the old one is valid."],
    )
