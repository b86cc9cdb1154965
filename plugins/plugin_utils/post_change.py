# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to say of a change, host by host: made of results of modules, for the reports and for the gate.

Everything in it may come from a host that wants to harm, so control characters are made visible here once, and each
format quotes on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import readable
from ansible_collections.ucops.recovery.plugins.module_utils._compare.semantic import HIGH, LOW, MEDIUM, SEVERITIES

from .counters import compared, fallen
from .outcomes import FAILED, OK, SKIPPED, failure_of

SCHEMA = 1
FINE, LOOK, NOT_FINE, UNKNOWN = "fine", "look", "not fine", "unknown"
"""Verdicts. ``look``: nothing stops, somebody should read it; ``unknown``: nothing could be looked at."""
NONE = "none"
FAIL_ON = (HIGH, MEDIUM, NONE)
NOT_AS_BEFORE = "NotAsBefore"
"""The kind of error when the backup was made and what it shows is not fine."""
COUNTER_FELL = "counter_fell"
NOT_LOOKED_INTO = "not_opened"
LONGEST_PROBLEM = 500
"""Characters of a problem in one line."""


def of_host(
    outcome: Mapping[str, Any],
    *,
    change_id: str,
    pre: Sequence[Mapping[str, Any]],
    difference: Mapping[str, Any],
    counters: Mapping[str, int],
    tolerance: float,
    fail_on: str,
    problems: Iterable[str] = (),
) -> dict[str, Any]:
    """What there is to say of one host.

    :param outcome: the ``recovery_outcome`` of the backup after the change
    :param pre: the generations that were made before the change, oldest first, as ``generation_info`` lists them
    :param difference: the result of ``generation_diff``; empty when there was none
    :param counters: how much of its work the host does, as it was counted last
    :param problems: what failed beside, in order
    :raises ValueError: a grade that there is not, or a tolerance that is no percentage
    """
    if fail_on not in FAIL_ON:
        raise ValueError(f"post_change_fail_on is one of {', '.join(FAIL_ON)}")
    before = _usable(pre)
    generation = outcome.get("generation") or {}
    told = [str(problem) for problem in problems if problem]
    if not before:
        told.insert(0, _no_pre(outcome, change_id))
    had = dict((before or {}).get("counters") or {})
    findings = [dict(one) for one in difference.get("findings") or ()]
    # a host that was not reached says nothing of its work
    reached = bool(generation.get("id"))
    if reached:
        findings += [
            {"grade": HIGH, "rule": COUNTER_FELL, "text": phrase} for phrase in fallen(had, counters, tolerance)
        ]
    if difference and not difference.get("opened", True):
        text = "compared by digests only, without the Domain Master Secret nobody can say how the items differ"
        findings.append({"grade": LOW, "rule": NOT_LOOKED_INTO, "text": text})
    findings.sort(key=lambda one: -SEVERITIES.index(one["grade"]))
    stopping = [one for one in findings if _stops(one["grade"], fail_on)]
    if outcome.get("outcome") != OK:
        result, reasons = outcome.get("outcome", FAILED), [outcome.get("problem", ""), *told]
    elif told or stopping:
        result, reasons = FAILED, [*told, *(one["text"] for one in stopping)]
    else:
        result, reasons = OK, []
    problem = _one_line(readable("; ".join(filter(None, reasons))))
    return _legible(
        {
            "changed_outcome": _changed_outcome(outcome, result, problem, findings),
            "host": outcome.get("host", ""),
            "source": outcome.get("source", ""),
            "product": outcome.get("product", ""),
            "instance": outcome.get("instance", ""),
            "outcome": result,
            "problem": problem,
            "verdict": _verdict(result, findings, generation),
            "before": (before or {}).get("id", ""),
            "after": generation.get("id") or "",
            "identical": difference.get("identical"),
            "opened": bool(difference.get("opened")),
            "changed_items": list(difference.get("changed_items") or ()),
            "findings": findings,
            "changes": [dict(one) for one in difference.get("changes") or ()],
            "counters": compared(had, counters, tolerance) if reached else [],
            "text": difference.get("text", ""),
            "truncated": bool(difference.get("truncated")),
            "opaque": [dict(one) for one in difference.get("opaque") or ()],
        }
    )


def _changed_outcome(
    outcome: Mapping[str, Any], result: str, problem: str, findings: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What becomes of ``recovery_outcome``."""
    error = outcome.get("error") or ("" if result == OK else NOT_AS_BEFORE)
    changed = {"outcome": result, "problem": problem, "error": error, "findings": [dict(one) for one in findings]}
    return {**changed, "failure": failure_of({**outcome, **changed})}


def report(
    hosts: Iterable[Mapping[str, Any]],
    facts: Mapping[str, Any],
    most_lines: int,
    outcomes: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The report of a run: those that are not fine first. ``facts``: change id, run id, reason and the like.

    :param most_lines: lines of differences that it shows in all
    :param outcomes: of all hosts, also of those that nobody could say anything of
    """
    order = (NOT_FINE, UNKNOWN, LOOK, FINE)
    told = [_legible({name: value for name, value in one.items() if name != "changed_outcome"}) for one in hosts]
    known = {one["host"] for one in told}
    told += [_unknown(one) for one in outcomes if one["host"] not in known and one["outcome"] != SKIPPED]
    told.sort(key=lambda one: (order.index(one["verdict"]), one["host"]))
    room = most_lines
    for one in told:
        lines = one["text"].splitlines(keepends=True)
        if len(lines) > room:
            one["text"] = "".join(lines[:room])
            one["truncated"] = True
        room -= min(room, len(lines))
    worst = min((order.index(one["verdict"]) for one in told), default=order.index(UNKNOWN))
    counted = {verdict: sum(one["verdict"] == verdict for one in told) for verdict in order}
    return {"schema": SCHEMA, **_legible(dict(facts)), "verdict": order[worst], "counted": counted, "hosts": told}


def _unknown(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """A host that the run did not get to."""
    judged = of_host(
        {**outcome, "generation": None},
        change_id="",
        pre=[{"status": "complete"}],
        difference={},
        counters={},
        tolerance=0,
        fail_on=NONE,
    )
    del judged["changed_outcome"]
    return judged


def _usable(pre: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The newest that is complete and was not pruned."""
    there = [one for one in pre if one.get("status") == "complete" and not one.get("pruned")]
    return there[-1] if there else None


def _no_pre(outcome: Mapping[str, Any], change_id: str) -> str:
    instance = f"@{outcome['instance']}" if outcome.get("instance") else ""
    chain = f"{outcome.get('source', '')}/{outcome.get('product', '')}{instance}"
    return f"The repository holds no complete pre_change generation of {chain} for {change_id}, nothing can be compared"


def _stops(grade: str, fail_on: str) -> bool:
    return fail_on != NONE and SEVERITIES.index(grade) >= SEVERITIES.index(fail_on)


def _verdict(result: str, findings: Sequence[Mapping[str, Any]], generation: Mapping[str, Any]) -> str:
    if not generation.get("id") and result != FAILED:
        return UNKNOWN
    if result != OK:
        return NOT_FINE
    return LOOK if any(one["grade"] != LOW for one in findings) else FINE


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_PROBLEM else f"{line[:LONGEST_PROBLEM]} …"


def _legible(value: Any) -> Any:
    """The same without control characters, all the way down, and of plain types."""
    if isinstance(value, str):
        return readable(str(value))
    if isinstance(value, Mapping):
        return {readable(str(name)): _legible(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_legible(inner) for inner in value]
    return value
