# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_limits import Limits, Place

PBX, LINUX = Place("kamailio", "berlin"), Place("linux", "berlin")


def test_the_first_begins_and_the_total_holds():
    limits = Limits(2)
    assert limits.choose([PBX, LINUX], []) == 0
    assert limits.choose([PBX], [LINUX]) == 0
    assert limits.choose([PBX], [LINUX, LINUX]) is None
    assert limits.choose([], []) is None


def test_a_full_product_or_site_lets_others_pass():
    assert Limits(9, products={"kamailio": 1}).choose([PBX, LINUX], [PBX]) == 1
    assert Limits(9, sites={"berlin": 1}).choose([PBX, LINUX, Place("linux", "bonn")], [PBX]) == 2
    assert Limits(9, each_site=1).choose([PBX, Place("linux", "bonn")], [PBX]) == 1
    assert Limits(9, each_site=1, sites={"berlin": 2}).choose([PBX], [PBX]) == 0
    # who declares no site shares none
    assert Limits(9, each_site=1).choose([Place("linux")], [Place("linux")]) == 0


LATE = Place("procall_server", after=frozenset({"mssql"}))
SQL = Place("mssql", "berlin")


def test_what_may_demand_others_waits_for_the_end_of_these_and_of_nobody_else():
    assert Limits(9).choose([SQL, LATE], []) == 0
    assert Limits(9).choose([LATE, SQL], []) == 1, "one that has not begun is waited for too"
    assert Limits(9).choose([LATE], [SQL]) is None
    assert Limits(9).choose([LATE], [], [SQL]) is None, "one that has not answered too"
    assert Limits(9).choose([LATE], [LINUX], [PBX]) == 0
    assert Limits(9).choose([LATE], []) == 0


def test_one_that_may_demand_its_own_kind_does_not_wait_for_itself():
    itself = Place("procall_server", after=frozenset({"procall_server"}))
    assert Limits(9).choose([itself, itself], [itself]) == 0


@pytest.mark.parametrize(
    "limits", [{"total": 0}, {"total": 1, "products": {"linux": 0}}, {"total": 1, "each_site": -1}]
)
def test_a_limit_that_lets_nobody_begin_is_refused(limits):
    with pytest.raises(OptionInvalid, match="would let no host begin"):
        Limits(**limits)


def place_of(product, site):
    return Place(product, site, frozenset("ab") if product == "c" else frozenset())


places = st.builds(place_of, st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(places, max_size=12), st.randoms(use_true_random=False), st.integers(1, 4), st.integers(1, 3))
def test_everybody_comes_to_his_turn_and_no_limit_is_ever_passed(hosts, random, total, each):
    """Hosts answer, fall silent, answer late and wait for a place, or end without having answered."""
    limits = Limits(total, products={"a": each}, each_site=each)
    waiting = list(hosts)
    running: list[Place] = []
    silent: list[Place] = []
    late: list[Place] = []  # silent ones that have answered
    done = 0
    while waiting or running or silent or late:
        if late and limits.admits(len(running), len(silent) + len(late)):
            running.append(late.pop(0))
            assert len(running) <= total
            continue
        position = limits.choose(waiting, running, [*silent, *late])
        if position is not None:
            place = waiting.pop(position)
            assert not place.after & {one.product for one in (*waiting, *running, *silent, *late)}
            running.append(place)
            begun = [*running, *silent, *late]
            assert len(running) <= total and len(begun) <= 2 * total
            assert Counter(place.product for place in begun)["a"] <= each
            sites = Counter(place.site for place in begun)
            assert all(count <= each for site, count in sites.items() if site)
            continue
        assert running or silent, "all wait, and nobody is at work"
        moves = [
            move for move, of in (("end", running), ("fall silent", running), ("answer", silent), ("die", silent)) if of
        ]
        move = random.choice(moves)
        if move == "fall silent":
            silent.append(running.pop(random.randrange(len(running))))
        elif move == "answer":
            late.append(silent.pop(random.randrange(len(silent))))
        else:
            (running if move == "end" else silent).pop()
            done += 1
    assert done == len(hosts)


def test_silent_hosts_count_when_there_are_more_of_them_than_may_run():
    limits, here = Limits(2), Place("linux", "x")
    assert limits.choose([here], [here], [here] * 2) == 0
    assert limits.choose([here], [here], [here] * 3) is None, "the third counts"
    assert limits.choose([here], [], [here] * 4) is None


def test_for_their_product_and_their_site_silent_hosts_count_always():
    here, elsewhere = Place("linux", "x"), Place("linux", "y")
    assert Limits(4, sites={"x": 1}).choose([here], [], [here]) is None
    assert Limits(4, sites={"x": 1}).choose([here, elsewhere], [], [here]) == 1, "and no other site waits for them"
    assert Limits(4, products={"linux": 1}).choose([here], [], [elsewhere]) is None


def test_a_silent_one_that_answers_waits_for_a_place():
    assert Limits(2).admits(running=1, silent=1)
    assert not Limits(2).admits(running=2, silent=1)
    assert not Limits(2).admits(running=1, silent=4), "one of the other silent ones counts"
    assert Limits(2).admits(running=0, silent=4)
