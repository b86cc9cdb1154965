# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import inspect
import pathlib
import re

import pytest
import yaml
from support.reports import host, never, result

from ansible_collections.ucops.recovery.plugins.filter.backup_concept import FilterModule
from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS
from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import (
    KINDS,
    REPOSITORY_KINDS,
    Finding,
)
from ansible_collections.ucops.recovery.plugins.plugin_utils import backup_concept as writing
from ansible_collections.ucops.recovery.plugins.plugin_utils.whole_report import whole_report

FILES = pathlib.Path(__file__).resolve().parents[4] / "roles" / "report" / "files"
TEXTS = {language: yaml.safe_load((FILES / f"texts.{language}.yml").read_text()) for language in ("en", "de")}
SITE_KEYS = (
    *("security_officer", "it_manager", "administrators", "change_process", "release_process"),
    *("storage_place", "fire_section"),
    *("snapshots", "staff_informed", "access", "threats", "concept_kept", "procurement", "online_storage"),
    "keys_kept",
)
concept = FilterModule().filters()["backup_concept"]

DRILL = {"generation": "a/kamailio/1", "at": "2026-01-02T00:00:00Z", "outcome": "passed", "recovery_seconds": 90}
CLASSES = {name: {"entries": 1, "bytes": 1} for name in writing.DATA_CLASSES}
DECLARED = {
    "rpo": "26h",
    "schedule": "daily 02:00",
    "transfer": "administration network",
    "restore_order": "1",
    "requirements": {"confidentiality": "high", "integrity": "high", "legal": "none", "deletion": "logs 90d"},
    "rto": "4h",
    "owner": "telephony",
    "responsible": "operations",
    "failure_domain": "rack-2",
}
GOOD = {
    **{name: DECLARED[name] for name in ("rto", "owner", "responsible", "schedule", "failure_domain")},
    "rpo_declared": True,
    "drill_interval_declared": True,
    "drill": DRILL,
    "drill_passed": DRILL,
    "data_classes": CLASSES,
}


def declared(name, **facts):
    return {"host": name, "source": name, "product": "kamailio", **DECLARED, **facts}


def of(hosts, says, site=None, retention=None, copies=None, undeclared=(), **state):
    report = whole_report([result(*hosts, **state)], undeclared, [])
    found = concept(report, says, site, retention, copies)
    return {one["clause"]: one for one in found["clauses"]}, found["plans"]


def whole():
    site = {name: f"said of {name}" for name in SITE_KEYS}
    return of([host("a", **GOOD)], [declared("a")], site, {"daily": 14, "per_release": 2}, ["backup2:/srv/copy"])


def test_a_site_that_declares_everything_and_does_it_meets_every_clause():
    clauses, plans = whole()
    assert {name: one["verdict"] for name, one in clauses.items()} == dict.fromkeys(clauses, "met"), clauses
    assert [name for name in clauses if name.startswith("M 6.101")] == [f"M 6.101 ({n})" for n in range(1, 10)]
    assert {name for name in clauses if name.startswith("CON.3")} == {
        f"CON.3.A{n}" for n in (1, 2, 4, 5, 6, 7, 9, 12, 13, 14, 15)
    }
    assert plans[0]["kept_at"] == "backup1:/srv/recovery" and plans[0]["restore_order"] == "1"


def test_a_site_that_declares_nothing_is_told_what_is_missing_and_nothing_is_claimed_for_it():
    clauses, plans = of([host("a", drill_passed=DRILL)], [], failure_domain="")
    # the way by SSH needs no word of anybody
    assert [name for name, one in clauses.items() if one["verdict"] == "met"] == ["M 6.101 (8)"]
    assert not any(one["failed"] for one in clauses.values())
    missing = {fact["facts"].get("variable") for one in clauses.values() for fact in one["missing"]}
    assert {f"recovery_site.{name}" for name in SITE_KEYS} <= missing
    assert {
        "recovery_rpo",
        "recovery_rto",
        "recovery_owner",
        "recovery_responsible",
        "recovery_schedule",
        "recovery_failure_domain",
        "recovery_drill_every",
        "recovery_restore_order",
        "recovery_retention",
        "recovery_copy_host",
        "recovery_requirements.legal",
    } <= missing
    keys = {fact["key"] for fact in clauses["M 6.101 (2)"]["missing"]}
    assert keys == {"class_missing_logs", "class_missing_user_data"}
    assert plans[0]["owner"] == "" and plans[0]["rpo_declared"] is False


