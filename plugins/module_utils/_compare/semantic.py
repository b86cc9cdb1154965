# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes in the words of the product: which trunk, which user, which parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

ADDED = "added"
REMOVED = "removed"
CHANGED = "changed"
LOW = "low"
MEDIUM = "medium"
HIGH = "high"
SEVERITIES = (LOW, MEDIUM, HIGH)
MOST_PER_KIND = 200
"""Changes of one kind that are told one by one."""


@dataclass(frozen=True)
class SemanticChange:
    """One thing that changed. ``object`` is its natural key; ``before`` and ``after`` are masked, None where there
    is none.

    ``severity`` high: somebody should look before the change is accepted; medium: somebody should have read it. A
    product marks what only it can know to matter; :mod:`.findings` grades the rest, of all products by the same rules.
    ``of``: how many of its kind there were before; 0 where nobody counted. ``dialled``: a text in which telephone
    numbers may stand. It is looked at, and never shown.
    """

    kind: str
    object: str
    action: str
    before: str | None = None
    after: str | None = None
    severity: str = LOW
    of: int = 0
    dialled: str = field(default="", repr=False)

    def to_json(self) -> dict[str, str | None]:
        """The change as a module returns it."""
        return {
            "kind": self.kind,
            "object": self.object,
            "action": self.action,
            "before": self.before,
            "after": self.after,
            "severity": self.severity,
        }

    def __str__(self) -> str:
        if self.action == CHANGED:
            detail = f": {self.before} -> {self.after}" if self.before is not None else f": {self.after or ''}"
        else:
            shown = self.after if self.action == ADDED else self.before
            detail = f": {shown}" if shown else ""
        mark = " (!)" if self.severity == HIGH else ""
        return f"{self.kind} {self.object} {self.action}{detail}{mark}"


def compare_texts(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[SemanticChange]:
    """What came, went and changed between two mappings of natural key to shown value."""
    changes = []
    for key in sorted(set(old) | set(new)):
        before, after = old.get(key), new.get(key)
        if before != after:
            action = ADDED if before is None else REMOVED if after is None else CHANGED
            changes.append(SemanticChange(kind, key, action, before, after, of=len(old)))
    return changes


def compare_records(
    kind: str, old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> list[SemanticChange]:
    """The same for records; of a changed record only the fields that differ are shown."""
    changes = []
    for key in sorted(set(old) | set(new)):
        before, after = old.get(key), new.get(key)
        if before is None:
            changes.append(SemanticChange(kind, key, ADDED, None, _fields(after or {}), of=len(old)))
        elif after is None:
            changes.append(SemanticChange(kind, key, REMOVED, _fields(before), None, of=len(old)))
        elif before != after:
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            changes.append(
                SemanticChange(
                    kind, key, CHANGED, _fields(_only(before, names)), _fields(_only(after, names)), of=len(old)
                )
            )
    return changes


def judged(changes: Iterable[SemanticChange], is_high: Callable[[SemanticChange], bool]) -> list[SemanticChange]:
    """The same changes, those that somebody should look at marked."""
    return [replace(change, severity=HIGH) if is_high(change) else change for change in changes]


def summarised(changes: Iterable[SemanticChange], most: int = MOST_PER_KIND) -> list[SemanticChange]:
    """The worst first; of each kind and action at most ``most`` one by one, the others as one counted change."""
    told: dict[tuple[str, str, str], int] = {}
    out = []
    for change in sorted(changes, key=lambda change: (-SEVERITIES.index(change.severity), change.kind, change.object)):
        group = (change.severity, change.kind, change.action)
        told[group] = told.get(group, 0) + 1
        if told[group] <= most:
            out.append(change)
    for (severity, kind, action), count in told.items():
        if count > most:
            out.append(SemanticChange(kind, f"{count - most} more", action, severity=severity))
    return out


def _only(record: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: record[name] for name in names if name in record}


def _fields(record: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in record.items() if value != "")
