# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host is it: what a restore is held against before it may touch anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DECISIVE = (
    ("machine_id", "machine id"),
    ("product_uuid", "product UUID"),
    ("serial", "serial number"),
    ("domain_sid", "domain SID"),
)


def same_host(recorded: Mapping[str, Any], present: Mapping[str, Any]) -> bool:
    """Whether two identities are those of one host.

    The first of machine id, product UUID, serial number, domain SID that both know and agree on decides for it. When
    they agree on none of these but know some, they are different hosts. Only when none can be compared, the address of
    a network card in common or, last, the same name decides.
    """
    comparable = False
    for key, _words in _DECISIVE:
        if recorded.get(key) and present.get(key):
            if recorded[key] == present[key]:
                return True
            comparable = True
    if comparable:
        return False
    ours, theirs = set(recorded.get("macs") or ()), set(present.get("macs") or ())
    if ours and theirs:
        return bool(ours & theirs)
    return bool(recorded.get("hostname")) and recorded.get("hostname") == present.get("hostname")


def identity_text(identity: Mapping[str, Any]) -> str:
    """A host in a few words, for a message."""
    told = [f"{label} {identity[key]}" for key, label in _DECISIVE if identity.get(key)]
    name = str(identity.get("hostname") or "a host without a name")
    return f"{name} ({told[0]})" if told else name
