# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a difference somebody has to look at, by the same rules for every product.

A product says what its kinds of things are (its ``topics``); the rules know topics, not products. What only the product
can know to matter it marks itself, by the severity of the change; a rule never makes that less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .._errors import OptionInvalid
from .semantic import HIGH, LOW, MEDIUM, REMOVED, SEVERITIES, SemanticChange

TRUNK = "trunk"
"""A way out to the world: a provider, a gateway, a dispatcher's target."""
ROUTE = "route"
"""What decides where a number goes."""
USER = "user"
ADMINISTRATOR = "administrator"
"""Who may change the system, or a role that says so."""
PEER = "peer"
"""Who is let in without a password."""
AUTHORITY = "authority"
"""What certificates or keys depend on."""
CERTIFICATE = "certificate"

RELEASE_CHANGED = "release_changed"

EMERGENCY_NUMBERS = ("112", "110", "911")
USERS_GONE_PERCENT = 10
FEWEST_USERS_GONE = 5
"""Fewer users gone are none that went by accident, whatever part of all they are."""
CERTIFICATE_DAYS = 30
MOST_PER_RULE = 20
"""Findings of one rule that are told one by one."""
LONGEST = 300
"""Characters of a finding."""

_NUMBER = re.compile(r"\+?[0-9*#]{2,15}")
_NOT_BEFORE = r"(?<![\w.])(?<!\d:)(?<!\]:)"
_NOT_AFTER = r"(?![\w.:])"
"""What makes digits a part of something else: an address, a port, a longer number."""
_DIALLED_PATTERN = re.compile(r"(?:\\d|[0-9\[\]()|?:*+.^$-]){3,60}")
_FEW_OF_A_THOUSAND = 20
"""A pattern that fits more numbers of three digits was not made for emergency calls."""


@dataclass(frozen=True)
class Rules:
    """What an operator may set. ``users_gone_percent``: more than this part of the users gone at once is high.

    ``certificate_days``: a certificate that ends sooner is told. Raises OptionInvalid.
    """

    emergency_numbers: Sequence[str] = EMERGENCY_NUMBERS
    users_gone_percent: int = USERS_GONE_PERCENT
    certificate_days: int = CERTIFICATE_DAYS

    def __post_init__(self) -> None:
        wrong = [number for number in self.emergency_numbers if not _NUMBER.fullmatch(number)]
        if wrong:
            raise OptionInvalid(f"These are no emergency numbers: {', '.join(wrong)}", item="emergency_numbers")
        if not 0 <= self.users_gone_percent <= 100:
            raise OptionInvalid(f"{self.users_gone_percent} is no percentage", item="users_gone_percent")
        if self.certificate_days < 0:
            raise OptionInvalid("Days cannot be fewer than none", item="certificate_days")


@dataclass(frozen=True)
class Finding:
    """Something that an operator has to know. ``grade``: how much it matters; ``rule``: why it is told."""

    grade: str
    rule: str
    text: str

    def to_result(self) -> dict[str, str]:
        """For the result of a module."""
        return {"grade": self.grade, "rule": self.rule, "text": self.text}


def graded(
    changes: Iterable[SemanticChange], topics: Mapping[str, str], rules: Rules
) -> tuple[list[SemanticChange], list[Finding]]:
    """The same changes with the severity that the rules give them, and what has to be told of them, the worst first.

    :param topics: kind of a change -> what it is
    """
    emergency = Emergency(rules.emergency_numbers)
    out: list[SemanticChange] = []
    findings: list[Finding] = []
    gone: dict[str, tuple[int, int]] = {}
    for change in changes:
        topic = topics.get(change.kind, "")
        severity, rule = _rule(change, topic, emergency)
        if SEVERITIES.index(change.severity) > SEVERITIES.index(severity):
            severity, rule = change.severity, "product"
        judged = replace(change, severity=severity)
        out.append(judged)
        if rule:
            findings.append(Finding(severity, rule, _cut(str(replace(judged, severity=LOW)))))
        if topic == USER and change.action == REMOVED and change.of:
            count, total = gone.get(change.kind, (0, 0))
            gone[change.kind] = count + 1, max(total, change.of)
    for kind, (count, total) in gone.items():
        findings.append(users_gone(kind, count, total, rules))
    return out, ordered(findings)


