# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bodies of the modules C(keyfactor_appliance_backup) and C(keyfactor_appliance_info)."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid, RecoveryError
from .._items.landing.storage import Storage
from .._items.landing.zone import Zone
from .._items.pushed_files import FILES_ITEM, shown
from .._products.keyfactor_advice import advice
from .._products.keyfactor_appliance import SECRET_DIFFERS, KeyfactorAppliance
from .._products.keyfactor_options import KeyfactorApplianceOptions, moment, seconds_of_moment
from .._products.keyfactor_status import Observed, Reading, restart, status
from .._repository.backends.base import Backend
from .._repository.chain import believe_keyring, head, take_complete
from .._repository.keyring import load_keyring
from .appliance_secret import Fingerprint
from .argspec import ArgumentSpec, repository, source
from .duration import seconds_of
from .opening import open_backend
from .parts.keyfactor_appliance import KEYFACTOR_APPLIANCE
from .pushed_info import look_at_landing
from .receipt import received
from .receiving import Receiver, freshness_of, received_spec, zone_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

LOCK_FILE = b"restart.lock"
_LONGEST_LOCK = 500
_ANY_FILE = ["*"]
NFS_DEFAULTS: Mapping[str, Any] = {"quiet_period": 120, "after": "keep", "ignore_writers": ["ganesha.nfsd"]}
"""Other defaults of the group landing: an NFS client writes late, a server keeps files open, and the appliance browses
what lies there."""


def _secret() -> ArgumentSpec:
    return ArgumentSpec({"appliance_secret": {"type": "str", "no_log": True}})


def _reading() -> ArgumentSpec:
    texts = ("current", "last_successful", "next_scheduled", "problem", "read_at", "read_by")
    return ArgumentSpec({"webconf_status": {"type": "dict", "options": {name: {"type": "str"} for name in texts}}})


def _patient(spec: ArgumentSpec) -> ArgumentSpec:
    for name, default in NFS_DEFAULTS.items():
        spec.options[name]["default"] = default
    return spec


def backup_spec() -> ArgumentSpec:
    """The options of C(keyfactor_appliance_backup)."""
    return _patient(received_spec(KEYFACTOR_APPLIANCE).merge(_secret(), _reading()))


def info_spec() -> ArgumentSpec:
    """The options of C(keyfactor_appliance_info)."""
    return _patient(KEYFACTOR_APPLIANCE.spec().merge(repository(), source(), _secret(), _reading()))


def take_in(module: AnsibleModule) -> Mapping[str, Any]:
    """What C(keyfactor_appliance_backup) returns. Raises RecoveryError; a bad or missing backup is an error with the
    result."""
    here = _Appliance(module)
    receiver = Receiver(module, KEYFACTOR_APPLIANCE, here.product, here.backend)
    try:
        result = receiver.run()
    except RecoveryError as error:
        partial = error.details.get("result")
        if partial is not None:
            partial["notes"] += here.strangers([shown(name) for name in receiver.last.not_meant])
            # What went wrong with the backup is not to be hidden by what goes wrong in looking beside it.
            with contextlib.suppress(OSError, RecoveryError):
                here.complete(partial, _arriving(partial["waiting"]))
        raise
    result["notes"] += here.strangers([shown(name) for name in receiver.last.not_meant])
    here.complete(result, _arriving(result["waiting"]))
    return result


def look(module: AnsibleModule) -> Mapping[str, Any]:
    """What C(keyfactor_appliance_info) returns. Raises LandingUnfit, RepositoryError, OptionInvalid."""
    here = _Appliance(module)
    module.params["product"] = KEYFACTOR_APPLIANCE.name
    landing = look_at_landing(module)
    arriving = [one["names"][0] for one in landing["files"] if one["level"] == "received"]
    result: dict[str, Any] = {"landing": landing}
    here.complete(result, arriving)
    result["overdue"], result["last_good"] = landing["overdue"], landing["last_good"]
    result["advice"] += [
        {"grade": "normal", "field": "filename_prefix", "text": text} for text in here.strangers(landing["other"])
    ]
    if here.secret_differs:
        result["warnings"].append(f"The appliance's secret: {SECRET_DIFFERS}.")
    return result


def _arriving(waiting: Sequence[Mapping[str, Any]]) -> list[str]:
    return [one["names"][0] for one in waiting]


