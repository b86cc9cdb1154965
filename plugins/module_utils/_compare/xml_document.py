# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML from a host, read with bounded means: what a document declares is never expanded, fetched or believed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

LARGEST = 16 * 2**20
"""Bytes of a document."""
DEEPEST = 100
"""Elements inside of each other."""
MOST_ELEMENTS = 500_000


class XmlRefused(ValueError):
    """This is no XML, or more than is read. The message quotes nothing of the document."""


@dataclass
class Element:
    """One element. Names are without their namespace prefix; ``text`` is what stands directly in it, stripped."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def everywhere(self) -> Iterator[Element]:
        """This element and all below it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.everywhere()

    def find(self, *names: str) -> Iterator[Element]:
        """The elements of these names, wherever they are; case does not matter."""
        wanted = {name.lower() for name in names}
        return (element for element in self.everywhere() if element.name.lower() in wanted)

    def get(self, name: str) -> str | None:
        """What an attribute says, or else the text of a child of this name; case does not matter."""
        wanted = name.lower()
        for known, value in self.attributes.items():
            if known.lower() == wanted:
                return value
        return next((child.text for child in self.children if child.name.lower() == wanted), None)


def parse_xml(content: bytes) -> Element:
    """The document's outermost element.

    :raises XmlRefused: not well-formed, too large, too deep, or with a document type that declares something
    """
    if len(content) > LARGEST:
        raise XmlRefused(f"a document of more than {LARGEST} bytes")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = _refuse_declarations
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise XmlRefused(f"no well-formed XML in line {error.lineno}") from None
    except (LookupError, UnicodeError):
        raise XmlRefused("in an encoding that is not known") from None
    return builder.document()


def count_elements(content: bytes, names: Collection[str]) -> int:
    """How many elements of these names a document has; case does not matter. Raises XmlRefused."""
    return sum(1 for _element in parse_xml(content).find(*names))


class _Builder:
    """Builds the tree without recursion: its depth is the sender's choice."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._root: Element | None = None
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= DEEPEST:
            raise XmlRefused(f"elements more than {DEEPEST} deep")
        if self._count > MOST_ELEMENTS:
            raise XmlRefused(f"more than {MOST_ELEMENTS} elements")
        element = Element(_local(name), {_local(known): value for known, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)
        self._texts.append([])

    def end(self, _name: str) -> None:
        self._open.pop().text = "".join(self._texts.pop()).strip()

    def characters(self, text: str) -> None:
        self._texts[-1].append(text)

    def document(self) -> Element:
        if self._root is None:
            raise XmlRefused("a document without an element")
        return self._root


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse_declarations(_name: str, _system: str | None, _public: str | None, has_internal_subset: bool) -> None:
    if has_internal_subset:
        raise XmlRefused("a document type with declarations of its own")


def _refuse_entity(*_facts: object) -> None:
    raise XmlRefused("declarations of entities")
