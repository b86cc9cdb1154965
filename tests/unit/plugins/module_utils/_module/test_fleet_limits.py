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


def test_a_later_wave_waits_for_the_end_of_the_earlier_one():
    late = Place("procall_server", wave=1)
    assert Limits(9).choose([PBX, late], []) == 0
    assert Limits(9).choose([late], [PBX]) is None
    assert Limits(9).choose([late], []) == 0


@pytest.mark.parametrize(
    "limits", [{"total": 0}, {"total": 1, "products": {"linux": 0}}, {"total": 1, "each_site": -1}]
)
def test_a_limit_that_lets_nobody_begin_is_refused(limits):
    with pytest.raises(OptionInvalid, match="would let no host begin"):
        Limits(**limits)


places = st.builds(Place, st.sampled_from("abc"), st.sampled_from(["", "x", "y"]), st.integers(0, 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(places, max_size=12), st.randoms(use_true_random=False), st.integers(1, 4), st.integers(1, 3))
def test_everybody_comes_to_his_turn_and_no_limit_is_ever_passed(hosts, random, total, each):
    limits = Limits(total, products={"a": each}, each_site=each)
    waiting = sorted(hosts, key=lambda place: place.wave)
    running: list[Place] = []
    done = 0
    while waiting or running:
        position = limits.choose(waiting, running)
        if position is None:
            assert running, "all wait, and nobody is at work"
            running.pop(random.randrange(len(running)))
            done += 1
            continue
        running.append(waiting.pop(position))
        assert len(running) <= total and len({place.wave for place in running}) == 1
        assert Counter(place.product for place in running)["a"] <= each
        sites = Counter(place.site for place in running)
        assert all(count <= each for site, count in sites.items() if site)
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


def test_a_later_wave_waits_for_silent_hosts_too():
    assert Limits(2).choose([Place("linux", wave=1)], [], [Place("linux")]) is None
