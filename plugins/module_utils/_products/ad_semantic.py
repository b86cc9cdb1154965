# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two states of a directory in its own words: which user, which attribute, from what to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .._compare.findings import USER
from .._compare.mask import Masker, readable
from .._compare.mask_directory import secret_part
from .._compare.mask_rules import COMMON
from .._compare.semantic import ADDED, CHANGED, REMOVED, SemanticChange
from .._items.directory_document import ObjectDocument, as_text

FOLDER = b"/@directory/"
TOPICS = dict.fromkeys(("user", "contact", "computer", "group"), USER)
"""A group or a contact that is gone is as much a loss of settings as a user is."""
SHOWN_VALUES = 5
LONGEST_VALUE = 200


def compare(old: Mapping[bytes, bytes], new: Mapping[bytes, bytes], masker: Masker) -> list[SemanticChange]:
    """What changed between two generations. Secrets are placeholders."""
    changes: list[SemanticChange] = []
    before, after = _read(old), _read(new)
    had = Counter(document.kind for document in before.values())
    for path in sorted({*before, *after}):
        changes += _compare_object(before.get(path), after.get(path), had, masker)
    return changes


def _read(view: Mapping[bytes, bytes]) -> dict[bytes, ObjectDocument]:
    documents = {}
    for path in view:
        if path.startswith(FOLDER):
            try:
                documents[path] = ObjectDocument.from_bytes(view[path])
            except ValueError:
                # What cannot be read is in the textual difference.
                continue
    return documents


def _compare_object(
    old: ObjectDocument | None, new: ObjectDocument | None, had: Mapping[str, int], masker: Masker
) -> Iterator[SemanticChange]:
    if old is None and new is not None:
        yield SemanticChange(new.kind, _name(new), ADDED, None, _summary(new, masker))
    elif new is None and old is not None:
        yield SemanticChange(old.kind, _name(old), REMOVED, _summary(old, masker), None, of=had[old.kind])
    elif old is not None and new is not None:
        if (old.dn, old.name) != (new.dn, new.name):
            was, now = (readable(place.dn if old.dn != new.dn else place.name) for place in (old, new))
            yield SemanticChange(new.kind, f"{_name(new)} place", CHANGED, was, now)
        for attribute in sorted({*old.attributes, *new.attributes}):
            yield from _compare_values(old, new, attribute, masker)


def _compare_values(
    old: ObjectDocument, new: ObjectDocument, attribute: str, masker: Masker
) -> Iterator[SemanticChange]:
    before, after = set(old.attributes.get(attribute, ())), set(new.attributes.get(attribute, ()))
    if before == after:
        return
    action = ADDED if before < after else REMOVED if after < before else CHANGED
    went, came = (_shown(attribute, sorted(values), masker) for values in (before - after, after - before))
    yield SemanticChange(new.kind, f"{_name(new)} {attribute}", action, went, came)


def _shown(attribute: str, values: Sequence[bytes], masker: Masker) -> str | None:
    if not values:
        return None
    told = [shown_value(attribute, value, masker) for value in values[:SHOWN_VALUES]]
    more = [f"and {len(values) - SHOWN_VALUES} more"] if len(values) > SHOWN_VALUES else []
    return ", ".join([*told, *more])


def shown_value(attribute: str, value: bytes, masker: Masker) -> str:
    """A value fit to be shown."""
    text = as_text(value)
    hidden = secret_part(attribute, text)
    if hidden is not None:
        begin, end = hidden
        text = text[:begin] + (masker.placeholder(text[begin:end]) if end > begin else "") + text[end:]
    shown = readable(masker.mask_text(text, COMMON)[0])
    return shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]} …"


def _summary(document: ObjectDocument, masker: Masker) -> str:
    return " ".join(f"{name}={_shown(name, values, masker)}" for name, values in sorted(document.attributes.items()))


def _name(document: ObjectDocument) -> str:
    return readable(document.name or document.dn or document.guid)