def test_what_is_not_as_it_should_be_fails_its_clause():
    late = host("late", Finding("overdue", {"age": "3 d", "limit": "1 d"}), **GOOD)
    alone = host("alone", Finding("not_independent", {"domain": "rack-1"}), **GOOD)
    undrilled = host(
        "undrilled", Finding("never_drilled", {"age": "1 d", "limit": "1 d"}), **{**GOOD, "drill_passed": {}}
    )
    slow = host("slow", Finding("drill_slow", {"took": "9 h", "limit": "1 h"}), **GOOD)
    unchecked = host("unchecked", Finding("never_verified"), **GOOD)
    hosts = [late, alone, undrilled, slow, unchecked, never("new", **{**GOOD, "data_classes": {}})]
    clauses, _plans = of(hosts, [declared(one["host"]) for one in hosts], undeclared=["stranger"])

    def failed(clause):
        return {one["facts"]["hosts"] for one in clauses[clause]["failed"]}

    assert failed("M 6.101 (3)") == failed("CON.3.A5") == {"late, new"}
    assert failed("M 6.101 (5)") == {"new"}
    assert failed("M 6.101 (7)") == {"alone"} and failed("M 6.101 (9)") == {"undrilled"}
    assert failed("CON.3.A15") == {"undrilled", "slow", "unchecked"}
    assert clauses["M 6.101 (3)"]["verdict"] == "not_met"
    assert {"key": "undeclared_hosts", "facts": {"hosts": "stranger"}} in clauses["M 6.101 (2)"]["missing"]


def test_a_data_class_that_is_kept_elsewhere_is_declared():
    says = declared("a", elsewhere={"logs": "sent to the log server", "user_data": "there is none"})
    clauses, plans = of([host("a", **{**GOOD, "data_classes": {"voip_config": {}, "system_config": {}}})], [says])
    assert clauses["M 6.101 (2)"]["verdict"] == "met"
    assert plans[0]["elsewhere"]["logs"] == "sent to the log server"


def test_the_way_of_what_is_pushed_has_to_be_declared():
    pushed = {**host("p", **GOOD), "product": "pushed"}
    clauses, _plans = of([pushed], [declared("p", product="pushed", transfer="")])
    assert clauses["M 6.101 (8)"]["missing"][0]["facts"] == {"variable": "recovery_transfer", "hosts": "p"}
    clauses, _plans = of([pushed], [declared("p", product="pushed")])
    assert clauses["M 6.101 (8)"]["verdict"] == "met"


def test_many_hosts_are_counted_rather_than_named():
    names = [f"h{n:03}" for n in range(40)]
    clauses, _plans = of([host(name) for name in names], [])
    (said,) = [one for one in clauses["M 6.101 (7)"]["missing"] if one["facts"].get("variable", "").endswith("domain")]
    assert said["facts"]["hosts"].endswith("h024 (+15)")


def test_a_site_without_hosts():
    clauses, plans = of([], [])
    assert plans == [] and clauses["M 6.101 (9)"]["stated"][0]["facts"] == {"count": "0", "total": "0"}


# --- the texts -------------------------------------------------------------------------------------------------------
def _shape(value, path=""):
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _shape(below, f"{path}/{key}")
    else:
        yield path, tuple(sorted(re.findall(r"%\((\w+)\)s", value)))


def test_both_languages_say_the_same():
    english, german = dict(_shape(TEXTS["en"])), dict(_shape(TEXTS["de"]))
    # what is found is said in English by the module itself
    texts = {**KINDS, **REPOSITORY_KINDS}
    english.update({f"/kinds/{kind}": tuple(sorted(re.findall(r"\{(\w+)\}", text))) for kind, text in texts.items()})
    assert english == german


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_there_is_a_text_for_everything_that_can_be_said(language):
    texts = TEXTS[language]
    source = inspect.getsource(writing)
    keys = set(re.findall(r'(?:state|miss|fail|fail_of)\(\s*"(\w+)"', source))
    keys |= {f"class_{one}" for one in writing.DATA_CLASSES} | {f"class_missing_{one}" for one in writing.DATA_CLASSES}
    keys |= {f"factor_{one}" for one in ("confidentiality", "integrity", "legal", "deletion")}
    keys |= {f"site_{one}" for one in SITE_KEYS} | {"rto", "owner", "responsible", "schedule"}
    keys |= {f"transfer_{kind}" for kind in {one.connection.name for one in PARTS.values()} - {"landing"}}
    assert keys == set(texts["statements"])
    assert set(texts["states"]) == {"fine", "undeclared", *KINDS, *REPOSITORY_KINDS}
    clauses, _plans = whole()
    assert set(texts["clauses"]) == set(clauses)
    for one in clauses.values():
        for statement in (*one["stated"], *one["missing"], *one["failed"]):
            assert texts["statements"][statement["key"]] % statement["facts"]
