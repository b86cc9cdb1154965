# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed between two XML documents whose schema nobody told us.

Elements that repeat are records, known by what identifies them: users, lines, replicators. What stands only once are
settings. The order of elements is no difference here, the difference line by line shows it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .mask import Masker, readable
from .mask_names import is_trivial
from .registry_secrets import TEXT_RULES
from .semantic import ADDED, CHANGED, HIGH, LOW, REMOVED, SemanticChange
from .xml_document import Element, XmlRefused, parse_xml
from .xml_secrets import NAMING, is_secret

SETTING = "setting"
DOCUMENT = "document"
UNIQUE = ("guid", "uuid", "uid", "id", "sid", "objectid", "userid", "dbid", "key")
"""Attributes, or children with nothing but a text, that tell one element from its neighbours, the best first."""
CALLED = ("name", "displayname", "username", "number", "phonenumber", "uri", "address", "title")
"""What people call it; where nothing of :data:`UNIQUE` is there, it tells them apart."""
LONGEST_VALUE = 200
"""Characters of a value that are shown."""

Fields = Mapping[str, str]


def xml_changes(
    old: bytes | None,
    new: bytes | None,
    masker: Masker,
    *,
    place: str = "",
    kinds: Mapping[str, str] | None = None,
    hide_values: bool = False,
) -> list[SemanticChange]:
    """The changes from one document to another, None where there is none.

    A document that cannot be read is one change of the kind ``document`` with the reason; a new one is a high one.

    :param place: what the documents are called; stands in front of each object
    :param kinds: element names in small letters -> the kind of their changes; by default the name itself
    :param hide_values: show what changed and of no value what it is: secrets may be anywhere
    """
    reading = _Reading(masker, kinds or {}, place, hide_values)
    before, after = _read(old), _read(new)
    if isinstance(before, str) or isinstance(after, str):
        reason = after if isinstance(after, str) else before
        severity = HIGH if isinstance(after, str) and not isinstance(before, str) else LOW
        action = ADDED if old is None else REMOVED if new is None else CHANGED
        told = f"cannot be read: {reason}"
        shown = (told, None) if action == REMOVED else (None, told)
        return [SemanticChange(DOCUMENT, place, action, shown[0], shown[1], severity)]
    if before is None and after is None:
        return []
    if before is None or after is None:
        return [SemanticChange(DOCUMENT, place, ADDED if before is None else REMOVED)]
    if before.name != after.name:
        return [SemanticChange(DOCUMENT, place, CHANGED, readable(before.name), readable(after.name), HIGH)]
    return list(reading.settings(before, after))


def _read(content: bytes | None) -> Element | str | None:
    """The document, None for none, or why it cannot be read."""
    if content is None:
        return None
    try:
        return parse_xml(content)
    except XmlRefused as error:
        return str(error)


