# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site's backup concept, clause by clause of the BSI's M 6.101 and CON.3, of what is declared and what was found.

Pure: the report and declarations in, statements out. A statement is a key and the facts that its text names; the texts
stand with the role C(report), one table per language. What is not declared is named, and nothing is claimed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS
from ansible_collections.ucops.recovery.plugins.module_utils._module.duration import words_for
from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import FINE, bytes_words

MET = "met"
NOT_DECLARED = "not_declared"
NOT_MET = "not_met"

DATA_CLASSES = ("voip_config", "system_config", "logs", "user_data")
MOST_NAMES = 25
"""So many hosts are named in one statement; of the rest their number."""

_LATE = frozenset({"never_backed_up", "never_complete", "overdue", "partial", "unreadable", "rolled_back", "unknown"})
_UNDRILLED = frozenset({"never_drilled", "drill_overdue", "drill_failed"})
_FACTORS = ("confidentiality", "integrity", "legal", "deletion")
_SITE = ("security_officer", "it_manager", "administrators")

Statement = Mapping[str, Any]


@dataclass
class Clause:
    """A clause and what is said to it: what is C(stated), what nobody declared, and what is not as it should be."""

    identifier: str
    stated: list[Statement] = field(default_factory=list)
    missing: list[Statement] = field(default_factory=list)
    failed: list[Statement] = field(default_factory=list)

    def state(self, key: str, **facts: Any) -> None:
        """Something that is declared, or was found to be so."""
        self.stated.append({"key": key, "facts": {name: str(value) for name, value in facts.items()}})

    def miss(self, key: str, **facts: Any) -> None:
        """Something that nobody declared."""
        self.missing.append({"key": key, "facts": {name: str(value) for name, value in facts.items()}})

    def fail(self, key: str, **facts: Any) -> None:
        """Something that is not as it should be."""
        self.failed.append({"key": key, "facts": {name: str(value) for name, value in facts.items()}})

    def miss_of(self, variable: str, hosts: Sequence[str]) -> None:
        """A variable that some hosts do not have."""
        if hosts:
            self.miss("variable_of_hosts", variable=variable, hosts=names(hosts))

    def fail_of(self, key: str, hosts: Sequence[str]) -> None:
        """Hosts that are not as they should be."""
        if hosts:
            self.fail(key, hosts=names(hosts))

    def to_result(self) -> dict[str, Any]:
        """For the templates."""
        verdict = NOT_MET if self.failed else NOT_DECLARED if self.missing else MET
        return {
            "clause": self.identifier,
            "verdict": verdict,
            "stated": self.stated,
            "missing": self.missing,
            "failed": self.failed,
        }


def names(hosts: Iterable[str]) -> str:
    """Hosts in one text."""
    ordered = sorted(set(hosts))
    more = f" (+{len(ordered) - MOST_NAMES})" if len(ordered) > MOST_NAMES else ""
    return ", ".join(ordered[:MOST_NAMES]) + more


def backup_concept(
    report: Mapping[str, Any],
    declared: Sequence[Mapping[str, Any]],
    site: Mapping[str, Any],
    retention: Mapping[str, Any],
    copies: Sequence[str],
) -> dict[str, Any]:
    """The concept: C(clauses) with their verdicts, and C(plans), one line per host.

    :param report: what :func:`whole_report` returns
    :param declared: what the inventory says of each host
    :param site: what the operator says of the site as a whole
    :param retention: the options of C(repository_prune)
    :param copies: where further copies of the repositories are
    """
    view = _View(report, declared, site, retention, copies)
    clauses = [_clause(identifier, write, view).to_result() for identifier, write in _CLAUSES]
    return {"clauses": clauses, "plans": [view.plan(one) for one in view.hosts], "site": dict(site)}


def _clause(identifier: str, write: Callable[[Clause, _View], None], view: _View) -> Clause:
    clause = Clause(identifier)
    write(clause, view)
    return clause


