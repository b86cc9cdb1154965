# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cisco's backup sets (CUCM, IM&P, Unity Connection and others with a Disaster Recovery System): pure.

A set is ``<stamp>_<host>_drfComponent.xml`` and a ``<stamp>_<server>_<feature>_<component>.tar`` for each component
that the document names. The tars are encrypted: that all are there, and that each says SUCCESS, is what can be known.
Source of names and document: the public tool ubr (UCOS backup reporter) and traces of CUCM 11 and 12 that were made
public. Old releases write no host into the document's name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..._compare.xml_document import XmlRefused, parse_xml
from ..._entries import path_to_text
from .grouping import Batch, in_order
from .judging import Arrival

DOCUMENT = b"_drfComponent.xml"
LARGEST_DOCUMENT = 16 * 2**20
SUCCESS = "SUCCESS"
_STAMP = len("2026-01-31-23-59-59")


@dataclass(frozen=True)
class Manifest:
    """What a document demands. ``parts``: names of the tars; ``failed``: components that do not say SUCCESS."""

    parts: tuple[bytes, ...]
    failed: tuple[str, ...]


def is_document(name: bytes) -> bool:
    """Whether a file is the document of a set."""
    return name.endswith(DOCUMENT)


def read_manifest(name: bytes, content: bytes) -> Manifest:
    """What a document says. Raises XmlRefused for one that is none, or that names no component."""
    stamp = posixpath.basename(name)[:_STAMP].decode("utf-8", "surrogateescape")
    parts, failed = [], []
    for feature in parse_xml(content).find("FeatureObject"):
        feature_name = feature.get("FeatureName") or ""
        for server in feature.find("ServerObj"):
            server_name = server.get("ServerName") or ""
            for component in server.find("ComponentObject"):
                words = (server_name, feature_name, component.get("ComponentName") or "")
                if not all(words):
                    raise XmlRefused("a document with a component that has no name")
                title = "_".join(words)
                if "/" in title or "\0" in title:
                    raise XmlRefused("a document with a name that leads elsewhere")
                parts.append(f"{stamp}_{title}.tar".encode("utf-8", "surrogateescape"))
                if (component.get("Status") or "").strip().upper() != SUCCESS:
                    failed.append(title)
    if not parts:
        raise XmlRefused("a document that names no component")
    return Manifest(tuple(parts), tuple(failed))


def sets(arrivals: Mapping[bytes, Arrival], manifests: Mapping[bytes, Manifest]) -> list[Batch]:
    """The sets among files that arrived. Tars that no document names wait for theirs.

    :param manifests: by the document's name; one that is not stable yet is not in it
    """
    found = []
    for name in sorted(arrivals):
        if not is_document(name):
            continue
        manifest = manifests.get(name)
        if manifest is None:
            found.append(Batch(name, (arrivals[name],), ("its document is not there as a whole yet",)))
            continue
        folder = posixpath.dirname(name)
        wanted = [posixpath.join(folder, part) for part in manifest.parts]
        missing = [part for part in wanted if part not in arrivals]
        members = [arrivals[name], *(arrivals[part] for part in dict.fromkeys(wanted) if part in arrivals)]
        found.append(Batch(name, tuple(members), _lacks(missing, len(wanted))))
    return in_order(found)


def _lacks(missing: Sequence[bytes], demanded: int) -> tuple[str, ...]:
    if not missing:
        return ()
    return (f"{len(missing)} of its {demanded} parts are not there, first {path_to_text(missing[0])}",)
