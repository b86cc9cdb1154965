# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What in a declared configuration of a Software Appliance will not do, or could be better: pure.

Sources: docs.keyfactor.com/software-appliance/latest/ejbca/backup; for what restoring browses and needs the sibling
product's page docs.keyfactor.com/hardwareappliance/latest/signserver/webconf-restore (a hint, not this product).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .keyfactor_options import DISABLED, NFS, NFS_VERSIONS, NO_STORAGE, KeyfactorApplianceOptions, seconds_of_moment

HIGH, NORMAL = "high", "normal"
LEAST_ESCROWS = 2
NFS_QUIET = 60
"""Seconds for which an NFS client may hold back what it writes: acregmax and acdirmax of nfs(5)."""


@dataclass(frozen=True)
class Advice:
    """One piece of advice. ``field``: the option that it is about. ``grade`` high: a backup or a restore fails."""

    grade: str
    field: str
    text: str

    def to_result(self) -> dict[str, str]:
        """For the result of a module."""
        return {"grade": self.grade, "field": self.field, "text": self.text}


def advice(options: KeyfactorApplianceOptions, landing: Mapping[str, Any], now: float) -> list[Advice]:
    """All of it, what matters most first.

    :param landing: the options of the group landing
    :param now: seconds since the epoch
    """
    found = [
        *_schedule(options, landing),
        *_storage(options, landing),
        *_secret(options),
        *_people(options, now),
        *_restore(options),
    ]
    return sorted(found, key=lambda one: one.grade != HIGH)


def _schedule(options: KeyfactorApplianceOptions, landing: Mapping[str, Any]) -> Iterator[Advice]:
    expected = landing.get("expected_every")
    if options.schedule == DISABLED:
        yield Advice(
            NORMAL if expected else HIGH,
            "schedule",
            "The schedule is disabled: a person has to start every backup in Webconf"
            + (", at least as often as expected_every says." if expected else ", and nothing says how often."),
        )
    elif not expected:
        yield Advice(
            HIGH, "expected_every", "A schedule is set and expected_every is not: nobody would notice that it stopped."
        )


def _storage(options: KeyfactorApplianceOptions, landing: Mapping[str, Any]) -> Iterator[Advice]:
    storage = options.storage
    if storage.type == NO_STORAGE:
        yield Advice(HIGH, "storage", "The storage type None is the default and keeps no backup: choose NFS.")
    if storage.type == NFS:
        for name, title in (("nfs_url", "NFS URL"), ("path", "path in the export")):
            if not getattr(storage, name):
                yield Advice(HIGH, f"storage.{name}", f"The {title} is not declared.")
        if not storage.nfs_version:
            yield Advice(
                NORMAL,
                "storage.nfs_version",
                f"The NFS version is not declared. Supported are {', '.join(NFS_VERSIONS)}; older ones are not.",
            )
        if landing.get("quiet_period", NFS_QUIET) < NFS_QUIET:
            yield Advice(
                NORMAL,
                "quiet_period",
                f"An NFS client may hold back for {NFS_QUIET} seconds what it writes: a shorter quiet_period is short.",
            )
    if landing.get("after") == "remove":
        yield Advice(
            NORMAL,
            "after",
            "With after: remove the storage browser of the appliance shows no backup, and neither would a restore.",
        )
    if not options.filename_prefix:
        yield Advice(
            NORMAL,
            "filename_prefix",
            "Without a prefix the files of two appliances in one place cannot be told apart.",
        )


def _secret(options: KeyfactorApplianceOptions) -> Iterator[Advice]:
    if not options.appliance_secret_fingerprint:
        yield Advice(
            HIGH,
            "appliance_secret_fingerprint",
            "Without the fingerprint of the appliance's Domain Master Secret nobody can tell whether the one in escrow"
            " opens these backups.",
        )
    places = {one["where"].casefold() for one in options.escrow}
    if not places:
        yield Advice(
            HIGH,
            "escrow",
            "No copy of the appliance's Domain Master Secret is attested. It is set once and encrypts all backups: when"
            " it is lost, they are.",
        )
    elif len(places) < LEAST_ESCROWS:
        yield Advice(NORMAL, "escrow", "The appliance's Domain Master Secret is kept in one place only.")


def _people(options: KeyfactorApplianceOptions, now: float) -> Iterator[Advice]:
    if not options.oauth_attested:
        yield Advice(
            HIGH,
            "oauth_attested",
            "Nobody attests that one logs in to Webconf by OAuth and that the OTP user is removed. While one is logged"
            " in by OTP no backup can be created.",
        )
    for name, records in (("oauth_attested", [options.oauth_attested]), ("escrow", options.escrow)):
        if any(one and seconds_of_moment(one["at"]) > now for one in records):
            yield Advice(HIGH, name, "Something is attested for a day that is yet to come.")


def _restore(options: KeyfactorApplianceOptions) -> Iterator[Advice]:
    for name, value, why in (
        ("release", options.release, "which version it has to be restored on"),
        ("appliance_size", options.appliance_size, "how big the machine has to be that it is restored on"),
    ):
        if not value:
            yield Advice(NORMAL, name, f"{name} is not declared: the restore plan cannot say {why}.")
