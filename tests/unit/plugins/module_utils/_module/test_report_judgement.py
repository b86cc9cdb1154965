# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import (
    KINDS,
    RANKS,
    REPOSITORY_KINDS,
    Finding,
    Limits,
    Space,
    Surroundings,
    bytes_words,
    in_order,
    judge,
    judge_space,
    recovery_seconds,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.report_line import LineFacts
from ansible_collections.ucops.recovery.plugins.module_utils._repository.capacity import Growth
from ansible_collections.ucops.recovery.plugins.module_utils._repository.drills import Drill
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import ChainId

from .._repository.test_capacity import day, record

LIMITS = Limits(age=86400, drill=30 * 86400, verify=7 * 86400)
CHAIN = ChainId("pbx", "kamailio")


def drill(**facts: Any) -> Drill:
    return Drill(CHAIN.generation(1), "", "2026-01-01T00:00:00Z", "passed", "auditor", "", "", facts)


def kinds(line: LineFacts, number: float = 0, **around: Any) -> list[str]:
    told = {"verified": int(day(number).timestamp()), **around}
    return [one.kind for one in judge(line, LIMITS, day(number), Surroundings(**told))]


def line(*days: float) -> LineFacts:
    records = [record(number, day(at), {}) for number, at in enumerate(days, 1)]
    return LineFacts(CHAIN, records, newest_complete=records[-1])


def test_what_was_never_backed_up_comes_before_everything() -> None:
    assert kinds(LineFacts(CHAIN), others=["b"], shared_domain="rack-1")[0] == "never_backed_up"
    assert next(iter(RANKS)) == "never_backed_up"


def test_the_limit_itself_is_in_time() -> None:
    assert kinds(line(0), 1) == []
    assert kinds(line(0), 1.001) == ["overdue"]


def test_of_a_line_that_cannot_be_read_nothing_else_is_claimed() -> None:
    unreadable = LineFacts(CHAIN, problem="It is damaged.")
    assert kinds(unreadable) == ["unreadable"]
    assert kinds(unreadable, others=["b"]) == ["unreadable", "duplicate"]


def test_an_expected_head_that_is_an_earlier_record_is_no_rollback() -> None:
    two = line(0, 0.5)
    assert kinds(two, 1, expected_head=two.records[0].hash) == []
    assert kinds(two, 1, expected_head="f" * 64) == ["rolled_back"]


def test_a_clock_that_differs_a_little_is_right() -> None:
    assert kinds(line(0.003)) == []
    assert kinds(line(0.01)) == ["clock"]


@pytest.mark.parametrize(("ago", "found"), [(0, ["never_verified"]), (1, []), (8, ["verify_overdue"])])
def test_checks_grow_old(ago: int, found: list[str]) -> None:
    told = {"verified": int(day(9 - ago).timestamp()) if ago else 0}
    assert kinds(line(8.5), 9, **told) == found


@pytest.mark.parametrize(("said", "seconds"), [(90, 90.0), (1.5, 1.5), (None, None), ("90", None), (True, None)])
def test_evidence_that_does_not_say_how_long_it_took(said: Any, seconds: float | None) -> None:
    assert recovery_seconds(drill(recovery_seconds=said)) == seconds


def test_room() -> None:
    growing = Growth(10.0, 0.0, 30.0)

    def found(free: int | None, growth: Growth | None) -> list[str]:
        return [one.kind for one in judge_space(Space(free, 100, growth, 30))]

    assert found(100, None) == ["low_space"] and found(101, None) == []
    assert found(399, growing) == ["filling"] and found(400, growing) == [] and found(None, growing) == []


def test_every_kind_has_a_text_that_its_facts_fill() -> None:
    for kind, text in {**KINDS, **REPOSITORY_KINDS}.items():
        facts = dict.fromkeys(re.findall(r"\{(\w+)\}", text), "{x}%s")
        assert Finding(kind, facts).text.count("{x}%s") == len(facts)
    assert not set(KINDS) & set(REPOSITORY_KINDS)
    findings = [Finding("never_verified"), Finding("overdue"), Finding("orphans")]
    assert [one.kind for one in in_order(findings)] == ["overdue", "never_verified", "orphans"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1.5 * 2**30, "1.5 GiB"),
        (-2048, "-2.0 KiB"),
        (2**60, "1048576.0 TiB"),
    ],
)
def test_bytes_for_people(number: float, words: str) -> None:
    assert bytes_words(number) == words
