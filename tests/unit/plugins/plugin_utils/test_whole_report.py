# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from support.reports import host, never, result

from ansible_collections.ucops.recovery.plugins.filter.whole_report import FilterModule
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import Finding
from ansible_collections.ucops.recovery.plugins.plugin_utils.whole_report import whole_report

OVERDUE = Finding("overdue", {"age": "3 d", "limit": "1 d"})
FULL = {"kind": "low_space", "text": "1 GiB are free", "facts": {}}


def test_the_worst_of_all_repositories_comes_first():
    report = whole_report(
        [result(host("b"), host("a", OVERDUE)), result(never("z"), host("c"), backup_host="backup2")], [], []
    )
    assert [(one["host"], one["backup_host"]) for one in report["hosts"]] == [
        ("z", "backup2"),
        ("a", "backup1"),
        ("b", "backup1"),
        ("c", "backup2"),
    ]
    assert (report["hosts_total"], report["fine"]) == (4, 2)
    assert report["counts"] == {"never_backed_up": 1, "overdue": 1}
    assert list(report["counts"]) == ["never_backed_up", "overdue"]
    assert report["failing"] == [] and report["at"] == "2026-01-31T14:00:00Z"


def test_what_fails_the_run():
    results = [result(never("z"), host("a", OVERDUE), host("b"), findings=[FULL])]
    report = whole_report(results, ["x"], ["overdue", "low_space", "undeclared"])
    assert [(one["host"], one["kind"]) for one in report["failing"]] == [
        ("a", "overdue"),
        ("backup1", "low_space"),
        ("x", "undeclared"),
    ]
    outcomes = {one["host"]: one for one in report["outcomes"]}
    assert outcomes["b"]["outcome"] == outcomes["z"]["outcome"] == "ok"
    assert outcomes["a"] == {
        "host": "a",
        "outcome": "failed",
        "problem": "The last complete backup is 3 d old, 1 d are allowed",
        "generation": None,
    }
    assert outcomes["backup1"]["outcome"] == outcomes["x"]["outcome"] == "failed"


def test_numbers_for_people():
    report = whole_report([result(host("a"), never("b"))], [], [])
    assert report["hosts"][1]["words"] == {
        "age": "1 h",
        "rpo": "1 d 2 h",
        "drill_interval": "365 d",
        "stored": "5.0 MiB",
        "growth": "10 B",
    }
    assert report["hosts"][0]["words"]["age"] == "" == report["hosts"][0]["words"]["growth"]
    assert report["repositories"][0]["words"]["days"] == "90"
    blind = {"at": "", "place": {"backup_host": "b", "repository": "/r"}, "hosts": [], "orphans": []}
    blind["repository_state"] = {"problem": "gone", "findings": [], "reserve": 1024, "failure_domain": ""}
    (one,) = whole_report([blind], [], [])["repositories"]
    assert one["backup_host"] == "b" and one["words"]["free"] == "" and one["words"]["reserve"] == "1.0 KiB"


def test_what_is_refused():
    with pytest.raises(OptionInvalid, match="no finding ovedue"):
        whole_report([], [], ["ovedue"])
    with pytest.raises(OptionInvalid, match="no result"):
        whole_report([{"msg": "failed", "place": {}}], [], [])
    from ansible.errors import AnsibleFilterError

    with pytest.raises(AnsibleFilterError, match="no finding"):
        FilterModule().filters()["whole_report"]([], fail_on=["nothing"])
