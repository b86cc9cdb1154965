# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an administrator does in the directory: add, change, move, delete, and look."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import ldap3

from lab.directory.domain import DOMAIN, LDAPS, DomainController
from lab.host import LabError

_ENABLED_USER, _WORKSTATION = 0x200, 0x1000
Values = Mapping[str, Iterable[Any]]


class Directory:
    """A connection as Administrator. Objects are named by their GUID, whatever becomes of their DN."""

    def __init__(self, domain: DomainController) -> None:
        self.domain = domain
        self.base = domain.base
        self.connect()

    def connect(self) -> None:
        """Log in, once more after the controller was stopped."""
        domain = self.domain
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=domain.ca_file)
        server = ldap3.Server(domain.address, LDAPS, use_ssl=True, tls=tls, get_info=ldap3.NONE, connect_timeout=10)
        user = f"{DOMAIN}\\Administrator"
        self.connection = ldap3.Connection(
            server, user, domain.password, check_names=False, receive_timeout=60, return_empty_attributes=False
        )
        if not self.connection.bind():
            raise LabError(f"Administrator may not log in: {self.connection.result}")

    def close(self) -> None:
        """End the connection."""
        self.connection.unbind()

    # --- adding -------------------------------------------------------------------------------------------------------
    def add_unit(self, name: str, parent: str = "") -> str:
        """An organizational unit; its DN."""
        dn = f"OU={name},{parent or self.base}"
        self._done(self.connection.add(dn, "organizationalUnit"))
        return dn

    def add_user(self, name: str, parent: str = "", values: Values | None = None, password: str = "") -> str:
        """A user; the GUID. With a password it is enabled."""
        facts: dict[str, Any] = {"sAMAccountName": name, **(values or {})}
        if password:
            facts["unicodePwd"] = f'"{password}"'.encode("utf-16-le")
            facts["userAccountControl"] = _ENABLED_USER
        return self._add(f"CN={name},{parent or f'CN=Users,{self.base}'}", "user", facts)

    def add_group(self, name: str, parent: str = "", values: Values | None = None) -> str:
        """A global group; the GUID."""
        facts = {"sAMAccountName": name, **(values or {})}
        return self._add(f"CN={name},{parent or f'CN=Users,{self.base}'}", "group", facts)

    def add_computer(self, name: str, parent: str = "", values: Values | None = None) -> str:
        """A workstation; the GUID."""
        facts = {"sAMAccountName": f"{name}$", "userAccountControl": _WORKSTATION, **(values or {})}
        return self._add(f"CN={name},{parent or f'CN=Computers,{self.base}'}", "computer", facts)

    def _add(self, dn: str, kind: str, facts: Mapping[str, Any]) -> str:
        self._done(self.connection.add(dn, kind, dict(facts)))
        return self.guid(dn)

    # --- changing -----------------------------------------------------------------------------------------------------
    def set(self, guid: str, attribute: str, values: Iterable[Any]) -> None:
        """Let an attribute have these values, or none."""
        self._modify(guid, {attribute: [(ldap3.MODIFY_REPLACE, list(values))]})

    def add_values(self, guid: str, attribute: str, values: Iterable[Any]) -> None:
        """Let an attribute have these values too."""
        self._modify(guid, {attribute: [(ldap3.MODIFY_ADD, list(values))]})

    def remove_values(self, guid: str, attribute: str, values: Iterable[Any]) -> None:
        """Take these values of an attribute away."""
        self._modify(guid, {attribute: [(ldap3.MODIFY_DELETE, list(values))]})

    def move(self, guid: str, name: str, parent: str) -> None:
        """Rename an object and move it below another parent."""
        self._done(self.connection.modify_dn(self.dn(guid), f"CN={name}", new_superior=parent))

    def delete(self, guid: str) -> None:
        """Delete an object."""
        self._done(self.connection.delete(self.dn(guid)))

    def modify(self, dn: str, changes: Mapping[str, Any]) -> None:
        """Any change of any object, as ldap3 writes it."""
        self._done(self.connection.modify(dn, dict(changes)))

    def _modify(self, guid: str, changes: Mapping[str, Any]) -> None:
        self.modify(self.dn(guid), changes)

    def delegate(self, account: str, unit: str, attributes: Iterable[str]) -> None:
        """Let a user write some attributes of all objects below a unit, and nothing else."""
        schema = f"CN=Schema,CN=Configuration,{self.base}"
        ids = []
        for attribute in attributes:
            self._done(self.connection.search(schema, f"(lDAPDisplayName={attribute})", attributes=["schemaIDGUID"]))
            raw = self.connection.response[0]["raw_attributes"]["schemaIDGUID"][0]
            ids.append(str(uuid.UUID(bytes_le=raw)))
        raw = self._read(f"<GUID={account}>", "objectSid")["objectSid"][0]
        parts = [int.from_bytes(raw[at : at + 4], "little") for at in range(8, len(raw), 4)]
        self.domain.delegate("-".join(["S-1", str(raw[7]), *map(str, parts)]), unit, ids)

    # --- looking ------------------------------------------------------------------------------------------------------
    def guid(self, dn: str) -> str:
        """The GUID of an object."""
        return str(uuid.UUID(bytes_le=self._read(dn, "objectGUID")["objectGUID"][0]))

    def dn(self, guid: str) -> str:
        """Where an object is now."""
        self._done(self.connection.search(f"<GUID={guid}>", "(objectClass=*)", ldap3.BASE, attributes=["1.1"]))
        return str(self.connection.response[0]["dn"])

    def values(self, guid: str, attribute: str) -> list[bytes]:
        """All values of an attribute, sorted."""
        return sorted(self._read(f"<GUID={guid}>", attribute).get(attribute, []))

    def _read(self, dn: str, attribute: str) -> dict[str, list[bytes]]:
        self._done(self.connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[attribute]))
        return dict(self.connection.response[0]["raw_attributes"])

    def _done(self, succeeded: bool) -> None:
        if not succeeded:
            raise LabError(f"the directory refuses: {self.connection.result}")
