# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    ConnectionLost,
    ItemMissing,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.base import Item
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.sizes import FLOOR, Band
from ansible_collections.ucops.recovery.plugins.module_utils._module.gathering import (
    Gathering,
    check_constant,
    check_sizes,
    check_vanished,
    gather_items,
)

BIG = 100 * FLOOR


def record(sequence=1, **sizes):
    items = {name: {"bytes": size} for name, size in sizes.items()}
    return SimpleNamespace(items=items, sequence=sequence)


def problems(size, before, accept=(), band=Item.band):
    """What is said of an item of this size after complete generations with these, newest first."""
    item = SimpleNamespace(name="config", required=True, band=band)
    gathering = Gathering([item], {"config": ItemReport("config")})
    check_sizes(gathering, {"config": size}, [record(config=one) for one in before], accept)
    return [problem["message"] for problem in gathering.problems()]


@pytest.mark.parametrize(
    ("size", "before"),
    [
        (1, []),
        (BIG, [BIG] * 5),
        (BIG // 2, [BIG] * 5),
        (0, [FLOOR - 1] * 5),
        (BIG // 3, [BIG // 3, BIG, BIG, BIG, BIG]),
        (BIG // 3, [BIG // 4, BIG // 3, BIG, BIG, BIG]),
        (10 * BIG, [BIG] * 5),
        (BIG, [10 * BIG, BIG, BIG, BIG, BIG]),
    ],
    ids=[
        "the first",
        "as before",
        "half of it",
        "too small to tell",
        "shrunk before, which was accepted",
        "accepted two generations ago",
        "grown",
        "grown for a while",
    ],
)
def test_sizes_that_are_nothing_to_ask_about(size, before):
    assert problems(size, before) == []


@pytest.mark.parametrize(
    ("size", "before", "told"),
    [
        (BIG // 2 - 1, [BIG] * 5, f"the median of its last 5 complete generations is {BIG};"),
        (0, [BIG], f"the median of its last 1 complete generations is {BIG};"),
        (BIG // 8, [BIG // 3, BIG, BIG, BIG, BIG], f"the median of its last 1 complete generations is {BIG // 3};"),
    ],
    ids=["below half", "nothing left", "shrunk again after it was accepted"],
)
def test_what_is_below_half_of_its_usual_size_is_told(size, before, told):
    (message,) = problems(size, before)
    assert message.startswith(f"has only {size} bytes, ") and told in message and "accept_shrunken" in message
    assert problems(size, before, accept=["config"]) == []


def test_an_item_may_have_a_band_of_its_own():
    assert problems(BIG // 2, [BIG] * 5, band=Band(0.1, 2.0)) == []
    (message,) = problems(3 * BIG, [BIG] * 5, band=Band(0.1, 2.0))
    assert message.startswith(f"has {3 * BIG} bytes, the median of its last 5 ") and "accept_shrunken" in message


def test_an_item_that_nobody_looked_for_any_more_is_told():
    gathering = Gathering([SimpleNamespace(name="config", required=True)], {"config": ItemReport("config")})
    history = [record(7, config=1, database=BIG, empty=0), record(6, config=1, older=BIG)]
    check_vanished(gathering, history, accept=[])
    assert gathering.missing() == ["database"] and gathering.status == "partial"
    assert "generation 7" in gathering.problems()[0]["message"]
    accepted = Gathering(gathering.items, {"config": ItemReport("config")})
    check_vanished(accepted, history, accept=["database"])
    assert accepted.missing() == [] and accepted.status == "complete"


@pytest.mark.parametrize(
    ("constant", "before", "told"),
    [(True, "other", True), (True, "same", False), (False, "other", False), (True, None, False)],
)
def test_what_is_set_once_and_for_all_is_as_before(constant, before, told):
    item = SimpleNamespace(name="secret", required=True, constant=constant)
    gathering = Gathering([item], {"secret": ItemReport("secret")})
    history = [SimpleNamespace(sequence=7, items={"secret": {"digest": before}} if before else {})]
    check_constant(gathering, {"secret": {"digest": "same"}}, history)
    assert (gathering.missing() == ["secret"]) is told
    assert [("generation 7" in one["message"]) for one in gathering.problems()] == [True] * told


def test_the_first_of_what_is_set_once_is_fine():
    item = SimpleNamespace(name="secret", required=True, constant=True)
    gathering = Gathering([item], {"secret": ItemReport("secret")})
    check_constant(gathering, {"secret": {"digest": "any"}}, [])
    assert gathering.missing() == []


@pytest.mark.parametrize(
    ("error", "not_read"),
    [
        (None, []),
        (ItemMissing("Nothing is there"), []),
        (CommandFailed("find broke off", item="/etc/voip"), ["config"]),
        (ConnectionLost("The line is dead"), ["config", "database"]),
    ],
)
def test_the_contract_names_what_nobody_read_to_its_end(error, not_read):
    def gather(_transport, _report):
        if error is not None:
            raise error
        return iter(())

    items = [SimpleNamespace(name="config", required=True, gather=gather)]
    items.append(SimpleNamespace(name="database", required=True, gather=lambda _transport, _report: iter(())))
    assert gather_items(items, None, None).contract()["not_read"] == not_read
