# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from support.exposition import parse
from support.reports import HOSTILE, host, never, result
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.filter.recovery_metrics import FilterModule
from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import Finding
from ansible_collections.ucops.recovery.plugins.plugin_utils.whole_report import whole_report

metrics_text = FilterModule().filters()["recovery_metrics"]


def series(*hosts, **state):
    return parse(metrics_text(whole_report([result(*hosts, **state)], ["x", "y"], [])))


def of(found, metric, **labels):
    (value,) = [
        value
        for (name, told), value in found.items()
        if name == f"ucops_recovery_{metric}" and labels.items() <= dict(told).items()
    ]
    return value


def test_what_is_measured():
    drill = {"generation": "a/kamailio/1", "at": "2026-01-02T00:00:00Z", "outcome": "passed", "signer": "auditor"}
    late = host("a", Finding("overdue", {"age": "3 d", "limit": "1 d"}), drill_passed=drill, open_restores=["x"])
    found = series(late, never("n"), host("f"))
    assert of(found, "last_success_timestamp_seconds", host="a") == 1769860800
    assert of(found, "last_success_timestamp_seconds", host="n") == 0
    assert of(found, "last_drill_timestamp_seconds", host="a") == 1767312000
    assert of(found, "last_drill_timestamp_seconds", host="f") == 0
    assert of(found, "last_verify_timestamp_seconds", host="f") == 1769864400
    assert [of(found, "overdue", host=name) for name in "anf"] == [1, 1, 0]
    assert [of(found, "fine", host=name) for name in "anf"] == [0, 0, 1]
    assert of(found, "generations", host="f", status="complete") == 2
    assert of(found, "open_restores", host="a") == 1
    assert of(found, "repository_free_bytes", backup_host="backup1") == 100 * 2**30
    assert of(found, "repository_days_until_full") == 90.4
    assert of(found, "repository_up") == 1
    assert of(found, "findings", kind="never_backed_up") == 1
    assert of(found, "undeclared_hosts") == 2
    assert of(found, "report_timestamp_seconds") == 1769868000


def test_what_is_not_known_is_absent():
    found = series(problem="gone", free_bytes=None, growth={}, days_until_full=None)
    names = {name for name, _labels in found}
    assert of(found, "repository_up") == 0
    assert "ucops_recovery_repository_free_bytes" not in names
    assert "ucops_recovery_repository_days_until_full" not in names
    assert "ucops_recovery_overdue" not in names


def test_a_host_that_stands_twice_gives_one_series():
    found = series(host("a"), host("a"))
    assert of(found, "fine", host="a") == 1


@settings(max_examples=examples(30))
@given(some.one_of(some.just(HOSTILE), some.text(some.characters(), max_size=20)))
def test_hostile_names_stay_names(name):
    found = series({**host("h"), "source": name})
    clean = name.encode("utf-8", "replace").decode("utf-8")
    assert of(found, "fine", host="h", source=clean) == 1


@pytest.mark.parametrize(
    "text",
    [
        "x 1",
        "x 1\n",
        "# HELP x h\nx 1\n",
        "# HELP x h\n# TYPE x gauge\nx one\n",
        '# HELP x h\n# TYPE x gauge\nx{a="b"} 1\nx{a="b"} 2\n',
        '# HELP x h\n# TYPE x gauge\nx{a="b\\"} 1\n',
        '# HELP x h\n# TYPE x gauge\nx{a="b",a="c"} 1\n',
        '# HELP x h\n# TYPE x gauge\nx 1\n# HELP y h\n# TYPE y gauge\ny 1\nx{a="b"} 1\n',
        "# HELP x h\n# TYPE x strange\nx 1\n",
        "# HELP x h\n# HELP x h\n# TYPE x gauge\nx 1\n",
    ],
)
def test_the_reader_of_these_tests_is_strict(text):
    with pytest.raises(ValueError):
        parse(text)
