# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the vendor's schema extension.

The vendor's own schema file is not public. Its reference (help.estos.com, "Schema reference" of the UCServer tools for
Active Directory 8 and 8.9) names the prefix ``ectisrv3`` and the first five attributes below with their types, for
users, groups and computers. Whether an attribute has several values is a guess, as is everything else here: object
identifiers, the last three attributes, and that they hang directly on the classes. The tests ask for the prefix only.
"""

from __future__ import annotations

from dataclasses import dataclass

import ldap3

from lab.directory.objects import Directory

SCHEMA_VERSION = 8
_ARC = "1.3.6.1.4.1.53561.7.1"
_INTEGER, _TEXT, _BYTES = ("2.5.5.9", 2), ("2.5.5.12", 64), ("2.5.5.10", 4)


@dataclass(frozen=True)
class Attribute:
    """An attribute of the extension, ``syntax`` as attributeSyntax and oMSyntax."""

    name: str
    syntax: tuple[str, int]
    single: bool = True


ATTRIBUTES = (
    Attribute("ectisrv3CTIEnabled", _INTEGER),
    Attribute("ectisrv3SchemaVersion", _INTEGER),
    Attribute("ectisrv3CTIPhonePrimary", _TEXT),
    Attribute("ectisrv3CTIPhoneSecondary", _TEXT),
    Attribute("ectisrv3CTILinesPermissions", _INTEGER),
    Attribute("ectisrv3CTILines", _TEXT, single=False),
    Attribute("ectisrv3LabPassword", _TEXT),
    Attribute("ectisrv3LabBinary", _BYTES, single=False),
)


def extend_schema(directory: Directory) -> None:
    """Add the attributes, let users, groups and computers have them, and wait until they count."""
    schema = f"CN=Schema,CN=Configuration,{directory.base}"
    for number, attribute in enumerate(ATTRIBUTES, 1):
        facts = {
            "lDAPDisplayName": attribute.name,
            "attributeID": f"{_ARC}.{number}",
            "attributeSyntax": attribute.syntax[0],
            "oMSyntax": attribute.syntax[1],
            "isSingleValued": "TRUE" if attribute.single else "FALSE",
        }
        if not directory.connection.add(f"CN={attribute.name},{schema}", "attributeSchema", facts):
            raise AssertionError(directory.connection.result)
    _now(directory)
    names = [attribute.name for attribute in ATTRIBUTES]
    # A computer is a user for the schema.
    for kind in ("User", "Group"):
        directory.modify(f"CN={kind},{schema}", {"mayContain": [(ldap3.MODIFY_ADD, names)]})
    _now(directory)


def _now(directory: Directory) -> None:
    directory.modify("", {"schemaUpdateNow": [(ldap3.MODIFY_ADD, ["1"])]})
