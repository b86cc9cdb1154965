# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One object of a directory as a document: JSON that a person can read and that keeps every byte of the values."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LARGEST = 16 * 2**20
"""Bytes of a document; an object of Active Directory holds far less."""


@dataclass(frozen=True)
class ObjectDocument:
    """What is kept of one object. ``attributes``: raw values by the attribute's name.

    ``dn``, ``name`` (sAMAccountName) and ``kind`` (user, group, computer) are for the reader: the GUID alone says which
    object it is.
    """

    guid: str
    dn: str
    name: str
    kind: str
    attributes: Mapping[str, Sequence[bytes]]

    def to_bytes(self) -> bytes:
        """The document; the same whatever the order of attributes and values."""
        held = {name: sorted(values) for name, values in self.attributes.items() if values}
        data: dict[str, Any] = {
            "objectGUID": self.guid,
            "dn": self.dn,
            "sAMAccountName": self.name,
            "objectClass": self.kind,
            "attributes": {name: [base64.b64encode(value).decode("ascii") for value in held[name]] for name in held},
            "readable": {name: [as_text(value) for value in held[name]] for name in held},
        }
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8") + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes) -> ObjectDocument:
        """The reverse of :meth:`to_bytes`. Raises ValueError for anything that is none."""
        try:
            data = json.loads(content.decode("utf-8"))
            attributes = {
                name: tuple(base64.b64decode(value, validate=True) for value in values)
                for name, values in data["attributes"].items()
            }
            facts = (data["objectGUID"], data["dn"], data["sAMAccountName"], data["objectClass"])
        except (KeyError, TypeError, AttributeError, RecursionError):
            raise ValueError("no document of an object") from None
        if not all(isinstance(fact, str) for fact in facts) or str(uuid.UUID(facts[0])) != facts[0]:
            raise ValueError("no document of an object")
        return cls(*facts, attributes)


def as_text(value: bytes) -> str:
    """A value for the reader: its text, or its bytes in hexadecimal when it is none."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


def digest(attributes: Mapping[str, Iterable[bytes]]) -> str:
    """A SHA-256 (hex) of values; it says nothing of their order."""
    held = [[name, [value.hex() for value in sorted(values)]] for name, values in sorted(attributes.items()) if values]
    return hashlib.sha256(json.dumps(held).encode("ascii")).hexdigest()
