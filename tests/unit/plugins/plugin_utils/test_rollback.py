# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.filter.rollback_held_back import rollback_held_back
from ansible_collections.ucops.recovery.plugins.filter.rollback_schedule import confirmation, rollback_schedule

LOST = [{"path": "/a"}]
LAST = ["procall_server"]
HALF_DONE = {"outcome": "failed", "details": {"journal": "20261125T200000Z-00000000"}}
TAKEN_BACK = {"outcome": "failed", "details": {**HALF_DONE["details"], "rolled_back_to": "sql1/mssql@CHAT/9"}}
REFUSED = {"outcome": "refused", "details": {}}


def state(host: str, product: str = "kamailio", *, losses: int = 0, needed: bool = True, **more: Any) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "loss_count": losses,
        "losses": LOST * losses,
        "expected": f"{host}/{product}/8",
    }
    demanded = [{"generation": generation} for generation in more.pop("demands", [])]
    plan["companions"] = {"demanded": demanded, "declared": []}
    found = {"host": host, "source": f"{host}-source", "product": product, "needed": needed, "plan": plan}
    return {**found, "generation": f"{host}/{product}/7", "order": "", "outcome": {"outcome": "ok"}, **more}


def estos() -> list[dict[str, Any]]:
    """A server, its database and its directory; the database's generation was made anew since."""
    return [
        state("uc1", "procall_server", needed=False, demands=["sql1/mssql@CHAT/3", "dc1/ad_attributes/1", None]),
        state("sql1", "mssql", generation="sql1/mssql@CHAT/4"),
        state("dc1", "ad_attributes", needed=False),
    ]


def test_without_losses_all_that_differ_go_at_once_and_the_others_are_left_alone() -> None:
    schedule = rollback_schedule([state("a"), state("b", needed=False), state("c")])
    assert schedule == {"losses": [], "refused": {}, "stop": [], "waves": [["a", "c"]]}


def test_one_loss_that_nobody_confirmed_stops_everything_and_names_it() -> None:
    states = [state("a"), state("b", losses=2), state("c", needed=False), state("d", losses=1)]
    schedule = rollback_schedule(states)
    assert schedule["waves"] == schedule["stop"] == []
    assert set(schedule["refused"]) == {"a", "b", "d"}
    assert "lose 2 things that came after b/kamailio/8" in schedule["refused"]["b"]
    assert "b and 1 more would lose" in schedule["refused"]["a"]
    assert [(one["host"], one["count"]) for one in schedule["losses"]] == [("b", 2), ("d", 1)]


@pytest.mark.parametrize("confirm", [True, "true", "yes", ["a-source", "b"], "a-source, b"])
def test_what_was_confirmed_goes_on_and_is_listed_all_the_same(confirm: Any) -> None:
    schedule = rollback_schedule([state("a", losses=1), state("b", losses=1)], confirm)
    assert schedule["waves"] == [["a", "b"]] and schedule["refused"] == {} and len(schedule["losses"]) == 2


@pytest.mark.parametrize("confirm", [False, "", "no", "False", [], ["a-source"], "a"])
def test_what_was_confirmed_for_some_holds_for_nobody_else(confirm: Any) -> None:
    assert rollback_schedule([state("a", losses=1), state("b", losses=1)], confirm)["waves"] == []


def test_a_question_that_nobody_answered_is_no_yes() -> None:
    assert confirmation(None) is False


def test_a_confirmation_that_is_none_is_no_yes() -> None:
    with pytest.raises(AnsibleFilterError):
        confirmation({"a": True})


def test_what_works_with_something_that_comes_back_is_stopped_first_and_comes_last() -> None:
    schedule = rollback_schedule(estos(), last_products=LAST)
    assert schedule["stop"] == ["uc1"]
    assert schedule["waves"] == [["sql1"], ["uc1"]]


def test_what_works_with_nothing_that_comes_back_goes_on_running() -> None:
    one, two, three = estos()
    schedule = rollback_schedule([one, {**two, "needed": False}, {**three, "needed": False}], last_products=LAST)
    assert schedule["stop"] == schedule["waves"] == []


def test_a_declared_order_counts_more_than_the_product() -> None:
    states = [state("a", order="60"), state("b"), state("c", "procall_server"), state("d", "procall_server", order=10)]
    assert rollback_schedule(states, last_products=LAST)["waves"] == [["d"], ["b"], ["a"], ["c"]]


def test_a_host_that_could_not_be_asked_is_not_stopped() -> None:
    one, *others = estos()
    gone = {**one, "outcome": {"outcome": "unreachable"}}
    assert rollback_schedule([gone, *others], last_products=LAST)["stop"] == []


@pytest.mark.parametrize(("outcome", "start"), [(HALF_DONE, False), (TAKEN_BACK, True), (REFUSED, True)])
def test_a_server_waits_for_its_database_and_starts_again_unless_that_is_half_done(
    outcome: dict[str, Any], start: bool
) -> None:
    server, database, directory = estos()
    held = rollback_held_back([server, {**database, "outcome": outcome}, directory], "uc1")
    assert held["start"] is start
    assert "sql1 has to come before it and failed" in held["problem"]


def test_a_failure_holds_back_only_what_declares_a_larger_number() -> None:
    states = [state("a", order="1", outcome=HALF_DONE), state("b", order=2), state("c"), state("d", order="1")]
    assert "a has to come before it" in rollback_held_back(states, "b")["problem"]
    assert rollback_held_back(states, "b")["start"] is True
    assert [rollback_held_back(states, host) for host in ("c", "d", "a")] == [{}, {}, {}]
