# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of an EJBCA Enterprise as its ConfigDump exports it: readable, and comparable object by object.

Sources: docs.keyfactor.com, "EJBCA REST Interface", "ConfigDump Tool" and its samples ``configdump-rest-get.sh`` and
``configdump-rest.sh``; ``ConfigdumpRestResource`` of EJBCA (parameters, types of objects, separators). It holds no
private keys and no issued certificates: that belongs to the database and the crypto tokens. Whether a dump of a given
release holds authentication codes of soft crypto tokens is not said anywhere, so it is sealed and masked like a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._compare.configdump import TOPICS, changes
from .._compare.json_document import JsonRefused, parse
from .._compare.mask import Masker, readable
from .._compare.semantic import SemanticChange
from .._errors import ConnectionFailed
from .._items.base import Item
from .._items.configdump import PATH, ConfigDump
from .._items.ejbca import answered, ejbca
from .._transport.base import Transport
from .base import Check, Probe, Product, View
from .options import flag, list_of, option, parse_options

API_BASE = "/ejbca/ejbca-rest-api"
TYPES = {
    "ACMECONFIG": "acme-config",
    "ADMINPREFS": "admin-preferences",
    "APPROVALPROFILE": "approval-profiles",
    "AVAILABLEPROTOCOLS": "available-protocols",
    "CA": "certification-authorities",
    "CERTEXTENSION": "custom-certificate-extensions",
    "CERTPROFILE": "certificate-profiles",
    "CMPCONFIG": "cmp-config",
    "CRYPTOTOKEN": "crypto-tokens",
    "CTLOG": "ct-logs",
    "EEPROFILE": "end-entity-profiles",
    "ESTCONFIG": "est-config",
    "EXTENDEDKEYUSAGE": "extended-key-usage",
    "KEYBINDING": "internal-key-bindings",
    "OAUTHKEY": "trusted-oauth-providers",
    "OCSPCONFIG": "ocsp-configuration",
    "PEERCONNECTOR": "peer-connectors",
    "PUBLISHER": "publishers",
    "ROLE": "admin-roles",
    "SCEPCONFIG": "scep-config",
    "SERVICE": "services",
    "SYSTEMCONFIGURATION": "systemconfiguration",
    "VALIDATOR": "validators",
}
"""Types that patterns of the interface name. Releases add some, so an unknown one is told and not refused."""
_BASE = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_PATTERN = re.compile(r"(\*|[A-Za-z][A-Za-z-]*):[^;\x00-\x1f\x7f]+")
_RELEASE = re.compile(r"EJBCA\s+(\d+(?:\.\d+)*)")
EVERYTHING = "*:*"


def _pattern(value: Any) -> str:
    if not isinstance(value, str) or not _PATTERN.fullmatch(value):
        raise ValueError("patterns like CA:* or *:Example CA, without a semicolon")
    return value


def _base(value: Any) -> str:
    if not isinstance(value, str) or not _BASE.fullmatch(value.rstrip("/")):
        raise ValueError("a path like /ejbca/ejbca-rest-api")
    return value.rstrip("/")


@dataclass(frozen=True)
class EjbcaConfigdumpOptions:
    """``include`` and ``exclude``: patterns of type and name. ``ignore_errors``: what cannot be exported is left out
    instead of failing. ``defaults``: fields with their default values too. ``external_cas``: authorities of which
    there is only a certificate."""

    include: Sequence[str] = option(list_of(_pattern), ())
    exclude: Sequence[str] = option(list_of(_pattern), ())
    ignore_errors: bool = option(flag, False)
    defaults: bool = option(flag, False)
    external_cas: bool = option(flag, False)
    api_base: str = option(_base, API_BASE)


class EjbcaConfigdump(Product):
    """An EJBCA Enterprise. :class:`EjbcaConfigdumpOptions` tells its options."""

    name = "ejbca_configdump"
    topics = TOPICS
    routes_calls_in_words = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(EjbcaConfigdumpOptions, options)

    @property
    def address(self) -> str:
        """The path of the interface."""
        return f"{self.options.api_base}/v1/configdump"

    @property
    def query(self) -> dict[str, str]:
        """What is asked for."""
        options = self.options
        asked = {
            "ignoreerrors": str(options.ignore_errors).lower(),
            "defaults": str(options.defaults).lower(),
            "externalcas": str(options.external_cas).lower(),
        }
        for name, patterns in (("include", options.include), ("exclude", options.exclude)):
            if patterns:
                asked[name] = ";".join(patterns)
        return asked

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        host = ejbca(transport)
        answer = host.request("GET", f"{self.address}/status")
        answered(answer, host.host)
        try:
            status = parse(answer.body)
        except JsonRefused as error:
            raise ConnectionFailed(
                f"The answer of EJBCA's status is not understood: {error}",
                host=host.host,
                hint="Do host, port and api_base lead to its REST interface?",
            ) from None
        revision = status.get("revision") if isinstance(status, dict) else None
        revision = readable(revision)[:200] if isinstance(revision, str) else ""
        found = _RELEASE.search(revision)
        return Probe(
            release=f"EJBCA {found[1]}" if found else "",
            version=found[1] if found else "",
            build=revision,
            facts={"asked": self.query},
        )

    def items(self, probe: Probe) -> list[Item]:
        return [
            ConfigDump(name="configdump", data_class="system_config", address=self.address, query=self.query),
        ]

    def health(self, transport: Transport, probe: Probe) -> list[Check]:
        host = ejbca(transport)
        answer = host.request("GET", f"{self.address}/status")
        return [Check("REST Configdump", answer.status == 200, f"HTTP status {answer.status}")]

    def remarks(self, probe: Probe) -> list[str]:
        said = [
            "A dump holds no private keys, no issued certificates and no end entities: back up the database, and the"
            " HSM or the soft crypto tokens with it.",
            "It is put back with POST on the same interface by people who know what it overwrites; authentication codes"
            " of crypto tokens may have to be written into it before.",
        ]
        if self.options.ignore_errors:
            said.append("ignore_errors is on: objects that EJBCA cannot export are not in it, and nothing names them.")
        if self.options.include and EVERYTHING not in self.options.exclude:
            said.append(
                "include alone leaves nothing out: of types that it does not name EJBCA exports everything. Add the"
                f" pattern {EVERYTHING} to exclude to have only these."
            )
        unknown = [kind for kind in self._kinds() if kind.upper() not in TYPES and kind.lower() not in TYPES.values()]
        if unknown:
            said.append(f"{', '.join(unknown)} in include or exclude is no type that EJBCA's description names.")
        return said

    def _kinds(self) -> list[str]:
        patterns = [*self.options.include, *self.options.exclude]
        return sorted({pattern.partition(":")[0] for pattern in patterns} - {"*"})

    # --- differences -------------------------------------------------------------------------------------------------
    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        before, after = (side.get(PATH) for side in (old, new))
        try:
            return changes(before, after, masker)
        except ValueError:
            return []  # what cannot be understood is in the textual difference
