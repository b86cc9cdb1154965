# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a Keyfactor Software Appliance is brought back: people do it in Webconf, and no public text says all of it.

What the vendor says of this product is marked with BACKUP or SIGNSERVER:
docs.keyfactor.com/software-appliance/latest/ejbca/backup and .../signserver/backup. What is only said of the Hardware
Appliance of the same line is a hint and marked so:
docs.keyfactor.com/hardwareappliance/latest/signserver/webconf-restore, .../ejbca/webconf-backup, and
doc.primekey.com/ejbca-appliance/installation/restore-system-from-backup. Health:
docs.keyfactor.com/ejbca/latest/monitoring-and-healthcheck and docs.keyfactor.com/signserver/latest/health-check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..keyfactor_options import EJBCA, EXTERNAL, HSM
from .plan import Branch, Occasion, RecoveryPlan, Steps, listed

BACKUP = "(vendor: Software Appliance, page Backup)"
SIGNSERVER = "(vendor: Software Appliance for SignServer, page Backup)"
HINT = "(hint: said of the Hardware Appliance, not of this product)"
HEALTH = {
    "ejbca": "https://<appliance>/ejbca/publicweb/healthcheck/ejbcahealth",
    "signserver": "https://<appliance>/signserver/healthcheck/signserverhealth",
}
FILES, SECRET = "files", "appliance-secret"
DECLARED = "declared"


def keyfactor_appliance_plan(occasion: Occasion) -> RecoveryPlan:
    """The checklist for the appliance that a generation was made of."""
    here = _Here(occasion)
    branches = []
    if len(here.cluster) > 1:
        branches.append(_rejoin(here))
    branches += [_same_machine(here), _fresh_machine(here), _drill(here)]
    return RecoveryPlan(f"Bring back {here.name}", occasion.generation, here.known(), branches, _remarks(here))


class _Here:
    """What the generation tells of its appliance."""

    def __init__(self, occasion: Occasion) -> None:
        self.occasion = occasion
        self.name = f"the Software Appliance {occasion.source}"
        self._facts: Mapping[str, Any] = occasion.probe.facts.get("declared") or {}

    def declared(self, name: str) -> Any:
        return self._facts.get(name)

    @property
    def release(self) -> str:
        return self.occasion.probe.release or "the version that the generation does not tell"

    @property
    def size(self) -> str:
        return str(self.declared("appliance_size") or "the size that the generation does not tell")

    @property
    def cluster(self) -> list[str]:
        return [str(one) for one in self.declared("cluster_nodes") or []]

    @property
    def storage(self) -> Mapping[str, Any]:
        return self.declared("storage") or {}

    @property
    def escrow(self) -> list[Mapping[str, str]]:
        return list(self.declared("escrow") or [])

    @property
    def applications(self) -> list[str]:
        return [str(one) for one in self.declared("applications") or [EJBCA]]

    def companion(self, name: str) -> str:
        """The generation that holds what is outside, or which source does."""
        place = self.declared(name) or {}
        product, source = place.get("product", ""), place.get("source", "")
        instance = f"@{place['instance']}" if place.get("instance") else ""
        found = [one for one in self.occasion.companions if one.startswith(f"{source}/{product}{instance}/")]
        return listed(found) or f"the newest one of {source}/{product}{instance}; none of the same age was recorded"

    def known(self) -> dict[str, str]:
        nfs = self.storage
        known = {
            "Appliance": self.occasion.source,
            "Version": self.occasion.probe.release,
            "Size": str(self.declared("appliance_size") or ""),
            "Applications": listed(self.applications),
            "Storage": " ".join(
                str(nfs.get(name) or "") for name in ("type", "nfs_version", "nfs_url", "path")
            ).strip(),
            "Filename prefix": str(self.declared("filename_prefix") or ""),
            "Keys": "in an HSM" if self.declared("key_storage") == HSM else "in the appliance",
            "Database": "external" if self.declared("database") == EXTERNAL else "in the appliance",
            "Cluster": listed(self.cluster),
            "Domain Master Secret in escrow": listed(
                f"{one['where']} (by {one['by']}, {one['at']})" for one in self.escrow
            ),
            "Generations that belong to it": listed(self.occasion.companions),
            "Snapshots and images of the machine": listed(self.occasion.images),
        }
        return {name: value for name, value in known.items() if value}


def _remarks(here: _Here) -> list[str]:
    return [
        "Where Webconf of the Software Appliance offers the restore is not public. On the Hardware Appliance the tab"
        f" Restore is there only in Alarm State or Factory Reset State, until the HSM is initialised {HINT}.",
        "Which versions may restore which backups is not public for the Software Appliance. Of the Hardware Appliance:"
        f" backups of versions before 3.0.0 go by way of 3.3.0 {HINT}.",
        f"A restore to the version {here.release} is what this plan assumes.",
    ]


# --- the ways --------------------------------------------------------------------------------------------------------
def _rejoin(here: _Here) -> Branch:
    steps = Steps()
    steps.you(f"See which nodes of {listed(here.cluster)} still serve. Restore none while one does {HINT}.")
    steps.you(f"Set the lost node up anew and let it join the cluster from the last good node {HINT}.")
    _check(steps, here)
    return steps.branch(
        "Rejoin the cluster",
        f"When at least one node of the cluster still works: it knows more than any backup {HINT}.",
    )