@dataclass(frozen=True)
class _Reading:
    masker: Masker
    kinds: Mapping[str, str]
    place: str
    hide_values: bool

    def settings(self, old: Element, new: Element) -> Iterator[SemanticChange]:
        """Everything that differs inside of the outermost element."""
        hidden = is_secret(old.name)
        before, after = self._fields(old, new, hidden=hidden), self._fields(new, old, hidden=hidden)
        for name in sorted({*before, *after}):
            was, now = before.get(name), after.get(name)
            if was != now:
                action = ADDED if was is None else REMOVED if now is None else CHANGED
                yield SemanticChange(SETTING, self._object([name]), action, was, now)
        yield from self._records(old, new, [], hidden=hidden)

    def _records(
        self, old: Element | None, new: Element | None, above: Sequence[str], *, hidden: bool
    ) -> Iterator[SemanticChange]:
        """The records inside of an element on both sides, however deep below what stands only once.

        :param hidden: they stand in something secret
        """
        for one, other in _lists(old, new):
            yield from self._record_list(one, other, above, hidden=hidden)
        for before, after in _single_pairs(old, new):
            if before == after:
                continue
            below = hidden or _is_secret_element(before or after or Element(""))
            yield from self._records(before, after, above, hidden=below)

    def _record_list(
        self, old: Sequence[Element], new: Sequence[Element], above: Sequence[str], *, hidden: bool
    ) -> Iterator[SemanticChange]:
        before, after = _paired(old, new)
        for identity in sorted({*before, *after}):
            yield from self._record(before.get(identity), after.get(identity), above, hidden=hidden, of=len(before))

    def _record(
        self, old: Element | None, new: Element | None, above: Sequence[str], *, hidden: bool, of: int
    ) -> Iterator[SemanticChange]:
        if old == new:
            return
        element = new or old or Element("")
        hidden = hidden or is_secret(element.name)
        path = [*above, self._label(element, hidden=hidden)]
        kind = self.kinds.get(element.name.lower(), element.name.lower())
        before, after = self._fields(old, new, hidden=hidden), self._fields(new, old, hidden=hidden)
        if old is None:
            yield SemanticChange(kind, self._object(path), ADDED, None, _shown(after))
        elif new is None:
            yield SemanticChange(kind, self._object(path), REMOVED, _shown(before), None, of=of)
        elif before != after:
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            was, now = (_shown({name: side[name] for name in names if name in side}) for side in (before, after))
            yield SemanticChange(kind, self._object(path), CHANGED, was, now)
        yield from self._records(old, new, path, hidden=hidden or _names_a_secret(element))

    # --- what is shown -----------------------------------------------------------------------------------------------
    def _fields(self, element: Element | None, other: Element | None, *, hidden: bool) -> dict[str, str]:
        """The attributes and texts of an element and of what stands only once in it, masked; of two elements, without
        what stands only once and is the same."""
        return {} if element is None else dict(self._fields_below(element, other, "", hidden=hidden))

    def _fields_below(
        self, element: Element, other: Element | None, prefix: str, *, hidden: bool
    ) -> Iterator[tuple[str, str]]:
        hidden = hidden or is_secret(element.name)
        told = _names_a_secret(element)
        for name, value in element.attributes.items():
            secret = hidden or is_secret(name) or (told and name.lower() not in NAMING)
            yield prefix + name, self._value(value, secret)
        if element.text:
            yield prefix.rstrip("/") or "text", self._value(element.text, hidden or told)
        if other is None and prefix and not (element.attributes or element.text or element.children):
            yield prefix.rstrip("/"), ""  # that it is there says something
        for one, two in _single_pairs(element, other):
            if one is not None and one != two:
                below = hidden or (told and one.name.lower() not in NAMING)
                yield from self._fields_below(one, two, f"{prefix}{one.name}/", hidden=below)

    def _value(self, value: str, secret: bool) -> str:
        if secret or self.hide_values:
            return value if is_trivial(value) else self.masker.placeholder(value)
        return self._plain(value)

    def _plain(self, value: str) -> str:
        shown = readable(self.masker.mask_text(value, TEXT_RULES)[0])
        return shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]} … {len(shown)} characters"

    def _label(self, element: Element, *, hidden: bool) -> str:
        """A record in the words of people: its name, and its number where it has one."""
        called = next(filter(None, (_told(element, name) for name in CALLED)), "")
        unique = next(filter(None, (_told(element, name) for name in UNIQUE)), "")
        label = f"{called} ({unique})" if called and unique else called or unique
        if label:
            return self.masker.placeholder(label) if hidden else self._plain(label)
        return self._value(element.text, hidden) if element.text else readable(element.name)

    def _object(self, path: Iterable[str]) -> str:
        return ": ".join(filter(None, (self.place, " / ".join(path))))


