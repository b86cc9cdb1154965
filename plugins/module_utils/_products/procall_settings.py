# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of UCServer, whether they stand in the registry or in its XML, as plain names and values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .._compare.registry import RegistryTree
from .._compare.xml_document import Element, parse_xml

_NAMING = ("name", "key", "id")
_VALUE = ("value", "val", "data")


@dataclass(frozen=True)
class Setting:
    """One value. ``place``: the registry key, or the file and the way to the element; what has the same place belongs
    together."""

    place: str
    name: str
    value: str


def xml_settings(file: str, content: bytes) -> list[Setting]:
    """The attributes and texts of a document. ``<x><Server>a</Server></x>``, ``<x Server="a"/>`` and
    ``<x><add name="Server" value="a"/></x>`` say the same of ``x``. Raises XmlRefused.
    """
    root = parse_xml(content)
    return list(_settings(root, f"{file}#{root.name}"))


def registry_settings(tree: RegistryTree) -> list[Setting]:
    """The texts and numbers of a part of the registry; the default value has the empty name."""
    found = []
    for key, values in tree.keys.items():
        for name, value in values.items():
            number = value.number
            texts = [str(number)] if number is not None else value.texts
            found += [Setting(key, name, text) for text in texts]
    return found


def _settings(element: Element, place: str) -> Iterator[Setting]:
    for name, value in element.attributes.items():
        yield Setting(place, name, value)
    if element.text and (element.children or element.attributes):
        yield Setting(place, element.name, element.text)
    told: Counter[str] = Counter()
    for child in element.children:
        told[child.name] += 1
        if not child.children:
            named = _named(child)
            if named:
                yield Setting(place, *named)
                continue
        number = f"[{told[child.name]}]" if told[child.name] > 1 else ""
        yield from _settings(child, f"{place}/{child.name}{number}")


def _named(leaf: Element) -> tuple[str, str] | None:
    """What an element without children says of the one around it."""
    if not leaf.attributes:
        return leaf.name, leaf.text
    naming = next((leaf.get(name) for name in _NAMING if leaf.get(name)), None)
    value = next((leaf.get(name) for name in _VALUE if leaf.get(name) is not None), leaf.text)
    if naming and value and set(map(str.lower, leaf.attributes)) <= {*_NAMING, *_VALUE, "type"}:
        return naming, value
    return None


def by_place(settings: Iterable[Setting]) -> dict[str, list[Setting]]:
    """The settings of each place, in order."""
    places: dict[str, list[Setting]] = {}
    for setting in settings:
        places.setdefault(setting.place, []).append(setting)
    return places