def _same_machine(here: _Here) -> Branch:
    steps = Steps()
    _lock(steps, here)
    _prepare(steps, here)
    steps.you(f"In Webconf, restore the backup with its Domain Master Secret on the same machine {SIGNSERVER}.")
    _finish(steps, here)
    when = "When the machine works and its state does not: a backup brings it back to the same state as at its time"
    return steps.branch("Restore on the same machine", f"{when} {BACKUP}.{_cluster_rule(here)}")


def _fresh_machine(here: _Here) -> Branch:
    steps = Steps()
    _prepare(steps, here)
    steps.you(
        f"Set up a fresh appliance that was never provisioned {HINT}, of {here.release}, with at least"
        f" {here.size}: only the same or a bigger size is taken {HINT}."
    )
    steps.you(f"In Webconf, restore the backup with its Domain Master Secret on the new machine {SIGNSERVER}.")
    _finish(steps, here)
    return steps.branch("Restore on a fresh machine", f"When the machine is lost.{_cluster_rule(here)}")


def _drill(here: _Here) -> Branch:
    steps = Steps()
    steps.you(
        f"Set up an appliance of {here.release} in a network of its own, which reaches neither"
        f" {here.occasion.source} nor its database, HSM, validation services or subscribers."
    )
    _prepare(steps, here)
    steps.you("In Webconf of the isolated machine, restore the backup with its Domain Master Secret.")
    _check(steps, here)
    steps.you(
        f"Write the evidence down: generation {here.occasion.generation}, version, who did it, begin and end,"
        " the answers of the health checks, the serial number of a certificate that was issued. Only"
        " this proves that it restores."
    )
    steps.you("Erase the isolated machine: it holds the keys and secrets of the real one.")
    return steps.branch("Drill", "When nothing is lost: to prove that this generation restores, and how long it takes.")


def _cluster_rule(here: _Here) -> str:
    return f" In a cluster only when all nodes are dead {HINT}." if len(here.cluster) > 1 else ""


# --- steps that ways share -------------------------------------------------------------------------------------------
def _lock(steps: Steps, here: _Here) -> None:
    steps.module(
        "keyfactor_appliance_info",
        "See in restart that no backup runs or is about to: the appliance must not be restarted meanwhile " + BACKUP,
        source=here.occasion.source,
    )


def _prepare(steps: Steps, here: _Here) -> None:
    generation = here.occasion.generation
    steps.module(
        "generation_extract",
        "Fetch the appliance's own backup out of the generation",
        generation=generation,
        only_items=[FILES],
    )
    places = listed((one["where"] for one in here.escrow), "its escrow, which the generation does not name")
    steps.you(f"Fetch the appliance's Domain Master Secret from {places}. Without it the backup stays closed {BACKUP}.")
    if here.occasion.probe.facts.get("appliance_secret_known"):
        steps.module(
            "generation_extract",
            "Fetch the fingerprint of that secret out of the generation",
            generation=generation,
            only_items=[SECRET],
        )
        steps.module(
            "keyfactor_appliance_info",
            "Compare the secret from escrow with the fingerprint, before anything is restored",
            source=here.occasion.source,
            appliance_secret="<Domain Master Secret of the appliance>",
            appliance_secret_fingerprint="<fingerprint>",
        )
    else:
        steps.you("No fingerprint was declared: whether this secret is the right one only the restore will tell.")
    if here.declared("key_storage") == HSM:
        steps.you(
            f"Restore the HSM first, from {here.companion('hsm_backup')}: the appliance's backup does not hold it"
            f" {BACKUP}. Its backup cards or keys are needed {HINT}."
        )
    if here.declared("database") == EXTERNAL:
        steps.you(
            f"Restore the external database, from {here.companion('database_backup')}: the appliance's backup does not"
            f" hold it {BACKUP}, only how it is reached {SIGNSERVER}."
        )
    _storage(steps, here)


def _storage(steps: Steps, here: _Here) -> None:
    nfs = here.storage
    where = " ".join(str(nfs.get(name)) for name in ("nfs_url", "path") if nfs.get(name)) or "an NFS export"
    version = nfs.get("nfs_version") or "4, 4.1 or 4.2"
    steps.you(
        f"Put the backup into {where}, where the appliance can browse it by NFS {version} {BACKUP}. When the browser"
        f" loads for minutes or times out, see whether port 111/TCP is blocked, besides 2049/TCP {HINT}."
    )


def _finish(steps: Steps, here: _Here) -> None:
    steps.you(
        "Log in as the OAuth user, and see that no OTP user is there: while one is logged in by OTP no new backup"
        f" can be created {BACKUP}."
    )
    _check(steps, here)
    steps.you(f"In Webconf, start a backup by hand, and do not restart or shut down while it runs {BACKUP}.")
    steps.module(
        "keyfactor_appliance_backup",
        "Take it in as the first one after the restore",
        source=here.occasion.source,
        phase="post_change",
        change_id="<change>",
    )
    steps.you(
        f"Write down what was done: generation {here.occasion.generation}, version, who, begin and end, the"
        " answers of the health checks. It is evidence as of a drill."
    )


def _check(steps: Steps, here: _Here) -> None:
    for name in here.applications:
        steps.you(
            f"See that {HEALTH[name]} answers ALLOK. It answers only addresses that are allowed to ask, by default"
            " 127.0.0.1: allow the one that asks."
            if name == EJBCA
            else f"See that {HEALTH[name]} answers that all is well, from an address that is allowed to ask."
        )
    serves = {"ejbca": "issue a certificate, fetch the newest CRL, ask the OCSP responder", "signserver": "sign a test"}
    steps.you(f"See that it serves: {listed(serves[name] for name in here.applications)}.")
