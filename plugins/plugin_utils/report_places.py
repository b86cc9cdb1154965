# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which repository is asked about which hosts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.recovery_report import SPEC
from ansible_collections.ucops.recovery.plugins.plugin_utils.failure_domains import shared

NOWHERE = "The inventory does not say where backups go: recovery_backup_host and recovery_repository are not both set"

_ASKED = tuple(SPEC.options["hosts"]["options"])


def report_places(
    hosts: Sequence[Mapping[str, Any]], repositories: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Each repository with its hosts, as the module C(recovery_report) wants them.

    :param hosts: what is declared, each with C(backup_host) and C(repository)
    :param repositories: what is known of repositories, also of such that no host names
    """
    places: dict[tuple[str, str], dict[str, Any]] = {}
    for one in repositories:
        places[_key(one)] = {**_empty(one), **one, "hosts": []}
    for host in hosts:
        place = places.setdefault(_key(host), _empty(host))
        place["hosts"].append(_question(host, place.get("failure_domain")))
    for place in places.values():
        place["failure_domain"] = words_of(place.get("failure_domain"))
    return [place for _key_of, place in sorted(places.items())]


def _question(host: Mapping[str, Any], domain: Any) -> dict[str, str]:
    """What the module is asked about a host."""
    told = {name: str(host[name]) for name in _ASKED if host.get(name)}
    if host.get("failure_domain"):
        told["failure_domain"] = words_of(host["failure_domain"])
        try:
            common = shared(host["failure_domain"], domain)["refused"]
            told.update({"shared_domain": ", ".join(common)} if common else {})
        except OptionInvalid as error:
            told["problem"] = str(error)
    return told


def words_of(domain: Any) -> str:
    """A failure domain for people, as it was declared."""
    if isinstance(domain, Mapping):
        return ", ".join(f"{kind} {words_of(names)}" for kind, names in domain.items())
    if isinstance(domain, (list, tuple)):
        return ", ".join(str(name) for name in domain)
    return str(domain or "")


def _key(one: Mapping[str, Any]) -> tuple[str, str]:
    host, repository = str(one.get("backup_host") or ""), str(one.get("repository") or "")
    return (host, repository) if host and repository else ("", "")


def _empty(one: Mapping[str, Any]) -> dict[str, Any]:
    host, repository = _key(one)
    return {"backup_host": host, "repository": repository, "problem": "" if host else NOWHERE, "hosts": []}
