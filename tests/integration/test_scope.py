# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom an operation is meant for, as a pattern and with --limit: a mistake there is no success over no hosts."""

from __future__ import annotations

import pytest
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.change_site import ChangeSite

pytestmark = pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
CHANGE = "CHG0042"
DEMAND = "Demand hosts for every part of the scope"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Sshd() as server:
        one = ChangeSite(tmp_path_factory.mktemp("site"), server)
        one.add("pbx-a", "pbx-b")
        yield one


@pytest.mark.parametrize("gate", ["pre_change", "post_change", "rollback"])
@pytest.mark.parametrize(
    ("scope", "limit", "named"),
    [
        ("telephny", [], "telephny"),
        ("pbx-a:pbx-c", [], "pbx-c"),
        ("pbx-a", ["--limit", "pbx-b"], "--limit"),
    ],
    ids=["typo", "half a typo", "limited away"],
)
def test_a_gate_that_would_look_at_none_or_not_at_all_of_them_stays_closed(site, gate, scope, limit, named):
    ran = site.run(gate, *limit, change_id=CHANGE, scope=scope)
    assert ran.code != 0, ran.output
    told = ran.of(DEMAND)["msg"]
    assert named in told and ("pbx-c" not in scope or "pbx-a" not in told)
    # nothing was begun, and nobody was asked anything
    assert site.records() == [] and {event["task"] for event in ran.events} == {DEMAND}


def test_a_pattern_is_read_as_ansible_reads_it(site):
    ran = site.run("pre_change", "--check", change_id=CHANGE, scope="~pbx-[ab]:&all[1:2]:!nobody")
    assert ran.code == 0 and ran.stats["hosts_total"] == 2, ran.output


def test_an_inventory_without_hosts_is_no_success(site, monkeypatch):
    monkeypatch.setattr(site, "hosts", {})
    ran = site.run("backup")
    assert ran.code != 0 and "inventory" in ran.of(DEMAND)["msg"], ran.output