def _paired(old: Sequence[Element], new: Sequence[Element]) -> tuple[dict[str, Element], dict[str, Element]]:
    """Both sides of a list by what tells their elements apart: a number, a name, or only their content."""
    key = next((name for name in (*UNIQUE, *CALLED) if all(_tells_apart(side, name) for side in (old, new))), None)
    if key is not None:
        before, after = ({_told(element, key) or "": element for element in side} for side in (old, new))
        return before, after
    before, after = _by_content(old), _by_content(new)
    gone, came = before.keys() - after.keys(), after.keys() - before.keys()
    if len(gone) == len(came) == 1:
        # the only one that differs was edited, and not exchanged
        after[gone.pop()] = after.pop(came.pop())
    return before, after


def _by_content(elements: Sequence[Element]) -> dict[str, Element]:
    found: dict[str, Element] = {}
    seen: Counter[str] = Counter()
    for element in elements:
        content = json.dumps(_structure(element))
        seen[content] += 1
        found[f"{content} {seen[content]}"] = element
    return found


def _structure(element: Element) -> list[Any]:
    attributes = sorted(element.attributes.items())
    return [element.name, attributes, element.text, [_structure(child) for child in element.children]]


def _tells_apart(elements: Sequence[Element], name: str) -> bool:
    values = [_told(element, name) for element in elements]
    return all(values) and len(set(values)) == len(values)


def _told(element: Element, name: str) -> str | None:
    """An attribute, or a child that is nothing but a text and stands alone."""
    for known, value in element.attributes.items():
        if known.lower() == name:
            return value
    children = [child for child in element.children if child.name.lower() == name]
    if len(children) == 1 and not children[0].children:
        return children[0].text
    return None


def _lists(old: Element | None, new: Element | None) -> Iterator[tuple[list[Element], list[Element]]]:
    """The children that are records: of each name both sides, as soon as one of the sides has several, or a single one
    was exchanged for another."""
    for one, other in _by_name(old, new):
        if max(len(one), len(other)) > 1 or _exchanged(one, other) or _alone_in_a_list(one, other, old, new):
            yield one, other


def _single_pairs(old: Element | None, new: Element | None) -> Iterator[tuple[Element | None, Element | None]]:
    """The other children: those that stand only once."""
    records = {id(element) for lists in _lists(old, new) for side in lists for element in side}
    for one, other in _by_name(old, new):
        if not any(id(element) in records for element in (*one, *other)):
            yield (one[0] if one else None), (other[0] if other else None)


def _by_name(old: Element | None, new: Element | None) -> Iterator[tuple[list[Element], list[Element]]]:
    sides: list[dict[str, list[Element]]] = []
    for parent in (old, new):
        side: dict[str, list[Element]] = {}
        for child in parent.children if parent is not None else ():
            side.setdefault(child.name, []).append(child)
        sides.append(side)
    for name in {**sides[0], **sides[1]}:
        yield sides[0].get(name, []), sides[1].get(name, [])


def _exchanged(old: Sequence[Element], new: Sequence[Element]) -> bool:
    """Whether the only one of each side is another one, as its number says."""
    if len(old) != 1 or len(new) != 1 or old[0] == new[0]:
        return False
    known = [(_told(old[0], name), _told(new[0], name)) for name in UNIQUE]
    return any(before and after and before != after for before, after in known)


def _alone_in_a_list(
    old: Sequence[Element], new: Sequence[Element], before: Element | None, after: Element | None
) -> bool:
    """Whether an element is the only one of a list: ``<Users><User/></Users>``, by the name of what it stands in."""
    element = (*old, *new)[0]
    return any(
        parent is not None and parent.name.lower() in (f"{element.name}s".lower(), f"{element.name}list".lower())
        for parent in (before, after)
    )


def _is_secret_element(element: Element) -> bool:
    return is_secret(element.name) or _names_a_secret(element)


def _names_a_secret(element: Element) -> bool:
    """Whether an element gives the value of something with a secret's name: ``<add key="Password" value="..."/>``."""
    return any(is_secret(_told(element, name) or "") for name in NAMING)


def _shown(fields: Fields) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items() if value != "")