class _View:
    """Hosts with what is declared and what was found, side by side."""

    def __init__(
        self,
        report: Mapping[str, Any],
        declared: Sequence[Mapping[str, Any]],
        site: Mapping[str, Any],
        retention: Mapping[str, Any],
        copies: Sequence[str],
    ) -> None:
        told = {(one["host"], one["source"], one["product"], one.get("instance") or ""): one for one in declared}
        self.hosts: list[dict[str, Any]] = [
            {**told.get((one["host"], one["source"], one["product"], one["instance"]), {}), **one}
            for one in sorted(report["hosts"], key=lambda one: (one["host"], one["line"]))
        ]
        self.report = report
        self.site = site
        self.retention = {name: value for name, value in retention.items() if value}
        self.copies = copies

    def without(self, variable: str) -> list[str]:
        """The hosts that do not say something."""
        return [one["host"] for one in self.hosts if not one.get(variable)]

    def found(self, kinds: frozenset[str]) -> list[str]:
        """The hosts with a finding of one of these kinds."""
        return [one["host"] for one in self.hosts if kinds & {finding["kind"] for finding in one["findings"]}]

    def groups(self, variable: str) -> dict[str, list[str]]:
        """The hosts by what they say."""
        found: dict[str, list[str]] = {}
        for one in self.hosts:
            if one.get(variable):
                found.setdefault(str(one[variable]), []).append(one["host"])
        return dict(sorted(found.items()))

    def says(self, clause: Clause, *variables: str) -> None:
        """State what the site says, and name what it does not say."""
        for variable in variables:
            if self.site.get(variable):
                clause.state(f"site_{variable}", value=self.site[variable])
            else:
                clause.miss("variable_of_site", variable=f"recovery_site.{variable}")

    @property
    def rules(self) -> str:
        """Retention in words of the options."""
        return ", ".join(f"{name}: {value}" for name, value in sorted(self.retention.items()))

    def plan(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """The backup plan of a host."""
        return {
            "host": one["host"],
            "line": one["line"],
            "product": one["product"],
            "data_classes": sorted(one["data_classes"]),
            "elsewhere": dict(one.get("elsewhere") or {}),
            "rpo": words_for(one["rpo_seconds"]),
            "rpo_declared": one["rpo_declared"],
            "rto": str(one.get("rto") or ""),
            "schedule": str(one.get("schedule") or ""),
            "drill_interval": words_for(one["drill_interval_seconds"]),
            "drill_interval_declared": one["drill_interval_declared"],
            "restore_order": str(one.get("restore_order") or ""),
            "owner": str(one.get("owner") or ""),
            "responsible": str(one.get("responsible") or ""),
            "failure_domain": str(one.get("failure_domain") or ""),
            "kept_at": f"{one['backup_host']}:{one['repository']}",
            "connection": connection_of(one["product"]),
            "generations": one["generations"]["complete"],
            "stored": bytes_words(one["stored_bytes"]),
            "state": one["state"],
        }


def connection_of(product: str) -> str:
    """How a product is reached, C(other) for one that nobody knows."""
    return PARTS[product].connection.name if product in PARTS else "other"


# --- M 6.101 ---------------------------------------------------------------------------------------------------------
def _responsible(clause: Clause, view: _View) -> None:
    view.says(clause, *_SITE)


def _scope(clause: Clause, view: _View) -> None:
    clause.state("scope", hosts=len(view.hosts), products=names(one["product"] for one in view.hosts))
    for data_class in DATA_CLASSES:
        holding = [one["host"] for one in view.hosts if data_class in one["data_classes"]]
        if holding:
            clause.state(f"class_{data_class}", count=len(holding), total=len(view.hosts))
        for one in view.hosts:
            reason = (one.get("elsewhere") or {}).get(data_class)
            if reason:
                clause.state("class_elsewhere", host=one["host"], data_class=data_class, reason=reason)
        silent = [
            one["host"]
            for one in view.hosts
            if data_class not in one["data_classes"] and not (one.get("elsewhere") or {}).get(data_class)
        ]
        if silent:
            clause.miss(f"class_missing_{data_class}", hosts=names(silent))
    if view.report["undeclared"]:
        clause.miss("undeclared_hosts", hosts=names(view.report["undeclared"]))


def _frequency(clause: Clause, view: _View) -> None:
    for rpo, hosts in view.groups("rpo").items():
        clause.state("rpo", rpo=rpo, hosts=names(hosts))
    for schedule, hosts in view.groups("schedule").items():
        clause.state("schedule", schedule=schedule, hosts=names(hosts))
    late = view.found(_LATE)
    clause.state("in_time", count=len(view.hosts) - len(set(late)), total=len(view.hosts))
    clause.fail_of("late", late)
    clause.miss_of("recovery_rpo", [one["host"] for one in view.hosts if not one["rpo_declared"]])
    clause.miss_of("recovery_schedule", view.without("schedule"))


def _changes(clause: Clause, view: _View) -> None:
    clause.state("change_gate")
    pinned = [one["host"] for one in view.hosts if any(change["kind"] == "change" for change in one["changes"])]
    if pinned:
        clause.state("open_changes", hosts=names(pinned))
    view.says(clause, "change_process")


def _generations(clause: Clause, view: _View) -> None:
    if view.retention:
        clause.state("retention", rules=view.rules)
    else:
        clause.miss("variable_of_site", variable="recovery_retention")
    complete = [one["generations"]["complete"] for one in view.hosts]
    if complete:
        clause.state("generations", least=min(complete), most=max(complete))
    clause.fail_of("one_generation", [one["host"] for one in view.hosts if one["generations"]["complete"] < 2])


def _releases(clause: Clause, view: _View) -> None:
    if view.retention.get("per_release"):
        clause.state("per_release", count=view.retention["per_release"])
    else:
        clause.miss("variable_of_site", variable="recovery_retention.per_release")
    clause.state("release_review")
    clause.state("release_guard")
    view.says(clause, "release_process")


def _independence(clause: Clause, view: _View) -> None:
    for repository in view.report["repositories"]:
        place = f"{repository['backup_host']}:{repository['repository']}"
        if repository["failure_domain"]:
            clause.state("repository_domain", place=place, domain=repository["failure_domain"])
        else:
            clause.miss("repository_domain_missing", place=place)
    clause.fail_of("not_independent", view.found(frozenset({"not_independent"})))
    clause.miss_of("recovery_failure_domain", view.without("failure_domain"))
    _copies(clause, view)


def _copies(clause: Clause, view: _View) -> None:
    if view.copies:
        clause.state("copies", places=", ".join(view.copies))
    else:
        clause.miss("variable_of_site", variable="recovery_copy_host")


def _transfer(clause: Clause, view: _View) -> None:
    for connection in sorted({connection_of(one["product"]) for one in view.hosts}):
        hosts = [one for one in view.hosts if connection_of(one["product"]) == connection]
        if connection not in ("landing", "other"):
            clause.state(f"transfer_{connection}", hosts=names(one["host"] for one in hosts))
        clause_open = [one["host"] for one in hosts if connection in ("landing", "other") and not one.get("transfer")]
        clause.miss_of("recovery_transfer", clause_open)
    for transfer, those in view.groups("transfer").items():
        clause.state("transfer", transfer=transfer, hosts=names(those))
    clause.state("sealed")


def _drills(clause: Clause, view: _View) -> None:
    declared = [one for one in view.hosts if one["drill_interval_declared"]]
    for interval in sorted({one["drill_interval_seconds"] for one in declared}):
        hosts = [one["host"] for one in declared if one["drill_interval_seconds"] == interval]
        clause.state("drill_interval", interval=words_for(interval), hosts=names(hosts))
    drilled = [one for one in view.hosts if one["drill_passed"]]
    clause.state("drilled", count=len(drilled), total=len(view.hosts))
    clause.fail_of("undrilled", view.found(_UNDRILLED))
    clause.miss_of("recovery_drill_every", [one["host"] for one in view.hosts if not one["drill_interval_declared"]])


# --- CON.3 -----------------------------------------------------------------------------------------------------------
def _factors(clause: Clause, view: _View) -> None:
    stored = sum(one["stored_bytes"] for one in view.hosts)
    growth = sum(one["growth"].get("per_day", 0) for one in view.hosts)
    clause.state("volume", stored=bytes_words(stored), growth=bytes_words(growth))
    for variable in ("rto", "owner", "responsible", "schedule"):
        for value, hosts in view.groups(variable).items():
            clause.state(variable, **{variable: value}, hosts=names(hosts))
        clause.miss_of(f"recovery_{variable}", view.without(variable))
    for factor in _FACTORS:
        groups: dict[str, list[str]] = {}
        for one in view.hosts:
            groups.setdefault(str((one.get("requirements") or {}).get(factor) or ""), []).append(one["host"])
        clause.miss_of(f"recovery_requirements.{factor}", groups.pop("", []))
        for value, hosts in sorted(groups.items()):
            clause.state(f"factor_{factor}", value=value, hosts=names(hosts))


def _procedures(clause: Clause, view: _View) -> None:
    clause.state("procedure")
    _frequency(clause, view)
    view.says(clause, "storage_place", "snapshots")


def _plans(clause: Clause, view: _View) -> None:
    clause.state("plans", count=len(view.hosts))
    clause.miss_of("recovery_restore_order", view.without("restore_order"))
    if view.retention:
        clause.state("retention", rules=view.rules)
    else:
        clause.miss("variable_of_site", variable="recovery_retention")
    clause.state("how_to_restore")


def _regular(clause: Clause, view: _View) -> None:
    late = view.found(_LATE)
    clause.state("in_time", count=len(view.hosts) - len(set(late)), total=len(view.hosts))
    clause.fail_of("late", late)
    view.says(clause, "staff_informed")


def _storage(clause: Clause, view: _View) -> None:
    view.says(clause, "storage_place", "fire_section")
    _independence(clause, view)


def _protection(clause: Clause, view: _View) -> None:
    clause.state("sealed")
    clause.state("immutable")
    clause.state("prune_separate")
    view.says(clause, "access")


def _tests(clause: Clause, view: _View) -> None:
    _drills(clause, view)
    clause.miss_of("recovery_rto", view.without("rto"))
    for one in view.hosts:
        if one["drill_passed"].get("recovery_seconds") is not None:
            clause.state("took", took=words_for(one["drill_passed"]["recovery_seconds"]), hosts=one["host"])
    clause.fail_of("slow", view.found(frozenset({"drill_slow"})))
    checked = [one["host"] for one in view.hosts if one["verified"]["hashed_at"] or one["verified"]["opened_at"]]
    clause.state("verified", count=len(checked), total=len(view.hosts))
    clause.fail_of("unverified", view.found(frozenset({"never_verified", "verify_overdue"})))


def _concept(clause: Clause, view: _View) -> None:
    clause.state("this_concept", at=view.report["at"])
    clause.miss_of("recovery_rpo", [one["host"] for one in view.hosts if not one["rpo_declared"]])
    view.says(clause, "threats", "concept_kept", "staff_informed")
    fine = sum(one["state"] == FINE for one in view.hosts)
    clause.state("checked", fine=fine, total=len(view.hosts))


def _procurement(clause: Clause, view: _View) -> None:
    view.says(clause, "procurement")


def _online(clause: Clause, view: _View) -> None:
    view.says(clause, "online_storage")


def _cryptography(clause: Clause, view: _View) -> None:
    clause.state("sealed")
    clause.state("open_formats")
    view.says(clause, "keys_kept")


_CLAUSES: Sequence[tuple[str, Callable[[Clause, _View], None]]] = (
    ("M 6.101 (1)", _responsible),
    ("M 6.101 (2)", _scope),
    ("M 6.101 (3)", _frequency),
    ("M 6.101 (4)", _changes),
    ("M 6.101 (5)", _generations),
    ("M 6.101 (6)", _releases),
    ("M 6.101 (7)", _independence),
    ("M 6.101 (8)", _transfer),
    ("M 6.101 (9)", _drills),
    ("CON.3.A1", _factors),
    ("CON.3.A2", _procedures),
    ("CON.3.A4", _plans),
    ("CON.3.A5", _regular),
    ("CON.3.A12", _storage),
    ("CON.3.A14", _protection),
    ("CON.3.A15", _tests),
    ("CON.3.A6", _concept),
    ("CON.3.A7", _procurement),
    ("CON.3.A9", _online),
    ("CON.3.A13", _cryptography),
)
