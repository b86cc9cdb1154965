# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from support.repositories import TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._module.companions import Provided, Run, look_for
from ansible_collections.ucops.recovery.plugins.module_utils._module.counters import as_counts, lasting
from ansible_collections.ucops.recovery.plugins.module_utils._module.receipt import (
    RECEIPT,
    as_count,
    committed_at,
    received,
    received_text,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import age_of
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Companion
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import CommitRecord

HOUR = 3600


@pytest.fixture
def record(tmp_path):
    return TestRepository.create(tmp_path).backup({"/a": b"x"}).record


def with_receipt(record, moment):
    """The record as it would be of what arrived then; it is one that format 1 knows."""
    return CommitRecord.from_bytes(replace(record, counts={"users": 3, **as_count(moment)}).to_bytes())


def test_what_was_pulled_is_received_when_it_is_committed(record):
    assert as_count(None) == {} and received(record) == committed_at(record)
    assert received_text(record) == record.received_at


@pytest.mark.parametrize("ago", [0, 1, 5 * HOUR])
def test_what_was_pushed_is_received_when_it_arrived(record, ago):
    moment = int(committed_at(record)) - ago
    pushed = with_receipt(record, moment)
    assert received(pushed) == moment and committed_at(pushed) == committed_at(record)
    now = datetime.fromtimestamp(moment, timezone.utc) + timedelta(hours=7)
    assert age_of(pushed, now) == timedelta(hours=7)
    assert received_text(pushed) == datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_nothing_arrives_after_it_was_committed(record):
    assert received(with_receipt(record, int(committed_at(record)) + HOUR)) == committed_at(record)


def test_it_counts_nothing_of_the_configuration(record):
    counts = {**with_receipt(record, 5).counts, **as_counts({"users": 2})}
    assert counts[RECEIPT] == 5 and lasting(counts) == {"users": 3}


@pytest.mark.parametrize("received_at, missing", [(None, False), (time.time() - 50 * HOUR, True)], ids=["now", "then"])
def test_a_companion_is_of_the_age_of_what_arrived(tmp_path, received_at, missing):
    """What lay in the landing zone for two days belongs to a database of that time, and to none of today."""
    repository = TestRepository.create(tmp_path)
    repository.backup({"/a": b"x"}, product="mssql")
    (state,) = look_for(
        repository.backend,
        [Companion("mssql", "its database", "pbx", max_age=24 * HOUR)],
        Run(None, None, "scheduled"),
        Provided(),
        received_at=received_at,
    )
    assert state.missing is missing
