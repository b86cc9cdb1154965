# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order the hosts of a change go back, whether they may, and which of them wait for which.

Everything here works on what the role knows of each host, its state: C(host), C(source), C(needed), C(generation) (the
id of the one to put back), C(plan), C(order) (the declared number, or nothing) and C(outcome), as the role C(restore)
left it. No state is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

State = Mapping[str, Any]

FIRST_WAVE, LAST_WAVE = 50, 90
"""The numbers of hosts that declare none, and of those whose product comes last."""
NOT_COMPARED = "not_compared"


def losses_by_host(states: Iterable[State]) -> list[dict[str, Any]]:
    """What the rollback would lose, of every host that loses something."""
    told = []
    for state in states:
        plan = state.get("plan") or {}
        if state.get("needed") and plan.get("loss_count"):
            told.append(
                {
                    "host": state["host"],
                    "source": state["source"],
                    "since": plan.get("expected", ""),
                    "count": plan["loss_count"],
                    "losses": list(plan.get("losses") or ()),
                    "words": list(plan.get("lost_changes") or ()),
                }
            )
    return told


def is_confirmed(state: State, confirm: bool | Collection[str]) -> bool:
    """Whether somebody said that this host may lose something: for all, or for it by its source or name."""
    if isinstance(confirm, bool):
        return confirm
    return state["source"] in confirm or state["host"] in confirm


def refusals(states: Sequence[State], confirm: bool | Collection[str]) -> dict[str, str]:
    """By host, why it is not touched: while one loss is not confirmed, no host is."""
    needed = [state for state in states if state.get("needed")]
    asked = [state for state in needed if state["plan"].get("loss_count") and not is_confirmed(state, confirm)]
    if not asked:
        return {}
    names = {state["host"] for state in asked}
    first = asked[0]["host"]
    more = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
    told = {}
    for state in needed:
        if state["host"] in names:
            since = state["plan"].get("expected") or state["generation"]
            count = state["plan"]["loss_count"]
            told[state["host"]] = (
                f"It would lose {'one thing' if count == 1 else f'{count} things'} that came after {since}, and nobody"
                " confirmed that. Nothing was touched. Look at the list, then say rollback_confirm."
            )
        else:
            told[state["host"]] = f"Nothing was touched: {first}{more} would lose something that nobody confirmed."
    return told


def demands(state: State) -> set[str]:
    """The lines of other hosts that belong to this host's, such as that of its database."""
    companions = (state.get("plan") or {}).get("companions") or {}
    return {_line(one["generation"]) for one in companions.get("demanded") or () if one.get("generation")}


def to_stop(states: Sequence[State]) -> list[str]:
    """Hosts that have to stand still while something that they work with is put back."""
    coming = {_line(state["generation"]) for state in states if state.get("needed")}
    return [str(state["host"]) for state in states if _can_act(state) and demands(state) & coming]


def waves(states: Sequence[State], stopping: Collection[str], last_products: Collection[str]) -> list[list[str]]:
    """The hosts that are to be restored, in groups that go one after the other. One that was stopped is among them,
    since its restore starts it."""
    numbered: dict[int, list[str]] = {}
    for state in states:
        if state.get("needed") or state["host"] in stopping:
            numbered.setdefault(_number(state, last_products), []).append(str(state["host"]))
    return [numbered[number] for number in sorted(numbered)]


def held_back(states: Sequence[State], host: str) -> dict[str, Any]:
    """Why a host is not restored now: something that it needs first failed. Empty when it may go on.

    C(problem) names it; C(start) tells whether the host, had it been stopped, may be started again: only when nothing
    that it works with is half done.
    """
    mine = next(state for state in states if state["host"] == host)
    failed = [state for state in states if state["host"] != host and _has_failed(state)]
    needs = [state for state in failed if _line(state.get("generation")) in demands(mine)]
    before = [
        state
        for state in failed
        if None not in (_declared(mine), _declared(state)) and _number(state, ()) < _number(mine, ())
    ]
    first = next(iter([*needs, *before]), None)
    if first is None:
        return {}
    return {
        "problem": f"It was left as it is, since {first['host']} has to come before it and failed. Mend that and run"
        " the rollback again.",
        "start": not any(is_half_done(state.get("outcome") or {}) for state in needs),
    }


def is_half_done(outcome: Mapping[str, Any]) -> bool:
    """Whether a restore began on this host and was neither finished nor taken back."""
    details = outcome.get("details") or {}
    return bool(details.get("journal")) and not details.get("rolled_back_to")


def _line(generation: Any) -> str:
    """C(sql1/mssql@CHAT) of C(sql1/mssql@CHAT/7)."""
    return str(generation or "").rpartition("/")[0]


def _can_act(state: State) -> bool:
    return bool(state.get("generation")) and not _has_failed(state)


def _has_failed(state: State) -> bool:
    return (state.get("outcome") or {}).get("outcome") not in ("ok", "skipped")


def _declared(state: State) -> int | None:
    text = str(state.get("order") or "").strip()
    return int(text) if text else None


def _number(state: State, last_products: Collection[str]) -> int:
    declared = _declared(state)
    if declared is not None:
        return declared
    return LAST_WAVE if state.get("product") in last_products else FIRST_WAVE
