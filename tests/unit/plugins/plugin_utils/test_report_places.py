# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.filter.report_places import FilterModule

report_places = FilterModule().filters()["report_places"]


def host(name, **facts):
    return {"host": name, "source": name, "product": "linux", "backup_host": "b1", "repository": "/r", **facts}


def test_each_repository_is_asked_about_its_hosts():
    places = report_places([host("a"), host("b", repository="/other"), host("c")])
    assert [(one["repository"], [it["host"] for it in one["hosts"]]) for one in places] == [
        ("/other", ["b"]),
        ("/r", ["a", "c"]),
    ]
    assert all(one["problem"] == "" for one in places)


def test_only_what_the_module_takes_is_asked():
    (place,) = report_places([host("a", rpo="26h", owner="", elsewhere={"logs": "x"}, restore_order=3)])
    assert place["hosts"] == [{"host": "a", "source": "a", "product": "linux", "rpo": "26h"}]


def test_what_a_host_shares_with_its_backups_is_found():
    known = [{"backup_host": "b1", "repository": "/r", "failure_domain": {"storage": ["san1", "san2"], "site": "x"}}]
    hosts = [
        host("a", failure_domain={"storage": "SAN1", "site": "x"}),
        host("b", failure_domain={"storage": "san3", "site": "x"}),
        host("c", failure_domain={"storage": {"a": "b"}}),
        host("d"),
    ]
    (place,) = report_places(hosts, known)
    assert place["failure_domain"] == "storage san1, san2, site x"
    a, b, c, d = place["hosts"]
    assert a["shared_domain"] == "storage SAN1" and a["failure_domain"] == "storage SAN1, site x"
    assert "shared_domain" not in b and "shared_domain" not in d
    assert "A failure domain is a name" in c["problem"]


def test_hosts_of_which_nobody_says_where_their_backups_go():
    places = report_places([host("a", backup_host=""), host("b", repository=""), host("c")])
    nowhere, here = places
    assert [one["host"] for one in nowhere["hosts"]] == ["a", "b"] and "does not say where" in nowhere["problem"]
    assert [one["host"] for one in here["hosts"]] == ["c"]


def test_what_is_known_of_a_repository_is_handed_through_also_without_hosts():
    known = [
        {"backup_host": "b1", "repository": "/r", "failure_domain": "rack-1", "allowed_signers": "signers"},
        {"backup_host": "b2", "repository": "/r", "reserve": 5},
    ]
    first, second = report_places([host("a")], known)
    assert first["failure_domain"] == "rack-1" and len(first["hosts"]) == 1
    assert second["reserve"] == 5 and second["hosts"] == [] and second["problem"] == ""


def test_nothing():
    assert report_places([]) == []
