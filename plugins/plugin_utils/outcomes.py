# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a host in an operation, and of the operation as a whole. Pure; what is not known is no success.

An outcome is small and without secrets, because it ends in reports, artifacts and mails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SCHEMA = 1
"""Of ``recovery_result``; it grows when a key goes or means something else."""

OK = "ok"
FAILED = "failed"
UNREACHABLE = "unreachable"
AWAITING_PUSH = "awaiting_push"
REFUSED = "refused"
SKIPPED = "skipped"
OUTCOMES = (OK, FAILED, UNREACHABLE, AWAITING_PUSH, REFUSED, SKIPPED)
FINE = (OK, SKIPPED)
"""Outcomes that let a gate open."""

SUCCESS, PARTIAL = "success", "partial"

NO_ANSWER = "BackupHostUnreachable"
"""The kind of error when the host that runs the modules does not answer."""

_UNREACHABLE_ERRORS = frozenset({"ConnectionFailed", "ConnectionLost", "DeadlineExceeded", NO_ANSWER})
_PUSH_ERRORS = frozenset({"NothingCame"})
_PUSH_ERRORS_OF_A_CHANGE = frozenset({"NothingCame", "BackupOverdue"})
_CHANGE_PHASES = frozenset({"pre_change", "post_change"})
RESTORE_OPEN = "RestoreOpen"
"""The kind of error when a restore began and did not end."""
_REFUSALS = frozenset({"RestoreRefused", "VersionMismatch", "HostMismatch", "IndependenceMissing", RESTORE_OPEN})
_ANSWERS = ("generation", "generations", "counters")
_LONGEST_PROBLEM = 2000
_NOT_REACHED = "The run ended before it got to this host, or failed in a way that nobody caught; see its output"
_LEFT_OUT = "It is wanted, and was left out of this run by --limit"
_GENERATION_KEYS = (
    "id",
    "status",
    "phase",
    "change_id",
    "attempt",
    "received_at",
    "release",
    "counters",
    "content_changed",
    "changed_items",
    "missing",
    "bytes_read",
    "bytes_stored",
    "duration",
    "head",
)


