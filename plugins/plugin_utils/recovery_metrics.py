# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as metrics in the text format of Prometheus, for the textfile collector of its node exporter. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import FINE
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import parse_moment

PREFIX = "ucops_recovery_"

_LATE = frozenset({"never_backed_up", "never_complete", "overdue"})
_UNDRILLED = frozenset({"never_drilled", "drill_overdue", "drill_failed"})

Number = Union[int, float]


@dataclass
class Metric:
    """A gauge and its samples by their labels: a series that comes twice would spoil the whole file."""

    name: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], Number] = field(default_factory=dict)

    def add(self, labels: Mapping[str, Any], value: Number) -> None:
        """A sample. The first one of the same labels stays."""
        self.samples.setdefault(tuple((name, str(text)) for name, text in labels.items()), value)

    def lines(self) -> list[str]:
        """As it stands in the file."""
        name = PREFIX + self.name
        head = [f"# HELP {name} {_help(self.help)}", f"# TYPE {name} gauge"]
        return head + [f"{name}{_labels(labels)} {_number(value)}" for labels, value in self.samples.items()]


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _labels(labels: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{_escape(text)}"' for name, text in labels) + "}" if labels else ""


def _escape(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: Number) -> str:
    return repr(float(value)) if isinstance(value, float) and not value.is_integer() else str(int(value))


def seconds_of_moment(text: str) -> int:
    """A UTC time as seconds since the epoch, 0 for none."""
    return int(parse_moment(text).timestamp()) if text else 0


_OF_HOST = {
    "last_success_timestamp_seconds": "When the newest complete generation was made, 0 for never.",
    "objective_seconds": "How old the newest complete generation may get.",
    "overdue": "1 when there is no complete generation, or it is older than allowed.",
    "fine": "1 when there is no finding.",
    "last_verify_timestamp_seconds": "When the newest complete generation was checked last, 0 for never.",
    "last_drill_timestamp_seconds": "When the last restore drill passed, 0 for never.",
    "last_drill_duration_seconds": "How long the last restore drill that passed took; absent when that is not known.",
    "drill_interval_seconds": "How long ago the last restore drill that passed may be.",
    "drill_overdue": "1 when a restore drill is overdue, or the last one failed.",
    "open_restores": "Restores that began and did not end.",
    "open_changes": "Holds in force.",
    "stored_bytes": "Size of all objects that its generations need.",
}
_OF_REPOSITORY = {
    "repository_up": "1 when the repository could be looked at.",
    "repository_free_bytes": "Free space on its volume.",
    "repository_reserve_bytes": "What is to stay free.",
    "repository_stored_bytes": "Size of all objects.",
    "repository_growth_bytes_per_day": "Bytes a day by which it grows.",
    "repository_days_until_full": "Days until only the reserve is free; absent when that is not known or not to come.",
    "repository_orphans": "Lines of generations that nobody declares.",
}


def metrics_text(report: Mapping[str, Any]) -> str:
    """The file, for what :func:`whole_report` returns."""
    metrics = {name: Metric(name, text) for name, text in {**_OF_HOST, **_OF_REPOSITORY}.items()}
    generations = Metric("generations", "Generations that are kept, by status.")
    for one in report["hosts"]:
        labels = {name: one[name] for name in ("host", "source", "product")}
        labels["product_instance"] = one["instance"]
        for name, value in _host_values(one).items():
            if value is not None:
                metrics[name].add(labels, value)
        for status in ("complete", "partial"):
            generations.add({**labels, "status": status}, one["generations"][status])
    for one in report["repositories"]:
        labels = {"backup_host": one["backup_host"], "repository": one["repository"]}
        orphans = [
            orphan
            for orphan in report["orphans"]
            if all(orphan[name] == labels[name] for name in ("backup_host", "repository"))
        ]
        for name, found in {**_repository_values(one), "repository_orphans": len(orphans)}.items():
            if found is not None:
                metrics[name].add(labels, found)
    findings = Metric("findings", "Findings by kind.")
    for kind, number in report["counts"].items():
        findings.add({"kind": kind}, number)
    made = Metric("report_timestamp_seconds", "When the report was made.")
    made.add({}, seconds_of_moment(report["at"]))
    undeclared = Metric("undeclared_hosts", "Hosts that declare no product, and not why.")
    undeclared.add({}, len(report["undeclared"]))
    every = [made, *metrics.values(), generations, findings, undeclared]
    return "".join(f"{line}\n" for metric in every if metric.samples for line in metric.lines())


def _host_values(one: Mapping[str, Any]) -> dict[str, Number | None]:
    kinds = {finding["kind"] for finding in one["findings"]}
    verified = max(seconds_of_moment(one["verified"][name]) for name in ("hashed_at", "opened_at"))
    return {
        "last_success_timestamp_seconds": seconds_of_moment(one["newest_complete"].get("at", "")),
        "objective_seconds": one["rpo_seconds"],
        "overdue": int(bool(kinds & _LATE)),
        "fine": int(one["state"] == FINE),
        "last_verify_timestamp_seconds": verified,
        "last_drill_timestamp_seconds": seconds_of_moment(one["drill_passed"].get("at", "")),
        "last_drill_duration_seconds": one["drill_passed"].get("recovery_seconds"),
        "drill_interval_seconds": one["drill_interval_seconds"],
        "drill_overdue": int(bool(kinds & _UNDRILLED)),
        "open_restores": len(one["open_restores"]),
        "open_changes": len(one["changes"]),
        "stored_bytes": one["stored_bytes"],
    }


def _repository_values(one: Mapping[str, Any]) -> dict[str, Number | None]:
    return {
        "repository_up": int(not one["problem"]),
        "repository_free_bytes": one.get("free_bytes"),
        "repository_reserve_bytes": one["reserve"],
        "repository_stored_bytes": one.get("stored_bytes"),
        "repository_growth_bytes_per_day": (one.get("growth") or {}).get("per_day"),
        "repository_days_until_full": one.get("days_until_full"),
    }
