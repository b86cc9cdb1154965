# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes down together, as people declare it: BSI M 6.101 wants backups on systems that are independent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid

DECISIVE = ("host", "hypervisor", "storage")
"""What a repository may not share with its target. Other kinds (site, room, power) are told and refuse nothing: one
site for both is common, and its second copy lies elsewhere."""

_ANY = ""
"""The kind of a name that was given without one. It is held against every kind, and decides."""


def shared(target: Any, backup_host: Any) -> dict[str, list[str]]:
    """What two declarations have in common, in words: ``refused`` and ``noticed``.

    A declaration is a mapping of kinds to names (one or a list), a list of names, one name, or nothing. Names are
    compared without regard to case.

    :raises OptionInvalid: it is none of these
    """
    theirs = _names(backup_host)
    found: dict[str, list[str]] = {"refused": [], "noticed": []}
    for kind, name, shown in _names(target):
        kinds = [other for other, other_name, _shown in theirs if other_name == name and _fit(kind, other)]
        if kinds:
            decides = kind in DECISIVE or _ANY in (kind, *kinds)
            text = f"{kind or max(kinds)} {shown}".strip()
            place = "refused" if decides else "noticed"
            if text not in found[place]:
                found[place].append(text)
    return found


def _fit(kind: str, other: str) -> bool:
    return kind == other or _ANY in (kind, other)


def _names(declared: Any) -> list[tuple[str, str, str]]:
    """Kind, name to compare, name to show."""
    if declared is None or declared == "":
        return []
    if isinstance(declared, Mapping):
        pairs = [(str(kind).strip().lower(), one) for kind, names in declared.items() for one in _listed(names)]
    else:
        pairs = [(_ANY, one) for one in _listed(declared)]
    return [(kind, name.strip().casefold(), name.strip()) for kind, name in pairs if name.strip()]


def _listed(names: Any) -> list[str]:
    if names is None:
        return []
    if isinstance(names, (str, int, float)) and not isinstance(names, bool):
        return [str(names)]
    if isinstance(names, Sequence) and all(isinstance(one, (str, int, float)) for one in names):
        return [str(one) for one in names]
    raise OptionInvalid(
        "A failure domain is a name, a list of names, or a dictionary of them",
        hint="It looks like {host: pbx1, hypervisor: esx1, storage: [san1], site: berlin}.",
    )
