# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on monitoring and the metrics that there are say the same."""

from __future__ import annotations

import pathlib
import re

import yaml
from support.exposition import parse
from support.reports import host, never, result

from ansible_collections.ucops.recovery.plugins.plugin_utils.recovery_metrics import metrics_text
from ansible_collections.ucops.recovery.plugins.plugin_utils.whole_report import whole_report

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "monitoring.md").read_text()


DRILL = {"at": "2026-01-02T00:00:00Z", "recovery_seconds": 42.5}


def metrics() -> dict[str, set[str]]:
    """Every metric that there is with its labels."""
    found: dict[str, set[str]] = {}
    for name, labels in parse(
        metrics_text(whole_report([result(host("a", drill_passed=DRILL), never("b"))], ["x"], []))
    ):
        found.setdefault(name, set()).update(label for label, _value in labels)
    return found


def rules() -> list[dict[str, object]]:
    (block,) = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if text.startswith("groups:")]
    (group,) = yaml.safe_load(block)["groups"]
    return list(group["rules"])


def test_the_rules_ask_for_metrics_and_labels_that_there_are() -> None:
    known = metrics()
    alerts = [rule["alert"] for rule in rules()]
    assert len(set(alerts)) == len(alerts) >= 9
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        expression = str(rule["expr"])
        named = re.findall(r"ucops_recovery_\w+", expression)
        assert named and set(named) <= set(known), expression
        assert expression.count("(") == expression.count(")")
        for label in re.findall(r"\$labels\.(\w+)", str(rule["annotations"])):
            assert label in known[named[0]], (rule["alert"], label)
        # both sides of a comparison must have the same labels
        assert len({frozenset(known[name]) for name in named}) == 1, expression
        assert re.fullmatch(r"\d+[smhd]", str(rule.get("for", "1m")))


def test_every_metric_is_on_the_page_and_none_that_there_is_not() -> None:
    told = {f"ucops_recovery_repository{name[3:]}" for name in re.findall(r"`(\.\.\._\w+)`", PAGE)}
    told |= set(re.findall(r"ucops_recovery_\w+", PAGE.replace("ucops_recovery.prom", "")))
    assert told - {"ucops_recovery"} == set(metrics())
