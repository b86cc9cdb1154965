# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes of a directory's users, groups and computers: kept by object, put back value by value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .._entries import Entry, Gathered, ItemReport, path_to_text
from .._errors import CommandFailed, ConnectionFailed, HostileContent, OptionInvalid, RestoreFailed, RestoreRefused
from .._transport.base import Transport
from .._transport.directory import DirectoryObject, DirectoryTransport, Modification, by_guid, directory
from .base import Change, Item, LineNormaliser
from .directory_attribute import SavedAttribute, folded_mark, mark
from .directory_document import LARGEST, ObjectDocument, digest

KINDS: Mapping[str, str] = {
    "users": "(&(objectCategory=person)(objectClass=user))",
    "groups": "(objectCategory=group)",
    "computers": "(objectCategory=computer)",
}
"""Kinds of objects, and the filter that finds them. A computer is of the class user too, but of another category."""

_PATH = re.compile(rb"/@directory/(?P<guid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json\Z")
_FACTS = ("objectGUID", "sAMAccountName", "objectClass")
_WRITABLE = "allowedAttributesEffective"
"""What the account may write of an object; the directory works it out when it is asked for."""
_SHARED = "shared"
_NAMED = 10
"""Objects that a message names; more are counted."""


@dataclass
class DirectoryAttributes(Item):
    """Some attributes of all objects below some places, one entry ``/@directory/<objectGUID>.json`` per object.

    ``base_dns``: where to look; empty: the whole domain. ``kinds``: of :data:`KINDS`. Objects that have no value that
    counts are no entries. A restore finds an object by its GUID, wherever it is by now below ``base_dns``; it changes
    the values that it must and no others, each object in one step.
    """

    base_dns: Sequence[str] = ()
    kinds: Sequence[str] = tuple(KINDS)
    attributes: Sequence[SavedAttribute] = ()

    scope_fields: ClassVar[Sequence[str]] = ("base_dns", "kinds", "attributes")

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown or not self.kinds:
            raise OptionInvalid(f"There is no kind of object {', '.join(unknown) or 'at all'}", item=self.name)
        if not any(attribute.decides for attribute in self.attributes):
            raise OptionInvalid("There is no attribute that tells which objects to keep", item=self.name)
        self._by_name = {attribute.name: attribute for attribute in self.attributes}
        self._known: set[str] | None = None

    def covers(self, path: bytes) -> bool:
        return bool(_PATH.match(path))

    def expect(self, wanted: Sequence[Entry]) -> None:
        """From now on values that other applications may have written count only when they are in one of these."""
        marks = {folded_mark(one) for entry in wanted for one in entry.extra.get(_SHARED, ())}
        self._known = (self._known or set()) | marks

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return _OwnValues(self)

    def scope(self) -> dict[str, Any]:
        return {
            "base_dns": list(self.base_dns),
            "kinds": list(self.kinds),
            "attributes": [attribute.name for attribute in self.attributes],
        }

    def looked_at(self, scope: Mapping[str, Any]) -> Callable[[Entry], bool]:
        """An entry does not tell where its object lies: when not all that is looked at now was, none counts as seen."""
        bases, deciding = scope["base_dns"], {one.name for one in self.attributes if one.decides}
        is_within = not bases or bool(self.base_dns and all(_is_below_one(one, bases) for one in self.base_dns))
        seen = is_within and {*self.kinds} <= {*scope["kinds"]} and deciding <= {*scope["attributes"]}
        return lambda entry: seen

    def limited_to(self, scope: Mapping[str, Any]) -> tuple[DirectoryAttributes, list[str]]:
        """Without the attributes that were not looked at: their values in an object are not new."""
        seen = [one for one in self.attributes if one.name in scope["attributes"]]
        return replace(self, attributes=seen), [one.name for one in self.attributes if one not in seen]

    # --- gathering ----------------------------------------------------------------------------------------------------
    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        count = 0
        for document in self.objects(directory(transport)):
            count += 1
            yield self._entry(document), (document.to_bytes(),)
        report.found = count > 0
        report.notes["objects"] = count

    def objects(self, ldap: DirectoryTransport) -> Iterator[ObjectDocument]:
        """Every object that is kept, once."""
        return (document for document in self._candidates(ldap) if self._counts(document))

    def only_of_others(self, ldap: DirectoryTransport) -> int:
        """How many objects have values in the attributes that count, and none of them is the product's own."""
        return sum(1 for document in self._candidates(ldap) if not self._counts(document))

    def _candidates(self, ldap: DirectoryTransport) -> Iterator[ObjectDocument]:
        deciding = "".join(f"({attribute.name}=*)" for attribute in self.attributes if attribute.decides)
        seen: set[str] = set()
        for found in self._search(ldap, f"(|{deciding})", [*_FACTS, *self._by_name]):
            document = self._document(found, _guid(ldap, found))
            if document.guid not in seen:
                seen.add(document.guid)
                yield document

    def own_values(self, attributes: Mapping[str, Sequence[bytes]]) -> dict[str, list[bytes]]:
        """The values that count: the product's own in the item's attributes."""
        held = {
            name: self._by_name[name].own_values(values, self._known)
            for name, values in attributes.items()
            if name in self
        }
        return {name: values for name, values in held.items() if values}

    def __contains__(self, attribute: str) -> bool:
        return attribute in self._by_name

    def _search(self, ldap: DirectoryTransport, query: str, attributes: Sequence[str]) -> Iterator[DirectoryObject]:
        kinds = "".join(KINDS[kind] for kind in self.kinds)
        for base in self._bases(ldap):
            yield from ldap.search(base, f"(&(|{kinds}){query})", attributes)

    def _bases(self, ldap: DirectoryTransport) -> Sequence[str]:
        return self.base_dns or [default_base(ldap)]

    def _written(self, ldap: DirectoryTransport, base: str) -> str:
        """A place as the directory itself writes it. Raises RestoreRefused."""
        found = ldap.read(base, ["objectClass"])
        if found is None:
            raise RestoreRefused(
                f"There is no {base} in the directory; nothing was touched",
                host=ldap.host,
                item=self.name,
                hint="Check the option base_dns.",
            )
        return found.dn

    def _document(self, found: DirectoryObject, guid: str) -> ObjectDocument:
        kept = {name: self._by_name[name].kept_values(found.attributes.get(name, ())) for name in self._by_name}
        attributes = {name: values for name, values in kept.items() if values}
        return ObjectDocument(guid, found.dn, found.first_text("sAMAccountName"), _kind(found), attributes)

    def _counts(self, document: ObjectDocument) -> bool:
        return any(self._by_name[name].decides for name in self.own_values(document.attributes))

    def _entry(self, document: ObjectDocument) -> Entry:
        return Entry(
            item=self.name,
            data_class=self.data_class,
            kind="dump",
            path=f"/@directory/{document.guid}.json".encode("ascii"),
            sensitive=self.sensitive,
            extra={"name": document.name, **self._told_of(document)},
        )

    def _told_of(self, document: ObjectDocument) -> dict[str, Any]:
        """What an entry tells of the values: a digest of those that are surely own, a mark of each of the others."""
        sure, shared = {}, []
        for name, values in document.attributes.items():
            own = self._by_name[name].own_values(values)
            if self._by_name[name].known_only:
                shared += [mark(value) for value in own]
            else:
                sure[name] = own
        return {"values": digest(sure), **({_SHARED: sorted(shared)} if shared else {})}

    def _is_as(self, now: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
        """Whether an object that tells the one has the values of the other."""
        if now is None or now.get("values") != wanted.get("values"):
            return False
        shared = set(wanted.get(_SHARED, ()))
        known = (self._known or set()) | set(map(folded_mark, shared))
        return {one for one in now.get(_SHARED, ()) if folded_mark(one) in known} == shared

    # --- before a restore ---------------------------------------------------------------------------------------------
    def plan(
        self, wanted: Sequence[Entry], current: Sequence[Entry], differing: Collection[bytes] | None = None
    ) -> list[Change]:
        """As for every item, but an object that was only moved or renamed is not written."""
        now = {entry.path: entry.extra for entry in current if self.covers(entry.path)}
        after = {entry.path: entry.extra for entry in wanted}
        changes = [Change("write", path) for path, told in after.items() if not self._is_as(now.get(path), told)]
        changes += [Change("remove", path) for path in now if path not in after]
        return sorted(changes, key=lambda change: change.path)

    def judge(self, wanted: Sequence[Entry]) -> None:
        super().judge(wanted)
        if any(entry.kind != "dump" for entry in wanted):
            raise HostileContent("This is no document of an object; nothing was written", item=self.name)

    def left_out(self, transport: Transport, wanted: Sequence[Entry]) -> dict[bytes, str]:
        ldap = directory(transport)
        if not wanted:
            return {}
        here = {_guid(ldap, found) for found in self._search(ldap, "", ["objectGUID"])}
        reasons = {}
        for entry in wanted:
            guid = _guid_of(entry.path)
            if guid not in here:
                found = ldap.read(by_guid(guid), ["objectClass"])
                what = f"is now {found.dn}, not below base_dns" if found else "is not in the directory any more"
                reasons[entry.path] = f"{entry.extra.get('name') or guid} {what}"
        if len(reasons) == len(wanted):
            raise RestoreRefused(
                f"Not one of the {len(wanted)} objects is there: {_some(reasons.values())}",
                host=transport.host,
                item=self.name,
                hint="Is this the right domain, and are base_dns right? Deleted objects come back from the directory's"
                " recycle bin with their GUIDs; then restore again.",
            )
        return reasons

    # --- the restore --------------------------------------------------------------------------------------------------
    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        ldap = directory(transport)
        gathered = list(wanted)
        self.judge([entry for entry, _content in gathered])
        documents = [self._read(entry, content) for entry, content in gathered]
        self.expect([self._entry(document) for document in documents])
        steps = self._steps(ldap, documents, [entry for entry in current if self.covers(entry.path)])
        for number, step in enumerate(steps):
            try:
                ldap.modify(by_guid(step.guid), step.changes)
            except (CommandFailed, ConnectionFailed) as error:
                attributes = ", ".join(sorted({change.attribute for change in step.changes}))
                raise RestoreFailed(
                    f"{attributes} of {step.name} could not be set ({error.message.rstrip('.')});"
                    f" {number} of {len(steps)} objects were changed before",
                    host=transport.host,
                    item=self.name,
                    hint=error.hint,
                ) from error

    def _read(self, entry: Entry, content: Iterable[bytes]) -> ObjectDocument:
        """A document that fits its entry and this item. Raises HostileContent."""
        try:
            document = ObjectDocument.from_bytes(_bounded(content))
        except ValueError:
            raise self._hostile(entry, "This is no document of an object") from None
        if document.guid != _guid_of(entry.path):
            raise self._hostile(entry, "This document is one of another object")
        for name, values in document.attributes.items():
            if name not in self:
                raise self._hostile(entry, f"The attribute {name} does not belong to the item {self.name}")
            if any(self._by_name[name].too_long(value) for value in values):
                raise self._hostile(entry, f"No directory can hold such a long value of {name}")
        return document

    def _hostile(self, entry: Entry, message: str) -> HostileContent:
        return HostileContent(f"{message}; nothing was written", item=path_to_text(entry.path))

    def _steps(
        self, ldap: DirectoryTransport, documents: Sequence[ObjectDocument], current: Sequence[Entry]
    ) -> list[_Step]:
        """What is to be done, object by object, worked out from what each one holds right now.

        :raises RestoreRefused: an object is not where it should be, or the account may not write it
        :raises HostileContent: it is no object of the item's kinds
        """
        now = {_guid_of(entry.path): entry.extra for entry in current}
        wanted: dict[str, ObjectDocument | None] = dict.fromkeys(now)
        wanted.update({document.guid: document for document in documents})
        bases = [self._written(ldap, base) for base in self._bases(ldap)]
        steps, unwritable = [], []
        for guid, document in wanted.items():
            if document is not None and self._is_as(now.get(guid), self._told_of(document)):
                continue
            found = self._find(ldap, guid, document, bases)
            changes = self._changes(found, document)
            step = _Step(guid, found.first_text("sAMAccountName") or found.dn, changes)
            if changes:
                steps.append(step)
            if not {change.attribute for change in changes} <= _writable(found, self._by_name):
                unwritable.append(step.name)
        if unwritable:
            raise RestoreRefused(
                f"The account may not write the attributes of {_some(unwritable)}; nothing was touched",
                host=ldap.host,
                item=self.name,
                hint="Delegate the right to it. Administrators are protected (AdminSDHolder): they need an account of"
                " their kind.",
            )
        return steps

    def _find(
        self, ldap: DirectoryTransport, guid: str, document: ObjectDocument | None, bases: Sequence[str]
    ) -> DirectoryObject:
        found = ldap.read(by_guid(guid), [*_FACTS, _WRITABLE, *self._by_name])
        name = document.name if document is not None and document.name else guid
        if found is None:
            raise RestoreRefused(
                f"{name} is not in the directory any more; nothing was touched", host=ldap.host, item=self.name
            )
        if f"{_kind(found)}s" not in self.kinds:
            raise HostileContent(
                f"{found.dn} is none of the {', '.join(self.kinds)}; nothing was written",
                host=ldap.host,
                item=self.name,
            )
        if not any(is_below(found.dn, base) for base in bases):
            raise RestoreRefused(
                f"{found.dn} is not below base_dns any more; nothing was touched", host=ldap.host, item=self.name
            )
        return found

    def _changes(self, found: DirectoryObject, document: ObjectDocument | None) -> list[Modification]:
        changes: list[Modification] = []
        for attribute in self.attributes:
            if document is None and attribute.lent:
                continue
            wanted = document.attributes.get(attribute.name, ()) if document is not None else ()
            changes += attribute.changes(wanted, found.attributes.get(attribute.name, ()), self._known)
        return changes


@dataclass(frozen=True)
class _Step:
    """What is done to one object, in one request."""

    guid: str
    name: str
    changes: Sequence[Modification]


class _OwnValues:
    """Of a document only the values that count: no names, nothing of others."""

    def __init__(self, item: DirectoryAttributes) -> None:
        self._item = item
        self._content = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._content += data
        return b""

    def finish(self) -> bytes:
        try:
            document = ObjectDocument.from_bytes(bytes(self._content))
        except ValueError:
            return bytes(self._content)
        return digest(self._item.own_values(document.attributes)).encode("ascii")


def default_base(ldap: DirectoryTransport) -> str:
    """The DN of the server's own domain. Raises CommandFailed when it is no domain controller."""
    root = ldap.read("", ["defaultNamingContext"])
    base = root.first_text("defaultNamingContext") if root is not None else ""
    if not base:
        raise CommandFailed(
            "This server does not say which domain it holds: it is no Active Directory domain controller",
            host=ldap.host,
            hint="Connect to a domain controller, by its LDAP port and not by the one of the global catalogue.",
        )
    return base


def is_below(dn: str, base: str) -> bool:
    """Whether an object is at or below a place; both as the directory writes them."""
    inner, outer = dn.lower(), base.lower()
    return inner == outer or (inner.endswith(f",{outer}") and not inner.endswith(f"\\,{outer}"))


def _is_below_one(dn: str, bases: Iterable[str]) -> bool:
    return any(is_below(dn, base) for base in bases)


def _guid(ldap: DirectoryTransport, found: DirectoryObject) -> str:
    try:
        return found.guid
    except ValueError:
        raise CommandFailed(
            "The directory does not tell the objectGUID of an object",
            host=ldap.host,
            item=found.dn,
            hint="Give the account the right to read it.",
        ) from None


def _kind(found: DirectoryObject) -> str:
    classes = {value.lower() for value in found.attributes.get("objectClass", ())}
    return next((kind for kind in ("computer", "group", "user") if kind.encode("ascii") in classes), "other")


def _writable(found: DirectoryObject, names: Iterable[str]) -> set[str]:
    allowed = {value.decode("utf-8", "replace").lower() for value in found.attributes.get(_WRITABLE, ())}
    return {name for name in names if name.lower() in allowed}


def _guid_of(path: bytes) -> str:
    found = _PATH.match(path)
    return found["guid"].decode("ascii") if found else ""


def _bounded(content: Iterable[bytes]) -> bytes:
    """All of a content. Raises ValueError when it is larger than any document."""
    whole = bytearray()
    for chunk in content:
        whole += chunk
        if len(whole) > LARGEST:
            raise ValueError("too large")
    return bytes(whole)


def _some(names: Iterable[str]) -> str:
    every = sorted(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return f"{', '.join(every[:_NAMED])}{more}"
