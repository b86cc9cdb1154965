# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what modules returned in a restore drill to the rungs of its ladder. Pure.

A check that could not be made, or that there is none of, is C(not_possible), with the reason; never C(passed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.ladder import NOT_POSSIBLE
from ansible_collections.ucops.recovery.plugins.module_utils._repository.drills import FAILED, PASSED

NOT_IN_A_FOLDER = "a folder is no system"
SHOWN = 5
"""So many names stand in a detail."""

Step = dict[str, Any]


def opened(result: Mapping[str, Any], generation: Mapping[str, Any], seconds: float) -> list[Step]:
    """The rungs C(opens) and C(complete), of an extraction or the first look of a restore."""
    if result.get("generation") != generation["id"]:
        return [_step("opens", FAILED, seconds, result.get("msg") or "another generation was opened")]
    opens = _step("opens", PASSED, seconds, f"signed by {generation['signer']}, every content compared with its hash")
    if generation["status"] == "complete":
        return [opens, _step("complete", PASSED, 0, "nothing that the product demands is missing")]
    return [opens, _step("complete", FAILED, 0, f"{', '.join(generation['missing'])} is not whole in it")]


def counted_in_folder(result: Mapping[str, Any], generation: Mapping[str, Any], seconds: float) -> list[Step]:
    """The rungs above, where the generation was opened in a folder: what was extracted is counted."""
    steps = [_step(rung, NOT_POSSIBLE, 0, NOT_IN_A_FOLDER) for rung in ("restored", "validators", "service", "call")]
    gone = set(generation.get("expired_classes") or ())
    saved = sum(int(one["entries"]) for one in generation["gathered"].values() if one["data_class"] not in gone)
    found = int(result.get("extracted") or 0) + len(result.get("skipped") or ())
    detail = f"{found} entries were opened, {saved} were saved"
    return [*steps, _step("counts", PASSED if found == saved else FAILED, seconds, detail)]


def restored(result: Mapping[str, Any], generation: Mapping[str, Any], seconds: float) -> list[Step]:
    """The rungs C(restored), C(validators) and C(service), of a restore that was done or that failed."""
    checks = result.get("checks") or (result.get("details") or {}).get("checks") or []
    wrong = [check for check in checks if check["ok"] is False]
    done = result.get("generation") == generation["id"] and "checks" in result
    if not done and not wrong:
        return [_step("restored", FAILED, seconds, result.get("msg") or "the restore did nothing")]
    plan = result.get("plan") or {}
    told = f"{plan['change_count']} changes in {len(plan['restore_order'])} items, " if done else ""
    steps = [_step("restored", PASSED, seconds, f"{told}gathered again and compared" if done else "put back")]
    for rung, kind, none in (
        ("validators", "validator", "this product has no validator"),
        ("service", "health", "this product has no service here"),
    ):
        steps.append(_judged(rung, [check for check in checks if check["kind"] == kind], none))
        if steps[-1]["result"] == FAILED:
            break
    return steps


def _judged(rung: str, checks: Sequence[Mapping[str, Any]], none: str) -> Step:
    bad = [check for check in checks if check["ok"] is False] or [check for check in checks if check["ok"] is None]
    if bad:
        result = FAILED if bad[0]["ok"] is False else NOT_POSSIBLE
        return _step(rung, result, 0, "; ".join(f"{check['name']}: {check['detail']}" for check in bad[:SHOWN]))
    if not checks:
        return _step(rung, NOT_POSSIBLE, 0, none)
    return _step(rung, PASSED, 0, "; ".join(f"{check['name']}: {check['detail']}" for check in checks[:SHOWN]))


def counted(result: Mapping[str, Any], generation: Mapping[str, Any], seconds: float) -> list[Step]:
    """The rung C(counts): as many entries of each item were found on the target as were saved."""
    compared = result.get("compared") or {}
    saved = {name: int(one["entries"]) for name, one in generation["gathered"].items()}
    if not compared:
        return [_step("counts", NOT_POSSIBLE, seconds, "nothing was compared on the target")]
    other = [
        f"{name} has {count} of {saved.get(name, 0)}" for name, count in compared.items() if count != saved.get(name, 0)
    ]
    if other:
        return [_step("counts", FAILED, seconds, "; ".join(sorted(other)[:SHOWN]))]
    left = sorted(set(saved) - set(compared))
    detail = f"{sum(compared.values())} entries in {len(compared)} items, as saved"
    return [_step("counts", PASSED, seconds, detail + (f"; not compared: {', '.join(left)}" if left else ""))]


def _step(rung: str, result: str, seconds: float, detail: Any) -> Step:
    return {"rung": rung, "result": result, "seconds": float(seconds), "detail": str(detail)}


STAGES = {"opened": opened, "in_folder": counted_in_folder, "restored": restored, "counted": counted}
"""What can be judged."""


def judge(result: Mapping[str, Any], stage: str, generation: Mapping[str, Any], seconds: float) -> list[Step]:
    """The rungs that a stage of the drill decides on. Raises OptionInvalid for a stage that is none."""
    if stage not in STAGES:
        raise OptionInvalid(f"There is no stage {stage!r}", hint=f"There are {', '.join(STAGES)}.")
    return STAGES[stage](result, generation, seconds)
