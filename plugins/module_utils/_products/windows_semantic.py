# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two states of a Windows host in words: registry values, settings of services, what stands in XML files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

from .._compare.mask import Masker, decoded, readable
from .._compare.registry import parse_reg
from .._compare.registry_secrets import registry_changes
from .._compare.semantic import ADDED, CHANGED, HIGH, REMOVED, SemanticChange
from .._compare.xml_changes import xml_changes
from .._errors import RecoveryError
from .._transport.windows import windows_path
from .base import View
from .service_semantic import service_changes

REGISTRY = b"/@registry/"
SERVICES = b"/@service/"
_XML = re.compile(rb"^/[A-Za-z]:/.*\.xml$", re.IGNORECASE | re.DOTALL)


def windows_changes(
    old: View,
    new: View,
    masker: Masker,
    *,
    kinds: Mapping[str, str] | None = None,
    hide_values: bool = False,
) -> list[SemanticChange]:
    """Everything that can be told of registry, services and XML files.

    :param kinds: names of XML elements in small letters -> the kind of their changes
    :param hide_values: XML is shown without any value, as its schema is not known and passwords are in it
    """
    compare_xml = partial(xml_changes, kinds=kinds, hide_values=hide_values)
    changes: list[SemanticChange] = []
    for path in sorted({*old, *new}):
        if path.startswith((REGISTRY, SERVICES)):
            changes += _exports(path, old.get(path), new.get(path), masker)
        elif _XML.match(path):
            before, after = old.get(path), new.get(path)
            if before != after:
                changes += compare_xml(before, after, masker, place=readable(windows_path(path)))
    return changes


def _exports(path: bytes, old: bytes | None, new: bytes | None, masker: Masker) -> Iterator[SemanticChange]:
    if old == new:
        return
    is_service = path.startswith(SERVICES)
    what = "service" if is_service else "registry key"
    name = readable(decoded(path[len(SERVICES if is_service else REGISTRY) : -len(b".reg")]))
    name = name if is_service else name.replace("/", "\\")
    if old is None:
        yield SemanticChange(what, name, ADDED)
    elif new is None:
        yield SemanticChange(what, name, REMOVED, severity=HIGH)
    else:
        try:
            before, after = parse_reg(old), parse_reg(new)
        except (RecoveryError, UnicodeError):
            yield SemanticChange(what, name, CHANGED, after="cannot be read", severity=HIGH)
            return
        yield from (
            service_changes(name, before, after, masker) if is_service else registry_changes(before, after, masker)
        )
