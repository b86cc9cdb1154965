# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(pushed_info): looks into a landing zone and changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .._items.landing.claiming import unfinished
from .._items.landing.containers import HEAD, UNKNOWN, kind_of
from .._items.landing.grouping import Batch, in_order
from .._items.landing.judging import LEVEL_RECEIVED, LEVEL_STABLE
from .._items.landing.kept import Kept
from .._items.landing.scanning import Limits
from .._items.landing.waiting import Timing, Waiting, open_incoming
from .._items.landing.zone import Zone
from .._items.pushed_files import shown
from .._repository.chain import believe_keyring, head, take_complete
from .._repository.format import ChainId
from .._repository.keyring import load_keyring
from .argspec import ArgumentSpec, repository, source
from .connections.landing import landing
from .freshness import described
from .opening import open_backend
from .receiving import freshness_of, level_of, patience_of, selection_of, why_waiting, zone_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SPEC = ArgumentSpec({"product": {"type": "str", "default": "pushed"}}).merge(repository(), source(), landing())


def look_at_landing(module: AnsibleModule) -> dict[str, Any]:
    """What the module returns. Raises LandingUnfit, RepositoryError, OptionInvalid."""
    params = module.params
    zone, freshness, patience = zone_of(params), freshness_of(params), patience_of(params)
    backend = open_backend(params)
    newest = head(
        backend,
        ChainId(params["source"], params["product"], params["instance"]),
        believe_keyring(load_keyring(backend)),
    )
    # So many looks as a file needs to be called stable, and not one more: nothing is waited for.
    waiting = Waiting(
        zone, selection_of(params), patience, Timing(params["poll_interval"], 0), Limits(params["max_size"])
    )
    for found in waiting.rounds():
        last = found
        if not found.stable and not found.waiting:
            break
    now = time.time()
    good = take_complete(backend, newest, 1)
    last_good = good[0] if good else None
    return {
        "files": [_described(zone, batch) for batch in in_order((*last.stable, *last.waiting))],
        "kept": [shown(name) for name in Kept.load(zone).names()],
        "other": [shown(name) for name in last.not_meant],
        "refused": [{"name": shown(name), "reason": why} for name, why in sorted(last.refused.items())],
        "unfinished": [
            {"names": [shown(name) for name in names], "state": "stored" if is_stored else "taken"}
            for names, is_stored in unfinished(zone)
        ],
        "overdue": freshness.is_overdue(last_good, now) if freshness.every is not None else None,
        "last_good": described(last_good, now, level_of(backend, last_good)),
    }


def _described(zone: Zone, batch: Batch) -> Mapping[str, Any]:
    last = max(batch.arrivals, key=lambda one: one.received_ns)
    return {
        "names": [shown(name) for name in batch.names],
        "size": sum(one.facts.size for one in batch.arrivals),
        "received_at": _time(last.received_ns),
        "sent_at": _time(last.facts.mtime_ns),
        "container": _container(zone, batch.names[0]),
        "level": LEVEL_STABLE if batch.is_stable else LEVEL_RECEIVED,
        "waits_for": why_waiting(batch),
    }


def _container(zone: Zone, name: bytes) -> str:
    try:
        handle = open_incoming(zone, name)
    except OSError:
        return UNKNOWN
    try:
        return kind_of(os.read(handle, HEAD))
    except OSError:
        return UNKNOWN
    finally:
        os.close(handle)


def _time(ns: int) -> str:
    """UTC; a sender may say any number, also one that is no date."""
    try:
        return datetime.fromtimestamp(ns // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return ""
