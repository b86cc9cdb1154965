# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ucops.recovery.plugins.filter.shared_failure_domains import FilterModule

shared_failure_domains = FilterModule().filters()["shared_failure_domains"]

HERE = {"host": "backup1", "hypervisor": "esx2", "storage": ["san1", "san2"], "site": "Berlin"}


@pytest.mark.parametrize(
    ("target", "refused", "noticed"),
    [
        ({"hypervisor": "esx1", "storage": "san9", "site": "Hamburg"}, [], []),
        ({"hypervisor": "esx1", "storage": "san9", "site": "berlin"}, [], ["site berlin"]),
        ({"hypervisor": "ESX2 "}, ["hypervisor ESX2"], []),
        ({"storage": ["san7", "san2"], "host": "backup1"}, ["storage san2", "host backup1"], []),
        ({"site": "esx2"}, [], []),
        ("esx2", ["hypervisor esx2"], []),
        ("esx1", [], []),
        (["esx1", "berlin"], ["site berlin"], []),
        (None, [], []),
        ("", [], []),
        ({}, [], []),
        ({"hypervisor": None}, [], []),
    ],
)
def test_host_hypervisor_and_storage_are_not_shared_and_the_rest_is_told(target, refused, noticed):
    assert shared_failure_domains(target, HERE) == {"refused": refused, "noticed": noticed}


def test_names_without_a_kind_decide_on_both_sides():
    assert shared_failure_domains({"site": "berlin"}, "berlin")["refused"] == ["site berlin"]
    assert shared_failure_domains(["rack 7"], ["Rack 7"])["refused"] == ["rack 7"]
    assert shared_failure_domains({"hypervisor": 2}, {"hypervisor": "2"})["refused"] == ["hypervisor 2"]


def test_a_host_that_declares_nothing_shares_nothing():
    assert shared_failure_domains(HERE, None) == {"refused": [], "noticed": []}


@pytest.mark.parametrize("wrong", [True, {"host": {"name": "x"}}, [["x"]], 1.5j])
def test_what_is_no_declaration_is_refused(wrong):
    with pytest.raises(AnsibleFilterError, match="It looks like"):
        shared_failure_domains(wrong, HERE)