def _rule(change: SemanticChange, topic: str, emergency: Emergency) -> tuple[str, str]:
    """The severity of one change and the rule that gives it; no rule: nothing has to be told."""
    looked_at = change.dialled or (_told(change) if topic == ROUTE else "")
    if looked_at and emergency.is_in(looked_at):
        return HIGH, "emergency_route"
    if topic == TRUNK:
        return (HIGH, "trunk_removed") if change.action == REMOVED else (MEDIUM, "trunk_changed")
    if topic == ADMINISTRATOR:
        return HIGH, "administrator_changed"
    if topic == AUTHORITY:
        return (HIGH, "authority_removed") if change.action == REMOVED else (MEDIUM, "authority_changed")
    if topic == PEER and change.action != REMOVED:
        return MEDIUM, "peer_changed"
    if topic == CERTIFICATE:
        return (MEDIUM, "certificate_removed") if change.action == REMOVED else (LOW, "certificate_changed")
    return LOW, ""


def users_gone(kind: str, count: int, total: int, rules: Rules) -> Finding:
    """That so many of all users are gone; high when they are many."""
    many = count >= FEWEST_USERS_GONE and count * 100 > total * rules.users_gone_percent
    return Finding(HIGH if many else LOW, "users_gone", f"{count} of {total} are gone ({kind})")


def release_finding(before: str | None, after: str | None) -> list[Finding]:
    """Another release of the product is told; what it means is for the release notes to say."""
    if not before or not after or before == after:
        return []
    return [Finding(MEDIUM, RELEASE_CHANGED, _cut(f"{before} then, {after} now"))]


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; of each rule at most :data:`MOST_PER_RULE` one by one, the others as one that counts them."""
    told: dict[tuple[str, str], int] = {}
    out = []
    for finding in sorted(findings, key=lambda one: -SEVERITIES.index(one.grade)):
        group = (finding.grade, finding.rule)
        told[group] = told.get(group, 0) + 1
        if told[group] <= MOST_PER_RULE:
            out.append(finding)
    for (grade, rule), count in told.items():
        if count > MOST_PER_RULE:
            out.append(Finding(grade, rule, f"{count - MOST_PER_RULE} more"))
    return sorted(out, key=lambda one: -SEVERITIES.index(one.grade))


class Emergency:
    """Finds emergency numbers in what routes calls: the number itself, or a pattern that was made for it."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self._numbers = tuple(numbers)
        any_of = "|".join(map(re.escape, numbers))
        self._found = re.compile(f"{_NOT_BEFORE}(?:{any_of}){_NOT_AFTER}") if numbers else None

    def is_in(self, text: str) -> bool:
        """Whether one of the numbers stands in it."""
        if self._found is None:
            return False
        if self._found.search(text):
            return True
        patterns = (found[0] for found in _DIALLED_PATTERN.finditer(text) if "[" in found[0])
        return any(map(self._is_made_for_it, patterns))

    def _is_made_for_it(self, pattern: str) -> bool:
        """C(^11[02]$) is, C(^1[0-9]+$) fits the numbers too and is not."""
        try:
            fits = re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            return False
        if not any(fits.fullmatch(number) for number in self._numbers):
            return False
        return sum(fits.fullmatch(f"{number:03}") is not None for number in range(1000)) <= _FEW_OF_A_THOUSAND


_ROUTES_CALLS = re.compile(r"exten|dial|dest|prefix|pattern|route|number|match|gateway|trunk|tel:|sip:", re.IGNORECASE)
"""Words beside which digits in the configuration of a telephone system are a number that is called. A guess: digits
alone may be anything."""


def emergency_lines(
    place: str, before: bytes | None, after: bytes | None, rules: Rules, longest: int = 2**20
) -> Iterator[Finding]:
    """Of a file of a product that has no words of its own: lines that came or went and that route an emergency number.

    They are counted and not shown, as a line may hold more than a number. Larger contents are not looked at.
    """
    if max(len(before or b""), len(after or b"")) > longest:
        return
    emergency = Emergency(rules.emergency_numbers)
    sides = [set((side or b"").decode("utf-8", "replace").splitlines()) for side in (before, after)]
    touched = sum(bool(_ROUTES_CALLS.search(line)) and emergency.is_in(line) for line in sides[0] ^ sides[1])
    if touched:
        yield Finding(HIGH, "emergency_route", _cut(f"{place}: {touched} lines with an emergency number came or went"))


def _told(change: SemanticChange) -> str:
    return f"{change.object} {change.before or ''} {change.after or ''}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
