# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory in memory that keeps the rules of Active Directory which a restore can trip over."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed
from ansible_collections.ucops.recovery.plugins.module_utils._transport.directory import (
    ADD,
    DELETE,
    SUBTREE,
    DirectoryObject,
    DirectoryTransport,
)

BASE = "DC=lab,DC=example"
SCHEMA = f"CN=Schema,CN=Configuration,{BASE}"
SID = bytes([1, 4, 0, 0, 0, 0, 0, 5]) + b"".join(number.to_bytes(4, "little") for number in (21, 1, 2, 3))
KINDS = {"user": ("person", "user"), "group": ("group",), "computer": ("computer",), "unit": ("organizationalUnit",)}
CLASSES = {"computer": ("user", "computer")}


class FakeDirectory(DirectoryTransport):
    """Objects by GUID. ``modified`` keeps every change; ``refuse`` names objects that no change gets through to."""

    host = "dc1"

    def __init__(self, schema: Iterable[str] = ()) -> None:
        self.objects: dict[str, tuple[str, dict[str, list[bytes]]]] = {}
        self.modified: list[tuple[str, list[Any]]] = []
        self.refuse: set[str] = set()
        self.read_only: set[str] = set()
        self.searches: list[tuple[str, str]] = []
        self.root = {
            "defaultNamingContext": [BASE.encode()],
            "rootDomainNamingContext": [BASE.encode()],
            "schemaNamingContext": [SCHEMA.encode()],
        }
        self.add("domain", "unit", dn=BASE, values={"objectSid": [SID]})
        self.add("Users", "unit", dn=f"CN=Users,{BASE}")
        for name in schema:
            dn, values = (
                f"CN={name},{SCHEMA}",
                {"lDAPDisplayName": [name.encode()], "objectClass": [b"attributeSchema"]},
            )
            self.objects[str(uuid.uuid4())] = (dn, values)

    # --- what an administrator does ---
    def add(
        self, name: str, kind: str = "user", *, dn: str = "", values: Mapping[str, Iterable[bytes]] | None = None
    ) -> str:
        guid = str(uuid.uuid4())
        facts = {
            "objectGUID": [uuid.UUID(guid).bytes_le],
            "sAMAccountName": [name.encode()],
            "objectClass": [each.encode() for each in ("top", *CLASSES.get(kind, (kind,)))],
            "objectCategory": [KINDS[kind][0].encode()],
        }
        self.objects[guid] = (
            dn or f"CN={name},CN=Users,{BASE}",
            {**facts, **{k: list(v) for k, v in (values or {}).items()}},
        )
        return guid

    def values(self, guid: str, attribute: str) -> list[bytes]:
        return sorted(self.objects[guid][1].get(attribute, []))

    def set(self, guid: str, attribute: str, values: Iterable[bytes]) -> None:
        self.objects[guid][1][attribute] = list(values)

    def move(self, guid: str, dn: str) -> None:
        self.objects[guid] = (dn, self.objects[guid][1])

    # --- what is asked of it ---
    def search(
        self, base: str, query: str, attributes: Sequence[str], scope: str = SUBTREE
    ) -> Iterator[DirectoryObject]:
        self.searches.append((base, query))
        passes = _parse(query)
        for dn, values in list(self.objects.values()):
            if (dn.lower() == base.lower() or dn.lower().endswith(f",{base.lower()}")) and passes(values):
                yield DirectoryObject(dn, self._asked(values, attributes))

    def read(self, base: str, attributes: Sequence[str]) -> DirectoryObject | None:
        if not base:
            return DirectoryObject("", self._asked(self.root, attributes))
        for guid, (dn, values) in self.objects.items():
            if base in (f"<GUID={guid}>", dn):
                asked = self._asked(values, attributes)
                if "allowedAttributesEffective" in attributes and guid not in self.read_only:
                    asked["allowedAttributesEffective"] = [name.encode() for name in attributes]
                return DirectoryObject(dn, asked)
        return None

    def modify(self, base: str, changes: Sequence[Any]) -> None:
        guid = base[len("<GUID=") : -1]
        if guid in self.refuse or guid not in self.objects:
            raise CommandFailed("The directory refuses: unwillingToPerform", host=self.host, item=base)
        values = {name: list(held) for name, held in self.objects[guid][1].items()}
        for change in changes:
            held = values.setdefault(change.attribute, [])
            known = {value.lower() for value in held}
            if change.action == ADD:
                if any(value.lower() in known for value in change.values):
                    raise CommandFailed("The directory refuses: attributeOrValueExists", host=self.host, item=base)
                held += change.values
            elif change.action == DELETE:
                gone = {value.lower() for value in change.values}
                if not gone <= known:
                    raise CommandFailed("The directory refuses: noSuchAttribute", host=self.host, item=base)
                values[change.attribute] = [value for value in held if value.lower() not in gone]
            else:
                values[change.attribute] = list(change.values)
        self.modified.append((guid, list(changes)))
        self.objects[guid] = (self.objects[guid][0], values)

    def close(self) -> None:
        pass

    @staticmethod
    def _asked(values: Mapping[str, list[bytes]], attributes: Sequence[str]) -> dict[str, list[bytes]]:
        return {name: list(values[name]) for name in attributes if values.get(name)}


def _parse(query: str) -> Any:
    """A filter as a predicate: and, or, presence, equality, prefix."""
    at = 0

    def one() -> Any:
        nonlocal at
        at += 1
        if query[at] in "&|":
            every = query[at] == "&"
            at += 1
            parts = []
            while query[at] == "(":
                parts.append(one())
            at += 1
            return lambda values: (all if every else any)(part(values) for part in parts)
        end = query.index(")", at)
        name, _equals, wanted = query[at:end].partition("=")
        at = end + 1
        literal = re.sub(r"\\([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), wanted).lower()

        def matches(values: Mapping[str, list[bytes]]) -> bool:
            held = [value.decode("utf-8", "replace").lower() for value in values.get(name, [])]
            if literal.endswith("*"):
                return any(value.startswith(literal[:-1]) for value in held)
            return literal in held

        return matches

    return one()
