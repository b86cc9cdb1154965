# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an estos UCServer keeps in Active Directory, when its user administration is there.

Sources: estos Datensicherungskonzept (March 2024), "Microsoft Active Directory (AD) - Benutzerverwaltung"; "Schema
reference" and "Active Directory integration" of ProCall 8 and 8.9 at help.estos.com. Without schema extension all is in
``extensionName``, as pairs of a number and a value beside those of other applications, and the SIP address in
``proxyAddresses``. With schema extension it is in attributes that begin with ``ectisrv3`` and are UCServer's alone.

Not public, and therefore assumed: how exactly a pair is written (an optional ``<``, digits, a comma; an option changes
it), and that ``ectisrv3SchemaVersion``, which every object may have, tells the release of the schema.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._compare.mask import Masker
from .._compare.semantic import SemanticChange
from .._errors import CommandFailed, OptionInvalid, RestoreRefused
from .._items.base import Item
from .._items.directory import KINDS, DirectoryAttributes, default_base
from .._items.directory_attribute import SavedAttribute
from .._transport.base import Transport
from .._transport.directory import DirectoryTransport, directory, escaped, sid_text
from .ad_phone_attributes import PHONE_ATTRIBUTES
from .ad_semantic import TOPICS, compare
from .base import Check, Probe, Product, View
from .options import choice, flag, list_of, option, parse_options, text

EXTENSION_NAME, PROXY_ADDRESSES = "extensionName", "proxyAddresses"
LONGEST_EXTENSION_NAME, LONGEST_PROXY_ADDRESS = 255, 1123
"""Characters: rangeUpper in the schema of Active Directory."""
SIP_ADDRESS = re.compile(r"(?i)sip:")
SHOWN = 5

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")


def _base_dns(value: Any) -> list[str]:
    """One or several DNs; as in UCServer's own settings, one text may hold several with semicolons between."""
    given: list[str] = list_of(text)(value)
    places = [place.strip() for one in given for place in re.split(r"(?<!\\);", one) if place.strip()]
    if not all("=" in place for place in places):
        raise ValueError("distinguished names like OU=Sales,DC=example,DC=com")
    return places


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or not _PREFIX.match(value):
        raise ValueError("the beginning of attribute names: letters, digits, hyphens")
    return value