def outcome_of(
    result: Mapping[str, Any] | None,
    *,
    host: str,
    source: str = "",
    product: str = "",
    instance: str = "",
    phase: str = "",
    backup_host: str = "",
    failure: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The outcome of one host from the result of its product's module.

    :param result: of the module; None or empty when it never ran
    :param source: like ``instance`` and ``phase`` not needed when the result tells of a generation
    :param backup_host: where it ran, named when that host does not answer
    :param failure: of another task on the way; it counts when the module itself did not fail
    """
    result = result or {}
    generation = result.get("generation") or None
    told = generation or {}
    source, instance, phase = (
        given or str(told.get(name) or "")
        for name, given in (("source", source), ("instance", instance), ("phase", phase))
    )
    # a job for many hosts says of one that it could not be reached, and why
    gone = bool(result.get("unreachable") and result.get("error"))
    failed = result if result.get("failed") or gone else (failure or {})
    problem, error = "", ""
    if not product and not failure:
        outcome = SKIPPED
        problem = "It declares no product"
    elif result.get("unreachable") and not gone:
        outcome, error = UNREACHABLE, NO_ANSWER
        problem = f"The backup host {backup_host} cannot be reached." if backup_host else "It cannot be reached."
    elif failed or not any(name in result for name in _ANSWERS):
        error = str(failed.get("error") or "")
        problem = _one_line(failed.get("msg")) or ("The task failed without a word" if failed else _NOT_REACHED)
        outcome = outcome_for(error, phase)
    else:
        outcome = OK
    found: dict[str, Any] = {
        "host": host,
        "source": source or host,
        "product": product,
        "instance": instance,
        "phase": phase,
        "outcome": outcome,
        "problem": problem,
        "error": error,
        "generation": {key: generation[key] for key in _GENERATION_KEYS if key in generation} if generation else None,
        "changed": bool(result.get("changed")),
        "reused": bool(result.get("reused")),
        "open_restores": list(result.get("open_restores") or ()),
        "findings": [dict(one) for one in result.get("findings") or ()],
    }
    found["failure"] = failure_of(found)
    return found


def outcome_for(error: str, phase: str = "") -> str:
    """What the kind of an error makes of a host."""
    if error in _UNREACHABLE_ERRORS:
        return UNREACHABLE
    if error in (_PUSH_ERRORS_OF_A_CHANGE if phase in _CHANGE_PHASES else _PUSH_ERRORS):
        return AWAITING_PUSH
    return REFUSED if error in _REFUSALS else FAILED


def failure_of(outcome: Mapping[str, Any]) -> dict[str, str]:
    """The outcome as the option C(failures) of C(error_report) wants it; empty for a host that is fine."""
    if outcome.get("outcome") in FINE:
        return {}
    generation = outcome.get("generation") or {}
    return {
        **{name: str(outcome.get(name) or "") for name in ("source", "product", "instance", "error", "problem")},
        "generation": str(generation.get("id") or ""),
    }


def complete_outcomes(
    outcomes: Iterable[Mapping[str, Any]],
    hosts: Sequence[str],
    *,
    left_out: Sequence[str] | Mapping[str, str] = (),
    require_product: bool = False,
) -> list[dict[str, Any]]:
    """The outcome of each host, in the order of ``hosts`` and ``left_out``; one without an outcome failed.

    :param hosts: all that the run should have looked after
    :param left_out: hosts that are wanted and that the run was not let near; as a mapping with the reason
    :param require_product: a host without a product is not fine
    """
    known = {str(one["host"]): dict(one) for one in outcomes if one and one.get("host")}
    found = []
    for host in dict.fromkeys([*hosts, *known, *left_out]):
        one = known.get(host)
        if one is None:
            one = _without_outcome(host, REFUSED if host in left_out else FAILED)
            if isinstance(left_out, Mapping) and host in left_out:
                one["problem"] = _one_line(left_out[host])
        elif require_product and one.get("outcome") == SKIPPED:
            one.update(outcome=REFUSED, problem="It declares no product, so nothing of it is saved")
        one["failure"] = failure_of(one)
        found.append(one)
    return found


def _without_outcome(host: str, outcome: str) -> dict[str, Any]:
    return {
        "host": host,
        "source": host,
        "product": "",
        "instance": "",
        "phase": "",
        "outcome": outcome,
        "problem": _LEFT_OUT if outcome == REFUSED else _NOT_REACHED,
        "error": "",
        "generation": None,
        "changed": False,
        "reused": False,
        "open_restores": [],
        "findings": [],
    }


def summary(
    outcomes: Iterable[Mapping[str, Any]],
    *,
    operation: str,
    hosts: Sequence[str] = (),
    run_id: str = "",
    change_id: str = "",
    phase: str = "",
    started: str = "",
    finished: str = "",
    reports: Sequence[str] = (),
) -> dict[str, Any]:
    """C(recovery_result), the small artifact of a run: counts, and only the hosts that are not fine.

    :param hosts: all that the run should have looked after; one without an outcome failed
    """
    found = complete_outcomes(outcomes, hosts)
    bad = [one for one in found if one.get("outcome") not in FINE]
    good = [one for one in found if one.get("outcome") == OK]
    changed = [one for one in good if one.get("changed")]
    return {
        "schema": SCHEMA,
        "operation": operation,
        "run_id": run_id,
        "change_id": change_id,
        "phase": phase,
        "started": started,
        "finished": finished,
        "result": SUCCESS if not bad else (PARTIAL if good else FAILED),
        "hosts_total": len(found),
        "ok": len(good),
        "changed": len(changed),
        "unchanged": len(good) - len(changed),
        "skipped": len(found) - len(bad) - len(good),
        "failed": len(bad),
        "not_fine": [
            {
                "host": str(one["host"]),
                "outcome": str(one.get("outcome")),
                "problem": _one_line(one.get("problem")),
                "generation": (one.get("generation") or {}).get("id"),
            }
            for one in bad
        ],
        "reports": [str(path) for path in reports],
    }


def _one_line(text: Any) -> str:
    """A problem as one line, however long and wild the message of a host was."""
    plain = "".join(char if char.isprintable() else " " for char in str(text or ""))
    return re.sub(r" {2,}", " ", plain).strip()[:_LONGEST_PROBLEM]
