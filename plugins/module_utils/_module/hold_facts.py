# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds as results of modules."""

from __future__ import annotations

from typing import Any

from .._repository.holds import Hold


def describe_hold(hold: Hold, now: str) -> dict[str, Any]:
    """One hold, and whether it holds at the given time."""
    return {
        "generation": str(hold.generation),
        "id": hold.identifier,
        "kind": hold.kind,
        "change_id": hold.change_id,
        "reason": hold.reason,
        "actor": hold.actor,
        "signer": hold.signer,
        "at": hold.at,
        "until": hold.until,
        "released_at": hold.released_at,
        "active": hold.is_active(now),
        "problem": hold.problem,
    }