def _pattern(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(text(value))
    except re.error:
        raise ValueError("a regular expression") from None


@dataclass(frozen=True)
class AdAttributesOptions:
    """``base_dns``: where to look for objects, as in UCServer's own settings; nothing: the whole domain.
    ``object_kinds``: users, groups, computers.

    ``extension_name``, ``proxy_addresses``: whether values of these shared attributes are kept. Which ones are
    UCServer's is told by ``extension_name_pattern`` and ``proxy_address_pattern``, regular expressions that match the
    beginning of a value; all others belong to other applications. Without the latter all SIP addresses are kept, and a
    restore removes none that its generation does not hold: nobody knows whose it is.

    ``schema_prefix``: how the names of the attributes of the schema extension begin. ``phone_attributes``: standard
    attributes to keep beside, for objects that have data of UCServer's.
    """

    base_dns: Sequence[str] = option(_base_dns, ())
    object_kinds: Sequence[str] = option(list_of(choice(*KINDS)), tuple(KINDS))
    extension_name: bool = option(flag, True)
    extension_name_pattern: re.Pattern[str] = option(_pattern, re.compile(r"<?\s*[0-9]+\s*,"))
    proxy_addresses: bool = option(flag, True)
    proxy_address_pattern: re.Pattern[str] | None = option(_pattern, None)
    schema_prefix: str = option(_prefix, "ectisrv3")
    phone_attributes: Sequence[str] = option(list_of(choice(*PHONE_ATTRIBUTES)), ())


class AdAttributes(Product):
    """UCServer's part of an Active Directory. :class:`AdAttributesOptions` tells its options."""

    name = "ad_attributes"
    topics = TOPICS
    routes_calls_in_words = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(AdAttributesOptions, options)
        if not self.options.object_kinds:
            raise OptionInvalid("object_kinds names no kind of object")

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        ldap = directory(transport)
        base = default_base(ldap)
        root = ldap.read("", ["schemaNamingContext", "rootDomainNamingContext", "dnsHostName"])
        domain = ldap.read(base, ["objectSid"])
        if root is None or domain is None:
            raise CommandFailed("The domain cannot be read", host=ldap.host, hint="Has the account any rights there?")
        attributes = self._schema_attributes(ldap, root.first_text("schemaNamingContext"))
        kept = _Kept(self.options.schema_prefix)
        for document in self._item(attributes).objects(ldap):
            kept.see(document.kind, document.attributes)
        sid = domain.attributes.get("objectSid")
        return Probe(
            release=f"{self.options.schema_prefix} schema {max(kept.versions)}" if kept.versions else "",
            version=", ".join(map(str, sorted(kept.versions))),
            identity={"hostname": _domain_name(base), "domain_sid": sid_text(sid[0]) if sid else ""},
            facts={
                "domain": _domain_name(base),
                "forest": _domain_name(root.first_text("rootDomainNamingContext")),
                "schema_attributes": attributes,
                "used_attributes": sorted(kept.used),
                "base_dns": list(self.options.base_dns) or [base],
            },
            counts={kind: kept.objects[kind[:-1]] for kind in self.options.object_kinds},
        )

    def items(self, probe: Probe) -> list[Item]:
        return [self._item(probe.facts.get("schema_attributes", ()))]

    def remarks(self, probe: Probe) -> list[str]:
        return [
            "The accounts themselves, their passwords and groups are not in this backup: a deleted account comes back"
            " from the directory's own recycle bin or backup, its UCServer attributes then from here."
        ]

    def _item(self, schema_attributes: Sequence[str]) -> DirectoryAttributes:
        return DirectoryAttributes(
            name="attributes",
            data_class="voip_config",
            base_dns=self.options.base_dns,
            kinds=self.options.object_kinds,
            attributes=self._attributes(schema_attributes),
        )

    def _attributes(self, schema_attributes: Sequence[str]) -> list[SavedAttribute]:
        options = self.options
        attributes = [SavedAttribute(name) for name in schema_attributes]
        if options.extension_name:
            own = options.extension_name_pattern
            attributes.append(SavedAttribute(EXTENSION_NAME, own, records_others=True, longest=LONGEST_EXTENSION_NAME))
        if options.proxy_addresses:
            own = options.proxy_address_pattern or SIP_ADDRESS
            attributes.append(
                SavedAttribute(
                    PROXY_ADDRESSES,
                    own,
                    decides=False,
                    longest=LONGEST_PROXY_ADDRESS,
                    known_only=options.proxy_address_pattern is None,
                )
            )
        attributes += [SavedAttribute(name, decides=False, lent=True) for name in options.phone_attributes]
        return attributes

    def _schema_attributes(self, ldap: DirectoryTransport, schema: str) -> list[str]:
        """The attributes of the schema extension. They are never listed in the code: releases differ."""
        prefix = escaped(self.options.schema_prefix.encode("ascii"))
        query = f"(&(objectClass=attributeSchema)(lDAPDisplayName={prefix}*))"
        return sorted(found.first_text("lDAPDisplayName") for found in ldap.search(schema, query, ["lDAPDisplayName"]))

    # --- proofs ------------------------------------------------------------------------------------------------------
    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        present = {name.lower() for name in now.facts.get("schema_attributes", ())}
        missing = [name for name in then.facts.get("used_attributes", ()) if name.lower() not in present]
        if missing and items:
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            raise RestoreRefused(
                f"The schema of this directory has no {', '.join(missing[:SHOWN])}{more}, which the generation holds",
                host=transport.host,
                hint="Nothing was touched. Extend the schema with the vendor's set-up first.",
            )
        if present and not then.facts.get("schema_attributes"):
            return [
                "The schema was extended since: UCServer may now look into the new attributes and not into"
                " extensionName, which is put back."
            ]
        return []

    def validate(self, transport: Transport, probe: Probe) -> list[Check]:
        if any(probe.counts.values()):
            return []
        others = self._item(probe.facts.get("schema_attributes", ())).only_of_others(directory(transport))
        if not others:
            return []
        detail = f"{others} objects have values, none of which looks like UCServer's: is extension_name_pattern right?"
        return [Check(EXTENSION_NAME, None, detail)]

    def health(self, transport: Transport, probe: Probe) -> list[Check]:
        """Whether the domain answers and still has what UCServer needs. It is UCServer's own health that tells more."""
        now = self.probe(transport)
        wanted = probe.facts.get("schema_attributes", [])
        checks = [Check("domain", now.same_host(probe), now.identity_text())]
        if wanted:
            lacking = sorted(set(wanted) - set(now.facts["schema_attributes"]))
            detail = f"lacks {', '.join(lacking)}" if lacking else f"{len(wanted)} attributes are there"
            checks.append(Check("schema extension", not lacking, detail))
        return checks

    def release_verdict(self, then: Probe, now: Probe) -> str | None:
        """The version of the schema that the objects tell; where none tells any, nothing can be said."""
        if not then.release or not now.release or then.release == now.release:
            return None
        return "UCServer writes the version of its schema into every object, and an older one may not be understood"

    # --- differences -------------------------------------------------------------------------------------------------
    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        return compare(old, new, masker)


class _Kept:
    """What the objects tell in one pass: how many of each kind, which attributes are in use, versions."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.lower()
        self.objects: Counter[str] = Counter()
        self.used: set[str] = set()
        self.versions: set[int] = set()

    def see(self, kind: str, attributes: Mapping[str, Sequence[bytes]]) -> None:
        """Take in one object."""
        self.objects[kind] += 1
        for name, values in attributes.items():
            if not name.lower().startswith(self._prefix):
                continue
            self.used.add(name)
            if name.lower() == f"{self._prefix}schemaversion":
                self.versions.update(int(value) for value in values if value.isdigit())


def _domain_name(base: str) -> str:
    """``DC=example,DC=com`` as ``example.com``."""
    return ".".join(re.findall(r"(?i)DC=([^,]+)", base)).lower()
