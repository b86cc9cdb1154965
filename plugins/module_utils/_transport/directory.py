# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory as items see it: objects with attributes of raw values, found by searching, changed value by value."""

from __future__ import annotations

import re
import uuid
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .._errors import OptionInvalid
from .base import Transport

BASE, SUBTREE = "base", "subtree"
"""How far a search goes: the object itself, or everything below it too."""

ADD, DELETE, REPLACE = "add", "delete", "replace"
ANY = "(objectClass=*)"
"""The filter that every object passes."""

Attributes = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True)
class DirectoryObject:
    """One object as it was read. ``attributes``: those that were asked for and have values, in the spelling that was
    asked for."""

    dn: str
    attributes: Attributes

    def first_text(self, attribute: str) -> str:
        """The first value of an attribute as text, empty when there is none."""
        values = self.attributes.get(attribute) or [b""]
        return values[0].decode("utf-8", "replace")

    @property
    def guid(self) -> str:
        """Its objectGUID, which must have been asked for. Raises ValueError when it is not there."""
        values = self.attributes.get("objectGUID") or [b""]
        return guid_text(values[0])


@dataclass(frozen=True)
class Modification:
    """A change of one attribute: ``add`` and ``delete`` these values, or ``replace`` all by these (none: remove)."""

    action: str
    attribute: str
    values: Sequence[bytes]


class DirectoryTransport(Transport):
    """The way to one directory. Knows no commands and no files.

    All methods raise AuthenticationFailed and ConnectionFailed on the first use, ConnectionLost and DeadlineExceeded,
    and CommandFailed when the directory refuses. Other servers that it refers to are never followed.
    """

    @abstractmethod
    def search(
        self, base: str, query: str, attributes: Sequence[str], scope: str = SUBTREE
    ) -> Iterator[DirectoryObject]:
        """Every object that passes a filter, page by page, with all values of the attributes however many there are.

        ``base`` may be a DN, :func:`by_guid` or, for what the server says of itself, empty. Raises CommandFailed when
        there is no such base.
        """

    @abstractmethod
    def read(self, base: str, attributes: Sequence[str]) -> DirectoryObject | None:
        """One object; None when there is none, or none that may be seen."""

    @abstractmethod
    def modify(self, base: str, changes: Sequence[Modification]) -> None:
        """Change one object: all of it, or, when this raises, nothing (but see ConnectionLost)."""

    def free_space(self, path: str) -> int | None:
        return None


def directory(transport: Transport) -> DirectoryTransport:
    """The transport, when it leads to a directory. Raises OptionInvalid."""
    if not isinstance(transport, DirectoryTransport):
        raise OptionInvalid("This is only known of directories", host=transport.host)
    return transport


# --- names and filters -----------------------------------------------------------------------------------------------
def by_guid(guid: str) -> str:
    """The name of an object that outlives moving and renaming. Active Directory takes it wherever it takes a DN."""
    return f"<GUID={guid}>"


def guid_text(value: bytes) -> str:
    """An objectGUID as people write it. Raises ValueError."""
    return str(uuid.UUID(bytes_le=value))


def guid_bytes(guid: str) -> bytes:
    """The reverse of :func:`guid_text`. Raises ValueError."""
    return uuid.UUID(guid).bytes_le


def sid_text(value: bytes) -> str:
    """A security identifier as people write it. Raises ValueError."""
    if len(value) < 8 or len(value) != 8 + 4 * value[1]:
        raise ValueError("not a security identifier")
    parts = [int.from_bytes(value[at : at + 4], "little") for at in range(8, len(value), 4)]
    return "-".join(["S", str(value[0]), str(int.from_bytes(value[2:8], "big")), *map(str, parts)])


def escaped(value: bytes) -> str:
    """A value as it stands in a filter (RFC 4515): every byte as ``\\xx``."""
    return "".join(f"\\{byte:02x}" for byte in value)


# --- attributes that come in ranges ----------------------------------------------------------------------------------
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Range:
    """What of an attribute's values an answer holds. ``last`` None: up to the end."""

    name: str
    first: int
    last: int | None

    @classmethod
    def of(cls, description: str) -> Range | None:
        """From ``member;range=0-1499``, as Active Directory names an attribute with more values than MaxValRange."""
        found = _RANGE.match(description)
        if found is None:
            return None
        last = None if found["last"] == "*" else int(found["last"])
        return cls(found["name"], int(found["first"]), last)

    @property
    def rest(self) -> str:
        """How the values behind it are asked for."""
        return f"{self.name};range={0 if self.last is None else self.last + 1}-*"
