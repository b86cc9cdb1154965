# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a host in a restore drill: what was decided, what was found, what was signed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.ucops.recovery.plugins.plugin_utils.outcomes import FAILED, OK, REFUSED, SKIPPED

PASSED = "passed"


def drill_outcome(facts: Mapping[str, Any]) -> dict[str, Any]:
    """C(outcome), C(problem), C(overdue), C(changed) and C(drill) of a host. In check mode one that would be drilled
    would be changed.

    ``facts``: C(product), C(subject), C(generation) (id, empty when there is none), C(asked) (which one was wanted),
    C(decision), C(problem), C(refused), C(unrecorded) (why there is no evidence), C(left) (what the drill
    left behind), C(evidence), C(rto), C(rpo), C(accept_missed), C(check_mode).
    """
    evidence = dict(facts.get("evidence") or {})
    decision = facts.get("decision") or {}
    left = _line(facts.get("left") or "")
    problem = " ".join(filter(None, (_problem(facts, decision, evidence), left))) if facts.get("product") else ""
    refused = facts.get("refused") and not left
    outcome = SKIPPED if not facts.get("product") else REFUSED if refused else FAILED if problem else OK
    return {
        "outcome": outcome,
        "problem": problem,
        "overdue": bool(decision.get("overdue")) and evidence.get("outcome") != PASSED,
        "changed": bool(evidence) or (outcome == OK and bool(facts.get("check_mode") and decision.get("picked"))),
        "drill": evidence,
    }


def _problem(facts: Mapping[str, Any], decision: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    """What is wrong, in one line; empty when nothing is."""
    if facts.get("unrecorded"):
        return _line(f"There is no evidence of the drill: {facts['unrecorded']}")
    if facts.get("problem"):
        return _line(facts["problem"])
    if not facts.get("generation"):
        which = "" if facts.get("asked") in (None, "", "latest") else f" that is {facts['asked']}"
        return _line(f"There is no complete generation to drill: {facts['subject']} has none{which}.")
    if evidence and evidence.get("outcome") != PASSED:
        return _line(f"{evidence['generation']} did not pass: {evidence['problem']}.")
    if evidence.get("objectives_met") is False and not facts.get("accept_missed"):
        return _line(
            f"{evidence['generation']} was restored in {evidence['recovery_seconds']} s and was"
            f" {evidence['recovery_point_seconds']} s old; declared are {facts.get('rto') or 'nothing'} and"
            f" {facts.get('rpo') or 'nothing'}."
        )
    if decision.get("overdue") and not decision.get("picked"):
        return _line(f"The restore drill is overdue: {decision['why']}.")
    if decision.get("picked") and not evidence and not facts.get("check_mode"):
        return "The drill left no evidence."
    return ""


def _line(text: Any) -> str:
    return " ".join(str(text).split())
