# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration that EJBCA exports (ConfigDump, JSON): which profile, which role, which authority changed.

That objects are grouped by type is published (docs.keyfactor.com, "ConfigDump Tool": a folder for each type), and so
are the names of the types (``ConfigdumpRestResource`` of EJBCA: ``certification-authorities``, ``crypto-tokens``, ...).
How the JSON writes a group is not: it may be a dictionary by name, a list of objects with names, or one object.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .findings import ADMINISTRATOR, AUTHORITY
from .json_document import canonical, parse
from .mask import Masker, readable
from .mask_json import is_secret_name
from .mask_rules import COMMON
from .semantic import SemanticChange, compare_records

LARGEST = 64 * 2**20
"""Bytes of a dump that is taken."""
_NAMES = ("Name", "name")
_LONGEST = 200
_WHO_MAY_WHAT = (
    "admin-roles",
    "available-protocols",
    "peer-connectors",
    "trusted-oauth-providers",
    "internal-key-bindings",
)
"""Types of which every change decides who may do what."""
TOPICS: Mapping[str, str] = {
    **dict.fromkeys(_WHO_MAY_WHAT, ADMINISTRATOR),
    **dict.fromkeys(("certification-authorities", "crypto-tokens"), AUTHORITY),
}

Objects = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Type -> name -> object."""


def objects(dump: Any) -> Objects:
    """The objects of a parsed dump. Raises ValueError when it is none."""
    if not isinstance(dump, dict):
        raise ValueError("it is no dump: its outermost value is no object")
    if dump and set(dump) <= {"errors", "warnings", "success"}:
        raise ValueError("it is a report of errors, not a dump")
    return {kind: _group(held) for kind, held in dump.items() if held not in ({}, [], None)}


def normal(content: bytes) -> bytes:
    """A dump in the form in which it is compared: names sorted, lists of named objects in the order of their names.

    Raises JsonRefused.
    """
    dump = parse(content)
    if isinstance(dump, dict):
        dump = {kind: _sorted(held) for kind, held in dump.items()}
    return canonical(dump)


def changes(old: bytes | None, new: bytes | None, masker: Masker) -> list[SemanticChange]:
    """What changed between two dumps, object by object. Secrets are placeholders. Raises ValueError."""
    before, after = ({} if side is None else objects(parse(side)) for side in (old, new))
    found: list[SemanticChange] = []
    for kind in sorted({*before, *after}):
        found += compare_records(
            readable(kind), *(_shown_group(side.get(kind, {}), masker) for side in (before, after))
        )
    return found


# --- groups ----------------------------------------------------------------------------------------------------------
def _group(held: Any) -> dict[str, Mapping[str, Any]]:
    if isinstance(held, dict) and all(isinstance(one, dict) for one in held.values()):
        return held
    if isinstance(held, list):
        named: dict[str, Mapping[str, Any]] = {}
        for at, one in enumerate(held):
            name = _name(one) or f"#{at + 1}"
            named[name if name not in named else f"{name} #{at + 1}"] = one if isinstance(one, dict) else {"": one}
        return named
    return {"": held if isinstance(held, dict) else {"": held}}


def _name(one: Any) -> str:
    found = next((one[key] for key in _NAMES if key in one), "") if isinstance(one, dict) else ""
    return found if isinstance(found, str) else ""


def _sorted(held: Any) -> Any:
    if isinstance(held, list) and held and all(_name(one) for one in held):
        return sorted(held, key=lambda one: (_name(one), json.dumps(one, sort_keys=True)))
    return held


# --- what is shown ---------------------------------------------------------------------------------------------------
def _shown_group(group: Mapping[str, Mapping[str, Any]], masker: Masker) -> dict[str, dict[str, str]]:
    return {
        _masked(name, masker) or "all of it": {
            path: shown for path, shown in _fields(one, "", False, masker).items() if shown
        }
        for name, one in group.items()
    }


def _fields(value: Any, path: str, secret: bool, masker: Masker) -> dict[str, str]:
    """Every text, number and list of these by where it stands."""
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for name, inner in value.items():
            shown = _masked(name, masker)
            found.update(_fields(inner, f"{path}/{shown}" if path else shown, secret or is_secret_name(name), masker))
        return found
    if isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value):
        found = {}
        for at, inner in enumerate(value):
            found.update(_fields(inner, f"{path}/{_name(inner) or at}", secret, masker))
        return found
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if secret and value not in (None, "", True, False, [], {}):
        return {path: masker.placeholder(text)}
    return {path: _cut(_masked(text, masker), masker)}


def _masked(text: str, masker: Masker) -> str:
    return readable(masker.mask_text(text, COMMON)[0])


def _cut(text: str, masker: Masker) -> str:
    """A long text differs from another one also where it is not shown."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]} … ({masker.digest(text.encode('utf-8', 'surrogatepass'))})"