class _Appliance:
    """What both modules know of one appliance."""

    def __init__(self, module: AnsibleModule) -> None:
        self.params = module.params
        self.product = KeyfactorAppliance(KEYFACTOR_APPLIANCE.product_options(module.params))
        self.options: KeyfactorApplianceOptions = self.product.options
        self.secret_differs = self._secret_differs()
        self.product.demand(
            companion_max_age=seconds_of(self.options.companion_max_age, "companion_max_age"),
            secret_differs=self.secret_differs,
        )
        self.window = seconds_of(self.options.restart_window, "restart_window")
        self.freshness = freshness_of(module.params)
        self.reading = self._reading()
        self.backend: Backend = open_backend(module.params)
        self.zone: Zone = zone_of(module.params)
        if self.options.filename_prefix and module.params["patterns"] == _ANY_FILE:
            module.params["patterns"] = [f"{self.options.filename_prefix}*"]

    def _secret_differs(self) -> bool:
        """Whether the secret that the controller saw is another one than the declared one."""
        given, declared = self.params["appliance_secret"], self.options.appliance_secret_fingerprint
        mine = Fingerprint.parse(declared) if declared else None
        if not given:
            return False
        try:
            theirs = Fingerprint.parse(given)
        except OptionInvalid:
            raise OptionInvalid(
                "The option appliance_secret reached the backup host, where it never belongs",
                hint="Call the module by its full name: its action plugin keeps the secret on the controller.",
            ) from None
        return mine is not None and not mine.same_as(theirs)

    def _reading(self) -> Reading:
        given = self.params["webconf_status"]
        read_at = (given or {}).get("read_at")
        try:
            return Reading.of(given, seconds_of_moment(moment(read_at)) if read_at else None)
        except ValueError as error:
            raise OptionInvalid(f"read_at must be {error}", item="webconf_status") from None

    def strangers(self, names: Sequence[str]) -> list[str]:
        """What there is to say of files that were not meant, as they have another prefix than the declared one."""
        prefix = self.options.filename_prefix
        others = [name for name in names if not os.path.basename(name).startswith(prefix)]
        if not prefix or not others:
            return []
        return [
            f"{len(others)} files arrived that do not begin with {prefix!r}, first {others[0]}: see which prefix"
            " Webconf shows."
        ]

    def complete(self, result: dict[str, Any], arriving: Sequence[str]) -> None:
        """Add to a result what is known of the appliance, its storage, and whether it may be restarted."""
        now = time.time()
        newest = head(
            self.backend,
            KEYFACTOR_APPLIANCE.chain(self.params),
            believe_keyring(load_keyring(self.backend)),
        )
        good = take_complete(self.backend, newest, 1)
        last = received(good[0]) if good else None
        last_size = int(good[0].items.get(FILES_ITEM, {}).get("bytes", 0)) if good else 0
        storage = Storage.of(self.zone.incoming)
        warnings = storage.warnings(self.options.storage_warn_percent, last_size)
        observed = Observed(
            now=now,
            arriving=arriving,
            last=last,
            every=self.freshness.every,
            grace=self.freshness.grace,
            trouble=storage.troubles(last_size),
        )
        lock = _read_lock(os.path.join(self.zone.folder, LOCK_FILE))
        result.setdefault("warnings", [])
        result["warnings"] += warnings
        result["status"] = status(self.options, observed, self.reading)
        result["storage"] = storage.to_result(last_size)
        result["restart"] = restart(self.options, observed, self.reading, lock, self.window)
        result["advice"] = [one.to_result() for one in advice(self.options, self.params, now)]
        result["appliance_secret"] = {
            "known": bool(self.options.appliance_secret_fingerprint),
            "compared": bool(self.params["appliance_secret"] and self.options.appliance_secret_fingerprint),
            "differs": self.secret_differs,
        }
        result["escrow"] = [dict(one) for one in self.options.escrow]
        result["oauth_attested"] = dict(self.options.oauth_attested)


def _read_lock(path: bytes) -> str:
    """What a lock file says, empty when there is none. One that cannot be read locks too."""
    try:
        with open(path, "rb") as handle:
            said = handle.read(_LONGEST_LOCK).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"restart.lock cannot be read: {error.strerror}"
    return " ".join("".join(char if char.isprintable() else " " for char in said).split()) or "restart.lock is there"
