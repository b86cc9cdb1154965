# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One report of what was found in each repository: the worst first, counted, and what of it fails the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.duration import words_for
from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import (
    FINE,
    KINDS,
    REPOSITORY_KINDS,
    bytes_words,
)

UNDECLARED = "undeclared"
"""The finding on a host of the inventory that names neither a product nor why it needs no backup."""

MANY_DAYS = 3650
"""No trend is believed for longer."""

UNDECLARED_TEXT = "It declares no product, and not why it needs no backup"

FAILABLE = (*KINDS, *REPOSITORY_KINDS, UNDECLARED)


def whole_report(
    results: Iterable[Mapping[str, Any]], undeclared: Sequence[str], fail_on: Sequence[str]
) -> dict[str, Any]:
    """The report.

    :param results: of the module C(recovery_report), each with C(place), which names C(backup_host) and C(repository)
    :param undeclared: hosts that declare nothing
    :param fail_on: kinds of findings that fail the run
    :raises OptionInvalid: a kind that there is none, or a result that is no report
    """
    unknown = sorted(set(fail_on) - set(FAILABLE))
    if unknown:
        raise OptionInvalid(f"There is no finding {', '.join(unknown)}", hint=f"There are {', '.join(FAILABLE)}.")
    hosts: list[dict[str, Any]] = []
    orphans: list[dict[str, Any]] = []
    repositories: list[dict[str, Any]] = []
    moments = []
    for result in results:
        if "repository_state" not in result:
            raise OptionInvalid("This is no result of the module recovery_report")
        place = {name: str(result["place"][name]) for name in ("backup_host", "repository")}
        hosts += [{**one, **place, "words": host_words(one)} for one in result["hosts"]]
        orphans += [{**one, **place} for one in result["orphans"]]
        state = result["repository_state"]
        repositories.append({**state, **place, "words": repository_words(state)})
        moments.append(result["at"])
    hosts.sort(key=lambda one: (one["rank"], one["host"], one["line"]))
    failing = list(_failing(hosts, repositories, undeclared, frozenset(fail_on)))
    return {
        "schema": 1,
        "at": max(moments, default=""),
        "hosts": hosts,
        "hosts_total": len(hosts),
        "fine": sum(one["state"] == FINE for one in hosts),
        "repositories": repositories,
        "orphans": orphans,
        "undeclared": sorted(undeclared),
        "counts": _count(hosts, repositories, undeclared),
        "failing": failing,
        "outcomes": _outcomes(hosts, failing),
    }


def host_words(one: Mapping[str, Any]) -> dict[str, str]:
    """Numbers of a host for people, empty where there are none."""
    complete = one["newest_complete"]
    return {
        "age": words_for(complete["age_seconds"]) if complete else "",
        "rpo": words_for(one["rpo_seconds"]),
        "drill_interval": words_for(one["drill_interval_seconds"]),
        "stored": bytes_words(one["stored_bytes"]),
        "growth": bytes_words(one["growth"]["per_day"]) if one["growth"] else "",
    }


def repository_words(state: Mapping[str, Any]) -> dict[str, str]:
    """Numbers of a repository for people, empty where they are not known."""
    growth, days, free = state.get("growth"), state.get("days_until_full"), state.get("free_bytes")
    return {
        "free": bytes_words(free) if free is not None else "",
        "reserve": bytes_words(state["reserve"]),
        "stored": bytes_words(state["stored_bytes"]) if "stored_bytes" in state else "",
        "growth": bytes_words(growth["per_day"]) if growth else "",
        "days": "" if days is None else f"{days:.0f}" if days < MANY_DAYS else f"> {MANY_DAYS}",
    }


def _count(
    hosts: Iterable[Mapping[str, Any]], repositories: Iterable[Mapping[str, Any]], undeclared: Sequence[str]
) -> dict[str, int]:
    """How many findings there are of each kind, the worst kind first; kinds without any are left out."""
    found = [finding["kind"] for one in (*hosts, *repositories) for finding in one["findings"]]
    numbers = {kind: found.count(kind) for kind in (*KINDS, *REPOSITORY_KINDS)}
    numbers[UNDECLARED] = len(undeclared)
    return {kind: number for kind, number in numbers.items() if number}


def _failing(
    hosts: Iterable[Mapping[str, Any]],
    repositories: Iterable[Mapping[str, Any]],
    undeclared: Iterable[str],
    fail_on: frozenset[str],
) -> Iterable[dict[str, str]]:
    for one in hosts:
        for finding in one["findings"]:
            if finding["kind"] in fail_on:
                facts = {name: one[name] for name in ("host", "source", "product", "instance", "line")}
                yield {**facts, "kind": finding["kind"], "text": finding["text"]}
    for one in repositories:
        for finding in one["findings"]:
            if finding["kind"] in fail_on:
                place = {"host": one["backup_host"], "line": one["repository"]}
                yield {**_NO_LINE, **place, "kind": finding["kind"], "text": finding["text"]}
    if UNDECLARED in fail_on:
        for host in sorted(undeclared):
            yield {**_NO_LINE, "host": host, "kind": UNDECLARED, "text": UNDECLARED_TEXT}


def _outcomes(hosts: Iterable[Mapping[str, Any]], failing: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """One of each host, as the filter C(recovery_result) wants them."""
    found = {one["host"]: {"host": one["host"], "outcome": "ok", "problem": "", "generation": None} for one in hosts}
    for one in failing:
        bad = found.setdefault(one["host"], {"host": one["host"], "outcome": "ok", "problem": "", "generation": None})
        if bad["outcome"] == "ok":
            bad.update(outcome="failed", problem=one["text"])
    return list(found.values())


_NO_LINE = {"source": "", "product": "", "instance": "", "line": ""}
